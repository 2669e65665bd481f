//! What a run gained and cost, as data: the JSON document, and what the table shows (docs/spec-run.md).

use crate::compare::{Pair, Summary};
use crate::generation::{Ended, Run};
use serde::Serialize;
use spec_runtime::draft_length::goodput::Way;
use spec_runtime::generate::{Drafting, Finish, Schedule, Settings};
use spec_runtime::manifest::Role;
use spec_runtime::model::Loaded;
use spec_runtime::sampling::Sampling;

mod planned;

#[cfg(test)]
pub use planned::AtMeasuredLine;
pub use planned::{MadeHere, Measured, PlanLine, plan};

/// Version of the document.
pub const FORMAT_VERSION: u32 = 1;

/// The document.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this format: 1.
    pub format_version: u32,
    /// Name and version of this program.
    pub tool: String,
    /// The bundle's folder.
    pub bundle: String,
    /// The models, target first.
    pub models: Vec<ModelLine>,
    /// How it was decoded.
    pub settings: SettingsLine,
    /// What the plan predicts; null without a plan.
    pub plan: Option<PlanLine>,
    /// The prompt.
    pub prompt: PromptLine,
    /// What was generated.
    pub output: OutputLine,
    /// What it took.
    pub decode: DecodeLine,
    /// Where the time of decoding went.
    pub times: TimesLine,
    /// Energy of decoding; not there without a meter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<EnergyLine>,
    /// The comparison with plain decoding; null if there was none.
    pub compare: Option<CompareLine>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// A model.
#[derive(Clone, Debug, Serialize)]
pub struct ModelLine {
    /// `target` or `drafter`.
    pub role: &'static str,
    /// Its name, if the bundle says.
    pub name: Option<String>,
    /// How its weights are stored, if the bundle says.
    pub dtype: Option<String>,
    /// `cpu`, or the GPU's name.
    pub device: String,
    /// Threads on a CPU; 0 on a GPU.
    pub cores: usize,
    /// Tokens of a call of each compiled function.
    pub widths: Vec<usize>,
}

/// How it was decoded.
#[derive(Clone, Debug, Serialize)]
pub struct SettingsLine {
    /// `4`; `auto up to 8`; `adaptive 4 to 8`; `entropy up to 8`.
    pub draft_length: String,
    /// `plain`, `sequential` or `overlapped`.
    pub schedule: &'static str,
    /// 0: greedy.
    pub temperature: f32,
    /// 0: all.
    pub top_k: usize,
    /// 1: all.
    pub top_p: f32,
    /// Of the random numbers.
    pub seed: u64,
    /// Most tokens.
    pub max_tokens: usize,
}

/// The prompt.
#[derive(Clone, Debug, Serialize)]
pub struct PromptLine {
    /// Its tokens.
    pub tokens: usize,
    /// Time to feed all but the last of them.
    pub prefill_seconds: f64,
    /// Speed of that; 0 for one token.
    pub tokens_per_second: f64,
}

/// What was generated.
#[derive(Clone, Debug, Serialize)]
pub struct OutputLine {
    /// The tokens, a stop token included.
    pub tokens: Vec<u32>,
    /// Their text; null without a tokenizer.
    pub text: Option<String>,
    /// `stop`, `max_tokens`, `context`, `interrupted` or `closed`.
    pub finish: &'static str,
    /// The token that ended it.
    pub stop_token: Option<u32>,
}

/// What decoding took.
#[derive(Clone, Debug, Serialize)]
pub struct DecodeLine {
    /// Generated tokens.
    pub tokens: usize,
    /// Wall time of all rounds.
    pub seconds: f64,
    /// Tokens a second.
    pub tokens_per_second: f64,
    /// Rounds.
    pub rounds: usize,
    /// Tokens a round.
    pub tokens_per_round: f64,
    /// Drafts that were verified.
    pub drafted: usize,
    /// Drafts that stood.
    pub accepted: usize,
    /// Drafts made ahead in vain.
    pub discarded: usize,
    /// Accepted drafts of those that were reached; null without drafts.
    pub acceptance_rate: Option<f64>,
    /// By position in the draft.
    pub acceptance_by_position: Vec<PositionLine>,
    /// Rounds by their drafts.
    pub lengths: Vec<LengthLine>,
    /// Rounds that were probes; null unless lengths were chosen in the run.
    pub probes: Option<u64>,
    /// Time that they took beyond plain decoding of their tokens.
    pub probe_seconds: Option<f64>,
}

