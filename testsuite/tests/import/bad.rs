//! Bad input: what is said, and that nothing is left.

use super::{import, imported, json};
use serde_json::json as value;
use spec_testsuite::checkpoint::{Model, llama, write_json};
use std::fs;
use std::path::Path;

/// Writes a model, lets `spoil` have it, imports it with more arguments: it must fail, say all of `words`, and leave nothing.
fn fails(model: &Model, spoil: impl Fn(&Path), more: &[&str], words: &[&str]) {
    let dir = tempfile::tempdir().expect("a folder");
    let source = dir.path().join("source");
    model.write(&source);
    spoil(&source);
    let ran = import(
        dir.path(),
        &[&["--target", "source", "-o", "out"], more].concat(),
    );
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "no {word:?} in: {}", ran.stderr);
    }
    let left = fs::read_dir(dir.path()).expect("a folder");
    assert_eq!(left.count(), 1, "something is left behind");
}

fn with(more: serde_json::Value) -> Model {
    Model { more, ..llama() }
}

fn config_fails(more: serde_json::Value, words: &[&str]) {
    fails(
        &with(more),
        |_| {},
        &[],
        &[&["config.json"], words].concat(),
    );
}

#[test]
fn other_architectures() {
    let words = [
        "GPT2LMHeadModel",
        "LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM",
    ];
    config_fails(value!({"architectures": ["GPT2LMHeadModel"]}), &words);
    config_fails(
        value!({"architectures": null}),
        &["no architecture is named"],
    );
}

#[test]
fn variants_of_the_arithmetic() {
    config_fails(
        value!({"hidden_act": "gelu"}),
        &["activation \"gelu\"", "silu"],
    );
    config_fails(value!({"attention_bias": true}), &["attention_bias"]);
    config_fails(value!({"mlp_bias": true}), &["mlp_bias"]);
    config_fails(
        value!({"partial_rotary_factor": 0.5}),
        &["partial_rotary_factor: 0.5"],
    );
    config_fails(
        value!({"quantization_config": {"quant_method": "gptq"}}),
        &["gptq", "original weights"],
    );
    let yarn = value!({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}});
    config_fails(yarn, &["\"yarn\"", "default, linear and llama3"]);
    let half = value!({"rope_scaling": {"rope_type": "llama3", "factor": 4.0}});
    config_fails(half, &["no usable low_freq_factor"]);
}

#[test]
fn impossible_sizes() {
    let contradiction = |more: serde_json::Value, word: &str| {
        fails(&with(more), |_| {}, &[], &["contradicts itself", word]);
    };
    contradiction(value!({"num_hidden_layers": 0}), "0 layers");
    contradiction(value!({"num_key_value_heads": 3}), "4 heads");
    contradiction(value!({"head_dim": 7}), "7 elements");
    contradiction(value!({"vocab_size": 1u64 << 40}), "vocabulary");
    config_fails(value!({"hidden_size": null}), &["no hidden_size"]);
    config_fails(
        value!({"hidden_size": "many"}),
        &["not the JSON that is expected"],
    );
}

#[test]
fn wrong_json() {
    let cut = |folder: &Path| fs::write(folder.join("config.json"), "{\"arch").expect("a file");
    fails(&llama(), cut, &[], &["config.json", "line 1"]);
    let none = |folder: &Path| fs::write(folder.join("tokenizer.json"), "").expect("a file");
    fails(&llama(), none, &[], &["tokenizer.json", "download"]);
}

