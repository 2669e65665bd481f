//! From a unit of a device file, or this machine, to what kernels and LLVM are told of a core.

use crate::console::Console;
use crate::error::CompileError;
use spec_codegen::emit::{Machine, host};
use spec_cost::{DType, Soc, Unit, UnitKind};
use spec_kernels::{Arch, Feature, Target};
use spec_runtime::cpu::{self, CpuFeatures};
use std::collections::BTreeSet;

/// Name of `--soc` that stands for this machine.
pub const HOST: &str = "host";

/// Name of a unit that stands for a GPU of this machine.
pub const VULKAN: &str = "vulkan";

/// A kind of core, as each part of the code generator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Core {
    /// For kernels.
    pub target: Target,
    /// For LLVM.
    pub machine: Machine,
    /// Optional features that the code may use, by LLVM's names.
    pub features: Vec<String>,
}

/// How device files name extensions; what kernels call them; what LLVM calls them.
const FEATURES: &[(&str, Option<Feature>, &[&str])] = &[
    ("neon", None, &["neon"]),
    ("fp16", Some(Feature::Fp16), &["fullfp16"]),
    ("dotprod", Some(Feature::Dotprod), &["dotprod"]),
    ("i8mm", Some(Feature::I8mm), &["i8mm"]),
    ("bf16", Some(Feature::Bf16), &["bf16"]),
    ("sve2", None, &[]), // vectors of fixed width serve
    (
        "avx512",
        Some(Feature::Avx512),
        &[
            "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl",
        ],
    ),
    ("vnni", Some(Feature::Vnni), &["avx512vnni"]),
    ("avxvnni", Some(Feature::AvxVnni), &["avxvnni"]),
    ("avx512-bf16", Some(Feature::Bf16), &["avx512bf16"]),
    ("avx512-fp16", None, &["avx512fp16"]),
];

fn arch(triple: &str) -> Result<Arch, CompileError> {
    match triple.split('-').next() {
        Some("aarch64" | "arm64") => Ok(Arch::Aarch64),
        Some("x86_64") => Ok(Arch::X86_64),
        _ => Err(CompileError::Refused(format!(
            "no code is made for '{triple}': only for aarch64 and x86_64"
        ))),
    }
}

/// The core of a CPU unit.
///
/// # Errors
/// The unit has no section `[unit.machine]`, or one for another instruction set than there are kernels for.
pub fn of_unit(soc: &Soc, unit: &Unit) -> Result<Core, CompileError> {
    let Some(m) = &unit.machine else {
        return Err(CompileError::Refused(format!(
            "the device file of '{}' does not say for which core to compile: add [unit.machine] to unit '{}' (docs/spec-compile.md)",
            soc.name(),
            unit.name
        )));
    };
    let known = |name: &str| FEATURES.iter().find(|(n, _, _)| *n == name);
    let found: Vec<_> = unit.features.iter().filter_map(|f| known(f)).collect();
    let names: Vec<String> = found
        .iter()
        .flat_map(|f| f.2)
        .map(|f| (*f).to_owned())
        .collect();
    let more = m.llvm_features.iter().cloned();
    let all: Vec<String> = names.iter().map(|f| format!("+{f}")).chain(more).collect();
    let used = |sign| {
        m.llvm_features
            .iter()
            .filter_map(move |f| f.strip_prefix(sign))
    };
    let mut features: Vec<String> = names
        .into_iter()
        .filter(|n| !used('-').any(|f| f == n))
        .collect();
    features.extend(used('+').map(str::to_owned));
    Ok(Core {
        target: Target {
            arch: arch(&m.triple)?,
            vector_bits: m.vector_bits,
            vector_registers: m.vector_registers,
            l1_bytes: m.l1_data_bytes,
            features: found.iter().filter_map(|f| f.1).collect(),
        },
        machine: Machine {
            triple: m.triple.clone(),
            cpu: m.cpu.clone(),
            features: all.join(","),
        },
        features,
    })
}

/// The core of this machine: LLVM's view of it, less the features that fail when they are executed.
///
/// # Errors
/// Features cannot be tested, or no kernels are written for this machine.
pub fn of_host(console: &mut Console) -> Result<Core, CompileError> {
    let found = CpuFeatures::host()?;
    for broken in &found.broken {
        let text = format!(
            "this processor advertises {}, and an instruction of it raises a signal: not used",
            broken.name
        );
        console.warn(&text);
    }
    let mut machine = host();
    machine.features = tested(&machine.features, found);
    let target = host_target(arch(&machine.triple)?, found);
    if target.has(Feature::Avx512) {
        machine.features += ",-prefer-256-bit"; // or LLVM splits vectors of 512 bits
    }
    Ok(Core {
        target,
        machine,
        features: found.usable.iter().map(|f| (*f).to_owned()).collect(),
    })
}

