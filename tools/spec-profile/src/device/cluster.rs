//! CPU clusters and memory, as Linux tells them.

use super::DeviceError;
use crate::conditions::{processor, text};
use std::path::Path;

/// Equal cores.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cluster {
    /// Name of the unit: `cpu`, or `cpu-` and the core's or the cluster's.
    pub name: String,
    /// Numbers of the cores, in the system's numbering.
    pub cores: Vec<usize>,
    /// Relative speed, 1024 for the fastest core of the machine; where the system tells it.
    pub capacity: Option<u32>,
    /// Highest clock, kHz; where the system tells it.
    pub max_khz: Option<u64>,
    /// Name of the core's design, as LLVM spells it; where it is known.
    pub core: Option<String>,
    /// The processor's name, where there is one.
    pub processor: Option<String>,
    /// Level-1 data cache of one core, bytes.
    pub l1_data: Option<u64>,
    /// Largest cache that a core sees, bytes.
    pub last_level: Option<u64>,
}

impl Cluster {
    /// In words.
    pub fn description(&self) -> String {
        let core = self.core.as_deref().or(self.processor.as_deref());
        let core = core.unwrap_or(std::env::consts::ARCH);
        let mut out = format!("{} x {core}", self.cores.len());
        if let Some(khz) = self.max_khz {
            out.push_str(&format!(", {} MHz", khz / 1000));
        }
        out
    }
}

/// The machine's memory, bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// All that Linux manages.
    pub total: u64,
    /// What programs could take now.
    pub available: u64,
}

/// Arm's designs by the part number in `/proc/cpuinfo` (implementer 0x41), as LLVM names them.
const PARTS: [(u32, &str); 27] = [
    (0xd03, "cortex-a53"),
    (0xd04, "cortex-a35"),
    (0xd05, "cortex-a55"),
    (0xd07, "cortex-a57"),
    (0xd08, "cortex-a72"),
    (0xd09, "cortex-a73"),
    (0xd0a, "cortex-a75"),
    (0xd0b, "cortex-a76"),
    (0xd0c, "neoverse-n1"),
    (0xd0d, "cortex-a77"),
    (0xd0e, "cortex-a76ae"),
    (0xd40, "neoverse-v1"),
    (0xd41, "cortex-a78"),
    (0xd42, "cortex-a78ae"),
    (0xd44, "cortex-x1"),
    (0xd46, "cortex-a510"),
    (0xd47, "cortex-a710"),
    (0xd48, "cortex-x2"),
    (0xd49, "neoverse-n2"),
    (0xd4b, "cortex-a78c"),
    (0xd4d, "cortex-a715"),
    (0xd4e, "cortex-x3"),
    (0xd4f, "neoverse-v2"),
    (0xd80, "cortex-a520"),
    (0xd81, "cortex-a720"),
    (0xd82, "cortex-x4"),
    (0xd85, "cortex-x925"),
];

/// Clusters of equal cores, the slowest first. Cores are equal if capacity, highest clock and design are.
///
/// # Errors
/// [`DeviceError::Cores`].
pub fn clusters(root: &Path) -> Result<Vec<Cluster>, DeviceError> {
    let folder = "sys/devices/system/cpu";
    let failed = || DeviceError::Cores(root.join(folder).display().to_string());
    let online = text(root, &format!("{folder}/online")).ok_or_else(failed)?;
    let cores = list(&online).ok_or_else(failed)?;
    let mut found: Vec<Cluster> = vec![];
    for core in cores {
        let one = read_core(root, core);
        let same = |c: &&mut Cluster| {
            (c.capacity, c.max_khz, &c.core) == (one.capacity, one.max_khz, &one.core)
        };
        match found.iter_mut().find(same) {
            Some(cluster) => cluster.cores.push(core),
            None => found.push(one),
        }
    }
    if found.is_empty() {
        return Err(failed());
    }
    found.sort_by_key(|c| (c.capacity, c.max_khz));
    name(&mut found);
    Ok(found)
}