#[test]
fn tensors_that_are_missing_or_of_other_sizes() {
    let name = "model.layers.1.mlp.up_proj.weight";
    let without = |folder: &Path| {
        let mut tensors = llama().tensors();
        tensors.remove(name);
        llama().write_tensors(folder, &tensors);
    };
    fails(&llama(), without, &[], &[name, "is a file missing"]);
    let wider = with(value!({"intermediate_size": 45}));
    fails(&wider, |_| {}, &[], &["gate_proj", "[44, 32]", "[45, 32]"]);
    let headless = with(value!({"tie_word_embeddings": false}));
    fails(
        &headless,
        |_| {},
        &[],
        &["lm_head.weight", "tie_word_embeddings"],
    );
    let fewer = with(value!({"num_hidden_layers": 1}));
    fails(&fewer, |_| {}, &[], &["model.layers.1.", "of 1 layers"]);
    let unbiased = with(value!({"architectures": ["Qwen2ForCausalLM"]}));
    fails(&unbiased, |_| {}, &[], &["q_proj.bias"]);
}

#[test]
fn biases_that_llama_has_not() {
    let model = Model {
        architecture: "Qwen2ForCausalLM",
        more: value!({"architectures": ["LlamaForCausalLM"]}),
        ..llama()
    };
    fails(
        &model,
        |_| {},
        &[],
        &["not part of a llama model", "k_proj.bias"],
    );
}

#[test]
fn files_that_are_not_whole() {
    let cut = |at: u64| {
        move |folder: &Path| {
            let file = fs::OpenOptions::new()
                .write(true)
                .open(folder.join("model.safetensors"));
            file.and_then(|f| f.set_len(at)).expect("a file");
        }
    };
    for at in [0, 5, 100, 5000] {
        fails(
            &llama(),
            cut(at),
            &[],
            &["model.safetensors", "not a whole safetensors file"],
        );
    }
    let huge =
        |folder: &Path| fs::write(folder.join("model.safetensors"), [0xff; 16]).expect("a file");
    fails(&llama(), huge, &[], &["not a whole safetensors file"]);
}

#[test]
fn missing_files() {
    let remove =
        |name: &'static str| move |folder: &Path| fs::remove_file(folder.join(name)).expect(name);
    fails(
        &llama(),
        remove("config.json"),
        &[],
        &["neither config.json nor a .gguf"],
    );
    fails(&llama(), remove("model.safetensors"), &[], &["no weights"]);
    let shards = Model {
        shards: 3,
        ..llama()
    };
    let second = "model-00002-of-00003.safetensors";
    fails(&shards, remove(second), &[], &["1 of its 3 files", second]);
    let escaping = |folder: &Path| {
        let index = value!({"weight_map": {"model.norm.weight": "../model.safetensors"}});
        fs::remove_file(folder.join("model.safetensors")).expect("a file");
        write_json(&folder.join("model.safetensors.index.json"), &index);
    };
    fails(
        &llama(),
        escaping,
        &[],
        &["no name of a file in this folder"],
    );
}

#[test]
fn options_out_of_range() {
    fails(
        &llama(),
        |_| {},
        &["--self-draft=layers:2"],
        &["has 2 layers", "from 1 to 1"],
    );
    fails(
        &llama(),
        |_| {},
        &["--context=65"],
        &["made for 64 positions"],
    );
    fails(&llama(), |_| {}, &["--context=0"], &["from 1 to 64"]);
    fails(
        &llama(),
        |_| {},
        &["--context=4"],
        &["9 tokens a call", "4 rows"],
    );
    let window = with(value!({"architectures": ["MistralForCausalLM"], "sliding_window": 16}));
    fails(
        &window,
        |_| {},
        &["--context=17"],
        &["made for 16 positions", "sliding window of 16"],
    );
    fails(
        &llama(),
        |_| {},
        &["--drafter=nowhere"],
        &["cannot read nowhere"],
    );
}

#[test]
fn sources_that_are_none() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("model.safetensors");
    fs::write(&file, "x").expect("a file");
    for (source, word) in [
        ("nowhere", "cannot read nowhere"),
        ("model.safetensors", "give the folder"),
        (".", "neither"),
    ] {
        let ran = import(dir.path(), &["--target", source, "-o", "out"]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.contains(word), "{}", ran.stderr);
    }
    for name in ["a.gguf", "b.gguf"] {
        fs::write(dir.path().join(name), "GGUF").expect("a file");
    }
    let ran = import(dir.path(), &["--target", ".", "-o", "out"]);
    assert!(ran.stderr.contains("2 .gguf files"), "{}", ran.stderr);
    let ran = import(dir.path(), &["--target", "a.gguf", "-o", "out"]);
    assert_eq!(
        (ran.code, ran.stderr.contains("a.gguf")),
        (Some(1), true),
        "{}",
        ran.stderr
    );
}

