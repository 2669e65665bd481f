//! What is mutated: small generated modules in every form, degenerate sizes, bad fixtures, and modules that our passes have
//! marked already.

use spec_testsuite::modelgen::{
    CacheForm, Config, EXPORTERS, Element, Form, LoopKind, ModelSpec, Naming, Output, Pair, Style,
    Weights, fixtures, module,
};
use spec_testsuite::tools::opt_text;
use std::sync::LazyLock;

/// Modules, and the flags they are tried with.
pub struct Corpus {
    pub modules: Vec<String>,
    pub pipelines: &'static [&'static [&'static str]],
}

fn config(layers: usize) -> Config {
    Config {
        layers,
        hidden: 8,
        heads: 2,
        kv_heads: 1,
        head_dim: 4,
        ffn: 12,
        vocabulary: 32,
        ..Config::default()
    }
}

/// Every exporter's hand, with one further habit each.
fn models(layers: usize) -> Vec<ModelSpec> {
    let habits: [fn(&mut ModelSpec); 6] = [
        |_| (),
        |m| m.style.weights = Weights::Literal,
        |m| m.style.weights = Weights::Global,
        |m| m.style.output = Output::Token,
        |m| m.style.cache = CacheForm::Where,
        |m| m.config.dtype = Element::F16,
    ];
    let of = |e| {
        habits.into_iter().map(move |habit| {
            let mut m = ModelSpec::new(config(layers), Style::of(e));
            habit(&mut m);
            m
        })
    };
    EXPORTERS.into_iter().flat_map(of).collect()
}

fn forms() -> Vec<Form> {
    let targets = models(2);
    let mut forms: Vec<Form> = models(1).into_iter().map(Form::Single).collect();
    for (i, drafter) in models(1).into_iter().enumerate() {
        let pair = Pair {
            drafter,
            target: targets[(i * 7 + 3) % targets.len()].clone(),
            draft_calls: 2,
        };
        let (naming, kind) = (Naming::Neutral, LoopKind::For);
        forms.push(match i % 6 {
            0 => Form::TwoFunctions(pair, Naming::Hinted),
            1 => Form::DecodeVerifyDrafter(pair),
            2 => Form::Inlined(pair),
            3 => Form::InlinedLoop(pair),
            4 => Form::GenerationLoop {
                pair,
                naming,
                kind,
                tokens: 4,
            },
            _ => Form::TwoFunctions(pair, naming),
        });
    }
    forms
}

/// Sizes at the edge of what a model can have.
fn degenerate() -> Vec<Form> {
    let changes: [fn(&mut Config); 7] = [
        |c| c.vocabulary = 1,
        |c| c.context = 1,
        |c| (c.heads, c.kv_heads) = (1, 1),
        |c| c.head_dim = 2,
        |c| c.ffn = 1,
        |c| c.vocabulary = 8,
        |c| (c.hidden, c.vocabulary, c.context, c.ffn) = (8, 8, 8, 8),
    ];
    let of = |e| {
        changes.into_iter().map(move |change| {
            let mut config = config(1);
            change(&mut config);
            Form::Single(ModelSpec::new(config, Style::of(e)))
        })
    };
    EXPORTERS.into_iter().flat_map(of).collect()
}

fn bad() -> Vec<String> {
    let dir = fixtures::path("bad");
    let files = std::fs::read_dir(dir).expect("the bad fixtures are there");
    let mut paths: Vec<_> = files.map(|f| f.expect("readable").path()).collect();
    paths.sort();
    paths
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "mlir"))
        .filter_map(|p| std::fs::read_to_string(p).ok()) // not all are UTF-8
        .filter(|t| (1..40_000).contains(&t.len()))
        .collect()
}

/// What `flags` make of `modules`; those that they refuse are left out.
fn after(modules: &[String], flags: &[&str]) -> Vec<String> {
    let runs = modules.iter().map(|m| opt_text(flags, m));
    let done: Vec<_> = runs
        .filter(|r| r.code == Some(0))
        .map(|r| r.stdout)
        .collect();
    assert!(!done.is_empty(), "{flags:?} refuse all");
    done
}

const UNIT: &str = "--spec-partition=soc=unit alpha=0.8 any-entry=true";

/// All groups of modules; the first holds what exporters write.
pub fn all() -> &'static [Corpus] {
    static ALL: LazyLock<Vec<Corpus>> = LazyLock::new(groups);
    &ALL
}

fn groups() -> Vec<Corpus> {
    let plain: Vec<String> = forms().iter().map(module).collect();
    let some: Vec<String> = plain.iter().rev().step_by(5).cloned().collect();
    let mut edges: Vec<String> = degenerate().iter().map(module).collect();
    edges.extend(bad());
    let placed =
        "--spec-place=soc=imx95 alpha=0.9 any-entry=true force-drafter=gpu force-target=cpu";
    vec![
        Corpus {
            modules: plain,
            pipelines: &[
                &[UNIT],
                &["--spec-partition=alpha=0.8 sampling=rejection strategy=any"],
                &[UNIT, "--spec-lower-to-host"],
            ],
        },
        Corpus {
            modules: edges,
            pipelines: &[&[UNIT], &["--spec-identify"]],
        },
        Corpus {
            modules: after(&some, &["--spec-identify", placed]),
            pipelines: &[
                &["--spec-outline"],
                &[UNIT],
                &["--spec-identify", "--spec-outline", "--spec-lower-to-host"],
            ],
        },
        Corpus {
            modules: after(&some, &["--spec-identify", placed, "--spec-outline"]),
            pipelines: &[&["--spec-lower-to-host"], &["--spec-outline"], &[UNIT]],
        },
    ]
}
