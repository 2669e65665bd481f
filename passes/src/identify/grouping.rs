//! Which forward calls are of one model: same sizes and parameters, and nothing that tells them apart.

use super::find::Instance;
use super::program::{CallRef, FoundModel, Function};
use super::shape::{Measured, Parameter};
use spec_dialect::attrs::{Call, Model, Role};
use spec_dialect::ffi::{Attr, Element, Value};

/// What two calls of one model have in common.
#[derive(PartialEq, Eq, Hash, Clone)]
struct Signature {
    sizes: [u64; 7],
    parameters: Vec<(Vec<Option<u64>>, Element)>,
    /// Which parameters: arguments of one function, or literals. Empty if the caller of a model function chooses.
    identity: Vec<Identity>,
    hint: Option<Role>,
}

#[derive(PartialEq, Eq, Hash, Clone, PartialOrd, Ord)]
enum Identity {
    Value(Value),
    Literal(Attr),
}

fn signature(f: &Function, m: &Measured) -> Signature {
    let s = &m.shape;
    let mut parameters: Vec<_> = m
        .parameters
        .iter()
        .map(|p| (p.value.ty().shape().dims, p.element))
        .collect();
    parameters.sort();
    let literal = |p: &Parameter| {
        p.value
            .def()
            .and_then(|d| d.attr("value").or_else(|| d.attr("global")))
    };
    let mut identity: Vec<Identity> = m
        .parameters
        .iter()
        .filter_map(|p| match literal(p) {
            Some(a) => Some(Identity::Literal(a)),
            None => f.interface.is_none().then_some(Identity::Value(p.value)),
        })
        .collect();
    identity.sort();
    identity.dedup();
    Signature {
        sizes: [
            s.vocabulary,
            s.layers,
            s.hidden,
            s.heads,
            s.kv_heads,
            s.head_dim,
            s.parameters,
        ],
        parameters,
        identity,
        hint: hint(f).map(|h| h.0),
    }
}

/// Role that an attribute or a name gives a model function, with the reason.
fn hint(f: &Function) -> Option<(Role, String)> {
    if let Some(role) = f.op.str_attr("spec.role").and_then(|r| r.parse().ok()) {
        return Some((role, "spec.role".into()));
    }
    f.interface.as_ref()?;
    let name = f.op.symbol()?.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    if has(&["draft", "assistant", "speculator"]) {
        Some((Role::Drafter, format!("the name @{}", f.op.symbol()?)))
    } else if has(&["target", "verif"]) {
        Some((Role::Target, format!("the name @{}", f.op.symbol()?)))
    } else {
        let earlier = f.op.attr("spec.model").and_then(Model::from_attr)?;
        Some((earlier.role, String::new()))
    }
}

/// Role that `spec.role` or `spec.call` attributes on the ops of an inlined call give it.
fn inlined_hint(f: &Function, i: &Instance) -> Option<(Role, String)> {
    i.nodes
        .iter()
        .filter_map(|n| f.analysis.graph.op(*n))
        .find_map(|o| {
            let by_role = o
                .str_attr("spec.role")
                .and_then(|r| r.parse().ok())
                .map(|r| (r, "spec.role".into()));
            by_role.or_else(|| Some((Call::from_attr(o.attr("spec.call")?)?.role, String::new())))
        })
}

pub(super) fn group(functions: &[Function]) -> Vec<FoundModel> {
    let mut models: Vec<(Signature, FoundModel)> = vec![];
    for (fi, f) in functions.iter().enumerate() {
        for (ii, m) in f.measured.iter().enumerate() {
            let call = CallRef {
                function: fi,
                instance: ii,
            };
            let instance = &f.analysis.instances[ii];
            let mut sig = signature(f, m);
            let given = if f.interface.is_some() {
                hint(f)
            } else {
                inlined_hint(f, instance)
            };
            sig.hint = given.as_ref().map(|h| h.0);
            // entry points of one model differ in the tokens they take; two functions of one width are two models
            let is_function = f.interface.is_some();
            let same = |s: &Signature, other: &FoundModel| {
                let roles_agree = s.hint.is_none() || sig.hint.is_none() || s.hint == sig.hint;
                let same_values = !sig.identity.is_empty() && s.identity == sig.identity;
                let same_sizes = s.sizes == sig.sizes && s.identity == sig.identity;
                let new_width =
                    !is_function || same_values || !other.shape.entry_tokens.contains(&m.tokens);
                (same_values || (same_sizes && new_width))
                    && s.parameters == sig.parameters
                    && roles_agree
            };
            if let Some((s, found)) = models.iter_mut().find(|(s, found)| same(s, found)) {
                found.calls.push(call);
                found.shape.entry_tokens.push(m.tokens);
                if s.hint.is_none()
                    && let Some((role, why)) = given
                {
                    (s.hint, found.role, found.why) = (Some(role), Some(role), why);
                }
                continue;
            }
            let loc = if f.interface.is_some() {
                f.op.loc()
            } else {
                instance
                    .heads
                    .first()
                    .and_then(|h| f.analysis.graph.op(*h))
                    .map_or(f.op.loc(), |o| o.loc())
            };
            let (role, why) = given.map_or((None, String::new()), |(r, w)| (Some(r), w));
            let name = if f.interface.is_some() {
                m.shape.name.clone()
            } else {
                format!("{} call {}", m.shape.name, ii)
            };
            models.push((
                sig,
                FoundModel {
                    name,
                    role,
                    why,
                    calls: vec![call],
                    shape: m.shape.clone(),
                    loc,
                },
            ));
        }
    }
    let mut out: Vec<FoundModel> = models.into_iter().map(|m| m.1).collect();
    for m in &mut out {
        m.shape.entry_tokens.sort_unstable();
        m.shape.entry_tokens.dedup();
    }
    out
}
