//! Which cores a model runs on.

use super::{LoadError, LoadOptions, error, signature::Model};
use crate::pool::{MAX_THREADS, Pool, PoolOptions, Team, allowed_cores};
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The cores of a bundle's models, and the pools on them.
#[derive(Debug)]
pub(super) struct Seats {
    /// Cores of any unit that is not named.
    any: Vec<usize>,
    options: LoadOptions,
    pools: Mutex<Vec<(Seat, Weak<Pool>)>>,
    warnings: Mutex<Vec<String>>,
}

/// Whose threads a model runs on.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// Those that it shares with these models, as far as they have the same cores.
    Shared(Vec<&'a Model>),
    /// Its own, on other cores than this model has.
    Apart(Option<&'a Model>),
}

/// A place to run: threads, and the cores that they are bound to, as many or none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seat {
    threads: usize,
    cores: Vec<usize>,
}

impl Seats {
    pub(super) fn new(options: &LoadOptions) -> Result<Self, LoadError> {
        let given = options
            .units
            .iter()
            .map(|(unit, cores)| (unit.as_str(), cores));
        for (unit, cores) in given.chain([("", &options.cores)]) {
            let different: HashSet<_> = cores.iter().collect();
            let none = cores.is_empty() && !unit.is_empty();
            if none || different.len() != cores.len() {
                let unit = if unit.is_empty() { "the models" } else { unit };
                return Err(LoadError::Cores(unit.to_owned()));
            }
        }
        let any = match options.cores.is_empty() {
            true => system_cores(),
            false => options.cores.clone(),
        };
        Ok(Self {
            any,
            options: options.clone(),
            pools: Mutex::default(),
            warnings: Mutex::default(),
        })
    }

    /// All cores that a model may use, the ones to use first at the start.
    fn cores(&self, model: &Model) -> &[usize] {
        let unit = model.unit.as_ref();
        unit.and_then(|u| self.options.units.get(u))
            .unwrap_or(&self.any)
    }

    /// How many threads a model has. One that does not run on a CPU has none.
    pub(super) fn threads(&self, model: &Model) -> usize {
        if model.gpu {
            return 0;
        }
        let most = self.cores(model).len().clamp(1, MAX_THREADS);
        match self.options.threads {
            Some(asked) => asked.clamp(1, MAX_THREADS),
            None => model.planned.unwrap_or(most).clamp(1, most),
        }
    }

    /// Threads for a model. `threads`: how many, if not those of [`Seats::threads`].
    pub(super) fn team(
        &self,
        model: &Model,
        threads: Option<usize>,
        place: &Place<'_>,
    ) -> Result<Team, LoadError> {
        if let Some(n) = threads.filter(|n| !(1..=MAX_THREADS).contains(n)) {
            return Err(LoadError::Cores(format!(
                "{} with {n} threads",
                error::name(model.role)
            )));
        }
        let wanted = threads.unwrap_or_else(|| self.threads(model));
        let all = self.cores(model);
        let other = match place {
            Place::Shared(others) => {
                let same = others.iter().filter(|m| !m.gpu && self.cores(m) == all);
                let most = same.map(|m| self.threads(m)).max().unwrap_or(0);
                let pool = self.pool(all, wanted.max(most), true)?;
                return Ok(Team::new(&pool, wanted));
            }
            Place::Apart(other) => other.filter(|m| !m.gpu),
        };
        let taken = other.map_or(&[][..], |other| {
            let cores = self.cores(other);
            cores.get(..self.threads(other)).unwrap_or(cores)
        });
        let left: Vec<usize> = all.iter().copied().filter(|c| !taken.contains(c)).collect();
        // fewer threads than planned rather than two on a core; but one there must be
        let fit = match threads {
            Some(asked) => asked,
            None => wanted.min(left.len()).max(1),
        };
        let pool = self.pool(&left, fit, false)?;
        Ok(Team::new(&pool, fit))
    }

    /// What is not as asked for, since the last call.
    pub(super) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn make(&self, options: &PoolOptions) -> Result<Arc<Pool>, LoadError> {
        let pool = Pool::with(options)?;
        let mut all = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(pool.warnings().iter().map(ToString::to_string));
        Ok(Arc::new(pool))
    }

