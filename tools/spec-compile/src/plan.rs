//! Which models a module holds, and where they go: what `spec-identify` finds, what `spec-place` decides.

use crate::args::Cli;
use crate::console::Console;
use crate::error::CompileError;
use crate::input::{quoted, run};
use crate::quantize::Quantize;
use crate::target::{HOST, VULKAN, choose};
use spec_codegen::ffi::Session;
use spec_cost::{DType, ModelShape, Soc, UnitKind};
use spec_dialect::attrs::{Model as ModelAttr, Plan, Role};
use spec_dialect::ffi::{Op, Severity};
use spec_passes::report::{ModelReport, Report};
use std::path::Path;

/// What is known of a module before it is taken apart.
#[derive(Debug, Default)]
pub struct Decision {
    /// What the cost model decided.
    pub plan: Option<Plan>,
    /// Its models, one a role.
    pub models: Vec<Model>,
    /// It in words, where a drafter was looked at.
    pub summary: String,
    /// Both models are public functions that nothing calls: they are compiled as they are, all of them.
    pub whole: bool,
}

/// A model.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its role.
    pub role: Role,
    /// Its name.
    pub name: String,
    /// Decoder layers; 0: not found.
    pub layers: u64,
    /// Tokens that logits are for.
    pub vocabulary: u64,
    /// Tokens that caches hold; 0: not found.
    pub context: u64,
    /// Number of parameters.
    pub parameters: u64,
    /// Its costs as exported, if it was identified here.
    pub shape: Option<ModelShape>,
    /// How weights are stored, by the cost model's name.
    pub dtype: String,
}

impl Model {
    fn of_report(report: &ModelReport, quantize: &Quantize) -> Option<Self> {
        let role: Role = report.role.as_deref()?.parse().ok()?;
        let shape = &report.shape;
        Some(Self {
            role,
            name: quantize.name(role).unwrap_or(&shape.name).to_owned(),
            layers: shape.layers,
            vocabulary: shape.vocabulary,
            context: report.context,
            parameters: shape.parameters,
            dtype: quantize.dtype(role, shape.dtype).to_string(),
            shape: Some(shape.clone()),
        })
    }

    /// Of a function of a module that was planned before.
    fn of_attribute(model: ModelAttr, quantize: &Quantize) -> Self {
        let size = |n: i64| u64::try_from(n).unwrap_or(0);
        let exported = DType::parse(&model.dtype).ok();
        let dtype = exported.map(|d| quantize.dtype(model.role, d).to_string());
        Self {
            role: model.role,
            layers: size(model.layers),
            vocabulary: size(model.vocabulary),
            context: size(model.context_length),
            parameters: size(model.parameters),
            shape: None,
            dtype: dtype.unwrap_or(model.dtype),
            name: model.name,
        }
    }
}

/// Finds the models and decides where they go. A module with a plan stays as it is; a pair is placed, and outlined unless its
/// models are whole functions; of one model only the costs are found out.
///
/// # Errors
/// No model, or one that cannot be placed; diagnostics say why.
pub fn plan(
    session: &Session,
    console: &mut Console,
    cli: &Cli,
    soc: &Soc,
    quantize: &Quantize,
    module: Op,
) -> Result<Decision, CompileError> {
    if cli.as_is || module.attr("spec.plan").is_some() {
        unused(console, cli);
        return Ok(Decision {
            plan: plan_of(module),
            models: planned_models(module, quantize),
            ..Decision::default()
        });
    }
    spec_passes::session::start(true, None);
    let identify = "builtin.module(spec-identify)";
    let what = "the models of this module cannot be identified; to compile its functions as they are, add --as-is";
    run(session, console, module, identify, what)?;
    let Some(report) = spec_passes::session::take().pop() else {
        return Err(CompileError::Internal("no report of the models".into()));
    };
    let reports = report.models.iter();
    let models: Vec<Model> = reports
        .filter_map(|m| Model::of_report(m, quantize))
        .collect();
    let place = Place {
        cli,
        models: &models,
    };
    if models.iter().all(|m| m.role != Role::Drafter) {
        place.alone(session, console, soc, module)?;
        let plan = plan_of(module);
        unmark(module);
        return Ok(Decision {
            plan,
            models,
            ..Decision::default()
        });
    }
    let whole = is_whole(module, &report);
    let outline = if whole { "" } else { ",spec-outline" };
    let options = place.options(place.pins()?)?;
    let pipeline = format!("builtin.module(spec-place{{{options}}}{outline})");
    let what = if whole {
        "the pair cannot be placed"
    } else {
        "the pair cannot be partitioned"
    };
    run(session, console, module, &pipeline, what)?;
    let report = spec_passes::session::take().pop();
    if let Some(report) = &report {
        place.compare(console, report);
    }
    let outcome = report.and_then(|r| r.outcome);
    let plan = plan_of(module);
    if plan.as_ref().is_some_and(|p| p.draft_length == 0) {
        not_compiled(console, cli, whole);
    }
    Ok(Decision {
        plan,
        models,
        summary: outcome.map_or_else(String::new, |o| o.summary()),
        whole,
    })
}

