//! What the tool that runs the passes wants to know besides the IR: reports and the graph file. A tool sets it once, before
//! it runs a pipeline; inside a foreign mlir-opt nothing is set and nothing is collected.

use crate::report::{Raised, Report};
use spec_dialect::ffi::Op;
use std::path::PathBuf;
use std::sync::Mutex;

#[derive(Default)]
struct Session {
    collect: bool,
    graph: Option<PathBuf>,
    /// One a module, by the module's address while it is being worked on.
    reports: Vec<(usize, Report)>,
    /// One a function, in the order of the runs.
    raised: Vec<Raised>,
}

static SESSION: Mutex<Session> = Mutex::new(Session {
    collect: false,
    graph: None,
    reports: vec![],
    raised: vec![],
});

fn with<T>(f: impl FnOnce(&mut Session) -> T) -> T {
    f(&mut SESSION.lock().unwrap_or_else(|e| e.into_inner()))
}

/// Starts collecting reports; `graph` is where `spec-identify` writes its graph.
pub fn start(collect: bool, graph: Option<PathBuf>) {
    with(|s| {
        *s = Session {
            collect,
            graph,
            reports: vec![],
            raised: vec![],
        }
    });
}

/// The reports collected since [`start`], one a module.
pub fn take() -> Vec<Report> {
    with(|s| {
        std::mem::take(&mut s.reports)
            .into_iter()
            .map(|(_, r)| r)
            .collect()
    })
}

/// What `spec-raise` made of each function since [`start`].
pub fn take_raised() -> Vec<Raised> {
    with(|s| std::mem::take(&mut s.raised))
}

/// Adds what was made of a function.
pub(crate) fn push_raised(raised: Raised) {
    with(|s| s.raised.push(raised));
}

pub(crate) fn graph_file() -> Option<PathBuf> {
    with(|s| s.graph.clone())
}

pub(crate) fn collects() -> bool {
    with(|s| s.collect)
}

/// Adds to a module's latest report what was not done, and why.
pub(crate) fn refuse(module: Op, why: String) {
    let is_its = |(key, _): &&mut (usize, Report)| *key == module.address();
    with(|s| {
        if let Some((_, r)) = s.reports.iter_mut().rev().find(is_its) {
            r.refused.push(why);
        }
    });
}

/// Adds a module's report; a later pass's report takes the place of an earlier one's of the same module. Several modules may
/// be at work at a time, and a later one may stand at the address of one that is gone: then it is from another place.
pub(crate) fn push(module: Op, report: Report) {
    let key = module.address();
    with(|s| {
        let earlier = s
            .reports
            .iter()
            .rposition(|(k, r)| *k == key && r.module == report.module && r.outcome.is_none());
        match earlier {
            Some(i) => s.reports[i].1 = report,
            None => s.reports.push((key, report)),
        }
    });
}
