//! Partitioning leaves execution unchanged: a module, and the same module partitioned and lowered back to one host, give
//! the same bits for the same inputs. Stock `mlir-opt` and `mlir-runner` run both.
//!
//! Not here, because the stock pipeline cannot run it even before: an embedding as `tensor.gather` (no lowering).

use spec_testsuite::modelgen::run::{Call, Input, execute_all};
use spec_testsuite::modelgen::{
    CacheForm, Config, Element, Exporter, Form, LoopKind, ModelSpec, ModuleText, Naming, Output,
    Pair, Role, Style, WeightLayout, Weights, build, weight_data,
};
use spec_testsuite::tools::opt_text;

/// Drafter and target on different devices, on the host's side the target.
const APART: &str = "soc=unit alpha=0.9 force-drafter=gpu force-target=cpu";
/// The other way round.
const SWAPPED: &str = "soc=unit alpha=0.9 force-drafter=cpu force-target=gpu";
/// Both on the device that is not the host.
const TOGETHER: &str = "soc=unit alpha=0.9 force-drafter=gpu force-target=gpu";
/// The drafter is not used, and stays on the host.
const UNPLACED: &str = "soc=unit alpha=0.9 max-draft-length=0 force-target=gpu";

/// Speculation although the target has an entry point for one token.
const FREE_DRAFTER: &str = "soc=imx95 context=0 alpha=0.99 profile=tests/round_twins/free_drafter.toml max-draft-length=2 \
    force-drafter=gpu force-target=cpu:6";

/// Where in the context the calls start.
const POSITION: usize = 3;

/// A model of one layer, or `layers`, in the style of an exporter after a change.
fn model(exporter: Exporter, layers: usize, change: fn(&mut ModelSpec)) -> ModelSpec {
    let mut m = ModelSpec::new(Config::default().with_layers(layers), Style::of(exporter));
    change(&mut m);
    m
}

fn pair(drafter: ModelSpec, target: ModelSpec) -> Pair {
    Pair {
        drafter,
        target,
        draft_calls: 2,
    }
}

/// Pairs that between them have every exporter, cache form, kind of weights and the options that outlining can trip over.
fn pairs() -> Vec<(&'static str, Pair)> {
    use Exporter::{Generic, Jax, Loop, Onnx, Torch};
    vec![
        (
            "rows, slice",
            pair(
                model(Torch, 1, |_| ()),
                model(Torch, 2, |m| m.style.cache = CacheForm::Slice),
            ),
        ),
        (
            "jax, global",
            pair(
                model(Jax, 1, |_| ()),
                model(Onnx, 2, |m| m.style.weights = Weights::Global),
            ),
        ),
        (
            "helpers, resource",
            pair(
                model(Generic, 1, |m| m.style.helper_functions = true),
                model(Torch, 2, |m| {
                    m.style.helper_functions = true;
                    m.style.weights = Weights::Resource;
                }),
            ),
        ),
        (
            "literal, stacked",
            pair(
                model(Onnx, 1, |m| m.style.weights = Weights::Literal),
                model(Torch, 2, |m| {
                    m.style.weight_layout = WeightLayout::StackedByLayer
                }),
            ),
        ),
        (
            "f16, i32",
            pair(
                model(Torch, 1, |m| m.style.index_type = Element::I32),
                model(Generic, 2, |m| m.config.dtype = Element::F16),
            ),
        ),
        (
            "loop, token",
            pair(
                model(Loop, 1, |m| m.style.output = Output::Token),
                model(Jax, 2, |m| {
                    m.style.output = Output::Token;
                    m.style.cache = CacheForm::Where;
                    m.style.helper_functions = true;
                }),
            ),
        ),
        (
            "mask, global, untied",
            pair(
                model(Jax, 1, |m| {
                    m.style.weights = Weights::Global;
                    m.config.tied = false;
                }),
                model(Loop, 3, |m| m.style.mask_argument = true),
            ),
        ),
    ]
}

/// Arguments in the middle of a text: caches hold something, weights are the models' own.
fn inputs(models: &[&ModelSpec], module: &ModuleText, entry: &str) -> Call {
    let abi = module.abi(entry).expect("the function is there");
    let arg = |(i, a): (usize, &spec_testsuite::modelgen::ArgInfo)| {
        let spec = models[a.model.min(models.len() - 1)];
        let dense = |f: &dyn Fn(usize) -> f64| {
            Input::Dense(a.ty.clone(), (0..a.ty.count()).map(f).collect())
        };
        match &a.role {
            Role::Tokens => dense(&|j| ((9 + 7 * j) % 64) as f64),
            Role::Position => dense(&|_| POSITION as f64),
            Role::Mask => dense(&|j| if j % 5 == 4 { -1e30 } else { 0.0 }),
            Role::Weight(tensor) => {
                Input::Dense(a.ty.clone(), weight_data(&spec.config, &spec.style, tensor))
            }
            _ => Input::Fill(a.ty.clone(), i as i64, 0.5),
        }
    };
    Call {
        entry: entry.to_owned(),
        args: abi.args.iter().enumerate().map(arg).collect(),
        results: abi.results.iter().map(|r| r.ty.clone()).collect(),
    }
}

/// The module partitioned, and lowered back to one host.
fn partitioned(text: &str, options: &str) -> (String, String) {
    let partition = format!("--spec-partition={options}");
    let ran = opt_text(&[&partition], text);
    assert_eq!(ran.code, Some(0), "{options}: {}", ran.stderr);
    let lowered = opt_text(&["--spec-lower-to-host"], &ran.stdout);
    assert_eq!(lowered.code, Some(0), "{}", lowered.stderr);
    (ran.stdout, lowered.stdout)
}