/// LLVM's list, with a minus for what was tested and does not work. What no test is known for stays, but for what needs
/// the system's consent.
fn tested(llvm: &str, found: &CpuFeatures) -> String {
    let keep = |f: &str| match found.get(f) {
        cpu::Feature::Usable => true,
        cpu::Feature::OnRequest | cpu::Feature::Broken(_) | cpu::Feature::Absent => false,
        cpu::Feature::Unknown => !f.starts_with("amx"),
    };
    let all = llvm.split(',').filter(|f| !f.is_empty());
    let all = all.map(|f| match f.strip_prefix('+') {
        Some(name) if !keep(name) => format!("-{name}"),
        _ => f.to_owned(),
    });
    all.collect::<Vec<_>>().join(",")
}

fn host_target(arch: Arch, found: &CpuFeatures) -> Target {
    let has = |names: &[&str]| names.iter().all(|f| found.usable.contains(f));
    let table = [
        (
            Feature::Avx512,
            &["avx512f", "avx512bw", "avx512dq", "avx512vl"][..],
        ),
        (Feature::Vnni, &["avx512f", "avx512vnni"]),
        (Feature::AvxVnni, &["avxvnni"]),
        (Feature::Bf16, &["avx512bf16"]),
        (Feature::Dotprod, &["dotprod"]),
        (Feature::Fp16, &["fullfp16"]),
        (Feature::Bf16, &["bf16"]),
        (Feature::I8mm, &["i8mm"]),
    ];
    let features: BTreeSet<Feature> = table
        .iter()
        .filter(|(_, n)| has(n))
        .map(|(f, _)| *f)
        .collect();
    let wide = features.contains(&Feature::Avx512);
    let (vector_bits, vector_registers) = match arch {
        Arch::Aarch64 => (128, 32),
        Arch::X86_64 if wide => (512, 32),
        Arch::X86_64 if has(&["avx2", "fma"]) => (256, 16),
        Arch::X86_64 => (128, 16),
    };
    Target {
        arch,
        vector_bits,
        vector_registers,
        l1_bytes: host_l1().unwrap_or(32 << 10),
        features,
    }
}

/// Level-1 data cache of the first core, bytes, as Linux tells it.
fn host_l1() -> Option<u64> {
    let folder = "/sys/devices/system/cpu/cpu0/cache";
    let caches = std::fs::read_dir(folder).ok()?.flatten();
    let read = |entry: &std::fs::DirEntry, name: &str| {
        let text = std::fs::read_to_string(entry.path().join(name)).ok()?;
        Some(text.trim().to_owned())
    };
    let is_l1 = |e: &std::fs::DirEntry| {
        read(e, "level").as_deref() == Some("1")
            && matches!(read(e, "type").as_deref(), Some("Data" | "Unified"))
    };
    let cache = caches.into_iter().find(is_l1)?;
    let size = read(&cache, "size")?;
    let kib: u64 = size.strip_suffix('K')?.parse().ok()?;
    Some(kib << 10)
}

