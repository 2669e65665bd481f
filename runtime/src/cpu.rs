//! What this processor can do: features advertised, and tested by executing one instruction of each.
//!
//! A processor, and a virtual one above all, may advertise a feature whose instructions raise SIGILL; code compiled for it would
//! crash. Each feature that is advertised is tried in a child process, which also shields this process from the signal. Tile
//! registers (AMX) are a case of their own: on Linux they raise SIGILL until the process has asked for them ([`request_tiles`]).

use crate::ffi::{self, PROBES, Probe, try_in_child};
use std::sync::OnceLock;

/// A feature that is advertised and does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// LLVM's name of the feature.
    pub name: &'static str,
    /// The signal that an instruction of it raised (4: SIGILL); `None` if the system did not tell.
    pub signal: Option<i32>,
}

/// Optional features of the processor that this program runs on, by LLVM's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuFeatures {
    /// Advertised, and an instruction of each was executed.
    pub usable: Vec<&'static str>,
    /// Advertised; an instruction raises SIGILL unless the process has called [`request_tiles`], and works then.
    pub on_request: Vec<&'static str>,
    /// Advertised, but an instruction raises a signal.
    pub broken: Vec<Broken>,
    /// Known to this table, but not advertised.
    pub absent: Vec<&'static str>,
}

/// Features could not be tested.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot start a child process to test the processor's features in: {0}; allow fork, or name the target's features by hand"
)]
pub struct CpuError(#[from] std::io::Error);

/// Whether a feature can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Tested.
    Usable,
    /// Works after [`request_tiles`].
    OnRequest,
    /// See [`Broken`].
    Broken(Option<i32>),
    /// Not advertised.
    Absent,
    /// Not in the table of optional features: nothing is known.
    Unknown,
}

impl CpuFeatures {
    /// The features of this processor; tested once in a process (a few milliseconds), then remembered.
    ///
    /// # Errors
    /// The system refuses a child process.
    pub fn host() -> Result<&'static Self, CpuError> {
        static HOST: OnceLock<CpuFeatures> = OnceLock::new();
        if let Some(known) = HOST.get() {
            return Ok(known);
        }
        let found = test(PROBES)?;
        Ok(HOST.get_or_init(|| found))
    }

    /// What is known of the feature `name` (LLVM's, without a sign).
    pub fn get(&self, name: &str) -> Feature {
        if self.usable.contains(&name) {
            return Feature::Usable;
        }
        if self.on_request.contains(&name) {
            return Feature::OnRequest;
        }
        if let Some(broken) = self.broken.iter().find(|b| b.name == name) {
            return Feature::Broken(broken.signal);
        }
        if self.absent.contains(&name) {
            Feature::Absent
        } else {
            Feature::Unknown
        }
    }

    /// LLVM's attribute string: `+` for usable features, `-` for all others of the table, those on request included: whoever
    /// calls [`request_tiles`] adds them.
    pub fn llvm_attributes(&self) -> String {
        let plus = self.usable.iter().map(|f| format!("+{f}"));
        let broken = self.broken.iter().map(|b| b.name);
        let others = self.on_request.iter().copied().chain(broken);
        let minus = others.chain(self.absent.iter().copied());
        let all: Vec<String> = plus.chain(minus.map(|f| format!("-{f}"))).collect();
        all.join(",")
    }
}

/// Asks the system for tile registers (AMX), for this process and all that it starts from now on.
///
/// # Errors
/// The system has none, or refuses.
pub fn request_tiles() -> Result<(), TilesError> {
    ffi::request_tiles().map_err(TilesError)
}

/// No tile registers.
#[derive(Debug, thiserror::Error)]
#[error(
    "the system gives no tile registers (AMX): {0}; compile for a target without amx features, or use Linux 5.16 or newer"
)]
pub struct TilesError(std::io::Error);

/// Tries the advertised ones of `probes`, and those that fail once more after asking for tiles.
fn test(probes: &[Probe]) -> Result<CpuFeatures, CpuError> {
    let (advertised, absent): (Vec<Probe>, Vec<Probe>) =
        probes.iter().partition(|p| (p.advertised)());
    let (usable, failed) = try_all(&advertised, false)?;
    let failed: Vec<Probe> = failed.into_iter().map(|(probe, _)| probe).collect();
    let (on_request, broken) = try_all(&failed, true)?;
    let broken = broken.into_iter().map(|(probe, signal)| Broken {
        name: probe.name,
        signal,
    });
    Ok(CpuFeatures {
        usable,
        on_request,
        broken: broken.collect(),
        absent: absent.iter().map(|p| p.name).collect(),
    })
}

