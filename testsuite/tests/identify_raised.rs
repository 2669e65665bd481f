//! Identification reads raised and quantised modules as it reads what they were made from: whoever plans or compiles a model
//! may do so before raising or after it.

use serde_json::Value;
use spec_testsuite::modelgen::{
    CacheForm, EXPORTERS, Form, ModelSpec, Naming, Pair, Part, build, catalogue, fixtures,
    mixtures, weight_tensors,
};
use spec_testsuite::tools::opt_text;

const RAISE: &str = "inline,symbol-dce,canonicalize,cse,spec-raise,canonicalize,cse";

/// Runs passes and prints the module, or what `last` asks for.
fn run(passes: &str, last: &[&str], text: &str) -> Result<String, String> {
    if passes.is_empty() {
        return Ok(text.to_owned());
    }
    let pipeline = format!("--pass-pipeline=builtin.module({passes})");
    let ran = opt_text(&[&[pipeline.as_str()], last].concat(), text);
    match ran.code {
        Some(0) => Ok(ran.stdout),
        _ => Err(ran.stderr),
    }
}

fn report(passes: &str, text: &str) -> Result<Value, String> {
    serde_json::from_str(&run(passes, &["--report=json"], text)?).map_err(|e| e.to_string())
}

/// What is known of a module's models.
struct Found {
    /// `#spec.model` of each function that has one, after its name.
    attributes: Vec<String>,
    /// The report's models.
    models: Vec<Value>,
}

/// Identifies a module after some passes; what is written is also read again.
fn identify(passes: &str, text: &str) -> Result<Found, String> {
    let separator = if passes.is_empty() { "" } else { "," };
    let text = run(&format!("{passes}{separator}spec-identify"), &[], text)?;
    let report = report("spec-identify", &text)?;
    Ok(Found {
        attributes: attributes(&text),
        models: report["models"].as_array().cloned().unwrap_or_default(),
    })
}

fn attributes(text: &str) -> Vec<String> {
    let functions = text.lines().filter(|l| l.contains("func.func "));
    let found = functions.filter_map(|l| {
        let name = l.split('@').nth(1)?.split('(').next()?;
        let (_, rest) = l.split_once("#spec.model<")?;
        Some(format!("{name}: {}", rest.split('>').next()?))
    });
    found.collect()
}

fn number(v: &Value) -> f64 {
    v.as_f64().expect("the report has a number there")
}

/// FLOPs of a reported call in the classes that are chosen.
fn flops(model: &Value, chosen: impl Fn(&str) -> bool) -> f64 {
    let (m, s) = (number(&model["tokens"]), number(&model["context"]));
    let classes = model["shape"]["classes"].as_array().expect("classes");
    let chosen = classes
        .iter()
        .filter(|c| chosen(c["class"].as_str().unwrap_or_default()));
    chosen
        .map(|c| number(&c["flops_per_token"]) + number(&c["flops_per_token_context"]) * s)
        .sum::<f64>()
        * m
}

/// Not the selects over whole caches that some exporters update them with, which look like masks, too.
fn is_step(class: &str) -> bool {
    !["cache-update", "softmax", "elementwise", "layout", "other"].contains(&class)
}

fn near(a: f64, b: f64, share: f64) -> bool {
    (a - b).abs() <= share * a.max(b)
}

/// How two ways to read a model differ; `rewrites`: its exporter writes whole caches anew, which raising ends.
fn differences(a: &Value, b: &Value, rewrites: bool) -> Vec<String> {
    let mut wrong = vec![];
    for key in ["unrecognised", "context", "tokens", "caches", "role"] {
        if a[key] != b[key] {
            wrong.push(format!("{key}: {} and {}", a[key], b[key]));
        }
    }
    for key in ["dtype", "kv_bytes_per_token", "kv_dtype", "weight_bytes"] {
        let (x, y) = (&a["shape"][key], &b["shape"][key]);
        if x != y {
            wrong.push(format!("{key}: {x} and {y}"));
        }
    }
    let of = |chosen: &dyn Fn(&str) -> bool| (flops(a, chosen), flops(b, chosen));
    for class in ["head", "attention"] {
        let (x, y) = of(&|c| c == class);
        if x != y {
            wrong.push(format!("FLOPs of {class}: {x} and {y}"));
        }
    }
    let (x, y) = of(&|c| !rewrites || is_step(c));
    if !near(x, y, 0.05) {
        wrong.push(format!("FLOPs: {x} and {y}"));
    }
    // copies of keys and values for each query head, and of caches, are not made any more
    let (x, y) = (number(&a["bytes"]), number(&b["bytes"]));
    if y > 1.06 * x || (!rewrites && y < 0.85 * x) {
        wrong.push(format!("bytes: {x} and {y}"));
    }
    wrong
}

