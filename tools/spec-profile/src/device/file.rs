//! Writes the device file (`spec_cost::Soc` reads it).

use super::cluster::{Cluster, Memory};
use super::flops::{Peak, usable};
use super::stream::CpuFigures;
use crate::conditions::Conditions;
use crate::profile::quoted;
use spec_runtime::vulkan::{Kind, Properties};
use std::fmt::Write as _;

/// What was measured on a GPU. Rates a second, times in seconds.
#[derive(Clone, Debug)]
pub struct GpuFigures {
    /// What the driver says.
    pub properties: Properties,
    /// One more dispatch, with a barrier.
    pub launch: f64,
    /// Submit and wait.
    pub sync: f64,
    /// Bytes that kernels read.
    pub bandwidth: f64,
    /// Bytes that were read a run.
    pub streamed: u64,
    /// Bytes that the host writes.
    pub host_to_device: f64,
    /// Bytes that the host reads.
    pub device_to_host: f64,
    /// Operations in f32.
    pub float: f64,
    /// Operations in f16, where it has them.
    pub half: Option<f64>,
}

/// All that is known of a machine.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// Name of the device.
    pub name: String,
    /// Where and when.
    pub conditions: Conditions,
    /// Memory.
    pub memory: Memory,
    /// Clusters, with what was measured.
    pub cpus: Vec<(Cluster, CpuFigures)>,
    /// Streaming read by all cores of all clusters, bytes a second.
    pub all_cores_bandwidth: f64,
    /// The GPU.
    pub gpu: Option<GpuFigures>,
}

/// Where a number comes from.
#[derive(Clone, Copy)]
enum Origin {
    Measured,
    Derived,
    Guess,
}

use Origin::{Derived, Guess, Measured};

/// Lines of a device file.
struct Lines {
    text: String,
    /// Said of each measured number.
    conditions: String,
}

impl Lines {
    fn plain(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn word(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.text, "{key} = {}", quoted(value));
    }

    fn number(&mut self, key: &str, value: f64, unit: &str, kind: Origin, source: &str) {
        let (kind, source) = match kind {
            Measured => ("measured", format!("{source}; {}", self.conditions)),
            Derived => ("derived", source.to_owned()),
            Guess => ("guess", source.to_owned()),
        };
        let value = rounded(value);
        let _ = writeln!(
            self.text,
            "{key} = {{ value = {value}, unit = \"{unit}\", kind = \"{kind}\", source = {} }}",
            quoted(&source)
        );
    }
}

/// Four significant digits; whole numbers stay whole.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() || value.fract() == 0.0 {
        return value;
    }
    let scale = 10_f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

/// Bandwidth that a copy of the source is compared with: what is stated for products.
const NO_KERNELS: &str = "no compiled model was timed here; what kernels of this project reach elsewhere. A profile (spec-profile OUT) replaces it";

/// The device file as TOML. Numbers that nothing on the machine tells are guesses, and their sources say so.
pub fn to_toml(found: &Gathered) -> String {
    let mut out = Lines {
        text: String::new(),
        conditions: format!("spec-profile --device-file, {}", found.conditions.date),
    };
    let machine = found.conditions.machine.clone();
    let title = machine.unwrap_or_else(|| found.conditions.system.clone());
    out.plain(&format!(
        "# Read and measured by spec-profile on the machine itself: {}.",
        found.conditions.to_string().replace('\n', " ")
    ));
    out.plain(
        "# Check every guess before you rely on a plan: `spec-cost devices FILE` lists them.",
    );
    out.word("name", &found.name);
    out.word("title", &title);
    memory(&mut out, found);
    for (cluster, figures) in &found.cpus {
        cpu(&mut out, cluster, figures);
    }
    if let Some(gpu) = &found.gpu {
        gpu_unit(&mut out, gpu);
    }
    out.text
}

