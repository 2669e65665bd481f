//! Decides where the models run, and writes the decision down.
//!
//! *Before*: a module that `spec-identify` can identify (annotated or not).
//!
//! ```mlir
//! module {
//!   func.func @draft(%tokens: tensor<1xi64>, %table: tensor<16x2xf32>, ...
//!   func.func @verify(%tokens: tensor<3xi64>, %table: tensor<16x8xf32>, ...
//! ```
//!
//! *After*: the module carries `spec.plan`; every forward call (function, or inlined ops) of a model that the plan uses
//! carries `spec.placement`. Nothing is moved.
//!
//! ```mlir
//! module attributes {spec.plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 2, strategy = sequential, ...
//!   func.func @draft(...) ... spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
//!   func.func @verify(...) ... spec.placement = #spec.placement<role = target, device = "cpu", units = 1, dtype = f32>} {
//! ```
//!
//! *Why here*: after identification, before outlining, which only carries out what the placements say.
//!
//! *Legality*: none; attributes only.
//!
//! *Cost question*: all of it, and it is `spec-cost` that answers: which unit, how many cores, which data type, which draft
//! length (0 = do not speculate) gives most tokens per second. This pass knows no device: `soc=` names a device file.
//!
//! *Options*: see [`Place::DESC`].
//!
//! *Neighbours*: after `spec-identify`, before `spec-outline`.
//!
//! *Does not do*: it does not change data types; a placement whose dtype differs from the model's asks a later pass to.

use crate::identify::program::{FoundModel, Program, identify};
use crate::report::Report;
use crate::session;
use spec_cost::formulas::MAX_DRAFT_LENGTH;
use spec_cost::{
    Acceptance, AcceptanceFilter, CostError, DType, Outcome, Pin, Place as Seat, Problem, Profile,
    SearchOptions, Soc, Strategy, UnitKind,
};
use spec_dialect::attrs::{self, Accept, Placement, Plan, Role};
use spec_dialect::ffi::{Ctx, Op, Options, Severity, emit};
use spec_dialect::pass::{Dependency, Diagnostics, OptionDesc, OptionKind, Pass, PassDesc};
use std::str::FromStr;

/// Acceptance that is assumed when nothing is known; said so in the plan, with a warning.
const ASSUMED_ALPHA: f64 = 0.7;

/// A plan that needs another entry point is worth a warning from this gain on.
const WORTH_SAYING: f64 = 1.05;

/// The pass.
#[derive(Clone, Default)]
pub struct Place {
    settings: Option<Settings>,
    explain: bool,
}

/// Everything the options say, checked.
#[derive(Clone)]
struct Settings {
    soc: Soc,
    acceptance: Acceptance,
    assumed: bool,
    profile: Option<Profile>,
    search: SearchOptions,
    context: Option<(u64, u64)>,
    any_entry: bool,
}

const fn option(
    name: &'static str,
    help: &'static str,
    kind: OptionKind,
    default: &'static str,
) -> OptionDesc {
    OptionDesc {
        name,
        help,
        kind,
        default,
    }
}

/// Options of `spec-place`, shared with the `spec-partition` pipeline.
pub const OPTIONS: &[OptionDesc] = &[
    option(
        "soc",
        "device: a built-in name (spec-cost devices lists them) or a TOML file",
        OptionKind::String,
        "imx95",
    ),
    option(
        "alpha",
        "acceptance rate of one drafted token, 0..1",
        OptionKind::String,
        "",
    ),
    option(
        "acceptance",
        "CSV file with a measured acceptance (survival) curve; instead of alpha",
        OptionKind::String,
        "",
    ),
    option(
        "acceptance-select",
        "rows of the CSV to use, as target/drafter/mode/task (each may be empty)",
        OptionKind::String,
        "",
    ),
    option(
        "profile",
        "file with measured latencies, which replace analytic ones",
        OptionKind::String,
        "",
    ),
    option(
        "max-draft-length",
        "longest draft considered; 0 forbids speculation; default: 16",
        OptionKind::String,
        "",
    ),
    option(
        "draft-length",
        "the draft length, whether it pays or not, 0 to 64; default: the cost model decides",
        OptionKind::String,
        "",
    ),
    option(
        "objective",
        "latency, throughput or energy-proxy",
        OptionKind::String,
        "latency",
    ),
    option(
        "sampling",
        "greedy, or rejection (probabilities cross between devices)",
        OptionKind::String,
        "greedy",
    ),
    option(
        "strategy",
        "sequential, overlapped or any",
        OptionKind::String,
        "sequential",
    ),
    option(
        "context",
        "context lengths to plan for, as FROM..TO or one number; default: 0 to what the caches hold",
        OptionKind::String,
        "",
    ),
    option(
        "force-drafter",
        "where the drafter must run: UNIT[:CORES[:DTYPE]]",
        OptionKind::String,
        "",
    ),
    option(
        "force-target",
        "where the target must run: UNIT[:CORES[:DTYPE]]",
        OptionKind::String,
        "",
    ),
    option(
        "limit",
        "most cores of a unit that both models may use together, as UNIT:CORES, several separated by '/'",
        OptionKind::String,
        "",
    ),
    option(
        "drafter-dtypes",
        "data types to try for the drafter, separated by '/'; default: as given",
        OptionKind::String,
        "",
    ),
    option(
        "target-dtypes",
        "data types to try for the target, separated by '/'; default: as given",
        OptionKind::String,
        "",
    ),
    option(
        "any-entry",
        "plan as if the models were exported for any number of tokens a call",
        OptionKind::Bool,
        "false",
    ),
    option(
        "explain",
        "emit the report as a remark",
        OptionKind::Bool,
        "false",
    ),
];

