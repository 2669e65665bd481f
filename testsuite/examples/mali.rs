//! What Mesa's compiler makes of the kernels of a plan, and what the dispatches of the plan execute.
//!
//!     cargo run --release -p spec-testsuite --example mali -- PLAN.json [--gpu g310|g610] [--trace] [--json OUT.json]
//!
//! A plan: `{"kernels": [{"module": PATH, "entry": NAME, "bindings": N, "push_words": N}], "dispatches": [{"kernel": INDEX,
//! "groups": [X, Y, Z], "push": [WORD..], "known": [[BINDING, WORD, VALUE]..]}]}`. benches/gpu/compare.py writes such plans.
//! Mesa is what scripts/arm64/mesa.sh unpacks.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program

use serde_json::{Value, json};
use spec_testsuite::mali::{self, Gpu, Kernel, Launch, Report, Site, Totals};
use std::path::Path;

type Failure = Box<dyn std::error::Error>;

fn number(of: &Value, key: &str) -> Result<u32, Failure> {
    let value = of[key].as_u64().and_then(|n| n.try_into().ok());
    value.ok_or_else(|| format!("{key:?} is no number in {of}").into())
}

fn list<'a>(of: &'a Value, key: &str) -> Result<&'a Vec<Value>, Failure> {
    of[key]
        .as_array()
        .ok_or_else(|| format!("{key:?} is no list in the plan").into())
}

fn numbers(of: &Value) -> Result<Vec<u32>, Failure> {
    let all: Option<Vec<u32>> = of
        .as_array()
        .and_then(|a| a.iter().map(|n| n.as_u64()?.try_into().ok()).collect());
    all.ok_or_else(|| format!("not a list of numbers: {of}").into())
}

fn kernel(of: &Value) -> Result<Kernel, Failure> {
    let text = |key: &str| {
        of[key]
            .as_str()
            .ok_or_else(|| format!("{key:?} is no text in {of}"))
    };
    Ok(Kernel {
        module: text("module")?.into(),
        entry: text("entry")?.to_owned(),
        bindings: number(of, "bindings")?,
        push_words: number(of, "push_words")?,
    })
}

fn site(of: &Value) -> Result<Site, Failure> {
    let groups =
        <[u32; 3]>::try_from(numbers(&of["groups"])?).map_err(|_| "groups are three numbers")?;
    let mut launch = Launch {
        groups,
        push: numbers(&of["push"])?,
        ..Launch::default()
    };
    for word in list(of, "known")? {
        let [binding, word, value] = numbers(word)?[..] else {
            return Err("a known word is three numbers".into());
        };
        launch.known.insert((binding, word), value);
    }
    Ok(Site {
        kernel: number(of, "kernel")? as usize,
        launch,
    })
}

fn totals(t: &Totals) -> Value {
    json!({
        "dispatches": t.dispatches, "groups": t.groups, "warps": t.warps, "instructions": t.instructions, "emulation": t.emulation, "cycles": t.cycles,
        "data_dependent": t.data_dependent,
        "lanes": [t.buffers.loaded, t.buffers.stored], "shared": [t.shared.loaded, t.shared.stored],
        "warp_lines": t.lines.map(|l| [l.by_warps.loaded, l.by_warps.stored]),
        "distinct_lines": t.lines.map(|l| [l.distinct.loaded, l.distinct.stored]),
        "untraced": t.lines.map(|l| [l.untraced.loaded, l.untraced.stored]),
    })
}

fn to_json(report: &Report) -> Value {
    let rows = report.rows.iter().map(|r| {
        let s = &r.statistics;
        json!({
            "entry": r.entry, "workgroup": r.workgroup, "instructions": s.instructions, "loops": s.loops, "registers": s.registers,
            "full_occupancy": s.full_occupancy(), "spills": s.spills, "fills": s.fills, "code_bytes": s.code_bytes, "cycles": s.cycles,
            "executed_group": r.instructions_of_group, "executed_dispatch": r.instructions_of_dispatch,
            "inner_instructions": r.inner.as_ref().map(|i| i.instructions()),
            "inner_loads": r.inner.as_ref().map(|i| i.loads.clone()),
            "totals": totals(&r.totals),
        })
    });
    json!({ "kernels": rows.collect::<Vec<_>>(), "static_instructions": report.static_instructions(), "totals": totals(&report.totals) })
}

fn run() -> Result<(), Failure> {
    let (mut plan, mut gpu, mut trace, mut out) = (None, Gpu::G310, false, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--gpu" => {
                gpu = match args.next().as_deref() {
                    Some("g310") => Gpu::G310,
                    Some("g610") => Gpu::G610,
                    _ => return Err("--gpu: g310 or g610".into()),
                }
            }
            "--trace" => trace = true,
            "--json" => out = Some(args.next().ok_or("--json needs a file")?),
            _ => plan = Some(arg),
        }
    }
    let plan = plan.ok_or("usage: mali PLAN.json [--gpu g310|g610] [--trace] [--json OUT.json]")?;
    let plan: Value = serde_json::from_str(&std::fs::read_to_string(Path::new(&plan))?)?;
    let kernels: Result<Vec<Kernel>, Failure> =
        list(&plan, "kernels")?.iter().map(kernel).collect();
    let sites: Result<Vec<Site>, Failure> = list(&plan, "dispatches")?.iter().map(site).collect();
    let compiled = mali::compile(gpu, &kernels?)?;
    let report = mali::report(&compiled, &sites?, trace)?;
    match out {
        Some(out) => std::fs::write(out, serde_json::to_string_pretty(&to_json(&report))?)?,
        None => print!("{report}"),
    }
    Ok(())
}

fn main() {
    if let Err(error) = run() {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}