fn plan_of(module: Op) -> Option<Plan> {
    module.attr("spec.plan").and_then(Plan::from_attr)
}

/// Whether each model is public functions of its own that no function calls.
fn is_whole(module: Op, report: &Report) -> bool {
    let ops = module.body().map(|b| b.ops()).unwrap_or_default();
    let is_public = |name: &str| {
        let function = ops.iter().find(|o| o.symbol() == Some(name));
        function.is_some_and(|f| f.str_attr("sym_visibility") != Some("private"))
    };
    let mut calls = report.models.iter().flat_map(|m| &m.calls);
    report.call_sites.is_empty() && calls.all(|(name, _, inlined)| !inlined && is_public(name))
}

/// Models of functions in device modules.
fn planned_models(module: Op, quantize: &Quantize) -> Vec<Model> {
    let mut models: Vec<Model> = vec![];
    for op in module.nested() {
        let Some(found) = op.attr("spec.model").and_then(ModelAttr::from_attr) else {
            continue;
        };
        if models.iter().all(|m| m.role != found.role) {
            models.push(Model::of_attribute(found, quantize));
        }
    }
    models
}

/// Warns of options that only a decision would read.
fn unused(console: &mut Console, cli: &Cli) {
    let given = cli.drafter_device.is_some() || !cli.plan_options.is_empty() || cli.keep_drafter;
    if given || (cli.target_device.is_some() && !cli.as_is) {
        console.warn("nothing is left to decide: --plan-options, --drafter-device, --keep-drafter and --target-device have no effect");
    }
}

/// Warns of a drafter that is left out.
fn not_compiled(console: &mut Console, cli: &Cli, whole: bool) {
    match (whole, cli.keep_drafter) {
        (true, true) => {}
        (true, false) => console.warn(
            "drafting does not pay by the plan, and the drafter is not compiled; --keep-drafter compiles it, --plan-options \
             'draft-length=N' plans with it",
        ),
        (false, false) => console.warn(
            "drafting does not pay by the plan, and the drafter is not compiled; --plan-options 'draft-length=N' plans with it",
        ),
        (false, true) => console.warn(
            "--keep-drafter has no effect: the models are inlined, or called by a function of the module; --plan-options \
             'draft-length=N' plans with the drafter",
        ),
    }
}

/// How `spec-place` is asked.
struct Place<'a> {
    cli: &'a Cli,
    models: &'a [Model],
}