/// Rounds of one draft length.
#[derive(Clone, Debug, Serialize)]
pub struct LengthLine {
    /// Drafts of the round.
    pub drafts: usize,
    /// So many rounds had as many.
    pub rounds: u64,
    /// What the run expects of it at its end; null unless lengths were chosen in the run.
    pub expected_tokens_per_second: Option<f64>,
}

/// Acceptance at a position of the draft.
#[derive(Clone, Debug, Serialize)]
pub struct PositionLine {
    /// 1: the first draft of a round.
    pub position: usize,
    /// Rounds in which all drafts before it stood.
    pub reached: u64,
    /// Rounds in which it stood too.
    pub accepted: u64,
    /// The second divided by the first.
    pub rate: f64,
}

/// Where the time of decoding went; the parts add up to the total.
#[derive(Clone, Debug, Serialize)]
pub struct TimesLine {
    /// Runs of the drafter, without those beside the target.
    pub draft_seconds: f64,
    /// Runs of the target.
    pub verify_seconds: f64,
    /// Writing inputs and copying logits.
    pub handoff_seconds: f64,
    /// Distributions, sampling, acceptance.
    pub sampling_seconds: f64,
    /// The rest.
    pub other_seconds: f64,
    /// All of it.
    pub total_seconds: f64,
    /// Runs of the drafter beside the target, in no other part.
    pub draft_beside_verify_seconds: f64,
    /// Part of the total in which no model ran, in percent.
    pub outside_of_models_percent: f64,
}

/// Energy.
#[derive(Clone, Debug, Serialize)]
pub struct EnergyLine {
    /// Of decoding, all packages.
    pub joules: f64,
    /// Of one token.
    pub joules_per_token: f64,
}

/// The comparison.
#[derive(Clone, Debug, Serialize)]
pub struct CompareLine {
    /// Speeds of each pair of runs.
    pub pairs: Vec<Pair>,
    /// Whether all pairs are there.
    pub complete: bool,
    /// Whether both ways gave the same tokens; null with random sampling, where they need not.
    pub tokens_equal: Option<bool>,
    /// Cores of the target in plain decoding, where they are not those it verifies on.
    pub plain_cores: Option<usize>,
    /// What the pairs say; null without a pair.
    #[serde(flatten)]
    pub summary: Option<Summary>,
}

/// The models of a bundle that take part.
pub fn models(loaded: &Loaded, drafts: bool) -> Vec<ModelLine> {
    let roles: &[(Role, &str)] = match drafts {
        true => &[(Role::Target, "target"), (Role::Drafter, "drafter")],
        false => &[(Role::Target, "target")],
    };
    let manifest = loaded.manifest();
    let line = |(role, name): &(Role, &'static str)| {
        let model = manifest.models.iter().find(|m| m.role == *role);
        let placements = manifest.plan.iter().flat_map(|p| &p.placements);
        let placed = placements
            .filter(|p| p.role == *role)
            .find_map(|p| p.dtype.clone());
        Some(ModelLine {
            role: name,
            name: model.map(|m| m.name.clone()),
            dtype: model.map(|m| m.dtype.clone()).or(placed),
            device: loaded.device(*role)?,
            cores: loaded.cores(*role),
            widths: loaded.widths(*role).to_vec(),
        })
    };
    roles.iter().filter_map(line).collect()
}

/// How it is decoded, in words.
pub fn settings(settings: &Settings) -> SettingsLine {
    let draft_length = match &settings.drafting {
        Drafting::Fixed(n) => n.to_string(),
        Drafting::Heuristic { first, max } => format!("adaptive {first} to {max}"),
        Drafting::Entropy { max, kappa, lambda } => {
            format!("entropy up to {max}, kappa {kappa}, lambda {lambda}")
        }
        Drafting::Goodput(goodput) => {
            let times = if goodput.measure {
                ""
            } else {
                ", times as predicted"
            };
            format!("auto up to {}{times}", goodput.max)
        }
    };
    let (temperature, top_k, top_p) = match settings.sampling {
        Sampling::Greedy => (0.0, 0, 1.0),
        Sampling::Random {
            temperature,
            top_k,
            top_p,
        } => (temperature, top_k, top_p),
    };
    SettingsLine {
        draft_length,
        schedule: match (&settings.drafting, settings.schedule) {
            (Drafting::Fixed(0), _) => "plain",
            (_, Schedule::Sequential) => "sequential",
            (_, Schedule::Overlapped) => "overlapped",
        },
        temperature,
        top_k,
        top_p,
        seed: settings.seed,
        max_tokens: settings.max_tokens,
    }
}

