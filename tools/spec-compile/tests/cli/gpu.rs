//! Regions on a GPU: files, the manifest, what is refused.

use crate::{Place, fixture, input, json};
use spec_runtime::bundle::Bundle;
use spec_runtime::manifest::{Function, Role};
use spec_runtime::schedule::Buffer;

/// The one function on a GPU.
fn gpu_function(functions: &[Function]) -> &Function {
    let mut found = functions.iter().filter(|f| f.gpu.is_some());
    let function = found.next().expect("a function on a GPU");
    assert!(found.next().is_none(), "more than one");
    function
}

/// A pair, the drafter on the GPU: both kinds of code in one bundle.
#[test]
fn a_region_on_a_gpu_beside_one_on_a_cpu() {
    let place = Place::new();
    let args = [&input("planned.mlir"), "--soc", "imx95", "-o", "out"];
    let (out, err) = place.ok(&args);
    assert_eq!(err, "");
    for part in [
        "drafter_gpu_half: 1 dispatch of 1 kernel, 0 barriers, 16 B of constants",
        "of SPIR-V, 1 kernel, for 'gpu' (Mali-G310 v2)",
        "for 6 cores of 'cpu' (cortex-a55)",
    ] {
        assert!(out.contains(part), "no '{part}' in\n{out}");
    }
    let manifest = place.manifest("out");
    let names: Vec<_> = (manifest.functions.iter())
        .map(|f| (f.name.as_str(), f.symbol.as_deref(), f.role))
        .collect();
    assert_eq!(
        names,
        [
            ("half", None, Role::Drafter),
            ("double", Some("target_cpu_double"), Role::Target)
        ]
    );
    let half = gpu_function(&manifest.functions);
    let code = half.gpu.as_ref().expect("its code");
    assert_eq!(
        (code.unit.as_str(), code.spirv.file.as_str()),
        ("gpu", "kernels.spv")
    );
    assert!(code.capabilities.contains(&"Shader".to_owned()));
    let constants = code.constants.as_ref().map(|f| f.file.as_str());
    assert_eq!(constants, Some("drafter_gpu_half.constants.bin"));
    let [product] = &code.schedule.dispatches[..] else {
        panic!("{:?}", code.schedule);
    };
    let buffers: Vec<_> = product.spans.iter().map(|s| (s.buffer, s.bytes)).collect();
    let expected = [Buffer::Argument(0), Buffer::Constants, Buffer::Argument(1)];
    assert_eq!(buffers, expected.map(|b| (b, 16)));
    let header = std::fs::read_to_string(place.path("out/model.h")).expect("a header");
    assert!(
        header.contains("target_cpu_double") && !header.contains("half"),
        "{header}"
    );
}

/// A bundle without a CPU region, and its manifest: all of it but lengths and checksums.
#[test]
fn one_function_for_a_gpu() {
    let place = Place::new();
    let flags = [
        "--soc",
        "imx95",
        "--target-device",
        "gpu",
        "-o",
        "out",
        "--json",
    ];
    let module = input("scale.mlir");
    let (out, _) = place.ok(&[&[module.as_str(), "--as-is"][..], &flags].concat());
    let summary = json(&out);
    assert_eq!(summary["regions"][0]["gpu"], "Mali-G310 v2");
    assert_eq!(summary["functions"][0]["gpu"]["dispatches"], 3);
    assert_eq!(summary["functions"][0]["gpu"]["barriers"], 2);
    assert_eq!(
        place.files(),
        ["out", "out/kernels.spv", "out/manifest.json"],
        "neither libraries nor a header"
    );
    let text = std::fs::read_to_string(place.path("out/manifest.json")).expect("a manifest");
    let mut manifest = json(&text);
    manifest["functions"][0]["gpu"]["spirv"]["bytes"] = "(a length)".into();
    manifest["functions"][0]["gpu"]["spirv"]["crc32"] = "(a checksum)".into();
    assert!(manifest["checksum"].is_u64(), "{}", manifest["checksum"]);
    manifest["checksum"] = "(a checksum)".into();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../inputs");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let text = serde_json::to_string_pretty(&manifest).expect("JSON");
    settings.bind(|| insta::assert_snapshot!("scale.manifest", text));

    let bundle = Bundle::load(&place.path("out")).expect("it loads on any machine");
    let scale = bundle.gpu_function("scale").expect("there");
    assert_eq!(scale.spirv()[..4], 0x0723_0203_u32.to_le_bytes());
    assert!(scale.constants().is_empty());
}