/// An option of `spec-place` and its value.
type Pin = (&'static str, String);

impl Place<'_> {
    fn model(&self, role: Role) -> Option<&Model> {
        self.models.iter().find(|m| m.role == role)
    }

    /// Whether `--plan-options` holds an option.
    fn has(&self, option: &str) -> bool {
        let words = self.cli.plan_options.split_whitespace();
        words
            .filter_map(|o| o.split_once('='))
            .any(|(name, _)| name == option)
    }

    /// Where the flags put both models.
    fn pins(&self) -> Result<Vec<Pin>, CompileError> {
        let cli = self.cli;
        let flags = [
            ("force-drafter", "--drafter-device", &cli.drafter_device),
            ("force-target", "--target-device", &cli.target_device),
        ];
        let mut pins = vec![];
        for (option, flag, value) in flags {
            let Some(value) = value else { continue };
            if self.has(option) {
                let message = format!(
                    "{option} stands in --plan-options, and {flag} is given; leave one out"
                );
                return Err(CompileError::Refused(message));
            }
            let unit = value.split(':').next().unwrap_or_default();
            // a kind of unit is a placement too; the name counts when code is made
            let value = match unit {
                VULKAN if cli.soc == HOST => "gpu",
                VULKAN => {
                    let message =
                        format!("{flag}: vulkan[:NAME] is a GPU of this machine, for --soc host");
                    return Err(CompileError::Refused(message));
                }
                _ => value,
            };
            pins.push((option, value.to_owned()));
        }
        Ok(pins)
    }

    /// Options of `spec-place`: the device, the pins, the types that weights are compiled to, and what the user adds.
    fn options(&self, pins: Vec<Pin>) -> Result<String, CompileError> {
        let user = &self.cli.plan_options;
        if user.contains(['{', '}']) {
            let message = "--plan-options holds a brace; give KEY=VALUE, separated by spaces";
            return Err(CompileError::Refused(message.into()));
        }
        if self.has("soc") {
            let message = "soc stands in --plan-options; give the device with --soc";
            return Err(CompileError::Refused(message.into()));
        }
        let mut all = vec![("soc", self.cli.soc.clone())];
        all.extend(pins);
        let types = [
            ("drafter-dtypes", Role::Drafter),
            ("target-dtypes", Role::Target),
        ];
        for (option, role) in types {
            if let Some(model) = self.model(role).filter(|_| !self.has(option)) {
                all.push((option, model.dtype.clone()));
            }
        }
        let mut words = vec![];
        for (option, value) in all {
            words.push(format!("{option}={}", quoted(Path::new(&value))?));
        }
        words.push(user.clone());
        Ok(words.join(" ").trim_end().to_owned())
    }

    /// One model, on the unit that it is compiled for: only what the cost model says of it is wanted. Where it says that this
    /// cannot run, as of a device with too little memory, the bundle has no prediction.
    fn alone(
        &self,
        session: &Session,
        console: &mut Console,
        soc: &Soc,
        module: Op,
    ) -> Result<(), CompileError> {
        if self.cli.drafter_device.is_some() || self.cli.keep_drafter {
            console.warn(
                "the module holds one model: --drafter-device and --keep-drafter have no effect",
            );
        }
        let wanted = self.cli.target_device.as_deref();
        let (unit, cores) = choose(soc, wanted, self.cli.soc == HOST)?;
        let wrong = [
            ("force-target", "give --target-device"),
            ("draft-length", "there is nobody to draft"),
        ];
        if let Some((option, advice)) = wrong.iter().find(|(option, _)| self.has(option)) {
            let message = format!(
                "{option} stands in --plan-options, and the module holds one model: {advice}"
            );
            return Err(CompileError::Refused(message));
        }
        let pin = match unit.kind {
            UnitKind::Cpu => format!("{}:{cores}", unit.name),
            UnitKind::Gpu => unit.name.clone(),
        };
        let options = self.options(vec![("force-target", pin)])?;
        let result = session.run(module, &format!("builtin.module(spec-place{{{options}}})"));
        let messages = session.messages();
        let Err(text) = result else {
            console.show(messages);
            return Ok(());
        };
        let wrong_option = messages.iter().any(|m| m.location.contains("<options of"));
        if wrong_option || !text.trim().is_empty() {
            console.show(messages);
            let what = "no plan can be made for the model";
            return Err(CompileError::Rejected(match text.trim() {
                "" => what.into(),
                text => format!("{what}: {text}"),
            }));
        }
        let errors = messages.iter().filter(|m| m.severity == Severity::Error);
        for error in errors {
            console.warn(&format!("no prediction: {}", error.text));
        }
        Ok(())
    }

    /// Warns where the plan is for other types than the compiled ones.
    fn compare(&self, console: &mut Console, report: &Report) {
        let Some(outcome) = &report.outcome else {
            return;
        };
        let places = [
            (Role::Drafter, outcome.best.drafter.as_ref()),
            (Role::Target, Some(&outcome.best.target)),
        ];
        for (role, place) in places {
            let (Some(place), Some(model)) = (place, self.model(role)) else {
                continue;
            };
            let planned = place.dtype.to_string();
            if planned != model.dtype {
                console.warn(&format!(
                    "the plan is for a {role} in {planned}, and its weights are compiled as {}: say which with --quantize {role}=FORMAT",
                    model.dtype
                ));
            }
        }
    }
}

/// Takes the marks of the decision away, which later steps do not read.
pub fn unmark(module: Op) {
    module.remove_attr("spec.plan");
    for op in module.body().map(|b| b.ops()).unwrap_or_default() {
        if op.name() == "func.func" {
            op.remove_attr("spec.placement");
        }
    }
}
