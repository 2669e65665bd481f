//! The command line.

use clap::{Args, Parser, Subcommand};
use spec_cost::{
    Acceptance, AcceptanceFilter, Architecture, CostError, DType, ModelShape, Objective, Pin,
    Profile, Sampling, SearchOptions, Soc, Strategy,
};

/// Plans speculative decoding on a heterogeneous SoC: where drafter and target run, and how many tokens to draft.
#[derive(Parser)]
#[command(version, about)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The sub-commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Find the best plan and say why.
    Plan(Box<PlanArgs>),
    /// The best plan for a range of acceptance rates.
    Curve(Box<CurveArgs>),
    /// List the built-in devices, or every number of one with its source.
    Devices {
        /// Name, or path of a device file.
        name: Option<String>,
    },
    /// List the built-in models, or the costs of one.
    Models {
        /// Name, or path of a shape file.
        name: Option<String>,
    },
    /// Ideal speed-up by acceptance rate and cost ratio.
    Table,
}

/// Options of `plan`.
#[derive(Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) problem: ProblemArgs,
    #[command(flatten)]
    acceptance: AcceptanceArgs,
    /// Print the whole outcome as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `curve`.
#[derive(Args)]
pub(crate) struct CurveArgs {
    #[command(flatten)]
    pub(crate) problem: ProblemArgs,
    /// First acceptance rate.
    #[arg(long, default_value_t = 0.5)]
    pub(crate) from: f64,
    /// Last acceptance rate.
    #[arg(long, default_value_t = 0.95)]
    pub(crate) to: f64,
    /// Step between acceptance rates.
    #[arg(long, default_value_t = 0.05)]
    pub(crate) step: f64,
}

/// Device, models and search space.
#[derive(Args)]
pub(crate) struct ProblemArgs {
    /// Built-in device or path of a device file.
    #[arg(long)]
    soc: String,
    /// Built-in model or path of a shape file.
    #[arg(long)]
    target: String,
    /// Built-in model or path of a shape file.
    #[arg(long)]
    drafter: Option<String>,
    /// Measured latencies (TOML, JSON or CSV).
    #[arg(long)]
    profile: Option<String>,
    /// Context range in tokens, e.g. 0..2048; costs are averaged over it.
    #[arg(long, default_value = "0..2048", value_parser = range)]
    context: (u64, u64),
    /// Where the drafter must run: UNIT:CORES:DTYPE, the last two optional.
    #[arg(long)]
    force_drafter: Option<Pin>,
    /// Where the target must run: UNIT:CORES:DTYPE, the last two optional.
    #[arg(long)]
    force_target: Option<Pin>,
    /// Use at most CORES of UNIT in all: UNIT:CORES. May be repeated.
    #[arg(long, value_parser = limit)]
    limit: Vec<(String, u32)>,
    /// latency, throughput or energy-proxy.
    #[arg(long, default_value_t = Objective::Latency)]
    objective: Objective,
    /// greedy or rejection.
    #[arg(long, default_value_t = Sampling::Greedy)]
    sampling: Sampling,
    /// Longest draft tried.
    #[arg(long, default_value_t = 16)]
    max_draft_length: u32,
    /// Data types of the drafter to try, e.g. f16,i8 (default: as in its shape).
    #[arg(long, value_delimiter = ',')]
    drafter_dtypes: Vec<DType>,
    /// Data types of the target to try.
    #[arg(long, value_delimiter = ',')]
    target_dtypes: Vec<DType>,
    /// Strategies to try, e.g. sequential (default: all).
    #[arg(long, value_delimiter = ',')]
    strategies: Vec<Strategy>,
    /// Tokens a call of the target's entry points, e.g. 1,5 (default: any).
    #[arg(long, value_delimiter = ',')]
    target_entries: Vec<u64>,
    /// Tokens a call of the drafter's entry points.
    #[arg(long, value_delimiter = ',')]
    drafter_entries: Vec<u64>,
}

