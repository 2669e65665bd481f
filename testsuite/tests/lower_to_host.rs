//! `spec-lower-to-host`: goldens. What the lowered modules compute is checked in `lower_to_host_twins`.

mod goldens;

use spec_testsuite::tools::{opt_file, opt_text};

const ARGS: [&str; 2] = ["--allow-unregistered-dialect", "--spec-lower-to-host"];

#[test]
fn goldens_of_lower_to_host() {
    goldens::check("lower_to_host", &ARGS);
}

/// What was lowered is lowered: a second run changes nothing.
#[test]
fn lowering_twice_changes_nothing() {
    let cases = goldens::cases("lower_to_host");
    for case in cases.iter().filter(|c| !c.starts_with("error_")) {
        let file = format!("tests/lower_to_host/{case}.mlir");
        let once = opt_file(&[ARGS[0], ARGS[1], &file]).stdout;
        let twice = opt_text(&ARGS, &once);
        assert_eq!(twice.stdout, once, "{case}: {}", twice.stderr);
    }
}