    /// A pool on the first of these cores; the one that is there already if it may be shared.
    fn pool(&self, cores: &[usize], threads: usize, shared: bool) -> Result<Arc<Pool>, LoadError> {
        let bound = if self.options.pin {
            cores.get(..threads)
        } else {
            None
        };
        let seat = Seat {
            threads,
            cores: bound.unwrap_or_default().to_vec(),
        };
        let options = PoolOptions {
            cores: seat.cores.clone(),
            ..PoolOptions::new(threads)
        };
        if !shared {
            return self.make(&options);
        }
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|(_, pool)| pool.strong_count() > 0);
        let known = pools.iter().find(|(s, _)| *s == seat);
        if let Some(pool) = known.and_then(|(_, pool)| pool.upgrade()) {
            return Ok(pool);
        }
        let pool = self.make(&options)?;
        pools.push((seat, Arc::downgrade(&pool)));
        Ok(pool)
    }
}

/// The cores that this process may use: one thread of each core first, fast cores first.
fn system_cores() -> Vec<usize> {
    let known = std::thread::available_parallelism().map_or(1, |n| n.get());
    let allowed = allowed_cores().unwrap_or_else(|_| (0..known).collect());
    in_order(Path::new("/sys/devices/system/cpu"), allowed)
}

/// Puts the other threads of cores after the first ones, and slow cores after fast ones, as far as the system tells.
fn in_order(system: &Path, mut allowed: Vec<usize>) -> Vec<usize> {
    let file = |core: usize, name: &str| {
        std::fs::read_to_string(system.join(format!("cpu{core}/{name}"))).ok()
    };
    let capacity = |core| -> u64 {
        let text = file(core, "cpu_capacity");
        text.and_then(|t| t.trim().parse().ok()).unwrap_or(0)
    };
    let before = |core| {
        let text = file(core, "topology/thread_siblings_list").unwrap_or_default();
        let siblings = list(&text);
        siblings
            .iter()
            .filter(|s| **s < core && allowed.contains(s))
            .count()
    };
    let keys: std::collections::HashMap<usize, _> = allowed
        .iter()
        .map(|core| (*core, (before(*core), std::cmp::Reverse(capacity(*core)))))
        .collect();
    allowed.sort_by_key(|core| (keys.get(core).copied(), *core));
    allowed
}

