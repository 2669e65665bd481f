//! What is in a bundle.

use crate::{MODEL, Place, fixture, input, json};
use object::{Architecture, Object, ObjectSymbol};
use spec_runtime::manifest::{ArgumentKind, DType, QuantFormat, Role};
use std::process::Command;

/// Global definitions of an object or a library.
fn symbols(path: &std::path::Path) -> (Architecture, Vec<String>) {
    let bytes = std::fs::read(path).expect("readable");
    let file = object::File::parse(&*bytes).expect("an object");
    let global = file
        .symbols()
        .filter(|s| s.is_global() && s.is_definition());
    let mut names: Vec<String> = global
        .filter_map(|s| Some(s.name().ok()?.to_owned()))
        .collect();
    names.sort();
    (file.architecture(), names)
}

fn compiles(header: &std::path::Path, language: &str, standard: &str) {
    let mut command = Command::new("clang-22");
    command.args([
        "-Wall",
        "-Wextra",
        "-pedantic",
        "-Werror",
        "-fsyntax-only",
        "-x",
        language,
    ]);
    let output = command.arg(format!("-std={standard}")).arg(header).output();
    let output = output.expect("clang-22 is installed");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{language}: {text}");
}

#[test]
fn one_model_for_a_board() {
    let place = Place::new();
    let (out, _) = place.ok(&[&fixture(MODEL), "--soc", "imx95", "-o", "out", "--json"]);
    let summary = json(&out);
    assert_eq!(summary["soc"], "imx95");
    assert_eq!(summary["functions"][0]["kernels"]["linear"], 36);
    assert_eq!(summary["functions"][0]["recognised"], 68);
    assert_eq!(summary["regions"][0]["cpu"], "cortex-a55");
    assert!(
        summary["regions"][0]["code_bytes"]
            .as_u64()
            .is_some_and(|n| n > 1000)
    );
    let (architecture, names) = symbols(&place.path("out/model.o"));
    assert_eq!(
        (architecture, names),
        (Architecture::Aarch64, vec!["decode".to_owned()])
    );
    assert_eq!(
        symbols(&place.path("out/model.so")).0,
        Architecture::Aarch64
    );
    let archive = std::fs::read(place.path("out/libmodel.a")).expect("readable");
    assert!(archive.starts_with(b"!<arch>\n/ "), "an index comes first");

    let manifest = place.manifest("out");
    let decode = &manifest.functions[0];
    assert_eq!((decode.role, decode.tokens), (Role::Target, 1));
    let kinds: Vec<ArgumentKind> = decode.arguments.iter().map(|a| a.kind).collect();
    use ArgumentKind::{Cache, Position, Tokens, Weight};
    assert_eq!(kinds[..4], [Tokens, Position, Cache, Cache]);
    assert!(kinds[4..].iter().all(|k| *k == Weight));
    let aliases: Vec<_> = decode.results.iter().map(|r| r.aliases_argument).collect();
    assert_eq!(aliases, [None, Some(2), Some(3)]);
    assert_eq!(manifest.weights.len(), 47);
    let target = manifest.target.expect("a library");
    assert_eq!(target.features, ["dotprod", "fullfp16", "neon"]);
    let plan = manifest.plan.expect("one model has a plan too");
    assert_eq!((plan.gamma, plan.speed_up, plan.acceptance), (0, 1.0, None));
    assert!(plan.tokens_per_second.is_some_and(|rate| rate > 1.0));
    let placed: Vec<_> = (plan.placements.iter())
        .map(|p| (p.role, p.device.as_str(), p.cores, p.dtype.as_deref()))
        .collect();
    assert_eq!(placed, [(Role::Target, "cpu", 6, Some("f32"))]);
    let [model] = &manifest.models[..] else {
        panic!("{:?}", manifest.models);
    };
    assert_eq!((model.role, model.layers), (Role::Target, 5));
}