#[test]
fn wrong_usage() {
    let dir = tempfile::tempdir().expect("a folder");
    for args in [
        &["--target", "x"][..],
        &["--target", "x", "-o", "y", "--self-draft=i3"],
        &["--target", "x", "-o", "y", "--target-tokens=0"],
        &[
            "--target",
            "x",
            "-o",
            "y",
            "--drafter",
            "z",
            "--self-draft=i8",
        ],
        &["--target", "x", "-o", "y", "--json", "--quiet"],
    ] {
        assert_eq!(import(dir.path(), args).code, Some(2), "{args:?}");
    }
}

#[test]
fn what_was_there_before() {
    let dir = tempfile::tempdir().expect("a folder");
    llama().write(&dir.path().join("source"));
    let out = dir.path().join("out");
    fs::create_dir(&out).expect("a folder");
    fs::write(out.join("notes.txt"), "mine").expect("a file");
    fs::write(out.join("target.safetensors"), "of an earlier run").expect("a file");
    let args = ["--target", "source", "-o", "out"];
    imported(dir.path(), &args);
    assert!(out.join("notes.txt").exists() && !out.join("target.safetensors").exists());
    let first = fs::read(out.join("model.mlir")).expect("a file");
    imported(dir.path(), &args);
    assert_eq!(first, fs::read(out.join("model.mlir")).expect("a file"));
    // a failure leaves what was there
    let failed = import(
        dir.path(),
        &["--target", "source", "-o", "out", "--context=999"],
    );
    assert_eq!(failed.code, Some(1));
    assert_eq!(json(&out.join("import.json"))["models"][0]["context"], 64);
    // neither into the source, nor onto a file
    for bad in ["source", "out/notes.txt"] {
        let ran = import(dir.path(), &["--target", "source", "-o", bad]);
        assert_eq!(ran.code, Some(1));
        assert!(ran.stderr.contains("another name"), "{}", ran.stderr);
    }
}

#[test]
fn special_tokens_come_from_all_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let source = dir.path().join("source");
    llama().write(&source);
    write_json(
        &source.join("generation_config.json"),
        &value!({"eos_token_id": [5, 2]}),
    );
    let template =
        value!([{"name": "tool", "template": "T"}, {"name": "default", "template": "D"}]);
    let tokens =
        value!({"bos_token": {"content": "t9"}, "eos_token": "t6", "chat_template": template});
    write_json(&source.join("tokenizer_config.json"), &tokens);
    let mut tokenizer = spec_testsuite::checkpoint::tokenizer(61, "t");
    tokenizer["post_processor"] = value!({
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "t9", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "special_tokens": {"t9": {"id": "t9", "ids": [9], "tokens": ["t9"]}},
    });
    write_json(&source.join("tokenizer.json"), &tokenizer);
    imported(dir.path(), &["--target", "source", "-o", "out"]);
    let text = |folder: &str| json(&dir.path().join(folder).join("import.json"))["text"].clone();
    let expected = value!({"tokenizer": "tokenizer.json", "bos": 9, "add_bos": true, "eos": [5, 2, 6], "chat_template": "D"});
    assert_eq!(text("out"), expected);
    write_json(
        &source.join("tokenizer_config.json"),
        &value!({"add_bos_token": false}),
    );
    fs::write(source.join("chat_template.jinja"), "J").expect("a file");
    imported(dir.path(), &["--target", "source", "-o", "out"]);
    let expected = value!({"tokenizer": "tokenizer.json", "bos": 1, "add_bos": false, "eos": [5, 2], "chat_template": "J"});
    assert_eq!(text("out"), expected);
}