/// Names of the probes that pass; the others, each with the signal that it raised.
type Tried = (Vec<&'static str>, Vec<(Probe, Option<i32>)>);

/// Tries `probes` in a child, and one more for each that ends its child.
fn try_all(probes: &[Probe], ask: bool) -> Result<Tried, CpuError> {
    let (mut good, mut bad) = (vec![], vec![]);
    let mut rest = probes;
    while !rest.is_empty() {
        let trial = try_in_child(rest, ask)?;
        let (passed, failed) = rest.split_at(trial.passed.min(rest.len()));
        good.extend(passed.iter().map(|p| p.name));
        let Some((first, others)) = failed.split_first() else {
            break;
        };
        bad.push((*first, trial.signal));
        rest = others;
    }
    Ok((good, bad))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::tests::UNDEFINED;

    const SIGILL: i32 = 4;

    fn good(name: &'static str) -> Probe {
        Probe {
            name,
            advertised: || true,
            execute: || {},
        }
    }

    #[test]
    fn an_instruction_that_raises_a_signal_is_broken() {
        let missing = Probe {
            advertised: || false,
            name: "missing",
            ..UNDEFINED // never executed
        };
        let probes = [good("a"), UNDEFINED, missing, good("b"), UNDEFINED];
        let found = test(&probes).expect("fork works");
        let broken = Broken {
            name: "undefined",
            signal: Some(SIGILL),
        };
        assert_eq!(found.usable, ["a", "b"]);
        assert_eq!(found.broken, [broken, broken]);
        assert_eq!(found.absent, ["missing"]);
        assert_eq!(
            found.llvm_attributes(),
            "+a,+b,-undefined,-undefined,-missing"
        );
        assert_eq!(found.get("undefined"), Feature::Broken(Some(SIGILL)));
        assert_eq!(
            [found.get("a"), found.get("missing"), found.get("c")],
            [Feature::Usable, Feature::Absent, Feature::Unknown]
        );
    }

    #[test]
    fn a_probe_that_hangs_is_broken() {
        let hangs = Probe {
            execute: || loop {
                std::hint::spin_loop();
            },
            ..good("hangs")
        };
        let found = test(&[hangs, good("a")]).expect("fork works");
        assert_eq!(found.broken[0].name, "hangs");
        assert_eq!(found.usable, ["a"]);
    }

    #[test]
    fn no_probe_is_lost() {
        let found = CpuFeatures::host().expect("fork works");
        let all =
            found.usable.len() + found.on_request.len() + found.broken.len() + found.absent.len();
        assert_eq!(all, PROBES.len());
        let again = CpuFeatures::host().expect("remembered");
        assert!(std::ptr::eq(found, again));
    }

    /// In a process of its own, since what was asked for stays.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn tiles_work_when_asked_for() {
        let host = CpuFeatures::host().expect("fork works");
        let amx: Vec<Probe> = PROBES
            .iter()
            .filter(|p| p.name.starts_with("amx"))
            .copied()
            .collect();
        for probe in amx {
            match host.get(probe.name) {
                Feature::OnRequest => {
                    let trial = try_in_child(&[probe], true).expect("fork works");
                    assert_eq!((trial.passed, trial.signal), (1, None));
                    let trial = try_in_child(&[probe], false).expect("fork works");
                    assert_eq!((trial.passed, trial.signal), (0, Some(SIGILL)));
                }
                Feature::Broken(signal) => assert!(signal.is_some(), "{}", probe.name),
                Feature::Usable => panic!("{}: nobody asked for tiles", probe.name),
                Feature::Absent => assert!(!(probe.advertised)()),
                Feature::Unknown => panic!("{} is lost", probe.name),
            }
        }
    }

    /// What the standard library detects, and this module executed, agree; every usable one is advertised there.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn usable_features_are_those_of_the_standard_library() {
        use std::arch::is_x86_feature_detected as detected;
        let host = CpuFeatures::host().expect("fork works");
        let pairs = [
            ("avx2", detected!("avx2")),
            ("fma", detected!("fma")),
            ("f16c", detected!("f16c")),
            ("lzcnt", detected!("lzcnt")),
            ("bmi2", detected!("bmi2")),
            ("gfni", detected!("gfni")),
            ("avxvnni", detected!("avxvnni")),
            ("avx512f", detected!("avx512f")),
            ("avx512vl", detected!("avx512vl")),
            ("avx512vnni", detected!("avx512vnni")),
            ("avx512bf16", detected!("avx512bf16")),
            ("avx512fp16", detected!("avx512fp16")),
        ];
        for (name, detected) in pairs {
            let found = host.get(name);
            assert_eq!(
                found != Feature::Absent && found != Feature::Unknown,
                detected,
                "{name}: {found:?}"
            );
        }
    }
}