#[test]
fn a_pair_on_two_kinds_of_core() {
    let place = Place::new();
    let args = [
        "--soc",
        "rk3588",
        "--plan-options",
        "alpha=0.99 max-draft-length=4",
    ];
    let units = [
        "--drafter-device",
        "cpu-a55:2",
        "--target-device",
        "cpu-a76",
        "--emit=asm,obj",
    ];
    place.ok(&[
        &[fixture("pair.mlir").as_str(), "-o", "out"][..],
        &args,
        &units,
    ]
    .concat());
    let manifest = place.manifest("out");
    let plan = manifest.plan.as_ref().expect("a plan");
    assert_eq!(plan.gamma, 4);
    let placed: Vec<_> = plan
        .placements
        .iter()
        .map(|p| (p.role, p.device.as_str(), p.cores))
        .collect();
    assert_eq!(
        placed,
        [(Role::Drafter, "cpu-a55", 2), (Role::Target, "cpu-a76", 4)]
    );
    let mut names: Vec<String> = manifest
        .functions
        .iter()
        .filter_map(|f| f.symbol.clone())
        .collect();
    names.sort();
    assert_eq!(symbols(&place.path("out/model.o")).1, names);
    assert_eq!(names, ["drafter_cpu_a55_draft", "target_cpu_a76_verify5"]);
    let asm = |name: &str| std::fs::read_to_string(place.path(name)).expect("assembly");
    assert!(asm("out/drafter_cpu_a55.s").contains("drafter_cpu_a55_draft:"));
    assert!(asm("out/target_cpu_a76.s").contains("target_cpu_a76_verify5:"));
    assert!(place.path("out/target_cpu_a76.o").is_file());
    compiles(&place.path("out/model.h"), "c", "c11");
    compiles(&place.path("out/model.h"), "c++", "c++17");
}

/// A module that was partitioned before: around each model function there is one that the round calls.
#[test]
fn functions_around_models_are_understood() {
    let place = Place::new();
    let partitioned = spec_opt(&fixture("pair.mlir"));
    std::fs::write(place.path("partitioned.mlir"), partitioned).expect("written");
    place.ok(&["partitioned.mlir", "--soc", "rk3588", "-o", "out"]);
    let manifest = place.manifest("out");
    let plan = manifest.plan.as_ref().expect("a plan");
    assert_eq!((plan.gamma, plan.acceptance), (4, Some(0.99)));
    assert!(plan.tokens_per_second.is_some_and(|r| r > 0.0));
    let roles: Vec<_> = manifest.models.iter().map(|m| (m.role, m.layers)).collect();
    assert_eq!(roles, [(Role::Drafter, 2), (Role::Target, 5)]);
    assert!(manifest.models.iter().all(|m| m.shape.is_null()));
    // a function around the model function: where its arguments go says what they are
    let step = manifest
        .functions
        .iter()
        .find(|f| f.name == "draft_step")
        .expect("there");
    assert_eq!((step.role, step.tokens), (Role::Drafter, 1));
    let kinds: Vec<ArgumentKind> = step.arguments.iter().map(|a| a.kind).collect();
    use ArgumentKind::{Cache, Position, Tokens, Weight};
    assert_eq!(kinds[..4], [Tokens, Position, Cache, Cache]);
    assert!(kinds[4..].iter().all(|k| *k == Weight));
    assert_eq!(
        step.results
            .iter()
            .filter(|r| r.aliases_argument.is_some())
            .count(),
        2
    );
    // the same weights as the model function's
    let draft = manifest
        .functions
        .iter()
        .find(|f| f.name == "draft")
        .expect("there");
    assert_eq!(draft.arguments[4].name, step.arguments[4].name);
}

/// A pair, partitioned for two kinds of core.
fn spec_opt(model: &str) -> String {
    use spec_codegen::ffi::Session;
    spec_dialect::ffi::register_upstream_passes();
    spec_passes::register();
    spec_codegen::register();
    let session = Session::new();
    let module = spec_dialect::ffi::parse_module_file(session.ctx(), model).expect("a module");
    let options =
        "soc=rk3588 alpha=0.99 max-draft-length=4 force-drafter=cpu-a55:2 force-target=cpu-a76";
    let pipeline = format!("builtin.module(spec-partition{{{options}}})");
    session.run(module, &pipeline).expect("partitioned");
    module.to_text()
}