fn memory(out: &mut Lines, found: &Gathered) {
    const MIB: f64 = 1_048_576.0;
    let (total, used) = (
        found.memory.total,
        found.memory.total - found.memory.available,
    );
    let bandwidth = |g: &GpuFigures| g.bandwidth;
    let gpu = found
        .gpu
        .as_ref()
        .filter(|g| g.properties.kind != Kind::Discrete);
    let sustained = gpu.map_or(0.0, bandwidth).max(found.all_cores_bandwidth);
    out.plain("\n[memory]");
    let text = "MemTotal of /proc/meminfo";
    out.number(
        "capacity",
        (total as f64 / MIB).floor(),
        "MiB",
        Measured,
        text,
    );
    let reserve = (used as f64 / MIB)
        .max(total as f64 / MIB * 0.05)
        .floor()
        .max(1.0);
    let text = "what was in use when this was measured, 5 % of the memory at least";
    out.number("reserve", reserve, "MiB", Guess, text);
    let text = "not stated by the system: sustained / 0.6; nothing is computed from it";
    out.number("peak_bandwidth", sustained / 0.6 / 1e9, "GB/s", Guess, text);
    let text = "streaming read, the fastest of: all cores of all clusters, GPU";
    out.number(
        "sustained_bandwidth",
        sustained / 1e9,
        "GB/s",
        Measured,
        text,
    );
    let text = "not measurable here: LPDDR at some 5 pJ a bit against 0.3 W of a busy A55 core";
    out.number("energy", 0.15, "1/GB", Guess, text);
}