/// What a run tells.
pub struct RunLines {
    /// The prompt.
    pub prompt: PromptLine,
    /// What was generated.
    pub output: OutputLine,
    /// What it took.
    pub decode: DecodeLine,
    /// Where the time went.
    pub times: TimesLine,
    /// Energy.
    pub energy: Option<EnergyLine>,
}

/// What a run tells; `text` is that of its tokens.
pub fn run(run: &Run, text: Option<String>) -> RunLines {
    let (stats, times) = (&run.stats, &run.times);
    let stop_token = match run.ended {
        Ended::Finished(Finish::Stop(token)) => Some(token),
        _ => None,
    };
    let positions = stats.acceptance_by_position().iter().enumerate();
    let positions = positions.map(|(i, p)| PositionLine {
        position: i + 1,
        reached: p.reached,
        accepted: p.accepted,
        rate: ratio(p.accepted as f64, p.reached as f64),
    });
    RunLines {
        prompt: PromptLine {
            tokens: stats.prompt_tokens,
            prefill_seconds: stats.prefill.as_secs_f64(),
            tokens_per_second: stats.prefill_tokens_per_second(),
        },
        output: OutputLine {
            tokens: run.tokens.clone(),
            text,
            finish: match run.ended {
                Ended::Finished(Finish::Stop(_)) => "stop",
                Ended::Finished(Finish::MaxTokens) => "max_tokens",
                Ended::Finished(Finish::Context) => "context",
                Ended::Interrupted => "interrupted",
                Ended::Closed => "closed",
            },
            stop_token,
        },
        decode: DecodeLine {
            tokens: stats.tokens,
            seconds: stats.decode.as_secs_f64(),
            tokens_per_second: stats.tokens_per_second(),
            rounds: stats.round_count,
            tokens_per_round: stats.tokens_per_round(),
            drafted: stats.sum.drafted,
            accepted: stats.sum.accepted,
            discarded: stats.sum.discarded,
            acceptance_rate: stats.acceptance_rate(),
            acceptance_by_position: positions.collect(),
            lengths: lengths(run),
            probes: run.learned.as_ref().map(|l| l.probes),
            probe_seconds: run.learned.as_ref().map(|l| l.probe_seconds),
        },
        times: TimesLine {
            draft_seconds: times.draft.as_secs_f64(),
            verify_seconds: times.verify.as_secs_f64(),
            handoff_seconds: times.handoff.as_secs_f64(),
            sampling_seconds: times.sampling.as_secs_f64(),
            other_seconds: times.other.as_secs_f64(),
            total_seconds: times.total.as_secs_f64(),
            draft_beside_verify_seconds: times.beside.as_secs_f64(),
            outside_of_models_percent: times.outside() * 100.0,
        },
        energy: run.joules.map(|joules| EnergyLine {
            joules,
            joules_per_token: ratio(joules, stats.tokens as f64),
        }),
    }
}

/// The lengths that were used.
fn lengths(run: &Run) -> Vec<LengthLine> {
    let rounds = run.stats.rounds_by_length().iter().copied().enumerate();
    let expected = |drafts| {
        let ways = run.learned.iter().flat_map(|l| &l.ways);
        ways.filter(|w| w.draft_length == drafts)
            .map(Way::goodput)
            .next()
    };
    let used = rounds.filter(|(_, rounds)| *rounds > 0);
    used.map(|(drafts, rounds)| LengthLine {
        drafts,
        rounds,
        expected_tokens_per_second: expected(drafts),
    })
    .collect()
}

impl Report {
    /// As JSON, indented, with a line break at the end.
    pub fn json(&self) -> String {
        // numbers and strings: nothing that JSON lacks
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}
