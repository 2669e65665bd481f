//! Device files: the built-in ones, the scaling law, and files that are wrong.

use proptest::prelude::*;
use spec_cost::{
    Architecture, ClassCost, DType, ModelShape, OpClass, Soc, SourceKind, UnitKind, contributions,
};

const IMX95: &str = include_str!("../devices/imx95.toml");

fn error(from: &str, to: &str) -> String {
    let text = IMX95.replacen(from, to, 1);
    assert_ne!(text, IMX95, "'{from}' does not occur");
    Soc::parse(&text, "imx95.toml")
        .expect_err("must fail")
        .to_string()
}

#[test]
fn all_builtin_devices_load_and_every_number_has_a_source() {
    assert_eq!(
        Soc::builtin(),
        [
            "imx95",
            "imx95-lpddr4x",
            "rk3588",
            "tensor-g2",
            "tensor-g3",
            "rpi5",
            "host",
            "unit"
        ]
    );
    for name in Soc::builtin() {
        let soc = Soc::load(name).expect(name);
        assert_eq!(soc.name(), name);
        assert!(soc.numbers().iter().all(|n| !n.source.is_empty()));
        let guesses = soc
            .numbers()
            .iter()
            .filter(|n| n.kind == SourceKind::Guess)
            .count();
        assert_eq!(soc.guesses().len(), guesses);
        assert_eq!(guesses == 0, name == "unit", "{name} has {guesses} guesses");
    }
}

/// Six A55 cores at 2.0 GHz were measured at 93.6 GFLOP/s; the file's rate a cycle gives 96 at that clock.
#[test]
fn imx95_figures() {
    let soc = Soc::load("imx95").expect("built in");
    let cpu = soc.unit("cpu").expect("cpu");
    assert_eq!(
        (cpu.cores, cpu.clock, cpu.kind),
        (6, Some(1.8e9), UnitKind::Cpu)
    );
    let f32_rate = cpu.rates[&DType::F32].peak;
    assert!((f32_rate - 14.4e9).abs() < 1.0);
    assert!((6.0 * f32_rate / 1.8 * 2.0 / 93.6e9 - 1.0).abs() < 0.03);
    assert!(
        (cpu.scaling(6) - 4.65).abs() < 0.01,
        "measured 4.65x on six cores"
    );
    assert_eq!(cpu.scaling(1), 1.0);
    assert_eq!(soc.memory().peak_bandwidth, 25.6e9);
    let gpu = soc.unit("gpu").expect("gpu");
    assert_eq!(gpu.rates[&DType::F16].peak, 128e9);
    assert_eq!(gpu.device_to_host, Some(0.2e9));
    let w = gpu.workgroup.expect("limits");
    assert_eq!(
        (w.invocations, w.subgroup, w.shared_bytes, w.bindings),
        (512, 16, 32768, 30)
    );
}

#[test]
fn every_cpu_says_what_a_compiler_must_know() {
    for name in Soc::builtin() {
        let soc = Soc::load(name).expect(name);
        for unit in soc.units() {
            assert_eq!(unit.machine.is_some(), unit.kind == UnitKind::Cpu);
        }
    }
    let soc = Soc::load("imx95").expect("built in");
    let machine = soc.unit("cpu").and_then(|u| u.machine.clone());
    let a55 = machine.expect("a section");
    assert_eq!(
        (a55.triple.as_str(), a55.cpu.as_str()),
        ("aarch64-unknown-linux-gnu", "cortex-a55")
    );
    assert_eq!(
        (a55.vector_bits, a55.vector_registers, a55.l1_data_bytes),
        (128, 32, 32768)
    );
    let soc = Soc::load("tensor-g3").expect("built in");
    let machine = soc.unit("cpu-x3").and_then(|u| u.machine.clone());
    assert_eq!(machine.expect("a section").llvm_features, ["-sve"]);
}

/// A device file without the section still serves for planning; a GPU must not have it.
#[test]
fn the_machine_section_is_optional_and_only_for_cpus() {
    let start = IMX95.find("[unit.machine]").expect("is there");
    let end = start + IMX95[start..].find("[unit.rate]").expect("follows");
    let (section, without) = (
        &IMX95[start..end],
        [&IMX95[..start], &IMX95[end..]].concat(),
    );
    let soc = Soc::parse(&without, "imx95.toml").expect("complete");
    assert_eq!(soc.unit("cpu").expect("cpu").machine, None);
    let on_gpu = without.replacen("[unit.workgroup]", &format!("{section}[unit.workgroup]"), 1);
    let error = Soc::parse(&on_gpu, "imx95.toml")
        .expect_err("a GPU with it")
        .to_string();
    assert!(
        error.contains("unit.gpu.machine: only a CPU has this section"),
        "{error}"
    );
}

/// What a GPU's kernels may use is there whole or not at all.
#[test]
fn a_workgroup_section_says_all() {
    let line = IMX95.lines().find(|l| l.starts_with("bindings = "));
    let without = IMX95.replacen(line.expect("is there"), "", 1);
    let error = Soc::parse(&without, "imx95.toml").expect_err("incomplete");
    assert!(
        error.to_string().contains("missing field `bindings`"),
        "{error}"
    );
}

#[test]
fn bandwidth_grows_to_what_all_cores_sustain() {
    let soc = Soc::load("imx95").expect("built in");
    let cpu = soc.unit("cpu").expect("cpu");
    for n in 1..6 {
        assert!(cpu.bandwidth(n + 1) >= cpu.bandwidth(n) && cpu.scaling(n + 1) > cpu.scaling(n));
    }
    assert_eq!(cpu.bandwidth(6), cpu.bandwidth_all);
    assert_eq!(cpu.bandwidth(99), cpu.bandwidth_all);
}