/// Runs every public function before and after each partition; all results must be the same, bit for bit.
fn check(name: &str, models: &[&ModelSpec], form: &Form, options: &[&str]) {
    let module = build(form);
    // functions of the module's own models: which model a function is of, the form knows
    let calls: Vec<Call> = module
        .functions
        .iter()
        .map(|f| inputs(&owners(form, &f.name, models), &module, &f.name))
        .collect();
    let before =
        execute_all(&module.text, &calls).unwrap_or_else(|e| panic!("{name}, before: {e}"));
    let distinct = |r: &Vec<f64>| r.windows(2).any(|w| w[0] != w[1]);
    assert!(
        before.iter().flatten().any(distinct),
        "{name}: results must say something"
    );
    for options in options {
        let (outlined, lowered) = partitioned(&module.text, options);
        assert!(outlined.contains("spec.dispatch"), "{name}: {options}");
        let drafts = models.len() == 2 && options != &UNPLACED;
        assert_eq!(
            outlined.contains("spec.dispatch @drafter_"),
            drafts,
            "{name}: {options}"
        );
        let crossing = outlined.lines().filter(|l| l.contains("spec.transfer"));
        for line in crossing {
            let cache = module.functions.iter().flat_map(|f| &f.abi.args).find(|a| {
                matches!(a.role, Role::Keys(_) | Role::Values(_))
                    && line.ends_with(&format!(": {}", a.ty))
            });
            assert!(
                cache.is_none(),
                "{name}, {options}: a KV cache crosses: {line}"
            );
        }
        let after =
            execute_all(&lowered, &calls).unwrap_or_else(|e| panic!("{name}, {options}: {e}"));
        for ((call, b), a) in calls.iter().zip(&before).zip(&after) {
            for (i, (b, a)) in b.iter().zip(a).enumerate() {
                let same =
                    b.len() == a.len() && b.iter().zip(a).all(|(x, y)| x.to_bits() == y.to_bits());
                assert!(
                    same,
                    "{name}, {options}: result {i} of @{} differs",
                    call.entry
                );
            }
        }
    }
}

/// The models whose weights a function's arguments are, in the order of its `ArgInfo::model`.
fn owners<'a>(form: &Form, function: &str, models: &[&'a ModelSpec]) -> Vec<&'a ModelSpec> {
    let target = match form {
        Form::TwoFunctions(..) | Form::GenerationLoop { .. } => matches!(function, "f1" | "verify"),
        Form::DecodeVerifyDrafter(_) => function != "draft",
        _ => return models.to_vec(),
    };
    if function == "generate" {
        return models.to_vec();
    }
    vec![models[usize::from(target)]]
}

fn check_pairs(names: &[&str], form: impl Fn(Pair) -> Form, options: &[&str]) {
    let all = pairs();
    for wanted in names {
        let (name, pair) = all
            .iter()
            .find(|(n, _)| n == wanted)
            .expect("a pair of that name");
        check(
            name,
            &[&pair.drafter, &pair.target],
            &form(pair.clone()),
            options,
        );
    }
}

fn all_names() -> Vec<&'static str> {
    pairs().into_iter().map(|(n, _)| n).collect()
}

#[test]
fn two_functions() {
    check_pairs(
        &all_names(),
        |p| Form::TwoFunctions(p, Naming::Neutral),
        &[APART],
    );
}

#[test]
fn inlined() {
    check_pairs(&all_names(), Form::Inlined, &[APART]);
}

#[test]
fn inlined_loop() {
    check_pairs(&all_names(), Form::InlinedLoop, &[APART]);
}

fn generation(kind: LoopKind, tokens: usize) -> impl Fn(Pair) -> Form {
    move |pair| Form::GenerationLoop {
        pair,
        naming: Naming::Neutral,
        kind,
        tokens,
    }
}

#[test]
fn generation_loop_for() {
    check_pairs(&all_names()[..3], generation(LoopKind::For, 2), &[APART]);
}

#[test]
fn generation_loop_while() {
    check_pairs(&all_names()[4..], generation(LoopKind::While, 5), &[APART]);
}

#[test]
fn greedy_loop() {
    for (name, pair) in pairs().into_iter().step_by(2) {
        let m = pair.target;
        check(
            name,
            &[&m],
            &Form::GreedyLoop(m.clone(), 4),
            &["soc=unit force-target=gpu"],
        );
    }
}

#[test]
fn decode_and_verify() {
    for (name, pair) in pairs().into_iter().skip(1).step_by(2) {
        let m = pair.target;
        check(
            name,
            &[&m],
            &Form::DecodeVerify(m.clone(), 3),
            &["soc=unit force-target=gpu"],
        );
    }
}

#[test]
fn decode_verify_and_drafter() {
    let names = ["rows, slice", "helpers, resource", "loop, token"];
    check_pairs(&names, Form::DecodeVerifyDrafter, &[FREE_DRAFTER]);
}

#[test]
fn other_placements() {
    let telling = |p| Form::TwoFunctions(p, Naming::Telling);
    check_pairs(&["helpers, resource"], telling, &[SWAPPED, UNPLACED]);
    check_pairs(&["jax, global"], Form::Inlined, &[TOGETHER, UNPLACED]);
    check_pairs(&["mask, global, untied"], Form::InlinedLoop, &[SWAPPED]);
    let generate = generation(LoopKind::While, 4);
    check_pairs(&["f16, i32"], generate, &[TOGETHER, UNPLACED]);
}