/// The numbers of a list such as `0-3,8`.
fn list(text: &str) -> Vec<usize> {
    let mut numbers = vec![];
    for part in text.trim().split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(from), Ok(to)) = (from.parse::<usize>(), to.parse::<usize>())
            && to.saturating_sub(from) < 4096
        {
            numbers.extend(from..=to);
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Role;

    #[test]
    fn lists_of_cores() {
        assert_eq!(list("0-3,8\n"), [0, 1, 2, 3, 8]);
        assert_eq!(list("5"), [5]);
        assert_eq!(list("x,2-1,0-99999999,7"), [7]);
    }

    /// Four cores of two threads, the last two of which are slow.
    #[test]
    fn other_threads_of_a_core_and_slow_cores_come_last() {
        let folder = tempfile::tempdir().expect("a folder");
        for core in 0..8 {
            let path = folder.path().join(format!("cpu{core}/topology"));
            std::fs::create_dir_all(&path).expect("made");
            let first = core / 2 * 2;
            let siblings = format!("{first}-{}\n", first + 1);
            std::fs::write(path.join("thread_siblings_list"), siblings).expect("written");
            let capacity = if core < 4 { "400\n" } else { "1024\n" };
            let path = folder.path().join(format!("cpu{core}/cpu_capacity"));
            std::fs::write(path, capacity).expect("written");
        }
        let order = |cores: &[usize]| in_order(folder.path(), cores.to_vec());
        assert_eq!(order(&[0, 1, 2, 3, 4, 5, 6, 7]), [4, 6, 0, 2, 5, 7, 1, 3]);
        assert_eq!(order(&[1, 3, 5]), [5, 1, 3], "alone on their cores");
        assert_eq!(in_order(Path::new("/nothing"), vec![3, 1]), [1, 3]);
    }

    fn model(role: Role, unit: Option<&str>, planned: Option<usize>) -> Model {
        Model {
            role,
            vocabulary: 1,
            context: 1,
            widths: vec![],
            functions: vec![],
            gpu: false,
            unit: unit.map(str::to_owned),
            planned,
        }
    }

    fn seats(options: LoadOptions) -> Seats {
        Seats::new(&options).expect("cores")
    }

    #[test]
    fn the_plan_says_how_many_and_the_options_which() {
        let options = LoadOptions {
            cores: vec![0, 1, 2, 3],
            pin: false,
            ..LoadOptions::default()
        };
        let all = seats(options.clone());
        assert_eq!(all.threads(&model(Role::Target, None, None)), 4);
        assert_eq!(all.threads(&model(Role::Target, None, Some(3))), 3);
        assert_eq!(all.threads(&model(Role::Target, None, Some(64))), 4);
        let fixed = seats(LoadOptions {
            threads: Some(7),
            ..options.clone()
        });
        assert_eq!(fixed.threads(&model(Role::Target, None, Some(3))), 7);
        let units = [("little".to_owned(), vec![8, 9])].into();
        let named = seats(LoadOptions {
            units,
            ..options.clone()
        });
        assert_eq!(
            named.threads(&model(Role::Drafter, Some("little"), Some(4))),
            2
        );
        assert_eq!(named.threads(&model(Role::Target, Some("big"), Some(4))), 4);

        for (cores, units) in [
            (vec![1, 1], vec![]),
            (vec![], vec![("little".to_owned(), vec![])]),
            (vec![], vec![("little".to_owned(), vec![2, 2])]),
        ] {
            let units = units.into_iter().collect();
            let wrong = LoadOptions {
                cores,
                units,
                ..LoadOptions::default()
            };
            assert!(matches!(Seats::new(&wrong), Err(LoadError::Cores(_))));
        }
    }

    #[test]
    fn models_on_the_same_cores_share_threads_and_others_do_not() {
        let target = model(Role::Target, None, Some(3));
        let drafter = model(Role::Drafter, None, Some(2));
        let seats = seats(LoadOptions {
            cores: vec![0, 1, 2, 3],
            pin: false,
            ..LoadOptions::default()
        });
        let both = || Place::Shared(vec![&target, &drafter]);
        let first = seats.team(&target, None, &both()).expect("threads");
        let second = seats.team(&drafter, None, &both()).expect("threads");
        assert_eq!((first.threads(), second.threads()), (3, 2));
        assert!(Arc::ptr_eq(first.pool(), second.pool()));

        let beside = Place::Apart(Some(&target));
        let apart = seats.team(&drafter, None, &beside).expect("threads");
        assert_eq!(apart.threads(), 1, "one core is left");
        assert!(!Arc::ptr_eq(first.pool(), apart.pool()));
        let asked = seats.team(&drafter, Some(2), &beside).expect("threads");
        assert_eq!(asked.threads(), 2);
        let alone = seats.team(&target, None, &Place::Apart(None));
        assert_eq!(alone.expect("threads").pool().threads(), 3);
        let none = seats.team(&drafter, Some(0), &both());
        assert!(matches!(none, Err(LoadError::Cores(_))));

        drop((first, second));
        let pools = || seats.pools.lock().expect("no panic").len();
        assert_eq!(pools(), 1);
        let again = seats.team(&target, Some(4), &both()).expect("threads");
        assert_eq!(again.pool().threads(), 4);
        assert_eq!(pools(), 1, "pools that nobody uses are gone");
    }

    #[test]
    fn threads_that_cannot_be_bound_are_told() {
        let seats = seats(LoadOptions {
            cores: vec![0, 1023],
            ..LoadOptions::default()
        });
        let target = model(Role::Target, None, Some(2));
        let team = seats.team(&target, None, &Place::Apart(None));
        assert_eq!(team.expect("threads").threads(), 2);
        let found = seats.warnings();
        assert!(
            matches!(&found[..], [one] if one.contains("core 1023")),
            "{found:?}"
        );
        assert!(seats.warnings().is_empty());
    }
}