/// The unit for the only model of a module: the one named (`UNIT[:CORES[:DTYPE]]`), or the CPU unit with the fastest core. On this
/// machine (`host`), `vulkan[:NAME]` names the unit that is a GPU.
///
/// # Errors
/// There is no such unit, or it has fewer cores.
pub fn choose<'s>(
    soc: &'s Soc,
    wanted: Option<&str>,
    host: bool,
) -> Result<(&'s Unit, u32), CompileError> {
    let Some(wanted) = wanted else {
        let cpus = soc.units().iter().filter(|u| u.kind == UnitKind::Cpu);
        let speed = |u: &&Unit| u.rate(DType::F32, 1, 1).map_or(0.0, |r| r.0);
        let best = cpus.reduce(|a, b| if speed(&b) > speed(&a) { b } else { a });
        let best = best.ok_or_else(|| CompileError::Refused("the device has no CPU".into()))?;
        return Ok((best, best.cores));
    };
    let mut parts = wanted.split(':');
    let name = parts.next().unwrap_or_default();
    if host && name == VULKAN {
        let gpu = soc.units().iter().find(|u| u.kind == UnitKind::Gpu);
        let gpu = gpu.ok_or_else(|| CompileError::Internal("no GPU in host.toml".into()))?;
        return Ok((gpu, gpu.cores));
    }
    let Some(unit) = soc.unit(name) else {
        let names: Vec<&str> = soc.units().iter().map(|u| u.name.as_str()).collect();
        let names = names.join(", ");
        let mut text = format!("'{}' has no unit '{name}'; it has {names}", soc.name());
        if name == VULKAN {
            text += "; vulkan[:NAME] is a GPU of this machine, for --soc host";
        }
        return Err(CompileError::Refused(text));
    };
    let refused = |n: &str| {
        let most = unit.cores;
        let text = match unit.kind {
            UnitKind::Cpu => format!("unit '{name}' has 1 to {most} cores, not '{n}'"),
            UnitKind::Gpu => {
                format!("unit '{name}' is a GPU, which is used whole: leave '{n}' out")
            }
        };
        CompileError::Refused(format!("'{wanted}': {text}"))
    };
    let choices = unit.core_choices();
    let cores = match parts.next() {
        None | Some("") => unit.cores,
        Some(n) => {
            let count = n.parse().ok().filter(|n| choices.contains(n));
            count.ok_or_else(|| refused(n))?
        }
    };
    Ok((unit, cores))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cpu_of_a_built_in_device_is_a_core() {
        for name in Soc::builtin() {
            let soc = Soc::load(name).expect(name);
            for unit in soc.units().iter().filter(|u| u.kind == UnitKind::Cpu) {
                let core = of_unit(&soc, unit).expect(name);
                assert!(
                    unit.features
                        .iter()
                        .all(|f| FEATURES.iter().any(|k| k.0 == f))
                );
                assert!(!core.machine.cpu.is_empty());
            }
        }
        let soc = Soc::load("tensor-g3").expect("built in");
        let core = of_unit(&soc, soc.unit("cpu-x3").expect("there")).expect("a core");
        assert_eq!(
            core.machine.features,
            "+neon,+fullfp16,+dotprod,+i8mm,+bf16,-sve"
        );
        let kinds = [
            Feature::Dotprod,
            Feature::Fp16,
            Feature::Bf16,
            Feature::I8mm,
        ];
        assert_eq!(core.target.features, BTreeSet::from(kinds));
        let gpu = of_unit(&soc, soc.unit("gpu").expect("there")).expect_err("no machine");
        assert!(
            gpu.to_string().contains("add [unit.machine] to unit 'gpu'"),
            "{gpu}"
        );
    }

    #[test]
    fn units_are_chosen() {
        let soc = Soc::load("rk3588").expect("built in");
        let name = |w| choose(&soc, w, false).map(|(u, n)| (u.name.clone(), n));
        let refused = |w| name(Some(w)).expect_err(w).to_string();
        assert_eq!(name(None).expect("a CPU"), ("cpu-a76".into(), 4));
        assert_eq!(
            name(Some("cpu-a55:2")).expect("a CPU"),
            ("cpu-a55".into(), 2)
        );
        assert_eq!(name(Some("gpu")).expect("a GPU"), ("gpu".into(), 4));
        assert!(refused("npu").contains("no unit 'npu'; it has cpu-a76, cpu-a55, gpu"));
        assert!(refused("gpu:2").contains("is a GPU, which is used whole: leave '2' out"));
        assert!(
            refused("vulkan").contains("vulkan[:NAME] is a GPU of this machine, for --soc host")
        );
        assert!(refused("cpu-a55:5").contains("1 to 4 cores, not '5'"));
        assert!(refused("cpu-a55:x").contains("not 'x'"));
        let host = Soc::load(HOST).expect("built in");
        let (unit, _) = choose(&host, Some("vulkan:llvm"), true).expect("a GPU");
        assert_eq!(unit.kind, UnitKind::Gpu);
    }

    #[test]
    fn what_fails_when_executed_is_switched_off() {
        let found = CpuFeatures {
            usable: vec!["avx512f"],
            broken: vec![cpu::Broken {
                name: "amx-tile",
                signal: Some(4),
            }],
            absent: vec!["avx512fp16"],
            on_request: vec!["amx-int8"],
        };
        let llvm = "+avx512f,+amx-tile,+amx-int8,+avx512fp16,+amx-new,+sse2,-gfni";
        assert_eq!(
            tested(llvm, &found),
            "+avx512f,-amx-tile,-amx-int8,-avx512fp16,-amx-new,+sse2,-gfni"
        );
    }
}