#[test]
fn texts_and_names_on_request() {
    let place = Place::new();
    let module = input("scale.mlir");
    let flags = [
        "--soc",
        "rpi5",
        "--target-device",
        "gpu",
        "--as-is",
        "--emit=mlir,spirv-asm",
    ];
    let run = |more: &[&str]| {
        place.ok(&[&[module.as_str(), "-o", "out"][..], &flags, more].concat());
        let read = |name: &str| std::fs::read_to_string(place.path(name)).expect("text");
        (read("out/model.mlir"), read("out/model.spvasm"))
    };
    let (mlir, plain) = run(&[]);
    assert!(
        mlir.contains("spec.launch @kernels::@") && mlir.contains("gpu.func @"),
        "{mlir}"
    );
    assert!(plain.contains("OpEntryPoint GLCompute"), "{plain}");
    let (_, named) = run(&["--debug-names"]);
    assert!(
        !plain.contains("OpName") && named.contains("OpName"),
        "{named}"
    );
    assert!(
        !plain.contains("OpLine") && named.contains("OpLine"),
        "{named}"
    );
    let (_, err) = place.ok(&[
        &module,
        "--as-is",
        "-o",
        "out",
        "--emit=spirv-asm",
        "--debug-names",
    ]);
    for flag in ["--emit=spirv-asm", "--debug-names"] {
        let text = format!("{flag} has no effect: nothing is placed on a GPU");
        assert!(err.contains(&text), "{err}");
    }
}

/// Files of an earlier bundle, whatever they are called, do not stay.
#[test]
fn an_earlier_gpu_bundle_is_replaced() {
    let place = Place::new();
    let module = input("scale.mlir");
    let gpu = ["--soc", "imx95", "--target-device", "gpu", "--as-is"];
    place.ok(&[&[module.as_str(), "-o", "out"][..], &gpu].concat());
    assert!(place.path("out/kernels.spv").is_file());
    let planned = input("planned.mlir");
    place.ok(&[&planned, "-o", "out", "--soc", "imx95"]);
    assert!(place.path("out/drafter_gpu_half.constants.bin").is_file());
    place.ok(&[&module, "-o", "out", "--as-is"]);
    let expected = [
        "libmodel.a",
        "manifest.json",
        "model.h",
        "model.o",
        "model.so",
    ];
    assert_eq!(place.files()[1..], expected.map(|f| format!("out/{f}")));
}

fn refused(args: &[&str], parts: &[&str]) {
    let place = Place::new();
    let err = place.fails(&[args, &["-o", "out"]].concat(), 1);
    for part in parts {
        assert!(err.contains(part), "{args:?}: no '{part}' in\n{err}");
    }
}

#[test]
fn what_no_kernel_does_is_refused_at_its_place() {
    let module = input("branches.mlir");
    let gpu = ["--as-is", "--soc", "imx95", "--target-device", "gpu"];
    refused(
        &[&[module.as_str()][..], &gpu].concat(),
        &[
            "error: no kernel does scf.for\n  --> ",
            "branches.mlir:5:8\n",
            "^\n",
            "model: cannot be compiled for Mali-G310 v2",
        ],
    );
    let module = input("nothing.mlir");
    refused(
        &[&[module.as_str()][..], &gpu].concat(),
        &["model: its functions compute nothing"],
    );
}

#[test]
fn devices_are_checked() {
    let model = fixture(crate::MODEL);
    refused(
        &[&model, "--soc", "unit", "--target-device", "gpu"],
        &[
            "add [unit.workgroup] with invocations, subgroup, shared_memory and bindings to unit 'gpu'",
        ],
    );
    refused(
        &[&model, "--soc", "imx95", "--target-device", "vulkan"],
        &["'imx95' has no unit 'vulkan'; it has cpu, gpu; vulkan[:NAME] is a GPU of this machine"],
    );
    refused(
        &[
            &fixture("pair.mlir"),
            "--soc",
            "imx95",
            "--drafter-device",
            "vulkan:x",
        ],
        &["--drafter-device: vulkan[:NAME] is a GPU of this machine, for --soc host"],
    );
    refused(
        &[&model, "--target-device", "vulkan:no such thing"],
        &["no Vulkan device here is called \"no such thing\""],
    );
}

/// Without 16-bit elements in buffers, f16 cannot be written.
#[test]
fn types_that_the_device_lacks_are_refused() {
    let place = Place::new();
    let file = include_str!("../../../../cost/devices/rpi5.toml");
    let without = file.replace("features = [\"storage8\", \"storage16\"]", "features = []");
    assert_ne!(file, without);
    std::fs::write(place.path("board.toml"), without).expect("written");
    let module = input("half.mlir");
    let flags = [
        "--as-is",
        "--soc",
        "./board.toml",
        "--target-device",
        "gpu",
        "-o",
        "out",
    ];
    let err = place.fails(&[&[module.as_str()][..], &flags].concat(), 1);
    assert!(
        err.contains("half.mlir:") && err.contains("16-bit"),
        "{err}"
    );
}