#[test]
fn headers_compile_with_strange_names() {
    let place = Place::new();
    place.ok(&[&input("linear.mlir"), "--as-is", "-o", "out"]);
    let header = std::fs::read_to_string(place.path("out/model.h")).expect("a header");
    for line in [
        "int32_t apply_it(void *const *args, void *workspace, const spec_pool *pool);",
        "store_ARG_argument_1 = 1, /* other: f32 [8, 4], 128 bytes, read and written: result 0 */",
        "store_ARG_result_1   = 3, /* written: i1 [], 1 bytes, result 1 */",
        "store_ARGS = 4",
    ] {
        assert!(header.contains(line), "no '{line}' in\n{header}");
    }
    compiles(&place.path("out/model.h"), "c", "c11");
    compiles(&place.path("out/model.h"), "c++", "c++17");
}

#[test]
fn emitted_texts_are_what_they_are_called() {
    let place = Place::new();
    let args = [
        input("linear.mlir"),
        "--as-is".into(),
        "-o".into(),
        "out".into(),
    ];
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    args.extend([
        "--soc",
        "rpi5",
        "--emit",
        "mlir",
        "--emit",
        "llvm",
        "--emit",
        "asm",
        "--no-link",
    ]);
    place.ok(&args);
    let text = |name: &str| std::fs::read_to_string(place.path(name)).expect("text");
    assert!(text("out/model.mlir").contains("spec.linear out_in dense"));
    assert!(text("out/model.ll").contains("target triple = \"aarch64-unknown-linux-gnu\""));
    assert!(text("out/model.s").contains("apply_it:"));
    assert!(!place.path("out/model.so").exists());
    let library = place.manifest("out").library.expect("a library");
    assert_eq!(library.file, "libmodel.a");
}

#[test]
fn quantised_weights_are_described() {
    let place = Place::new();
    let quantize = ["--quantize", "target=i4g32"];
    place.ok(&[&[fixture(MODEL).as_str(), "-o", "out"][..], &quantize].concat());
    let manifest = place.manifest("out");
    let decode = &manifest.functions[0];
    let table = &decode.arguments[4];
    let from = table
        .quantised_from
        .as_ref()
        .expect("the table is quantised");
    assert_eq!((table.dtype, &table.shape[..]), (DType::I8, &[512, 32][..]));
    assert_eq!((from.dtype, &from.shape[..]), (DType::F32, &[512, 64][..]));
    assert_eq!((from.format, from.group), (QuantFormat::I4, 32));
    let scale = &decode.arguments[from.scale_argument];
    assert_eq!(scale.name.as_deref(), Some("target.0.scale"));
    assert_eq!(&scale.shape[..], [512, 2]);
    assert!(manifest.weights.iter().any(|w| w.name == "target.0.scale"));
    assert!(
        decode
            .results
            .iter()
            .skip(1)
            .all(|r| r.aliases_argument.is_some())
    );
}

#[test]
fn weights_have_the_names_that_the_user_gives() {
    let place = Place::new();
    let names: String = (0..51).map(|i| format!("name.{i} [1] float\n")).collect();
    std::fs::write(place.path("names.txt"), names).expect("written");
    std::fs::write(place.path("other.txt"), "a\nb\n").expect("written");
    let flags = ["--argument-names", "decode=names.txt"];
    place.ok(&[&[fixture(MODEL).as_str(), "-o", "out"][..], &flags].concat());
    let manifest = place.manifest("out");
    let decode = &manifest.functions[0];
    let given: Vec<_> = decode
        .arguments
        .iter()
        .filter_map(|a| a.name.clone())
        .collect();
    assert_eq!(
        given,
        (0..51).map(|i| format!("name.{i}")).collect::<Vec<_>>()
    );
    assert_eq!(manifest.weights[0].name, "name.4");
    let flags = ["--argument-names", "other.txt"];
    let (_, err) = place.ok(&[&[fixture(MODEL).as_str(), "-o", "out"][..], &flags].concat());
    assert!(
        err.contains("--argument-names: no function with 2 arguments"),
        "{err}"
    );
}