impl Pass for Place {
    const DESC: PassDesc = PassDesc {
        argument: "spec-place",
        name: "SpecPlace",
        help: "Decide with the cost model where drafter and target run and how long the drafts are",
        op: "builtin.module",
        dialects: &[Dependency::Spec],
        options: OPTIONS,
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        self.explain = options.bool("explain");
        self.settings = Some(Settings::read(options)?);
        Ok(())
    }

    fn run(&mut self, module: Op) -> Result<(), Diagnostics> {
        let program = identify(module)?;
        let Some(settings) = &self.settings else {
            return Err(Diagnostics::at(
                module.loc(),
                "spec-place: the options were not read",
            ));
        };
        let outcome = settings
            .search(&program)
            .map_err(|e| Diagnostics::at(module.loc(), format!("spec-place: {e}")))?;
        if settings.assumed && program.drafter.is_some() {
            let pays = match outcome.break_even_alpha {
                Some(alpha) => format!("drafting pays above {alpha:.2}"),
                None => "drafting pays at none".into(),
            };
            let text = format!(
                "spec-place: no acceptance rate given, {ASSUMED_ALPHA} is assumed: measure it and pass alpha= or acceptance=; the plan depends on it, {pays}"
            );
            emit(module.loc(), Severity::Warning, &text, &[]);
        }
        warn_entry_points(&program, &outcome);
        write_down(module, &program, settings, &outcome)?;
        let report = Report::new(&program, Some((&outcome, &settings.soc)));
        if self.explain {
            emit(module.loc(), Severity::Remark, &report.text(), &[]);
        }
        if session::collects() {
            session::push(module, report);
        }
        Ok(())
    }
}

impl Settings {
    fn read(o: &Options) -> Result<Self, String> {
        let of = |name: &'static str| move |e: CostError| format!("option '{name}': {e}");
        let given = |name: &str| Some(o.string(name)).filter(|s| !s.is_empty());
        fn parsed<T: FromStr<Err = CostError>>(o: &Options, name: &str) -> Result<T, String> {
            o.string(name)
                .parse()
                .map_err(|e| format!("option '{name}': {e}"))
        }
        let pin = |name: &str| {
            given(name)
                .map(|s| {
                    s.parse::<Pin>()
                        .map_err(|e| format!("option '{name}': {e}"))
                })
                .transpose()
        };
        let dtypes = |name: &str| -> Result<Vec<DType>, String> {
            let list = given(name).unwrap_or_default();
            list.split(['/', ' '])
                .filter(|s| !s.is_empty())
                .map(|s| DType::parse(s).map_err(|e| format!("option '{name}': {e}")))
                .collect()
        };
        let length = |name: &str| given(name).map(|t| length(name, &t)).transpose();
        let (max, fixed) = (length("max-draft-length")?, length("draft-length")?);
        if let (Some(max), Some(fixed)) = (max, fixed) {
            return Err(format!(
                "options 'draft-length' ({fixed}) and 'max-draft-length' ({max}) exclude each other: fix the draft length or bound it"
            ));
        }
        let default = SearchOptions::default();
        let strategies = match o.string("strategy").as_str() {
            "sequential" => vec![Strategy::Sequential],
            "overlapped" => vec![Strategy::Overlapped],
            "any" => vec![
                Strategy::Sequential,
                Strategy::Overlapped,
                Strategy::Pipelined,
            ],
            other => {
                return Err(format!(
                    "option 'strategy' must be sequential, overlapped or any, got '{other}'"
                ));
            }
        };
        let search = SearchOptions {
            max_draft_length: max.unwrap_or(default.max_draft_length),
            fixed_draft_length: fixed,
            objective: parsed(o, "objective")?,
            sampling: parsed(o, "sampling")?,
            force_drafter: pin("force-drafter")?,
            force_target: pin("force-target")?,
            drafter_dtypes: dtypes("drafter-dtypes")?,
            target_dtypes: dtypes("target-dtypes")?,
            core_limits: limits(&o.string("limit"))?,
            strategies,
            token_id_bytes: 8,
            ..default
        };
        let (acceptance, assumed) = acceptance(
            given("alpha"),
            given("acceptance"),
            &o.string("acceptance-select"),
        )?;
        Ok(Settings {
            soc: Soc::load(&o.string("soc")).map_err(of("soc"))?,
            acceptance,
            assumed,
            profile: given("profile")
                .map(|p| Profile::load(&p))
                .transpose()
                .map_err(of("profile"))?,
            search,
            context: given("context").map(|c| context(&c)).transpose()?,
            any_entry: o.bool("any-entry"),
        })
    }