fn cpu(out: &mut Lines, cluster: &Cluster, figures: &CpuFigures) {
    let n = cluster.cores.len() as f64;
    out.plain("\n[[unit]]");
    out.word("name", &cluster.name);
    out.plain("kind = \"cpu\"");
    out.word("description", &cluster.description());
    let cores: Vec<String> = cluster.cores.iter().map(usize::to_string).collect();
    let text = format!("/sys/devices/system/cpu: cores {}", cores.join(", "));
    out.number("cores", n, "1", Measured, &text);
    if let Some(khz) = cluster.max_khz {
        let text = "cpuinfo_max_freq";
        out.number("clock", khz as f64 / 1000.0, "MHz", Measured, text);
    }
    let share = if cluster.cores.len() > 1 && figures.scaling > 0.0 {
        ((n / figures.scaling - 1.0) / (n - 1.0)).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let text = format!(
        "all {n} cores make {:.2} times the multiply-adds of one: {n} / (1 + {} k); kernels that share data scale worse",
        figures.scaling,
        n - 1.0
    );
    out.number("serial_share", share, "1", Measured, &text);
    let text = format!("streaming read of {} MiB, one core", figures.buffer >> 20);
    out.number(
        "bandwidth_one",
        figures.bandwidth_one / 1e9,
        "GB/s",
        Measured,
        &text,
    );
    let text = format!("streaming read of {} MiB, {n} cores", figures.buffer >> 20);
    let all = figures.bandwidth_all.max(figures.bandwidth_one);
    out.number("bandwidth_all", all / 1e9, "GB/s", Measured, &text);
    if let Some(bytes) = cluster.last_level {
        let text = "largest cache in /sys/devices/system/cpu";
        out.number(
            "last_level_cache",
            bytes as f64 / 1024.0,
            "KiB",
            Measured,
            text,
        );
    }
    if cluster.cores.len() > 1 {
        let text = "fork and join of all its cores, which spin, median";
        out.number("launch", figures.fork_join * 1e6, "us", Measured, text);
        let text = "fork and join of all its cores, which sleep, median";
        out.number("sync", figures.wake * 1e6, "us", Measured, text);
    } else {
        let text = "one core: nothing to join; a call of a kernel";
        out.number("launch", 0.5, "us", Guess, text);
        out.number(
            "sync",
            10.0,
            "us",
            Guess,
            "wake a thread; one core, not measured",
        );
    }
    let text = "not measurable here; 1 is one busy Cortex-A55 core: capacity / 300, or 10 where the system tells none";
    let power = cluster.capacity.filter(|_| cluster.core.is_some());
    out.number(
        "power",
        power.map_or(10.0, |c| f64::from(c) / 300.0),
        "1",
        Guess,
        text,
    );
    features(out, &cpu_features());
    machine(out, cluster);
    cpu_rates(out, figures);
}

/// Features by the device file's name and LLVM's.
const FEATURES: [(&str, &str); 8] = [
    ("fp16", "fullfp16"),
    ("dotprod", "dotprod"),
    ("i8mm", "i8mm"),
    ("bf16", "bf16"),
    ("avx512", "avx512f"),
    ("vnni", "avx512vnni"),
    ("avxvnni", "avxvnni"),
    ("avx512-bf16", "avx512bf16"),
];

fn cpu_features() -> Vec<String> {
    let found = FEATURES.iter().filter(|(_, llvm)| usable(llvm));
    found.map(|(name, _)| (*name).to_owned()).collect()
}

fn features(out: &mut Lines, names: &[String]) {
    let list: Vec<String> = names.iter().map(|n| quoted(n)).collect();
    out.plain(&format!("features = [{}]", list.join(", ")));
}

/// What a compiler must know. On other architectures than those that there are kernels for, nothing.
fn machine(out: &mut Lines, cluster: &Cluster) {
    let wide = usable("avx512f");
    let (triple, cpu, bits, registers) = match std::env::consts::ARCH {
        "x86_64" if wide => ("x86_64-unknown-linux-gnu", "x86-64-v4", 512.0, 32.0),
        "x86_64" => ("x86_64-unknown-linux-gnu", "x86-64-v3", 256.0, 16.0),
        "aarch64" => ("aarch64-unknown-linux-gnu", "generic", 128.0, 32.0),
        _ => return,
    };
    out.plain("\n[unit.machine]");
    out.word("triple", triple);
    out.word("cpu", cluster.core.as_deref().unwrap_or(cpu));
    let text = "the instruction set's; tested by executing an instruction";
    out.number("vector_bits", bits, "bit", Derived, text);
    out.number("vector_registers", registers, "1", Derived, text);
    match cluster.l1_data {
        Some(bytes) => {
            let text = "/sys/devices/system/cpu, level 1, data";
            out.number("l1_data", bytes as f64 / 1024.0, "KiB", Measured, text);
        }
        None => out.number("l1_data", 32.0, "KiB", Guess, "the system does not tell"),
    }
}

fn cpu_rates(out: &mut Lines, figures: &CpuFigures) {
    let rate = |peak: &Option<Peak>| peak.as_ref().map(|p| (p.rate / 1e9, p.how.clone()));
    let (float, how) = rate(&figures.float).map_or((1.0, None), |(rate, how)| (rate, Some(how)));
    out.plain("\n[unit.rate]");
    match &how {
        Some(how) => out.number("f32", float, "GFLOP/s", Measured, how),
        None => out.number(
            "f32",
            float,
            "GFLOP/s",
            Guess,
            "the loop could not be timed",
        ),
    }
    let half = usable("fullfp16");
    if half {
        let text = "twice f32: vectors of twice as many numbers; not measured";
        out.number("f16", 2.0 * float, "GFLOP/s", Guess, text);
    }
    let text = "weight-only: products run in f32";
    out.number("i8", float, "GFLOP/s", Derived, text);
    out.number("i4g32", float, "GFLOP/s", Derived, text);
    let bytes = rate(&figures.bytes);
    let dots = usable("dotprod");
    match &bytes {
        Some((rate, how)) => out.number("w8a8", *rate, "GOP/s", Measured, how),
        None if dots => {
            let text = "four times f32: one dot product of bytes a cycle; not measured";
            out.number("w8a8", 4.0 * float, "GOP/s", Guess, text);
        }
        None => {}
    }
    let integer = bytes.is_some() || dots;
    // shares at M = 1 and M >= 4: those of the project's device files for x86-64 and Cortex-A55
    let shares = [
        ("f32", 0.47, 0.7, true),
        ("f16", 0.22, 0.45, half),
        ("i8", 0.32, 0.6, true),
        ("i4g32", 0.2, 0.5, true),
        ("w8a8", 0.1, 0.3, integer),
    ];
    for (section, index) in [("\n[unit.matvec]", 0), ("\n[unit.matmul]", 1)] {
        out.plain(section);
        for (dtype, one, four, there) in shares {
            if there {
                let value = if index == 0 { one } else { four };
                out.number(dtype, value, "1", Guess, NO_KERNELS);
            }
        }
    }
}

fn gpu_unit(out: &mut Lines, gpu: &GpuFigures) {
    let p = &gpu.properties;
    out.plain("\n[[unit]]");
    out.word("name", "gpu");
    out.plain("kind = \"gpu\"");
    let (major, minor) = p.version;
    out.word(
        "description",
        &format!("{}, Vulkan {major}.{minor}", p.name),
    );
    out.number(
        "cores",
        1.0,
        "1",
        Guess,
        "Vulkan does not tell; a GPU is used whole",
    );
    let text = format!("kernel that reads {} MiB", gpu.streamed >> 20);
    out.number(
        "bandwidth_all",
        gpu.bandwidth / 1e9,
        "GB/s",
        Measured,
        &text,
    );
    let text = "one more empty dispatch with a barrier, of 200 in a command buffer";
    out.number("launch", gpu.launch * 1e6, "us", Measured, text);
    let text = "submit and wait for an empty dispatch, less its launch";
    out.number("sync", gpu.sync * 1e6, "us", Measured, text);
    let text = "copy by one core into mapped memory";
    out.number(
        "host_to_device",
        gpu.host_to_device / 1e9,
        "GB/s",
        Measured,
        text,
    );
    let text = "copy by one core out of mapped memory";
    out.number(
        "device_to_host",
        gpu.device_to_host / 1e9,
        "GB/s",
        Measured,
        text,
    );
    out.number(
        "power",
        5.0,
        "1",
        Guess,
        "not measurable here; 1 is one busy Cortex-A55 core",
    );
    features(out, &gpu_features(p));
    out.plain("\n[unit.workgroup]");
    let text = "as the Vulkan driver reports it";
    let invocations = p.invocations.min(p.workgroup[0]);
    out.number("invocations", f64::from(invocations), "1", Measured, text);
    out.number("subgroup", f64::from(p.subgroup_size), "1", Measured, text);
    out.number(
        "shared_memory",
        f64::from(p.shared_memory),
        "B",
        Measured,
        text,
    );
    out.number("bindings", f64::from(p.bindings), "1", Measured, text);
    gpu_rates(out, gpu);
}

fn gpu_features(p: &Properties) -> Vec<String> {
    let f = &p.features;
    let all = [
        ("software", p.kind == Kind::Cpu),
        ("fp16", f.float16),
        ("int8", f.int8),
        ("storage8", f.storage8),
        ("storage16", f.storage16),
        (
            "dot4x8packed",
            f.integer_dot_product && f.dot4x8_accelerated,
        ),
    ];
    let there = all.iter().filter(|(_, there)| *there);
    there.map(|(name, _)| (*name).to_owned()).collect()
}

fn gpu_rates(out: &mut Lines, gpu: &GpuFigures) {
    let text = "kernel of fused multiply-adds of vectors of four, all cores";
    out.plain("\n[unit.rate]");
    out.number("f32", gpu.float / 1e9, "GFLOP/s", Measured, text);
    if let Some(half) = gpu.half {
        out.number("f16", half / 1e9, "GFLOP/s", Measured, text);
    }
    let widened = gpu.half.unwrap_or(gpu.float).max(gpu.float);
    let small = gpu.properties.features.storage8;
    if small {
        let text = "weight-only: products run in the faster of f32 and f16";
        out.number("i8", widened / 1e9, "GFLOP/s", Derived, text);
    }
    for (section, share) in [("\n[unit.matvec]", 0.3), ("\n[unit.matmul]", 0.5)] {
        out.plain(section);
        let types = [("f32", true), ("f16", gpu.half.is_some()), ("i8", small)];
        for (dtype, _) in types.iter().filter(|(_, there)| *there) {
            out.number(dtype, share, "1", Guess, NO_KERNELS);
        }
    }
}