/// Compares a module with what raising makes of it. `scales`: parameters that are none, which the raw form cannot tell.
fn compare(text: &str, rewrites: bool, scales: usize) -> Result<Vec<String>, String> {
    let raw = identify("", text)?;
    let raised = identify(RAISE, text)?;
    let mut wrong = vec![];
    let without_scales = |attribute: &String| {
        let (before, rest) = attribute.split_once(" parameters = ")?;
        let (count, after) = rest.split_once(',')?;
        let count = count.parse::<usize>().ok()? - scales;
        Some(format!("{before} parameters = {count},{after}"))
    };
    let expected: Option<Vec<String>> = raw.attributes.iter().map(without_scales).collect();
    if expected.as_ref() != Some(&raised.attributes) {
        wrong.push(format!("{expected:?} and {:?}", raised.attributes));
    }
    if raw.models.len() != raised.models.len() {
        wrong.push("another number of models".into());
    }
    for (a, b) in raw.models.iter().zip(&raised.models) {
        wrong.extend(differences(a, b, rewrites));
    }
    Ok(wrong)
}

fn note(failures: &mut Vec<String>, name: &str, result: Result<Vec<String>, String>) {
    match result {
        Ok(wrong) => failures.extend(wrong.into_iter().map(|w| format!("{name}: {w}"))),
        Err(e) => failures.push(format!("{name}: {e}")),
    }
}

fn none(failures: Vec<String>) {
    let n = failures.len();
    assert!(n == 0, "{n} failures:\n{}", failures.join("\n"));
}

fn models() -> Vec<(String, ModelSpec)> {
    let of = |e| catalogue(e).into_iter().chain(mixtures(e, 6, 7));
    EXPORTERS.into_iter().flat_map(of).collect()
}

/// Elements of the scales of a model that is exported in integers.
fn scales(spec: &ModelSpec) -> usize {
    weight_tensors(&spec.config, &spec.style)
        .iter()
        .filter(|t| t.part == Part::Scale)
        .map(|t| t.ty.dims.iter().flatten().product::<usize>())
        .sum()
}

#[test]
fn generated_models() {
    let mut failures = vec![];
    for (name, spec) in models() {
        for tokens in [1, 3] {
            let spec = ModelSpec::new(spec.config.with_tokens(tokens), spec.style.clone());
            let rewrites = spec.style.cache == CacheForm::Where;
            let text = build(&Form::Single(spec.clone())).text;
            let result = compare(&text, rewrites, scales(&spec));
            note(&mut failures, &format!("{name} M={tokens}"), result);
        }
    }
    none(failures);
}

const FIXTURES: [&str; 12] = [
    "stories260k.rows.m1.mlir",
    "stories260k.rows.m5.mlir",
    "stories260k.slice.m1.mlir",
    "stories260k.slice.m5.mlir",
    "smollm2-135m.rows.m1.f16.mlir.gz",
    "smollm2-135m.rows.m5.f32.mlir.gz",
    "jax.stories-shape.decode.mlir",
    "jax.scan.decode.mlir",
    "jax.gemma.decode.mlir",
    "jax.gpt2.verify4.mlir",
    "dynamic_bounded.mlir",
    "pair.mlir",
];

#[test]
fn exported_models() {
    let mut failures = vec![];
    for file in FIXTURES {
        let text = fixtures::text(file).expect("the fixture is readable");
        // the layer loop of JAX puts whole layers back into the stack of caches
        let rewrites = file == "jax.scan.decode.mlir";
        note(&mut failures, file, compare(&text, rewrites, 0));
    }
    none(failures);
}

/// What `spec-quantize` says of a model is what is found in what it made, and the cost model's type names the format.
#[test]
fn quantised_models() {
    let formats = [
        ("all=i4g32", "i4g32"),
        ("all=i4g64 min-elements=0", "i4g32"), // the cost model has one type of 4 bits
        ("all=i4g32 embedding=f16 scales=f32", "i4g32"),
        ("all=i8 min-elements=0", "i8"),
        ("all=i8g32", "i8g32"),
        ("all=i8 activations=int8", "w8a8"),
        ("all=i4g32 activations=int8", "w4a8"),
        ("all=f16", "f16"),
        ("all=bf16", "bf16"),
    ];
    let mut failures = vec![];
    for file in [
        "stories260k.slice.m1.mlir",
        "stories260k.rows.m5.mlir",
        "jax.scan.decode.mlir",
        "jax.gpt2.verify4.mlir",
    ] {
        let text = fixtures::text(file).expect("the fixture is readable");
        let raw = identify("", &text).expect("it is identified");
        for (options, dtype) in formats {
            let quantise = format!("spec-identify,{RAISE},spec-quantize{{{options}}},canonicalize");
            let result = quantised(&quantise, &text, &raw, dtype);
            note(&mut failures, &format!("{file} {options}"), result);
        }
    }
    none(failures);
}

