//! A bundle of two toy models in C, with weights, for tests of what runs bundles. Needs a C compiler: `cc`, or what `CC` names.

use serde_json::{Value, json};
use spec_runtime::manifest::File;
use std::path::Path;
use std::process::Command;

/// Which bundle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kind {
    /// Whether it has no drafter.
    pub alone: bool,
    /// Whether the target's wide function answers otherwise than the narrow one.
    pub broken: bool,
}

/// Writes a bundle into `folder`, which is there. Its plan says 3 drafts, sequential, a speed-up of 1.5.
pub fn write(folder: &Path, kind: Kind) {
    let library = compile(folder);
    let weights: Vec<u8> = 5.0_f32.to_le_bytes().into();
    let stored = File::of("weights.bin", &weights);
    let index = json!({"format_version": 1, "file": "weights.bin", "bytes": stored.bytes, "crc32": stored.crc32,
        "weights": [{"name": "w", "dtype": "f32", "shape": [1], "offset": 0, "bytes": 4}]});
    let mut functions = vec![
        function("target", "toy_target1", 1),
        function(
            "target",
            if kind.broken {
                "toy_broken5"
            } else {
                "toy_target5"
            },
            5,
        ),
    ];
    let mut plan = json!({"gamma": 0, "strategy": "none", "speed_up": 1.0, "placements": [placement("target")]});
    if !kind.alone {
        functions.extend([
            function("drafter", "toy_drafter1", 1),
            function("drafter", "toy_drafter2", 2),
        ]);
        plan = json!({"gamma": 3, "strategy": "sequential", "speed_up": 1.5, "tokens_per_second": 1000.0,
            "acceptance": 0.75, "baseline": "toy on cpu:1:f32, no speculation, 666.667 tokens/s",
            "baseline_tokens_per_second": 666.667, "placements": [placement("target"), placement("drafter")]});
    }
    let models: Vec<Value> = (plan["placements"].as_array().into_iter().flatten())
        .map(|p| model(p["role"].as_str().unwrap_or_default()))
        .collect();
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let manifest = json!({"format_version": 1, "tool": "test 0", "soc": "host", "plan": plan, "functions": functions, "models": models,
        "target": {"triple": triple, "cpu": "generic", "features": []},
        "library": File::of("model.so", &library),
        "weights": [{"name": "w", "dtype": "f32", "shape": [1]}]});
    let write =
        |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("written");
    write("manifest.json", manifest.to_string().as_bytes());
    write("weights.json", index.to_string().as_bytes());
    write("weights.bin", &weights);
    write(
        "text.json",
        br#"{"tokenizer": null, "bos": 256, "add_bos": true, "eos": [257], "chat_template": null}"#,
    );
}

fn placement(role: &str) -> Value {
    json!({"role": role, "device": "cpu", "cores": 1, "dtype": "f32"})
}

/// What the cost model takes the toy for: one product with 10 million weights.
fn model(role: &str) -> Value {
    let class = json!({"class": "projection", "ops": 1, "dispatches": 1, "flops_per_token": 2e7, "flops_per_token_context": 0.0,
        "weight_bytes": 4e7, "weight_bytes_per_token": 0.0, "activation_bytes_per_token": 0.0,
        "activation_bytes_per_token_context": 0.0, "kv_read_bytes_per_context": 0.0, "kv_write_bytes_per_token": 8.0});
    let shape = json!({"name": role, "parameters": 10_000_000, "weight_bytes": 40_000_000, "dtype": "f32", "vocabulary": 258,
        "layers": 1, "hidden": 64, "heads": 1, "kv_heads": 1, "head_dim": 1, "context_limit": 64, "kv_bytes_per_token": 8,
        "kv_dtype": "f32", "entry_tokens": if role == "target" { [1, 5] } else { [1, 2] }, "classes": [class]});
    json!({"role": role, "name": format!("toy-{role}"), "layers": 1, "vocabulary": 258, "context": 64, "parameters": 10_000_000,
        "shape": shape, "dtype": "f32"})
}

fn function(role: &str, symbol: &str, tokens: u32) -> Value {
    let cache = |name: &str| json!({"name": name, "kind": "cache", "dtype": "f32", "shape": [1, 1, 64, 1], "updated_in_place": true});
    json!({"name": symbol, "symbol": symbol, "role": role, "tokens": tokens, "workspace_bytes": 64,
        "arguments": [
            {"kind": "tokens", "dtype": "i64", "shape": [1, tokens]},
            {"kind": "position", "dtype": "i64", "shape": []},
            cache("k"), cache("v"),
            {"name": "w", "kind": "weight", "dtype": "f32", "shape": [1]}],
        "results": [
            {"kind": "logits", "dtype": "f32", "shape": [tokens, 258]},
            {"kind": "cache", "dtype": "f32", "shape": [1, 1, 64, 1], "aliases_argument": 2},
            {"kind": "cache", "dtype": "f32", "shape": [1, 1, 64, 1], "aliases_argument": 3}]})
}

fn compile(folder: &Path) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = folder.join("model.so");
    let cc = std::env::var_os("CC").unwrap_or("cc".into());
    let ran = Command::new(&cc)
        .args(["-O1", "-shared", "-fPIC", "-I"])
        .arg(root.join("runtime/include"))
        .arg(root.join("tools/spec-run/tests/bundle/toy.c"))
        .arg("-o")
        .arg(&output)
        .output()
        .unwrap_or_else(|e| panic!("cannot start {}: {e}; run scripts/setup.sh", cc.display()));
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    std::fs::read(&output).expect("compiled")
}