    fn search(&self, p: &Program) -> Result<Outcome, CostError> {
        let mut options = self.search.clone();
        // what both caches hold: a round needs the drafter's as well
        let models = p.drafter.into_iter().chain([p.target]);
        let limit = models.filter_map(|m| p.models[m].shape.context_limit).min();
        options.context = self
            .context
            .unwrap_or((0, limit.unwrap_or(options.context.1)));
        let shape = |i: usize| {
            let mut s = p.models[i].shape.clone();
            if self.any_entry {
                s.entry_tokens.clear();
            }
            s
        };
        let (target, drafter) = (shape(p.target), p.drafter.map(shape));
        if drafter.is_none() {
            options.force_drafter = None;
        }
        spec_cost::search(&Problem {
            soc: &self.soc,
            target: &target,
            drafter: drafter.as_ref(),
            acceptance: &self.acceptance,
            profile: self.profile.as_ref(),
            options: &options,
        })
    }
}

fn length(name: &str, text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|n| *n <= MAX_DRAFT_LENGTH);
    number.ok_or_else(|| {
        format!("option '{name}' must be a number of tokens, 0 to {MAX_DRAFT_LENGTH}, got '{text}'")
    })
}

fn limits(text: &str) -> Result<Vec<(String, u32)>, String> {
    let one = |part: &str| {
        let (unit, cores) = part.split_once(':')?;
        Some((unit.to_owned(), cores.parse().ok()?))
    };
    let parts = text.split('/').filter(|p| !p.is_empty());
    parts
        .map(|p| one(p).ok_or_else(|| format!("option 'limit' must be UNIT:CORES, got '{p}'")))
        .collect()
}

fn context(text: &str) -> Result<(u64, u64), String> {
    let bad = || format!("option 'context' must be a number or FROM..TO, got '{text}'");
    let number = |s: &str| s.trim().parse::<u64>().map_err(|_| bad());
    match text.split_once("..") {
        Some((a, b)) => Ok((number(a)?, number(b)?)),
        None => number(text).map(|n| (n, n)),
    }
}

fn acceptance(
    alpha: Option<String>,
    file: Option<String>,
    select: &str,
) -> Result<(Acceptance, bool), String> {
    match (alpha, file) {
        (Some(_), Some(_)) => Err("options 'alpha' and 'acceptance' exclude each other: give the rate or the measured curve".into()),
        (Some(a), None) => {
            let value: f64 = a
                .parse()
                .map_err(|_| format!("option 'alpha' must be a number in 0..1, got '{a}'"))?;
            Acceptance::constant(value, "option alpha".into())
                .map(|a| (a, false))
                .map_err(|e| format!("option 'alpha': {e}"))
        }
        (None, Some(path)) => {
            let part = |i: usize| {
                select
                    .split('/')
                    .nth(i)
                    .filter(|s| !s.is_empty())
                    .map(str::to_owned)
            };
            let filter = AcceptanceFilter {
                target: part(0),
                drafter: part(1),
                mode: part(2),
                task: part(3),
            };
            Acceptance::from_csv(&path, &filter)
                .map(|a| (a, false))
                .map_err(|e| format!("option 'acceptance': {e}"))
        }
        (None, None) => Acceptance::constant(ASSUMED_ALPHA, "assumed".into())
            .map(|a| (a, true))
            .map_err(|e| e.to_string()),
    }
}

