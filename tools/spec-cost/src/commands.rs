//! What each sub-command prints.

use crate::args::{CurveArgs, Loaded, PlanArgs};
use spec_cost::{
    Acceptance, Architecture, CostError, ModelShape, Outcome, Problem, Soc, SourceKind, formulas,
    search,
};
use std::fmt::Write as _;

fn run(loaded: &Loaded, acceptance: &Acceptance) -> Result<Outcome, CostError> {
    search(&Problem {
        soc: &loaded.soc,
        target: &loaded.target,
        drafter: loaded.drafter.as_ref(),
        acceptance,
        profile: loaded.profile.as_ref(),
        options: &loaded.options,
    })
}

/// The best plan, as a report or as JSON.
pub(crate) fn plan(args: &PlanArgs) -> Result<String, CostError> {
    let loaded = args.problem.load()?;
    let outcome = run(&loaded, &args.acceptance(loaded.drafter.is_some())?)?;
    if args.json {
        let json = serde_json::to_string_pretty(&outcome);
        return json
            .map(|j| j + "\n")
            .map_err(|e| CostError::Input(format!("cannot print the outcome: {e}")));
    }
    Ok(outcome.explain())
}

/// One line an acceptance rate.
pub(crate) fn curve(args: &CurveArgs) -> Result<String, CostError> {
    let loaded = args.problem.load()?;
    if loaded.drafter.is_none() {
        return Err(CostError::Input("a curve needs --drafter".to_string()));
    }
    let steps = (args.to - args.from) / args.step;
    if !(args.step > 0.0 && (0.0..=1000.0).contains(&steps)) {
        return Err(CostError::Input(
            "--from, --to and --step do not make 1 to 1000 points".to_string(),
        ));
    }
    let mut out = String::new();
    for i in 0..=(steps + 1e-9) as u32 {
        let alpha = args.from + args.step * f64::from(i);
        let outcome = run(&loaded, &Acceptance::constant(alpha, "curve".to_string())?)?;
        let b = &outcome.best;
        if i == 0 {
            let base = &outcome.baseline;
            let _ = writeln!(
                out,
                "baseline: target on {} alone, {:.3} tokens/s",
                base.target, base.tokens_per_second
            );
            if let Some(alpha) = outcome.break_even_alpha {
                let _ = writeln!(out, "break-even alpha {alpha:.3}");
            }
            let _ = writeln!(
                out,
                "alpha  speed-up  gamma  drafter        target         strategy        c      v"
            );
        }
        let drafter = b
            .drafter
            .as_ref()
            .map_or("-".to_string(), ToString::to_string);
        let _ = writeln!(
            out,
            "{alpha:.3}  {:>7.3}x  {:>5}  {drafter:<14} {:<14} {:<14} {:.3}  {:.3}",
            b.speedup,
            b.draft_length,
            b.target.to_string(),
            b.strategy,
            b.c,
            b.v
        );
    }
    Ok(out)
}

/// The devices, or one device's numbers.
pub(crate) fn devices(name: Option<&str>) -> Result<String, CostError> {
    let mut out = String::new();
    let Some(name) = name else {
        for name in Soc::builtin() {
            let soc = Soc::load(name)?;
            let units: Vec<String> = soc
                .units()
                .iter()
                .map(|u| format!("{} ({})", u.name, u.description))
                .collect();
            let (all, guessed) = (soc.numbers().len(), soc.guesses().len());
            let _ = writeln!(
                out,
                "{name:<14} {}; {}; {guessed} of {all} numbers are guesses",
                soc.title(),
                units.join(", ")
            );
        }
        return Ok(out);
    };
    let soc = Soc::load(name)?;
    let _ = writeln!(out, "{}: {}", soc.name(), soc.title());
    for n in soc.numbers() {
        let _ = writeln!(
            out,
            "{:<34} {:>10} {:<10} {:<8}  {}",
            n.key, n.value, n.unit, n.kind, n.source
        );
    }
    let count = |kind: SourceKind| soc.numbers().iter().filter(|n| n.kind == kind).count();
    let _ = writeln!(
        out,
        "{} measured, {} from documents, {} derived, {} guesses",
        count(SourceKind::Measured),
        count(SourceKind::Document),
        count(SourceKind::Derived),
        count(SourceKind::Guess)
    );
    Ok(out)
}

/// The models, or one model's costs for one token at an empty context and at 1024 tokens.
pub(crate) fn models(name: Option<&str>) -> Result<String, CostError> {
    let mut out = String::new();
    let builtin = Architecture::builtin();
    let names: &[&str] = name.as_ref().map_or(&builtin, std::slice::from_ref);
    for n in names {
        let a = Architecture::load(n)?;
        let shape = ModelShape::from_architecture(&a);
        let _ = writeln!(
            out,
            "{:<14} {} parameters, {} MB in {}, vocabulary {}, KV cache {} B a token; {}",
            a.name,
            shape.parameters,
            shape.weight_bytes / 1_000_000,
            shape.dtype,
            shape.vocabulary,
            shape.kv_bytes_per_token,
            a.source
        );
        if name.is_some() {
            let _ = writeln!(
                out,
                "class          kernels   MFLOP at 0   MFLOP at 1024      MB at 0   MB at 1024"
            );
            for c in &shape.classes {
                let _ = writeln!(
                    out,
                    "{:<14} {:>7} {:>12.3} {:>15.3} {:>12.3} {:>12.3}",
                    c.class,
                    c.dispatches,
                    c.flops(1, 0) / 1e6,
                    c.flops(1, 1024) / 1e6,
                    c.bytes(1, 0) / 1e6,
                    c.bytes(1, 1024) / 1e6
                );
            }
        }
    }
    Ok(out)
}

/// Ideal speed-up (v = 1, sigma = 0) and the best draft length in 0..=15.
pub(crate) fn table() -> String {
    const COSTS: [f64; 9] = [0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.50];
    let mut out = "alpha \\ c".to_string();
    for c in COSTS {
        let _ = write!(out, " {c:>7.2}");
    }
    out.push('\n');
    for alpha in [0.6, 0.7, 0.8, 0.85, 0.9, 0.95] {
        let _ = write!(out, "{alpha:<9}");
        for c in COSTS {
            let (gamma, speedup) = formulas::best_ideal(alpha, c, 15);
            let _ = write!(out, " {:>7}", format!("{speedup:.2}@{gamma}"));
        }
        out.push('\n');
    }
    out
}
