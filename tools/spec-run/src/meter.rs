//! Energy, where the system measures it: RAPL's packages under `/sys/class/powercap`.

use std::path::{Path, PathBuf};

/// Where Linux shows power zones.
pub const ROOT: &str = "/sys/class/powercap";

/// Counters of energy that can be read.
#[derive(Debug)]
pub struct Meter {
    zones: Vec<Zone>,
}

#[derive(Debug)]
struct Zone {
    /// File of the counter, in microjoules.
    counter: PathBuf,
    /// Where it starts again from 0.
    range: u64,
}

impl Meter {
    /// The packages under `root`. None: there are none, or they cannot be read (most systems let only root).
    pub fn open(root: &Path) -> Option<Self> {
        let entries = std::fs::read_dir(root).ok()?;
        let zones = entries.flatten().filter_map(|e| Zone::open(&e.path()));
        let zones: Vec<Zone> = zones.collect();
        (!zones.is_empty()).then_some(Self { zones })
    }

    /// The counters, in microjoules.
    pub fn read(&self) -> Option<Vec<u64>> {
        self.zones.iter().map(|z| number(&z.counter)).collect()
    }

    /// Joules since `before`. Right as long as no counter went round twice.
    pub fn since(&self, before: &[u64]) -> Option<f64> {
        let after = self.read()?;
        let mut sum = 0;
        for ((zone, from), to) in self.zones.iter().zip(before).zip(after) {
            sum += match to.checked_sub(*from) {
                Some(spent) => spent,
                None => (zone.range.checked_sub(*from)?).checked_add(to)?,
            };
        }
        Some(sum as f64 * 1e-6)
    }
}

impl Zone {
    /// A package. Its parts, `intel-rapl:0:0`, are in its energy already.
    fn open(folder: &Path) -> Option<Self> {
        let name = std::fs::read_to_string(folder.join("name")).ok()?;
        let counter = folder.join("energy_uj");
        number(&counter).filter(|_| name.starts_with("package"))?;
        let range = number(&folder.join("max_energy_range_uj"))?;
        Some(Self { counter, range })
    }
}

fn number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(root: &Path, folder: &str, name: &str, energy: u64) {
        let folder = root.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let write =
            |file: &str, text: String| std::fs::write(folder.join(file), text + "\n").unwrap();
        write("name", name.into());
        write("energy_uj", energy.to_string());
        write("max_energy_range_uj", "1000000".into());
    }

    #[test]
    fn packages_are_added_and_go_round() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert!(Meter::open(root).is_none() && Meter::open(&root.join("none")).is_none());
        zone(root, "intel-rapl:0", "package-0", 100_000);
        zone(root, "intel-rapl:0:0", "core", 50_000);
        zone(root, "intel-rapl:1", "package-1", 900_000);
        let meter = Meter::open(root).unwrap();
        let before = meter.read().unwrap();
        assert_eq!(before.len(), 2);
        zone(root, "intel-rapl:0", "package-0", 600_000);
        zone(root, "intel-rapl:1", "package-1", 100_000);
        assert!((meter.since(&before).unwrap() - 0.7).abs() < 1e-9);
        std::fs::remove_file(root.join("intel-rapl:0/energy_uj")).unwrap();
        assert_eq!(meter.since(&before), None);
    }
}