/// Verification needs an entry point that takes several tokens a call: say so when its absence decides the plan.
fn warn_entry_points(p: &Program, outcome: &Outcome) {
    let target = &p.models[p.target];
    if let Some(w) = &outcome.what_if
        && w.speedup > WORTH_SAYING * outcome.best.speedup
    {
        let have: Vec<String> = target
            .shape
            .entry_tokens
            .iter()
            .map(u64::to_string)
            .collect();
        let text = format!(
            "spec-place: the target takes {} token(s) a call; with an entry point of {} tokens it could verify {} drafts in one pass, predicted speed-up {:.2} instead of {:.2}: export one (any-entry=true plans as if it were there)",
            have.join(" or "),
            w.entry_tokens,
            w.draft_length,
            w.speedup,
            outcome.best.speedup
        );
        emit(target.loc, Severity::Warning, &text, &[]);
    }
}

/// MLIR's type for the weights of a placement.
fn mlir_dtype(d: DType) -> &'static str {
    match d {
        DType::F64 => "f64",
        DType::F32 => "f32",
        DType::F16 => "f16",
        DType::BF16 => "bf16",
        DType::I4 | DType::I4G64 | DType::W4A8 => "i4",
        DType::I8 | DType::I8G32 | DType::I8G64 | DType::W8A8 => "i8",
    }
}

/// The unit that runs what is in no device module: the target's if that is a CPU, else the drafter's, else the first CPU.
fn host<'a>(soc: &'a Soc, outcome: &'a Outcome) -> &'a str {
    let seats = [Some(&outcome.best.target), outcome.best.drafter.as_ref()];
    let placed = seats
        .into_iter()
        .flatten()
        .find(|s| s.kind == UnitKind::Cpu)
        .map(|s| s.unit.as_str());
    placed
        .or_else(|| {
            soc.units()
                .iter()
                .find(|u| u.kind == UnitKind::Cpu)
                .map(|u| u.name.as_str())
        })
        .unwrap_or("host")
}

fn write_down(module: Op, p: &Program, s: &Settings, outcome: &Outcome) -> Result<(), Diagnostics> {
    let ctx = module.ctx();
    let failed = || {
        Diagnostics::at(
            module.loc(),
            "spec-place: the plan does not verify (see above); please report it with the input",
        )
    };
    let best = &outcome.best;
    let plan = Plan {
        soc: s.soc.name().into(),
        host: host(&s.soc, outcome).into(),
        draft_length: best.draft_length.into(),
        strategy: match best.strategy {
            Strategy::Autoregressive => attrs::Strategy::None,
            Strategy::Sequential => attrs::Strategy::Sequential,
            Strategy::Overlapped => attrs::Strategy::Overlapped,
            Strategy::Pipelined => attrs::Strategy::Pipelined,
        },
        accept: match outcome.sampling {
            spec_cost::Sampling::Greedy => Accept::Greedy,
            spec_cost::Sampling::Rejection => Accept::Rejection,
        },
        acceptance: outcome.alpha,
        acceptance_source: outcome.alpha_source.clone(),
        tokens_per_second: best.tokens_per_second,
        speedup: best.speedup,
        baseline: format!(
            "{} on {}, no speculation, {:.3} tokens/s",
            outcome.target, outcome.baseline.target, outcome.baseline.tokens_per_second
        ),
    };
    module.set_attr("spec.plan", plan.to_attr(ctx).ok_or_else(failed)?);
    for model in &p.models {
        let seat = match model.role {
            Some(Role::Target) => Some(&best.target),
            Some(Role::Drafter) => best.drafter.as_ref(),
            None => None,
        };
        place_model(p, model, seat, ctx).ok_or_else(failed)?;
    }
    Ok(())
}

/// Marks every forward call of a model, or removes the mark of one that is not used.
fn place_model(p: &Program, model: &FoundModel, seat: Option<&Seat>, ctx: Ctx) -> Option<()> {
    let attr = match (seat, model.role) {
        (Some(s), Some(role)) => Some(
            Placement {
                role,
                device: s.unit.clone(),
                units: s.cores.into(),
                dtype: mlir_dtype(s.dtype).into(),
            }
            .to_attr(ctx)?,
        ),
        _ => None,
    };
    let mark = |op: Op| match attr {
        Some(a) => op.set_attr("spec.placement", a),
        None => op.remove_attr("spec.placement"),
    };
    for c in &model.calls {
        let f = &p.functions[c.function];
        if f.interface.is_some() {
            mark(f.op);
        } else {
            p.own_ops(*c).into_iter().for_each(mark);
        }
    }
    Some(())
}
