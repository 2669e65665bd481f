//! Which model is the drafter and which the target: hints first, then names, then size.

use super::program::{FoundModel, Program};
use spec_dialect::attrs::Role;
use spec_dialect::pass::Diagnostics;

fn work(m: &FoundModel) -> f64 {
    m.shape.flops(1, 1)
}

pub(super) fn assign_roles(p: &mut Program) -> Result<(), Diagnostics> {
    let hinted = |p: &Program, r: Role| {
        p.models
            .iter()
            .enumerate()
            .filter(|(_, m)| m.role == Some(r))
            .map(|(i, _)| i)
            .collect::<Vec<_>>()
    };
    let (drafters, targets) = (hinted(p, Role::Drafter), hinted(p, Role::Target));
    for (list, role) in [(&drafters, "drafter"), (&targets, "target")] {
        if let [first, second, ..] = list[..] {
            let message = format!(
                "spec-identify: two models are marked as {role} (by {} and {}); mark one",
                p.models[first].why, p.models[second].why
            );
            return Err(Diagnostics::at(p.models[second].loc, message)
                .note(p.models[first].loc, "the other one"));
        }
    }
    let others: Vec<usize> = (0..p.models.len())
        .filter(|i| p.models[*i].role.is_none())
        .collect();
    let (drafter, target) = match (
        drafters.first().copied(),
        targets.first().copied(),
        &others[..],
    ) {
        (d, Some(t), []) => (d, t),
        (Some(d), Some(t), rest) => {
            for &i in rest {
                p.warnings.push((p.models[i].loc, format!("spec-identify: model '{}' is neither drafter nor target and is left on the host", p.models[i].name)));
            }
            (Some(d), t)
        }
        (None, None, &[one]) => (None, one),
        (Some(d), None, &[t]) => (Some(d), t),
        (None, Some(t), &[d]) => (Some(d), t),
        (None, None, &[a, b]) => by_size(p, a, b)?,
        (Some(d), None, []) => {
            return Err(Diagnostics::at(
                p.models[d].loc,
                format!(
                    "spec-identify: the only model is marked as drafter (by {}); add the target, or remove the mark",
                    p.models[d].why
                ),
            ));
        }
        _ => {
            let mut e = Diagnostics::at(
                p.models[0].loc,
                format!(
                    "spec-identify: {} language models, and nothing says which are the drafter and the target: put spec.role = \"drafter\" and spec.role = \"target\" on two of them",
                    p.models.len()
                ),
            );
            for m in &p.models {
                e = e.note(
                    m.loc,
                    format!(
                        "model '{}': {} parameters, {} layers, vocabulary {}",
                        m.name, m.shape.parameters, m.shape.layers, m.shape.vocabulary
                    ),
                );
            }
            return Err(e);
        }
    };
    let set = |m: &mut FoundModel, role: Role, why: &str| {
        if m.why.is_empty() {
            m.why = why.into();
        }
        m.role = Some(role);
    };
    if let Some(d) = drafter {
        set(
            &mut p.models[d],
            Role::Drafter,
            "the smaller of the two models",
        );
    }
    let why = if drafter.is_some() {
        "the larger of the two models"
    } else {
        "the only model"
    };
    set(&mut p.models[target], Role::Target, why);
    (p.drafter, p.target) = (drafter, target);
    Ok(())
}

fn by_size(p: &Program, a: usize, b: usize) -> Result<(Option<usize>, usize), Diagnostics> {
    let (x, y) = (&p.models[a], &p.models[b]);
    let key = |m: &FoundModel| {
        (
            work(m) as u64, // before bytes: a quantised target may have fewer than its drafter
            m.shape.weight_bytes,
            m.shape.entry_tokens.last().copied(),
        )
    };
    match key(x).cmp(&key(y)) {
        std::cmp::Ordering::Less => Ok((Some(a), b)),
        std::cmp::Ordering::Greater => Ok((Some(b), a)),
        std::cmp::Ordering::Equal => Err(Diagnostics::at(y.loc, "spec-identify: two models of the same size, and nothing says which is the drafter: put spec.role = \"drafter\" on one and spec.role = \"target\" on the other").note(x.loc, "the other one")),
    }
}

pub(super) fn check_pair(p: &mut Program) -> Result<(), Diagnostics> {
    let Some(d) = p.drafter else { return Ok(()) };
    let (drafter, target) = (&p.models[d], &p.models[p.target]);
    if drafter.shape.vocabulary != target.shape.vocabulary {
        let message = format!(
            "spec-identify: the drafter '{}' has a vocabulary of {} tokens and the target '{}' one of {}: speculative decoding needs one tokenizer for both; use a drafter of the target's family",
            drafter.name, drafter.shape.vocabulary, target.name, target.shape.vocabulary
        );
        return Err(Diagnostics::at(drafter.loc, message).note(target.loc, "the target is here"));
    }
    if drafter.shape.weight_bytes > target.shape.weight_bytes && work(drafter) > work(target) {
        let message = format!(
            "spec-identify: the drafter '{}' is larger than the target '{}' ({} and {} bytes of parameters); are the roles swapped?",
            drafter.name, target.name, drafter.shape.weight_bytes, target.shape.weight_bytes
        );
        p.warnings.push((drafter.loc, message));
    }
    Ok(())
}
