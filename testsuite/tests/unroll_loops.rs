//! `spec-unroll-loops`: goldens; the same functions compute the same bits as loops; the largest number of trips that is written out.

#[path = "native/calls.rs"]
mod calls;
mod goldens;
mod native;

use spec_testsuite::modelgen::Element;
use spec_testsuite::modelgen::run::Input;
use spec_testsuite::tools::opt_text;

#[test]
fn goldens_of_unroll_loops() {
    goldens::check("unroll_loops", &["--spec-unroll-loops"]);
}

fn unrolled(module: &str) -> String {
    let ran = opt_text(&["--spec-unroll-loops"], module);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stdout
}

/// Whole numbers and eighths of both signs; a position of 1.
fn value(_: &str, argument: usize, element: Element, i: usize) -> f64 {
    match element {
        Element::Index => 1.0,
        Element::F32 => ((i * 37 + argument * 11) % 23) as f64 / 8.0 - 1.5,
        _ => ((i * 7 + argument * 5) % 17) as f64 - 6.0,
    }
}

/// A golden's functions return what they return as loops.
#[test]
fn goldens_compute_what_they_did() {
    for case in goldens::cases("unroll_loops") {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/unroll_loops");
        let module = std::fs::read_to_string(format!("{folder}/{case}.mlir")).expect("is there");
        let (before, after) = (
            native::compile(&module),
            native::compile(&unrolled(&module)),
        );
        for call in calls::calls(&module, value) {
            let (found, expected) = (after.call(&call), before.call(&call));
            let bits =
                |r: &[Vec<f64>]| -> Vec<u64> { r.iter().flatten().map(|v| v.to_bits()).collect() };
            assert_eq!(bits(&found), bits(&expected), "{case}: {}", call.entry);
            let given = |i: usize| match call.args.get(i) {
                Some(Input::Dense(_, values)) => Some(values),
                _ => None,
            };
            let places = before.layout(&call.entry).results;
            let mut written = places.iter().zip(&found);
            let works = written.any(|(place, result)| given(*place) != Some(result));
            assert!(works, "{case}: {} does nothing", call.entry);
        }
    }
}

fn loop_of(trips: usize) -> String {
    format!(
        "func.func @f(%x: i32) -> i32 {{
           %c0 = arith.constant 0 : index
           %c1 = arith.constant 1 : index
           %n = arith.constant {trips} : index
           %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (i32) {{
             %b = arith.addi %a, %x : i32
             scf.yield %b : i32
           }}
           return %r : i32
         }}"
    )
}

#[test]
fn at_most_4096_trips_are_written_out() {
    let count = |trips| unrolled(&loop_of(trips)).matches("arith.addi").count();
    assert_eq!((count(4096), count(4097)), (4096, 1));
}
