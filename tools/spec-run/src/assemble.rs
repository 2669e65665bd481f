//! From runs to a report.

use crate::args::Cli;
use crate::compare;
use crate::error::RunError;
use crate::generation::{Ended, Run};
use crate::replan::Replan;
use crate::report::{self, CompareLine, PlanLine, Report};
use spec_runtime::generate::{Decided, Settings};
use spec_runtime::manifest::Plan;
use spec_runtime::model::Loaded;

/// How it was decoded, and by which plan.
pub struct How<'a> {
    /// How.
    pub decoding: &'a Decided,
    /// Rules of the generation.
    pub settings: &'a Settings,
    /// The bundle's plan, or one made here.
    pub planned: Option<&'a Plan>,
    /// If the plan was made here: by what.
    pub replan: Option<&'a Replan>,
    /// Cores of plain decoding, if others than the target's.
    pub plain_cores: Option<usize>,
}

/// Puts the report together. `shown`: the run whose rounds and times are shown, and `text` the text.
///
/// # Errors
/// The cost model does not take the acceptance of the run.
pub fn assemble(
    cli: &Cli,
    loaded: &Loaded,
    how: &How,
    shown: &Run,
    text: Option<String>,
    comparison: Option<(Vec<compare::Pair>, Option<Ended>)>,
) -> Result<Report, RunError> {
    let (decoding, settings) = (how.decoding, how.settings);
    let mut compared = comparison.map(|(pairs, early)| {
        let predicted = how.planned.map(|p| p.speed_up);
        CompareLine {
            summary: compare::summary(&pairs, predicted.filter(|_| decoding.as_planned)),
            tokens_equal: (settings.sampling.is_greedy() && !pairs.is_empty()).then_some(true),
            complete: early.is_none(),
            plain_cores: how.plain_cores,
            pairs,
        }
    });
    let summary = compared.as_mut().and_then(|c| c.summary.as_mut());
    let plan = match how.planned {
        Some(plan) => Some(plan_line(plan, how, shown, summary)?),
        None => None,
    };
    let drafts = !decoding.drafting.is_plain();
    let models = report::models(loaded, drafts);
    let replanned = how.replan.and_then(|r| r.note.as_ref());
    let decided = decoding.note.map(str::to_owned);
    let mut notes: Vec<String> = decided.into_iter().chain(replanned.cloned()).collect();
    let machine = &cli.machine;
    if (machine.vulkan_device.is_some() || machine.validate)
        && models.iter().all(|m| m.device == "cpu")
    {
        notes.push(
            "nothing here runs on Vulkan: --vulkan-device and --validate have no effect".into(),
        );
    }
    let lines = report::run(shown, text);
    Ok(Report {
        format_version: report::FORMAT_VERSION,
        tool: concat!("spec-run ", env!("CARGO_PKG_VERSION")).into(),
        bundle: cli.bundle.display().to_string(),
        models,
        settings: report::settings(settings),
        plan,
        prompt: lines.prompt,
        output: lines.output,
        decode: lines.decode,
        times: lines.times,
        energy: lines.energy,
        compare: compared,
        notes,
    })
}

/// The plan beside what was measured; the verdict of a comparison says where the acceptance was another than assumed.
fn plan_line(
    plan: &Plan,
    how: &How,
    shown: &Run,
    summary: Option<&mut compare::Summary>,
) -> Result<PlanLine, RunError> {
    let measured = report::Measured {
        tokens_per_second: summary
            .as_ref()
            .map_or(shown.stats.tokens_per_second(), |s| {
                s.speculative_tokens_per_second
            }),
        speed_up: summary.as_ref().map(|s| s.speed_up),
        acceptance: shown.stats.acceptance_rate(),
    };
    let mut line = report::plan(plan, how.decoding, &measured);
    if let Some(replan) = how.replan {
        let positions = shown.stats.acceptance_by_position();
        let at = match how.decoding.as_planned {
            true => replan.at_measured(positions)?,
            false => None,
        };
        line.replanned(replan, at, &measured);
    }
    if let (Some(summary), Some(remark)) = (summary, line.remark(&measured)) {
        summary.verdict.push_str(&remark);
    }
    Ok(line)
}
