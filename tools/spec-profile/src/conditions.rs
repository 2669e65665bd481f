//! Under which conditions something was measured.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// The machine and its state. What cannot be read is `None`.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    /// The machine's name as its firmware tells it (a board's device tree), or the processor's.
    pub machine: Option<String>,
    /// Architecture and operating system, such as `aarch64 linux`.
    pub system: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Processes that ran or waited in the last minute before the measurement.
    pub load_average: Option<f64>,
    /// Frequency governors of all cores, each once.
    pub governor: Option<String>,
    /// Start of the measurement, UTC.
    pub date: String,
}

impl Conditions {
    /// Those of this machine, now.
    pub fn now() -> Self {
        Self::read(Path::new("/"))
    }

    /// As [`Conditions::now`], with `/proc` and `/sys` below `root`.
    pub fn read(root: &Path) -> Self {
        Self {
            machine: machine(root),
            system: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load_average: text(root, "proc/loadavg")
                .and_then(|t| t.split(' ').next()?.parse().ok()),
            governor: governors(root),
            date: now(),
        }
    }

    /// The load, where it disturbs: more than a quarter of a core was busy before the measurement began.
    pub fn busy(&self) -> Option<f64> {
        self.load_average.filter(|load| *load > 0.25)
    }
}

/// Now, UTC, to the second.
pub fn now() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The text of a file without the zero bytes and line ends around it; `None` if it is empty or cannot be read.
pub(crate) fn text(root: &Path, path: &str) -> Option<String> {
    let bytes = std::fs::read(root.join(path)).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    (!text.is_empty()).then(|| text.to_owned())
}

fn machine(root: &Path) -> Option<String> {
    text(root, "sys/firmware/devicetree/base/model").or_else(|| processor(root))
}

/// The processor's name in `/proc/cpuinfo`, where there is one.
pub(crate) fn processor(root: &Path) -> Option<String> {
    let cpuinfo = text(root, "proc/cpuinfo")?;
    let line = cpuinfo.lines().find(|l| l.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn governors(root: &Path) -> Option<String> {
    let folder = root.join("sys/devices/system/cpu");
    let mut all: Vec<String> = std::fs::read_dir(&folder)
        .ok()?
        .flatten()
        .filter_map(|e| text(&e.path(), "cpufreq/scaling_governor"))
        .collect();
    all.sort();
    all.dedup();
    (!all.is_empty()).then(|| all.join(", "))
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = "unknown machine";
        write!(f, "{}", self.machine.as_deref().unwrap_or(unknown))?;
        write!(f, "; {}; {} cores", self.system, self.cores)?;
        match self.load_average {
            Some(load) => write!(f, "; load average {load:.2} before")?,
            None => write!(f, "; load average not known")?,
        }
        match &self.governor {
            Some(governor) => write!(f, "; governor {governor}")?,
            None => write!(f, "; governor not readable")?,
        }
        write!(f, "; {}", self.date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_board_is_read() {
        let root = tempfile::tempdir().expect("a folder");
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        };
        put("proc/loadavg", "1.50 0.90 0.40 1/100 1234\n");
        put("sys/firmware/devicetree/base/model", "A board\0");
        put(
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
            "performance\n",
        );
        put(
            "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
            "performance\n",
        );
        put(
            "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor",
            "schedutil\n",
        );
        let found = Conditions::read(root.path());
        assert_eq!(found.machine.as_deref(), Some("A board"));
        assert_eq!(found.busy(), Some(1.5));
        assert_eq!(found.governor.as_deref(), Some("performance, schedutil"));
        let text = found.to_string();
        assert!(text.starts_with("A board; "), "{text}");
        assert!(
            text.contains("load average 1.50") && text.ends_with(" UTC"),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_there_is_said() {
        let root = tempfile::tempdir().expect("a folder");
        let found = Conditions::read(root.path());
        assert_eq!(
            (&found.machine, found.busy(), &found.governor),
            (&None, None, &None)
        );
        let text = found.to_string();
        assert!(
            text.contains("unknown machine") && text.contains("governor not readable"),
            "{text}"
        );
    }
}
