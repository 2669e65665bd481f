//! Ops without a kernel of their own, on a GPU and on the CPU: integers are equal, floats within a bound.

#[path = "native/calls.rs"]
mod calls;
#[path = "gpu_generic/elementwise.rs"]
mod elementwise;

use spec_testsuite::compiled::Compiled;
use spec_testsuite::gpu::CompiledGpu;
use spec_testsuite::modelgen::Element;
use spec_testsuite::modelgen::run::{Call, Input};

/// Largest difference, relative to one more than the value: a few roundings of f32, one of the others. Vulkan lets asin and acos be
/// 4096 units in the last place off.
fn bound(name: &str, element: Element) -> f64 {
    match element {
        Element::F32 if name.starts_with("asin_") || name.starts_with("acos_") => 4.9e-4,
        Element::F32 => 3e-6,
        Element::F16 => 1.1e-3,
        Element::BF16 => 9e-3,
        _ => 0.0,
    }
}

/// Floats of both signs below 3, integers below 50, places near 3, all bytes and bits.
fn value(name: &str, argument: usize, element: Element, i: usize) -> f64 {
    let seed = i * 2_654_435_761 + argument * 40_503 + name.len() * 977;
    let random = (seed % 65_521) as f64 / 65_521.0;
    match element {
        Element::F32 | Element::F16 | Element::BF16 | Element::F64 => 6.0 * random - 3.0,
        Element::I1 => (random * 2.0).floor(),
        Element::I8 => (random * 256.0).floor() - 128.0,
        Element::I32 => (random * 100.0).floor() - 50.0,
        Element::I64 | Element::Index => (random * 10.0).floor(),
    }
}

fn differs(call: &Call, found: &[Vec<f64>], expected: &[Vec<f64>]) -> Option<String> {
    let name = &call.entry;
    let results = call.results.iter().zip(found.iter().zip(expected));
    for (r, (ty, (found, expected))) in results.enumerate() {
        for (i, (f, e)) in found.iter().zip(expected).enumerate() {
            let near = (f - e).abs() <= bound(name, ty.element) * (1.0 + e.abs());
            if !(near || f == e || f.is_nan() && e.is_nan()) {
                return Some(format!(
                    "{name}: element {i} of result {r} is {f}, on the CPU {e}"
                ));
            }
        }
    }
    None
}

/// Whether a result is another than the argument that it came as.
fn does_something(cpu: &Compiled, call: &Call, expected: &[Vec<f64>]) -> Result<bool, String> {
    let results = &cpu.described(&call.entry)?.results;
    Ok(results.iter().zip(expected).any(|(described, result)| {
        let given = described.aliases_argument.map(|a| &call.args[a]);
        !matches!(given, Some(Input::Dense(_, values)) if values == result)
    }))
}

/// Calls every function of a module on both.
fn problems(module: &str) -> Result<Vec<String>, String> {
    let options = ["--as-is"];
    let (cpu, gpu) = (
        Compiled::new(module, &options)?,
        CompiledGpu::new(module, &options)?,
    );
    let mut problems = vec![];
    for call in calls::calls(module, value) {
        let Call {
            entry,
            args,
            results,
        } = &call;
        let expected = cpu.call(entry, args, results, None)?;
        match gpu.call(entry, args, results) {
            Ok(found) => problems.extend(differs(&call, &found, &expected)),
            Err(error) => problems.push(format!("{entry}: {error}")),
        }
        if !does_something(&cpu, &call, &expected)? {
            problems.push(format!("{entry} does nothing"));
        }
    }
    Ok(problems)
}

fn check(module: &str) {
    let problems = problems(module).unwrap_or_else(|e| panic!("{e}"));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The cases of the folder: reductions, copies of views, gathers, what models have.
#[test]
fn cases() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gpu_generic");
    let mut all = vec![];
    for file in std::fs::read_dir(folder).expect("is there") {
        let path = file.expect("readable").path();
        if path.extension().is_some_and(|e| e == "mlir") {
            let module = std::fs::read_to_string(&path).expect("readable");
            let name = path.file_name().unwrap_or_default().display().to_string();
            let found = problems(&module).unwrap_or_else(|e| vec![e]);
            all.extend(found.into_iter().map(|p| format!("{name}: {p}")));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn floats() {
    check(&elementwise::floats());
}

#[test]
fn integers() {
    check(&elementwise::integers());
}

#[test]
fn comparisons() {
    check(&elementwise::comparisons());
}

#[test]
fn casts() {
    check(&elementwise::casts());
}

#[test]
fn functions() {
    check(&elementwise::functions());
}

#[test]
fn powers() {
    check(&elementwise::powers());
}

#[test]
fn of_any_bits() {
    check(&elementwise::of_any_bits());
}

/// More elements than the invocations that one dimension of a dispatch has.
#[test]
fn many_elements() {
    let ty = "memref<4194369xi32>";
    check(&format!(
        "func.func @fill(%b: {ty}) -> {ty} {{
           %c = arith.constant 77 : i32
           linalg.fill ins(%c : i32) outs(%b : {ty})
           return %b : {ty}
         }}"
    ));
}

/// A position that a cache cannot have, and one that 32 bits cannot: the same row as on the CPU.
#[test]
fn positions_out_of_range() {
    let module = include_str!("gpu_generic/caches.mlir");
    let options = ["--as-is"];
    let cpu = Compiled::new(module, &options).expect("compiles");
    let gpu = CompiledGpu::new(module, &options).expect("compiles");
    for mut call in calls::calls(module, value) {
        for position in [
            0,
            250,
            251,
            252,
            -1,
            i64::from(i32::MAX),
            1 << 40,
            -(1 << 40),
        ] {
            let Input::Dense(_, values) = &mut call.args[0] else {
                panic!("inputs are given as numbers")
            };
            *values = vec![position as f64];
            let Call {
                entry,
                args,
                results,
            } = &call;
            let expected = cpu.call(entry, args, results, None).expect("runs");
            let found = gpu.call(entry, args, results).expect("runs");
            assert_eq!(found, expected, "{entry} at {position}");
        }
    }
}