#[test]
fn types_without_a_rate_widen_or_are_refused() {
    let soc = Soc::load("rpi5").expect("built in");
    let gpu = soc.unit("gpu").expect("gpu");
    assert_eq!(
        gpu.rate(DType::F16, 1, 1).map(|r| r.1),
        Some(DType::F32),
        "no fp16 arithmetic: stored narrow only"
    );
    assert_eq!(gpu.rate(DType::W8A8, 1, 1), None, "no dot products");
}

#[test]
fn unit_costs_one_everywhere() {
    let soc = Soc::load("unit").expect("built in");
    for u in soc.units() {
        assert_eq!(
            (u.bandwidth_all, u.launch, u.sync, u.power, u.cores),
            (1.0, 1.0, 1.0, 1.0, 1)
        );
        assert!(
            u.rates
                .values()
                .all(|r| r.peak == 1.0 && r.at(1) == 1.0 && r.at(8) == 1.0)
        );
    }
}

/// By hand: 3 tokens x 10 FLOP against 6 + 3 x 4 bytes, two launches, and one synchronisation on the GPU.
#[test]
fn a_call_on_the_unit_soc_by_hand() {
    let soc = Soc::load("unit").expect("built in");
    let mut shape =
        ModelShape::from_architecture(&Architecture::load("smollm2-135m").expect("built in"));
    shape.classes = vec![ClassCost {
        ops: 5,
        dispatches: 2,
        flops_per_token: 10.0,
        weight_bytes: 6.0,
        activation_bytes_per_token: 4.0,
        ..ClassCost::new(OpClass::Projection)
    }];
    for (unit, share, seconds) in [("cpu", 1.0, 32.0), ("gpu", 1.0, 33.0), ("cpu", 0.5, 38.0)] {
        let unit = soc.unit(unit).expect("built in");
        let parts = contributions(&shape, unit, 1, share, 3, 100).expect("a rate");
        assert_eq!(parts.iter().map(|c| c.seconds).sum::<f64>(), seconds);
    }
}

#[test]
fn wrong_files_say_where_and_what() {
    let errors = [
        error("unit = \"GiB\"", "unit = \"GB/s\""),
        error("unit = \"GiB\", ", ""),
        error("value = 16", "value = -16"),
        error("value = 16", "value = nan"),
        error("value = 16", "value = inf"),
        error("value = 16", "value = \"16\""),
        error("value = 16", "value = 1e30"),
        error("kind = \"guess\"", "kind = \"rumour\""),
        error("[memory]", "[memory]\ncolour = 1"),
        error("value = 1, unit = \"GiB\"", "value = 99, unit = \"GiB\""),
        error("name = \"gpu\"", "name = \"cpu\""),
        error("name = \"gpu\"", "name = \"the GPU\""),
        error("kind = \"gpu\"", "kind = \"npu\""),
        error("value = 6, unit = \"1\"", "value = 6.5, unit = \"1\""),
        error("value = 6, unit = \"1\"", "value = 1000, unit = \"1\""),
        error(
            "value = 5.0, unit = \"GB/s\"",
            "value = 50, unit = \"GB/s\"",
        ),
        error("clock = ", "# clock = "),
        error("host_to_device = ", "# host_to_device = "),
        error("f16 = { value = 0.45", "f16 = { value = 0.1"),
        error("f16 = { value = 0.22", "f16 = { value = 1.22"),
        error("f16 = { value = 0.22", "# f16 = { value = 0.22"),
        error(
            "source = \"Linux, its page cache and a display\"",
            "source = \" \"",
        ),
        error("triple = \"aarch64-unknown-linux-gnu\"", "triple = \"arm\""),
        error("cpu = \"cortex-a55\"", "cpu = \"\""),
        error("cpu = \"cortex-a55\"", "cpu = \"cortex-a55 --help\""),
        error("cpu = \"cortex-a55\"", "# no cpu"),
        error(
            "vector_bits = { value = 128, unit = \"bit\"",
            "vector_bits = { value = 128, unit = \"1\"",
        ),
        error("vector_bits = { value = 128", "vector_bits = { value = 100"),
        error(
            "vector_registers = { value = 32",
            "vector_registers = { value = 0",
        ),
        error(
            "l1_data = { value = 32, unit = \"KiB\"",
            "l1_data = { value = 32, unit = \"GiB\"",
        ),
        error(
            "[unit.machine]",
            "[unit.machine]\nllvm_features = [\"sve\"]",
        ),
        error("[unit.machine]", "[unit.machine]\ncolour = 1"),
        Soc::parse(&IMX95[..IMX95.len() / 2], "half.toml")
            .expect_err("truncated")
            .to_string(),
        Soc::parse("", "empty.toml").expect_err("empty").to_string(),
        Soc::load("orin").expect_err("unknown").to_string(),
        Soc::load("./no-such.toml")
            .expect_err("missing")
            .to_string(),
    ]
    .join("\n");
    insta::assert_snapshot!("errors_device", errors);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn mutated_files_give_errors_never_panics(
        at in 0usize..IMX95.len(),
        insert in "[-0-9a-z={}\\[\\]\"., \n]{0,6}",
        delete in 0usize..40,
        cut in 0usize..2 * IMX95.len(),
    ) {
        let mut text = IMX95.to_string();
        let end = (at + delete).min(text.len());
        text.replace_range(at..end, &insert);
        text.truncate(cut.max(1));
        if let Ok(soc) = Soc::parse(&text, "mutated.toml") {
            for u in soc.units() {
                prop_assert!(u.bandwidth(1) > 0.0 && u.bandwidth(1).is_finite() && u.scaling(u.cores) > 0.0);
            }
        }
    }
}
