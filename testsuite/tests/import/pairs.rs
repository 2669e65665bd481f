//! A drafter and a target in one folder.

use super::logits::{compile, error, run};
use super::{import, imported, json};
use spec_testsuite::checkpoint::{Model, llama, tokenizer, write_json};
use std::path::Path;

fn pair(dir: &Path) -> (Model, Model) {
    let target = llama();
    let drafter = Model {
        layers: 1,
        hidden: 16,
        heads: 2,
        kv_heads: 1,
        seed: 7,
        ..llama()
    };
    target.write(&dir.join("t"));
    drafter.write(&dir.join("d"));
    (target, drafter)
}

const PAIR: [&str; 8] = [
    "--target",
    "t",
    "--drafter",
    "d",
    "-o",
    "out",
    "--context",
    "24",
];

#[test]
fn a_pair_has_all_functions_of_both() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_, drafter) = pair(dir.path());
    let ran = imported(dir.path(), &[&PAIR[..], &["--json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let names = [
        "decode", "verify2", "verify3", "verify4", "verify5", "verify9", "draft", "draft2",
        "draft8",
    ];
    assert_eq!(report["functions"], serde_json::json!(names));
    let out = dir.path().join("out");
    let module = std::fs::read_to_string(out.join("model.mlir")).expect("a module");
    assert!(module.contains("loc(\"drafter:model.norm.weight\")"));
    assert_eq!(module.matches("spec.role = \"target\"").count(), 6);
    assert_eq!(module.matches("spec.role = \"drafter\"").count(), 3);
    let models = &json(&out.join("import.json"))["models"];
    assert_eq!(
        (&models[0]["role"], &models[1]["role"]),
        (&"target".into(), &"drafter".into())
    );
    let files = models[1]["files"][0].as_str().expect("a file");
    assert!(
        Path::new(files).is_absolute() && files.ends_with("d/model.safetensors"),
        "{files}"
    );
    assert!(out.join("tokenizer.json").exists());
    let tensors = drafter.tensors();
    let rows = run(&compile(&out, "draft"), "draft2", 2, &tensors);
    assert!(error(&rows, &drafter, &tensors) <= 2e-5);
}

#[test]
fn the_first_layers_draft() {
    let dir = tempfile::tempdir().expect("a folder");
    let target = llama();
    let tensors = target.write(&dir.path().join("t"));
    let args = [
        "--target",
        "t",
        "--self-draft=layers:1",
        "-o",
        "out",
        "--context=24",
    ];
    imported(dir.path(), &args);
    let out = dir.path().join("out");
    let rows = run(&compile(&out, "draft"), "draft2", 2, &tensors);
    let first = Model {
        layers: 1,
        ..target
    };
    assert!(error(&rows, &first, &tensors) <= 2e-5);
    let import = json(&out.join("import.json"));
    assert_eq!(import["quantize"], "");
    assert_eq!(import["models"][1]["layers"], 1);
    assert_eq!(import["models"][1]["files"], import["models"][0]["files"]);
}

#[test]
fn a_format_drafts() {
    let dir = tempfile::tempdir().expect("a folder");
    llama().write(&dir.path().join("t"));
    imported(
        dir.path(),
        &["--target", "t", "--self-draft=i4g32", "-o", "out"],
    );
    let out = dir.path().join("out");
    assert_eq!(json(&out.join("import.json"))["quantize"], "drafter=i4g32");
    let module = std::fs::read_to_string(out.join("model.mlir")).expect("a module");
    assert!(!module.contains("drafter:"), "weights are shared by name");
    let text = |name: &str| {
        let start = module.find(&format!("@{name}(")).expect(name);
        let whole = &module[start + name.len() + 1..];
        let end = whole.find(" attributes ").expect("attributes");
        whole[..end].to_owned()
    };
    assert_eq!(text("draft"), text("decode"));
}

/// Padded embeddings of different sizes, as in the Qwen family: logits of both are cut to the smaller size.
#[test]
fn padded_embeddings_of_different_sizes() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut target, drafter) = pair(dir.path());
    target.vocabulary = 72;
    let tensors = target.write(&dir.path().join("t"));
    write_json(&dir.path().join("t/tokenizer.json"), &tokenizer(60, "t"));
    write_json(&dir.path().join("d/tokenizer.json"), &tokenizer(60, "t"));
    let ran = imported(dir.path(), &PAIR);
    assert!(ran.stderr.contains("cut to 61"), "{}", ran.stderr);
    let out = dir.path().join("out");
    let rows = run(&compile(&out, "verify3"), "verify3", 3, &tensors);
    assert_eq!(rows[0].len(), drafter.vocabulary);
    assert!(error(&rows, &target, &tensors) <= 2e-5);
    // with a token that the drafter has no row for, they do not fit
    for folder in ["t", "d"] {
        write_json(
            &dir.path().join(folder).join("tokenizer.json"),
            &tokenizer(65, "t"),
        );
    }
    let ran = import(dir.path(), &PAIR);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("a token 64"), "{}", ran.stderr);
}

#[test]
fn other_tokens_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    pair(dir.path());
    let mut other = tokenizer(61, "t");
    other["model"]["vocab"]
        .as_object_mut()
        .expect("a map")
        .remove("t7");
    other["model"]["vocab"]["seven"] = 7.into();
    write_json(&dir.path().join("d/tokenizer.json"), &other);
    let ran = import(dir.path(), &PAIR);
    assert_eq!(ran.code, Some(1));
    let expected = "token 7 is \"t7\" in the target's tokenizer and \"seven\" in the drafter's";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    assert!(!dir.path().join("out").exists());
}

#[test]
fn a_larger_drafter_is_a_warning() {
    let dir = tempfile::tempdir().expect("a folder");
    pair(dir.path());
    let args = ["--target", "d", "--drafter", "t", "-o", "out", "-q"];
    let ran = imported(dir.path(), &args);
    assert!(ran.stderr.contains("the wrong way round"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}
