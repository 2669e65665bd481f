//! When to probe: what probes have cost, what they may cost, and how long to wait.

/// Share of all time that probes may cost.
const SHARE: f64 = 0.01;
/// Share of what drafts have gained that they may cost beside.
const OF_GAIN: f64 = 0.25;
/// Rounds of plain decoding before the first probe.
const SOON: u64 = 16;
/// And before any.
const LATE: u64 = 256;
/// After so many rounds drafting has proved itself: waits are short again.
const PROVED: u64 = 64;
/// After so many drafts in a row that stood, a probe that ends is no reason to wait longer.
const HOPEFUL: u32 = 3;

/// Time and probes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ledger {
    /// Of all rounds.
    elapsed: f64,
    /// What probes took beyond plain decoding.
    spent: f64,
    /// What drafts gained over plain decoding; negative: what they lost.
    gained: f64,
    /// Rounds without drafts since a probe, or since drafts were given up.
    waited: u64,
    wait: u64,
    /// Rounds with drafts since they were found to pay.
    drafted: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            elapsed: 0.0,
            spent: 0.0,
            gained: 0.0,
            waited: 0,
            wait: SOON,
            drafted: 0,
        }
    }
}

impl Ledger {
    /// Whether a probe is due, and can be paid. One that is expected to gain must wait, too: it costs at least a tenth of a token.
    pub(super) fn affords(&self, cost: f64, plain: f64) -> bool {
        let may = SHARE * self.elapsed + OF_GAIN * self.gained.max(0.0);
        self.waited >= self.wait && self.spent + cost.max(0.1 * plain) <= may
    }

    pub(super) fn plain(&mut self, seconds: f64) {
        self.elapsed += seconds;
        self.waited += 1;
    }

    /// A round of a probe, and what it took longer than plain decoding.
    pub(super) fn probed(&mut self, seconds: f64, longer: f64) {
        self.elapsed += seconds;
        self.spent = (self.spent + longer).max(0.0);
    }

    pub(super) fn drafted(&mut self, seconds: f64, gained: f64) {
        self.elapsed += seconds;
        self.gained += gained;
        self.drafted += 1;
        if self.drafted >= PROVED {
            self.wait = SOON;
        }
    }

    /// A probe ended, and drafts do not pay.
    pub(super) fn missed(&mut self, rounds: u32) {
        self.waited = 0;
        if rounds <= HOPEFUL {
            self.wait = (2 * self.wait).min(LATE);
        }
    }

    /// A probe ended, and drafts pay.
    pub(super) fn found(&mut self) {
        self.drafted = 0;
    }

    /// Drafts no longer pay.
    pub(super) fn gave_up(&mut self) {
        self.waited = 0;
        if self.drafted < PROVED {
            self.wait = (2 * self.wait).min(LATE);
        }
        self.drafted = 0;
    }

    /// Another text.
    pub(super) fn tried_anew(&mut self) {
        self.waited = 0;
        self.wait = SOON;
        self.drafted = 0;
    }

    /// Seconds that probes took beyond plain decoding.
    pub(super) fn spent(&self) -> f64 {
        self.spent
    }
}