/// Acceptance: a rate or a file.
#[derive(Args)]
struct AcceptanceArgs {
    /// Acceptance rate of one drafted token.
    #[arg(long, conflicts_with = "acceptance")]
    alpha: Option<f64>,
    /// Measured acceptance (CSV).
    #[arg(long)]
    acceptance: Option<String>,
    /// Rows of this task.
    #[arg(long, requires = "acceptance")]
    task: Option<String>,
    /// Rows of this mode (greedy, t1).
    #[arg(long, requires = "acceptance")]
    mode: Option<String>,
    /// Rows of this target.
    #[arg(long, requires = "acceptance")]
    acceptance_target: Option<String>,
    /// Rows of this drafter.
    #[arg(long, requires = "acceptance")]
    acceptance_drafter: Option<String>,
    /// Acceptance rate of a pair of data types: DRAFTER/TARGET=ALPHA, e.g. i8/f16=0.78. May be repeated.
    #[arg(long, value_parser = pair)]
    pair_alpha: Vec<(DType, DType, f64)>,
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let parsed = text
        .split_once("..")
        .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parsed.ok_or_else(|| "write LOW..HIGH in tokens, e.g. 0..2048".to_string())
}

fn limit(text: &str) -> Result<(String, u32), String> {
    let parsed = text
        .split_once(':')
        .and_then(|(u, n)| Some((u.to_string(), n.parse().ok()?)));
    parsed.ok_or_else(|| "write UNIT:CORES, e.g. cpu:1".to_string())
}

fn pair(text: &str) -> Result<(DType, DType, f64), String> {
    let help = || "write DRAFTER/TARGET=ALPHA, e.g. i8/f16=0.78".to_string();
    let (types, alpha) = text.split_once('=').ok_or_else(help)?;
    let (d, t) = types.split_once('/').ok_or_else(help)?;
    let parse = |x: &str| DType::parse(x).map_err(|e| e.to_string());
    Ok((parse(d)?, parse(t)?, alpha.parse().map_err(|_| help())?))
}

/// Everything a search needs but the acceptance.
pub(crate) struct Loaded {
    pub(crate) soc: Soc,
    pub(crate) target: ModelShape,
    pub(crate) drafter: Option<ModelShape>,
    pub(crate) profile: Option<Profile>,
    pub(crate) options: SearchOptions,
}

impl ProblemArgs {
    pub(crate) fn load(&self) -> Result<Loaded, CostError> {
        let shape = |name: &str, entries: &[u64]| -> Result<ModelShape, CostError> {
            let mut shape = ModelShape::from_architecture(&Architecture::load(name)?);
            shape.entry_tokens = entries.to_vec();
            shape.entry_tokens.sort_unstable();
            Ok(shape)
        };
        let mut options = SearchOptions {
            max_draft_length: self.max_draft_length,
            context: self.context,
            objective: self.objective,
            sampling: self.sampling,
            force_drafter: self.force_drafter.clone(),
            force_target: self.force_target.clone(),
            core_limits: self.limit.clone(),
            drafter_dtypes: self.drafter_dtypes.clone(),
            target_dtypes: self.target_dtypes.clone(),
            ..SearchOptions::default()
        };
        if !self.strategies.is_empty() {
            options.strategies = self.strategies.clone();
        }
        Ok(Loaded {
            soc: Soc::load(&self.soc)?,
            target: shape(&self.target, &self.target_entries)?,
            drafter: self
                .drafter
                .as_ref()
                .map(|d| shape(d, &self.drafter_entries))
                .transpose()?,
            profile: self.profile.as_deref().map(Profile::load).transpose()?,
            options,
        })
    }
}

impl PlanArgs {
    pub(crate) fn acceptance(&self, has_drafter: bool) -> Result<Acceptance, CostError> {
        let a = &self.acceptance;
        let mut acceptance = match (&a.alpha, &a.acceptance) {
            (Some(alpha), _) => Acceptance::constant(*alpha, "--alpha".to_string())?,
            (None, Some(path)) => {
                let filter = AcceptanceFilter {
                    target: a.acceptance_target.clone(),
                    drafter: a.acceptance_drafter.clone(),
                    mode: a.mode.clone(),
                    task: a.task.clone(),
                };
                Acceptance::from_csv(path, &filter)?
            }
            (None, None) if has_drafter => {
                return Err(CostError::Input(
                    "with a drafter, give --alpha RATE or --acceptance FILE.csv".to_string(),
                ));
            }
            (None, None) => Acceptance::constant(0.0, "no drafter".to_string())?,
        };
        for (d, t, alpha) in &a.pair_alpha {
            let source = format!("--pair-alpha {d}/{t}");
            acceptance = acceptance.with_pair(*d, *t, Acceptance::constant(*alpha, source)?);
        }
        Ok(acceptance)
    }
}