fn quantised(passes: &str, text: &str, raw: &Found, dtype: &str) -> Result<Vec<String>, String> {
    let text = run(passes, &[], text)?;
    let (written, found) = (attributes(&text), identify("", &text)?);
    let mut wrong = vec![];
    if written != found.attributes {
        wrong.push(format!("{written:?} and {:?}", found.attributes));
    }
    let (a, b) = (&raw.models[0], &found.models[0]);
    let (parameters, bytes) = (&b["shape"]["parameters"], &b["shape"]["weight_bytes"]);
    if parameters != &a["shape"]["parameters"] {
        wrong.push(format!("{parameters} parameters"));
    }
    if b["shape"]["dtype"] != dtype {
        wrong.push(format!("is {}, not {dtype}", b["shape"]["dtype"]));
    }
    if !near(number(&a["flops"]), number(&b["flops"]), 0.05) {
        wrong.push(format!("{} and {} FLOPs", a["flops"], b["flops"]));
    }
    // of each call, all weights are read once: but biases and norms, which are small, and tables that are only looked up
    let classes = b["shape"]["classes"].as_array().expect("classes");
    let read: f64 = classes.iter().map(|c| number(&c["weight_bytes"])).sum();
    if read > number(bytes) || read < 0.75 * number(bytes) {
        wrong.push(format!("{read} of {bytes} bytes are read"));
    }
    Ok(wrong)
}

/// The decision of `spec-partition` without what it predicts, and the predicted rate.
fn plan(passes: &str, text: &str) -> Result<(Vec<String>, f64), String> {
    let text = run(passes, &[], text)?;
    // the names of models in the text of a baseline are the functions'
    let partition = "--spec-partition=soc=imx95 alpha=0.9";
    let ran = opt_text(&[partition], &text);
    if ran.code != Some(0) {
        return Err(ran.stderr);
    }
    let lines = ran.stdout.lines();
    let mut placements: Vec<String> = lines
        .filter_map(|l| l.split_once("#spec.placement<")?.1.split_once('>'))
        .map(|(placement, _)| placement.to_owned())
        .collect();
    placements.sort();
    let (_, rest) = ran.stdout.split_once("#spec.plan<").ok_or("no plan")?;
    let (decision, predicted) = rest.split_once(", tokens_per_second = ").ok_or("no rate")?;
    placements.push(decision.to_owned());
    let rate = predicted.split(',').next().and_then(|r| r.parse().ok());
    Ok((placements, rate.ok_or("the rate is no number")?))
}

fn compare_plans(text: &str, share: f64) -> Result<Vec<String>, String> {
    let (raw, raised) = (plan("", text)?, plan(RAISE, text)?);
    let mut wrong = vec![];
    if raw.0 != raised.0 {
        wrong.push(format!("{:?} and {:?}", raw.0, raised.0));
    }
    if !near(raw.1, raised.1, share) {
        wrong.push(format!("{} and {} tokens/s", raw.1, raised.1));
    }
    Ok(wrong)
}

#[test]
fn plans_of_pairs() {
    let mut failures = vec![];
    for file in ["pair.mlir", "jax.speculative_loop.mlir"] {
        let text = fixtures::text(file).expect("the fixture is readable");
        note(&mut failures, file, compare_plans(&text, 0.1));
    }
    let models = models();
    let n = models.len();
    for i in (0..n).step_by(5) {
        let (a, drafter) = &models[i];
        let (b, mut target) = models[(i * 7 + 11) % n].clone();
        target.config.layers = 3;
        let pair = Pair {
            drafter: ModelSpec::new(drafter.config.with_layers(1), drafter.style.clone()),
            target,
            draft_calls: 2,
        };
        let forms = [
            Form::TwoFunctions(pair.clone(), Naming::Neutral),
            Form::Inlined(pair.clone()),
            Form::InlinedLoop(pair),
        ];
        for (form, what) in forms
            .iter()
            .zip(["two functions", "inlined", "inlined loop"])
        {
            let result = compare_plans(&build(form).text, 0.1);
            note(&mut failures, &format!("{a} + {b}, {what}"), result);
        }
    }
    none(failures);
}

/// A drafter in a loop takes one token a call, however its weights are stored and whatever raising leaves of their arithmetic.
#[test]
fn drafters_in_loops() {
    let int8 = |(_, spec): &(String, ModelSpec)| spec.style.int8_weights;
    let all = models();
    let mut failures = vec![];
    for (name, drafter) in all.iter().filter(|m| int8(m)) {
        for (other, target) in all.iter().step_by(60) {
            let pair = Pair {
                drafter: ModelSpec::new(drafter.config.with_layers(1), drafter.style.clone()),
                target: target.clone(),
                draft_calls: 2,
            };
            let text = build(&Form::InlinedLoop(pair)).text;
            let tokens = |passes: &str| -> Result<Vec<(Value, Value)>, String> {
                let found = identify(passes, &text)?.models;
                let tokens = found
                    .iter()
                    .map(|m| (m["tokens"].clone(), m["shape"]["heads"].clone()));
                Ok(tokens.collect())
            };
            let result = tokens("").and_then(|raw| {
                let raised = tokens(RAISE)?;
                let same = raw == raised && raw.iter().any(|(m, _)| *m == 1);
                Ok(if same {
                    vec![]
                } else {
                    vec![format!("{raw:?} and {raised:?}")]
                })
            });
            note(&mut failures, &format!("{name} for {other}"), result);
        }
    }
    none(failures);
}
