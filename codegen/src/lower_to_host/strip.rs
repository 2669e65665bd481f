//! Removes what the passes wrote down, and makes sure that nothing of the dialect is left.

use spec_dialect::ffi::{Attr, Op};
use spec_dialect::pass::{Diagnostic, Diagnostics};

/// Removes discardable `spec.*` attributes of ops, function arguments and results.
pub(super) fn strip(op: Op) {
    for (name, value) in op.attrs() {
        if name.starts_with("spec.") {
            op.remove_attr(name);
        } else if matches!(name, "arg_attrs" | "res_attrs")
            && let Some(new) = without_ours(op, value)
        {
            op.set_attr(name, new);
        }
    }
}

/// The list of dictionaries without entries of ours; `None` if there are none.
fn without_ours(op: Op, list: Attr) -> Option<Attr> {
    let mut changed = false;
    let mut out = vec![];
    for dictionary in list.elements()? {
        let mut entries = dictionary.entries()?;
        let before = entries.len();
        entries.retain(|(name, _)| !name.starts_with("spec."));
        changed |= entries.len() < before;
        out.push(Attr::dictionary(op.ctx(), &entries));
    }
    changed.then(|| Attr::array(op.ctx(), &out))
}

/// Errors for every op and attribute of the dialect that is still there.
pub(super) fn check(ops: &[Op]) -> Result<(), Diagnostics> {
    let mut left = vec![];
    for op in ops {
        if op.name().starts_with("spec.") {
            let text = format!(
                "internal error, please report it with the input: {} is left",
                op.name()
            );
            left.push(diagnostic(*op, text));
        }
        for (name, _) in op.attrs().into_iter().filter(|(_, a)| holds_ours(*a)) {
            let text = format!(
                "the attribute '{name}' holds an attribute of the spec dialect under a name that is not the dialect's: remove it"
            );
            left.push(diagnostic(*op, text));
        }
    }
    if left.is_empty() {
        Ok(())
    } else {
        Err(Diagnostics(left))
    }
}

fn diagnostic(op: Op, text: String) -> Diagnostic {
    Diagnostic {
        loc: op.loc(),
        message: format!("spec-lower-to-host: {text}"),
        notes: vec![],
    }
}

fn holds_ours(attr: Attr) -> bool {
    !attr.spec_mnemonic().is_empty()
        || attr
            .elements()
            .is_some_and(|l| l.into_iter().any(holds_ours))
        || attr.entries().is_some_and(|l| {
            l.into_iter()
                .any(|(n, a)| n.starts_with("spec.") || holds_ours(a))
        })
}
