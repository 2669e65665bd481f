//! Logits of compiled functions.

use super::reference::Reference;
use super::{imported, json};
use safetensors::tensor::Dtype;
use serde_json::json as value;
use spec_testsuite::checkpoint::{Model, Tensors, llama};
use spec_testsuite::compiled::Compiled;
use spec_testsuite::modelgen::run::Input;
use spec_testsuite::modelgen::{Element, Type};

/// More tokens than the shortest wavelengths of the rotation, and no multiple of 3.
const TOKENS: [usize; 20] = [
    3, 17, 42, 5, 60, 0, 31, 8, 22, 11, 7, 7, 1, 59, 2, 33, 18, 4, 50, 29,
];
const CONTEXT: usize = 24;

/// Compiles the functions of a module whose names begin with `prefix`.
pub fn compile(folder: &std::path::Path, prefix: &str) -> Compiled {
    let text = std::fs::read_to_string(folder.join("model.mlir")).expect("a module");
    let start = |t: &str| t.find("  func.func @").expect("functions");
    let (head, functions) = text.split_at(start(&text));
    let kept: Vec<&str> = functions
        .split_inclusive("\n  }\n")
        .filter(|f| f.trim_start().starts_with(&format!("func.func @{prefix}")))
        .collect();
    assert!(!kept.is_empty(), "no function {prefix}");
    // without its target, a drafter is a model like any other
    let kept = kept.concat().replace("\"drafter\"", "\"target\"");
    Compiled::new(&format!("{head}{kept}}}\n"), &[]).expect("the module compiles")
}

/// A compiled function with its weights.
struct Function<'a> {
    compiled: &'a Compiled,
    name: &'a str,
    weights: Vec<Input>,
    cache: Type,
    logits: Type,
}

impl<'a> Function<'a> {
    fn new(compiled: &'a Compiled, name: &'a str, tensors: &Tensors) -> Self {
        let described = compiled.described(name).expect("described");
        let shape = |dims: &[u64]| dims.iter().map(|d| *d as usize).collect::<Vec<_>>();
        let of = |dims: &[u64]| Type::tensor(&shape(dims), Element::F32);
        let weights = described.arguments[4..].iter().map(|argument| {
            let name = argument.name.as_deref().expect("weights have names");
            let name = name.strip_prefix("drafter:").unwrap_or(name);
            let (dims, values) = tensors.get(name).unwrap_or_else(|| panic!("no {name}"));
            assert_eq!(shape(&argument.shape), *dims, "{name}");
            Input::Dense(Type::tensor(dims, Element::F32), values.clone())
        });
        Function {
            compiled,
            name,
            weights: weights.collect(),
            cache: of(&described.arguments[2].shape),
            logits: of(&described.results[0].shape),
        }
    }

    fn empty_caches(&self) -> [Vec<f64>; 2] {
        [0, 1].map(|_| vec![0.0; self.cache.count()])
    }

    /// Logits; the caches are updated.
    fn call(
        &self,
        tokens: &[usize],
        position: usize,
        caches: &mut [Vec<f64>; 2],
    ) -> Result<Vec<f64>, String> {
        let ids = Type::tensor(&[1, tokens.len()], Element::I64);
        let mut args = vec![
            Input::Dense(ids, tokens.iter().map(|t| *t as f64).collect()),
            Input::Dense(Type::tensor(&[], Element::I64), vec![position as f64]),
        ];
        args.extend(
            caches
                .iter()
                .map(|c| Input::Dense(self.cache.clone(), c.clone())),
        );
        args.extend(self.weights.iter().cloned());
        let types = [self.logits.clone(), self.cache.clone(), self.cache.clone()];
        let results = self.compiled.call(self.name, &args, &types, None)?;
        let results: [Vec<f64>; 3] = results.try_into().map_err(|_| "not three results")?;
        let [logits, keys, values] = results;
        *caches = [keys, values];
        Ok(logits)
    }
}

/// Feeds the tokens in calls of `m` to `function`: a row of logits a token, in bits that f64 keeps.
pub fn run(compiled: &Compiled, function: &str, m: usize, tensors: &Tensors) -> Vec<Vec<f64>> {
    let function = Function::new(compiled, function, tensors);
    let mut caches = function.empty_caches();
    let mut rows = vec![];
    for (i, tokens) in TOKENS.chunks(m).enumerate() {
        let mut padded = tokens.to_vec();
        padded.resize(m, 0);
        let logits = function.call(&padded, i * m, &mut caches).expect("a call");
        rows.extend(logits.chunks(logits.len() / m).map(<[f64]>::to_vec));
    }
    rows.truncate(TOKENS.len());
    rows
}