#[test]
fn a_folder_in_use_keeps_what_is_not_ours() {
    let place = Place::new();
    let model = input("linear.mlir");
    place.ok(&[&model, "--as-is", "-o", "out"]);
    std::fs::write(place.path("out/weights.bin"), "precious").expect("written");
    let before = std::fs::metadata(place.path("out/model.h")).and_then(|m| m.modified());
    place.ok(&[&model, "--as-is", "-o", "out", "--no-link"]);
    let after = std::fs::metadata(place.path("out/model.h")).and_then(|m| m.modified());
    assert!(after.expect("time") >= before.expect("time"));
    let expected = [
        "out",
        "out/libmodel.a",
        "out/manifest.json",
        "out/model.h",
        "out/model.o",
        "out/weights.bin",
    ];
    assert_eq!(
        place.files(),
        expected,
        "the old model.so is gone, the weights are not"
    );
    let kept = std::fs::read_to_string(place.path("out/weights.bin"));
    assert_eq!(kept.expect("there"), "precious");
}

/// Models that are inlined in one function: alone in their regions they are found again.
#[test]
fn arguments_of_inlined_models_have_a_purpose() {
    let place = Place::new();
    let units = [
        "--drafter-device",
        "cpu:1",
        "--target-device",
        "cpu:6",
        "--soc",
        "imx95",
    ];
    let options = ["--plan-options", "alpha=0.99"];
    let model = fixture("inlined.mlir");
    place.ok(&[&[model.as_str(), "-o", "out"][..], &units, &options].concat());
    let manifest = place.manifest("out");
    assert!(!manifest.functions.is_empty());
    for function in &manifest.functions {
        let count = |kind| function.arguments.iter().filter(|a| a.kind == kind).count();
        assert_eq!(count(ArgumentKind::Tokens), 1, "{}", function.name);
        assert_eq!(count(ArgumentKind::Position), 1, "{}", function.name);
        assert!(count(ArgumentKind::Weight) > 5, "{}", function.name);
    }
}

/// What the cost model says cannot run is compiled all the same: the device file may be of a smaller board.
#[test]
fn one_model_without_a_prediction() {
    let place = Place::new();
    let file = include_str!("../../../../cost/devices/imx95.toml");
    let line = file.lines().find(|l| l.starts_with("capacity"));
    let line = line.expect("the memory's");
    let small = "capacity = { value = 1, unit = \"MiB\", kind = \"guess\", source = \"test\" }";
    let reserve = file.lines().find(|l| l.starts_with("reserve"));
    let none = "reserve = { value = 0.5, unit = \"MiB\", kind = \"guess\", source = \"test\" }";
    let board = file
        .replace(line, small)
        .replace(reserve.expect("the memory's"), none);
    std::fs::write(place.path("board.toml"), board).expect("written");
    let model = fixture(MODEL);
    let flags = [&model, "--soc", "./board.toml", "-o", "out", "--no-link"];
    let (_, err) = place.ok(&flags);
    assert!(err.contains("warning: no prediction: "), "{err}");
    assert!(err.contains("are free"), "{err}");
    let plan = place.manifest("out").plan.expect("where it is");
    assert_eq!((plan.gamma, plan.speed_up), (0, 1.0));
    assert_eq!((plan.tokens_per_second, plan.accept), (None, None));
    assert_eq!(plan.placements[0].dtype.as_deref(), Some("f32"));
    // wrong options are errors
    let err = place.fails(
        &[
            &model,
            "--soc",
            "imx95",
            "-o",
            "out2",
            "--plan-options",
            "context=x",
        ],
        1,
    );
    assert!(err.contains("option 'context' must be"), "{err}");
    let err = place.fails(
        &[
            &model,
            "--soc",
            "imx95",
            "-o",
            "out2",
            "--plan-options",
            "draft-length=2",
        ],
        1,
    );
    assert!(
        err.contains("draft-length stands in --plan-options, and the module holds one model"),
        "{err}"
    );
}

#[test]
fn bytecode_is_read() {
    let place = Place::new();
    let output = Command::new("mlir-opt-22")
        .args(["--emit-bytecode", "-o"])
        .arg(place.path("model.mlirbc"))
        .arg(fixture(MODEL))
        .output();
    assert!(output.expect("mlir-opt-22 is installed").status.success());
    place.ok(&["model.mlirbc", "-o", "out", "--soc", "unit", "-q"]);
    let target = place.manifest("out").target.expect("a library");
    assert_eq!(target.cpu, "generic");
}
