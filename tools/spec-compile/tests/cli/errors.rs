//! What is refused, with which words; nothing is written then.

use crate::{MODEL, Place, fixture, input};

#[test]
fn wrong_usage_is_2() {
    let place = Place::new();
    place.fails(&[], 2);
    place.fails(&["model.mlir"], 2);
    place.fails(&["-o", "out"], 2);
    place.fails(&["model.mlir", "-o", "out", "--emit", "pdf"], 2);
    place.fails(&["--drafter", "d.mlir", "-o", "out"], 2);
    place.fails(&["model.mlir", "--target", "t.mlir", "-o", "out"], 2);
}

/// Runs on `model` with more flags; all parts must be in what it says.
fn refused(model: &str, flags: &[&str], parts: &[&str]) {
    let place = Place::new();
    let err = place.fails(&[&[model, "-o", "out"][..], flags].concat(), 1);
    for part in parts {
        assert!(err.contains(part), "{flags:?}: no '{part}' in\n{err}");
    }
}

#[test]
fn input_files_are_checked() {
    refused(
        "no-such.mlir",
        &[],
        &["cannot read no-such.mlir: No such file"],
    );
    refused(".", &[], &["cannot read .: is a directory"]);
    let truncated = fixture("bad/truncated.mlir");
    refused(
        &truncated,
        &[],
        &[
            "error: expected SSA operand",
            "truncated.mlir:59:30\n 59 |",
            "^\n",
            "is not a module of MLIR",
        ],
    );
    refused(
        &fixture("bad/stablehlo.mlir"),
        &[],
        &["Dialect `stablehlo' not found", "help: lower it first"],
    );
    refused(
        &fixture("bad/torch_dialect.mlir"),
        &[],
        &["unregistered dialect", "help: "],
    );
    let no_model = [
        "spec-identify: @main has no embedding",
        "note: in this function",
        "add --as-is",
    ];
    refused(&fixture("bad/matmul_only.mlir"), &[], &no_model);
    refused(
        &fixture("bad/empty_module.mlir"),
        &["--as-is"],
        &["no public function with a body"],
    );
    let dynamic = [
        "size is known at run time only",
        "give the model static shapes",
    ];
    refused(&fixture("dynamic_bounded.mlir"), &[], &dynamic);
    let place = Place::new();
    let model = fixture(MODEL);
    let err = place.fails(
        &["--drafter", "none.mlir", "--target", &model, "-o", "out"],
        1,
    );
    assert!(err.contains("cannot read none.mlir"), "{err}");
}

#[test]
fn devices_and_options_are_checked() {
    let model = fixture(MODEL);
    let pair = fixture("pair.mlir");
    refused(
        &model,
        &["--soc", "orin"],
        &["unknown SoC 'orin'; built in: imx95"],
    );
    refused(
        &model,
        &["--soc", "./none.toml"],
        &["cannot read './none.toml'"],
    );
    let units = ["'rk3588' has no unit 'npu'; it has cpu-a76, cpu-a55, gpu"];
    refused(
        &model,
        &["--soc", "rk3588", "--target-device", "npu"],
        &units,
    );
    refused(
        &model,
        &["--target-device", "cpu:99"],
        &["has 1 to 2 cores, not '99'"],
    );
    refused(
        &model,
        &["--quantize", "target=i3"],
        &["expected one of none, f16", "got 'i3'"],
    );
    refused(
        &pair,
        &["--plan-options", "alpha=2"],
        &["acceptance rate 2 is not in 0..=1"],
    );
    refused(
        &pair,
        &["--plan-options", "bogus=1"],
        &["no such option bogus"],
    );
    refused(
        &pair,
        &["--plan-options", "soc=host"],
        &["give the device with --soc"],
    );
    let twice = [
        "--plan-options",
        "force-target=cpu",
        "--target-device",
        "cpu",
    ];
    refused(&pair, &twice, &["leave one out"]);
    let planned = input("planned.mlir");
    refused(
        &planned,
        &["--soc", "rk3588"],
        &["@target_cpu is placed on 'cpu'", "give the --soc that"],
    );
    refused(
        &model,
        &["--argument-names", "none.txt"],
        &["cannot read none.txt"],
    );
}

/// A device file of a user that only planning was written for.
#[test]
fn a_device_without_a_machine_section_is_explained() {
    let place = Place::new();
    let file = include_str!("../../../../cost/devices/imx95.toml");
    let start = file.find("[unit.machine]").expect("there");
    let end = start + file[start..].find("[unit.rate]").expect("there");
    std::fs::write(
        place.path("board.toml"),
        [&file[..start], &file[end..]].concat(),
    )
    .expect("written");
    let model = fixture(MODEL);
    let err = place.fails(&[&model, "--soc", "./board.toml", "-o", "out"], 1);
    assert!(
        err.contains("add [unit.machine] to unit 'cpu' (docs/spec-compile.md)"),
        "{err}"
    );
    let wrong = file.replacen("aarch64-unknown-linux-gnu", "riscv64-unknown-linux-gnu", 1);
    std::fs::write(place.path("board.toml"), wrong).expect("written");
    let err = place.fails(&[&model, "--soc", "./board.toml", "-o", "out"], 1);
    assert!(err.contains("only for aarch64 and x86_64"), "{err}");
}

#[test]
fn the_output_folder_is_checked() {
    let place = Place::new();
    std::fs::write(place.path("file"), "x").expect("written");
    let model = fixture(MODEL);
    let err = place.fails(&[&model, "-o", "file"], 1);
    assert!(err.contains("file is a file; -o takes a folder"), "{err}");
    let err = place.fails(&[&model, "-o", "no/such/parent"], 1);
    assert!(err.contains("cannot write no/such: "), "{err}");
}

/// Without a linker there is no model.so, and no half a bundle; the rest can still be had.
#[test]
fn a_missing_linker_is_explained() {
    let place = Place::new();
    let model = fixture(MODEL);
    let run = |args: &[&str]| {
        place
            .command(args)
            .env("PATH", place.path("nothing"))
            .output()
            .expect("it starts")
    };
    let output = run(&[&model, "-o", "out"]);
    let err = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err.contains("no linker: install clang-22 and lld-22") && err.contains("--no-link"),
        "{err}"
    );
    assert_eq!(place.files(), [""; 0]);
    assert_eq!(
        run(&[&model, "-o", "out", "--no-link"]).status.code(),
        Some(0)
    );
    assert!(place.path("out/libmodel.a").is_file());
}