/// Largest difference from the reference, relative to the largest logit of its token.
pub fn error(found: &[Vec<f64>], model: &Model, tensors: &Tensors) -> f64 {
    let mut reference = Reference::new(model, tensors);
    let mut worst = 0.0_f64;
    for (token, row) in TOKENS.iter().zip(found) {
        let expected = &reference.step(*token)[..row.len()];
        let largest = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        for (e, f) in expected.iter().zip(row) {
            let error = (e - f).abs() / largest;
            worst = if error.is_nan() {
                f64::INFINITY
            } else {
                worst.max(error)
            };
        }
    }
    worst
}

/// Imports, compiles, and compares decode and verify with the reference and with each other.
fn check(model: &Model) {
    let dir = tempfile::tempdir().expect("a folder");
    let tensors = model.write(&dir.path().join("source"));
    let context = CONTEXT.to_string();
    let args = [
        "--target",
        "source",
        "-o",
        "out",
        "--target-tokens=3",
        "--context",
        &context,
    ];
    imported(dir.path(), &args);
    let compiled = compile(&dir.path().join("out"), "");
    let one = run(&compiled, "decode", 1, &tensors);
    let several = run(&compiled, "verify3", 3, &tensors);
    assert_eq!(one, several, "3 tokens in a call give other bits than one");
    let error = error(&one, model, &tensors);
    assert!(error <= 2e-5, "{error:.2e}");
    // the reference can tell: other tokens give other logits
    assert!(one[0] != one[1]);
    let import = json(&dir.path().join("out/import.json"));
    let described = &import["models"][0];
    let elements: usize = tensors.values().map(|(_, v)| v.len()).sum();
    assert_eq!(described["parameters"], elements);
    assert_eq!(
        described["source_types"],
        value!({format!("{:?}", model.dtype): tensors.len()})
    );
    assert_eq!(
        described["files"].as_array().map(Vec::len),
        Some(model.shards)
    );
    assert_eq!(described["context"], CONTEXT);
}

#[test]
fn llama_with_a_tied_head() {
    check(&llama());
}

#[test]
fn one_layer_and_a_head_of_its_own() {
    check(&Model {
        layers: 1,
        tied: false,
        ..llama()
    });
}

#[test]
fn every_head_its_own_keys_and_a_head_size_of_its_own() {
    check(&Model {
        kv_heads: 4,
        head_dim: 12,
        eps: 1e-6,
        ..llama()
    });
}

/// Wavelengths 6 (kept), 63 (blended) and 628 (divided).
#[test]
fn llama3_scaling() {
    let scaling = value!({
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 100,
    });
    let model = Model {
        more: value!({"rope_scaling": scaling}),
        ..llama()
    };
    check(&model);
    // and it is not the same without
    let tensors = model.tensors();
    let plain = llama();
    let mut unscaled = Reference::new(&plain, &tensors);
    let rows: Vec<Vec<f64>> = TOKENS.iter().map(|t| unscaled.step(*t)).collect();
    assert!(error(&rows, &model, &tensors) > 1e-3);
}

#[test]
fn linear_scaling() {
    check(&Model {
        more: value!({"rope_scaling": {"rope_type": "linear", "factor": 4.0}}),
        ..llama()
    });
}

#[test]
fn qwen2_with_biases() {
    check(&Model {
        architecture: "Qwen2ForCausalLM",
        theta: 1e6,
        more: value!({"sliding_window": 4, "use_sliding_window": false}),
        ..llama()
    });
}

#[test]
fn qwen3_with_norms_of_heads() {
    check(&Model {
        architecture: "Qwen3ForCausalLM",
        head_dim: 16,
        tied: false,
        ..llama()
    });
}

#[test]
fn mistral_within_its_window() {
    check(&Model {
        architecture: "MistralForCausalLM",
        more: value!({"sliding_window": CONTEXT}),
        ..llama()
    });
}

#[test]
fn several_files() {
    check(&Model {
        shards: 3,
        ..llama()
    });
}

#[test]
fn bf16_and_f16_weights() {
    for dtype in [Dtype::BF16, Dtype::F16] {
        check(&Model { dtype, ..llama() });
    }
}

/// A call that would leave the embedding or the caches ends in an error, and the last ones that fit do not.
#[test]
fn tokens_and_positions_out_of_range() {
    let dir = tempfile::tempdir().expect("a folder");
    let model = llama();
    let tensors = model.write(&dir.path().join("source"));
    let args = [
        "--target",
        "source",
        "-o",
        "out",
        "--target-tokens=3",
        "--context=24",
    ];
    imported(dir.path(), &args);
    let compiled = compile(&dir.path().join("out"), "");
    for (name, m) in [("decode", 1), ("verify3", 3)] {
        let function = Function::new(&compiled, name, &tensors);
        let call = |token: usize, position: usize| {
            let mut tokens = vec![0; m];
            tokens[m - 1] = token;
            function.call(&tokens, position, &mut function.empty_caches())
        };
        assert!(call(model.vocabulary - 1, CONTEXT - m).is_ok());
        assert!(call(model.vocabulary, 0).is_err());
        assert!(call(0, CONTEXT - m + 1).is_err());
    }
}