fn name(clusters: &mut [Cluster]) {
    if let [only] = clusters {
        only.name = "cpu".to_owned();
        return;
    }
    let mut taken: Vec<String> = vec![];
    for (i, cluster) in clusters.iter_mut().enumerate() {
        let short = |core: &String| core.trim_start_matches("cortex-").to_owned();
        let mut name = match &cluster.core {
            Some(core) => format!("cpu-{}", short(core)),
            None => format!("cpu-{i}"),
        };
        if taken.contains(&name) {
            name = format!("{name}-{i}");
        }
        taken.push(name.clone());
        cluster.name = name;
    }
}

fn read_core(root: &Path, core: usize) -> Cluster {
    let folder = format!("sys/devices/system/cpu/cpu{core}");
    let number = |path: &str| text(root, &format!("{folder}/{path}"))?.parse::<u64>().ok();
    let mut cluster = Cluster {
        cores: vec![core],
        capacity: number("cpu_capacity").and_then(|n| u32::try_from(n).ok()),
        max_khz: number("cpufreq/cpuinfo_max_freq"),
        core: design(root, core),
        processor: processor(root),
        ..Cluster::default()
    };
    for index in 0..8 {
        let cache = |what: &str| text(root, &format!("{folder}/cache/index{index}/{what}"));
        let Some(size) = cache("size").as_deref().and_then(bytes) else {
            continue;
        };
        let kind = cache("type");
        let kind = kind.as_deref();
        if kind == Some("Instruction") {
            continue;
        }
        if cache("level").as_deref() == Some("1") {
            cluster.l1_data = Some(size);
        } else {
            cluster.last_level = cluster.last_level.max(Some(size));
        }
    }
    cluster
}

/// The design of an Arm core, from `/proc/cpuinfo`.
fn design(root: &Path, core: usize) -> Option<String> {
    let cpuinfo = text(root, "proc/cpuinfo")?;
    let of = |block: &str, key: &str| {
        let line = block
            .lines()
            .find(|l| l.split(':').next().map(str::trim) == Some(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let number = core.to_string();
    let block = cpuinfo
        .split("\n\n")
        .find(|b| of(b, "processor").as_deref() == Some(number.as_str()))?;
    let hex = |key: &str| {
        let value = of(block, key)?;
        u32::from_str_radix(value.trim_start_matches("0x"), 16).ok()
    };
    if hex("CPU implementer")? != 0x41 {
        return None;
    }
    let part = hex("CPU part")?;
    let known = PARTS.iter().find(|(n, _)| *n == part);
    known.map(|(_, name)| (*name).to_owned())
}

/// A list such as `0-3,6`.
fn list(text: &str) -> Option<Vec<usize>> {
    let mut all = vec![];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        all.extend(first..=last);
    }
    Some(all)
}

/// A size such as `48K` or `2M`, bytes.
fn bytes(text: &str) -> Option<u64> {
    let (digits, factor) = match text.chars().last()? {
        'K' => (text.trim_end_matches('K'), 1 << 10),
        'M' => (text.trim_end_matches('M'), 1 << 20),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// # Errors
/// [`DeviceError::Memory`].
pub(super) fn memory(root: &Path) -> Result<Memory, DeviceError> {
    let path = "proc/meminfo";
    let table = text(root, path).unwrap_or_default();
    let value = |key: &str| {
        let line = table.lines().find(|l| l.starts_with(key))?;
        let digits = line.split_whitespace().nth(1)?;
        digits.parse::<u64>().ok()?.checked_mul(1024)
    };
    match (value("MemTotal:"), value("MemAvailable:")) {
        (Some(total), Some(available)) if available <= total => Ok(Memory { total, available }),
        _ => Err(DeviceError::Memory(root.join(path).display().to_string())),
    }
}
