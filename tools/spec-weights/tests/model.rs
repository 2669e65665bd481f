//! `--model`: tensors of both models from the files that import.json names, and the text side.

use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use spec_runtime::quantize::WeightIndex;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// Two functions: a target and a drafter with `norm` in common, a `table` each, and a `head` that only the drafter has.
fn manifest() -> Value {
    let weight = |name: &str, shape: &[usize]| json!({"kind": "weight", "name": name, "dtype": "f32", "shape": shape});
    let function = |role: &str, names: &[(&str, usize)]| {
        let arguments: Vec<Value> = names.iter().map(|(n, rows)| weight(n, &[*rows])).collect();
        json!({"name": role, "symbol": role, "role": role, "tokens": 1, "workspace_bytes": 0, "arguments": arguments, "results": []})
    };
    let drafter = [("norm", 4), ("drafter:table", 8), ("drafter:head", 2)];
    let target = [("norm", 4), ("table", 16)];
    let weights: Vec<Value> = [
        ("norm", 4),
        ("drafter:table", 8),
        ("drafter:head", 2),
        ("table", 16),
    ]
    .iter()
    .map(|(name, rows)| json!({"name": name, "dtype": "f32", "shape": [rows]}))
    .collect();
    json!({
        "format_version": 1, "tool": "test", "soc": "host",
        "target": {"triple": "x86_64-unknown-linux-gnu", "cpu": "generic"},
        "library": {"file": "model.so", "bytes": 0, "crc32": 0},
        "functions": [function("drafter", &drafter), function("target", &target)],
        "weights": weights,
    })
}

fn import() -> Value {
    json!({
        "format_version": 1, "tool": "spec-import 0.1.0",
        "models": [
            {"role": "target", "name": "big", "files": ["big.safetensors"]},
            {"role": "drafter", "name": "small", "files": ["one.safetensors", "two.safetensors"]},
        ],
        "quantize": "",
        "text": {"tokenizer": "tokenizer.json", "bos": 1, "add_bos": true, "eos": [2, 7], "chat_template": null},
    })
}

struct Case(TempDir);

impl Case {
    /// A bundle in `out`, a model in `model`: the big one's tensors are all 1, the small one's 2.
    fn new() -> Self {
        let case = Case(tempfile::tempdir().expect("a folder"));
        for folder in ["out", "model"] {
            std::fs::create_dir(case.path(folder)).expect("made");
        }
        case.write("out/manifest.json", &manifest().to_string());
        case.write("model/import.json", &import().to_string());
        case.write("model/tokenizer.json", "{\"words\": 3}");
        case.tensors("big", 1.0, &[("norm", 4), ("table", 16)]);
        case.tensors("one", 2.0, &[("norm", 4), ("table", 8)]);
        case.tensors("two", 2.0, &[("head", 2)]);
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    fn tensors(&self, file: &str, value: f32, all: &[(&str, usize)]) {
        let bytes: Vec<Vec<u8>> = all
            .iter()
            .map(|(_, n)| value.to_le_bytes().repeat(*n))
            .collect();
        let views = all.iter().zip(&bytes).map(|((name, n), bytes)| {
            let view = TensorView::new(Dtype::F32, vec![*n], bytes).expect("sizes agree");
            (*name, view)
        });
        let data = safetensors::serialize(views, None).expect("serialised");
        std::fs::write(self.path(&format!("model/{file}.safetensors")), data).expect("written");
    }

    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spec-weights"));
        command.current_dir(self.0.path()).args(args);
        let out = command.output().expect("it starts");
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    }

    fn usual(&self) -> (Option<i32>, String, String) {
        self.run(&["--model", "model", "--manifest", "out/manifest.json"])
    }

    /// Fails with code 1 and writes nothing; what it says.
    fn refused(&self) -> String {
        let (code, out, err) = self.usual();
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        let left = std::fs::read_dir(self.path("out")).expect("there").count();
        assert_eq!(left, 1, "only the manifest: {err}");
        err
    }

    /// Elements of a weight that was written.
    fn weight(&self, name: &str) -> Vec<f32> {
        let index = std::fs::read_to_string(self.path("out/weights.json")).expect("an index");
        let index = WeightIndex::from_json(&index).expect("it is one");
        let w = index.weights.iter().find(|w| w.name == name).expect(name);
        let bytes = std::fs::read(self.path("out/weights.bin")).expect("weights");
        let bytes = &bytes[w.offset as usize..(w.offset + w.bytes) as usize];
        let element = |b: &[u8]| f32::from_le_bytes(b.try_into().expect("four"));
        bytes.chunks_exact(4).map(element).collect()
    }
}

#[test]
fn each_weight_is_of_its_own_model() {
    let case = Case::new();
    let (code, out, err) = case.usual();
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(
        out.contains("text: out/tokenizer.json, out/text.json"),
        "{out}"
    );
    assert_eq!(case.weight("table"), [1.0; 16]);
    assert_eq!(case.weight("drafter:table"), [2.0; 8]);
    assert_eq!(case.weight("drafter:head"), [2.0; 2]);
    assert_eq!(case.weight("norm"), [1.0; 4], "shared: the target's");
    let read = |name: &str| std::fs::read_to_string(case.path(name)).expect(name);
    assert_eq!(read("out/tokenizer.json"), "{\"words\": 3}");
    let text: Value = serde_json::from_str(&read("out/text.json")).expect("JSON");
    assert_eq!(text, import()["text"]);
}

#[test]
fn a_self_draft_has_one_set_of_files() {
    let case = Case::new();
    let mut import = import();
    import["models"][0]["files"] = json!(["one.safetensors", "two.safetensors"]);
    import["models"][0]["role"] = json!("target");
    import["models"].as_array_mut().expect("a list").pop();
    case.write("model/import.json", &import.to_string());
    let mut manifest = manifest();
    manifest["weights"][3]["shape"] = json!([8]);
    manifest["functions"][1]["arguments"][1]["shape"] = json!([8]);
    case.write("out/manifest.json", &manifest.to_string());
    let (code, _, err) = case.usual();
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(case.weight("table"), case.weight("drafter:table"));
}

#[test]
fn files_may_be_elsewhere_and_the_text_side_may_lack() {
    let case = Case::new();
    let mut import = import();
    std::fs::rename(
        case.path("model/big.safetensors"),
        case.path("big.safetensors"),
    )
    .expect("moved");
    import["models"][0]["files"] = json!([case.path("big.safetensors")]);
    import["text"]["tokenizer"] = json!(null);
    case.write("model/import.json", &import.to_string());
    let (code, out, err) = case.usual();
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains("text: out/text.json"), "{out}");
    assert!(!case.path("out/tokenizer.json").exists());
    import.as_object_mut().expect("an object").remove("text");
    case.write("model/import.json", &import.to_string());
    std::fs::remove_file(case.path("out/text.json")).expect("there");
    assert_eq!(case.usual().0, Some(0));
    assert!(!case.path("out/text.json").exists());
}

#[test]
fn given_files_come_before_those_of_the_model() {
    let case = Case::new();
    case.tensors("other", 3.0, &[("norm", 4), ("table", 16)]);
    let args = [
        "--model",
        "model",
        "--manifest",
        "out/manifest.json",
        "--from",
        "target=model/other.safetensors",
        "--json",
    ];
    let (code, out, err) = case.run(&args);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        report["text"],
        json!(["out/tokenizer.json", "out/text.json"])
    );
    assert_eq!(case.weight("table"), [3.0; 16]);
    assert_eq!(case.weight("drafter:table"), [2.0; 8]);
}

#[test]
fn folders_that_are_no_models_are_refused() {
    let case = Case::new();
    let (code, _, err) = case.run(&["--model", "none", "--manifest", "out/manifest.json"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("none/import.json: No such file"), "{err}");
    assert!(
        err.contains("--model takes a folder that spec-import wrote"),
        "{err}"
    );
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 8] = [
        (
            |i| i["format_version"] = json!(2),
            "format_version 2, this program reads 1",
        ),
        (|i| i["models"] = json!([]), "it describes no model"),
        (|i| i["models"] = json!({}), "invalid type: map"),
        (
            |i| i["models"][0]["role"] = json!("judge"),
            "unknown variant `judge`",
        ),
        (
            |i| i["models"][1]["role"] = json!("target"),
            "two models are the Target",
        ),
        (
            |i| i["models"][0]["files"] = json!([]),
            "the Target has no files",
        ),
        (
            |i| i["text"]["tokenizer"] = json!(3),
            "text.tokenizer is 3, not a file",
        ),
        (
            |i| i["text"]["tokenizer"] = json!("no.json"),
            "cannot read model/no.json",
        ),
    ];
    for (change, message) in cases {
        let mut import = import();
        change(&mut import);
        case.write("model/import.json", &import.to_string());
        let err = case.refused();
        assert!(err.contains(message), "{message}: {err}");
    }
    case.write("model/import.json", "{\"format_version\": 1");
    assert!(case.refused().contains("EOF while parsing"));
    case.write("model/import.json", "{}");
    assert!(case.refused().contains("it has no format_version"));
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let case = Case::new();
    case.tensors("one", 2.0, &[("norm", 4), ("table", 16)]);
    let err = case.refused();
    assert!(
        err.contains("\"table\" is [16], the model has [8]"),
        "{err}"
    );
    // the target's files have one, but a drafter's weight is not looked for there
    case.tensors("one", 2.0, &[("norm", 4)]);
    let err = case.refused();
    assert!(
        err.contains("no tensor \"table\" for \"drafter:table\""),
        "{err}"
    );
    assert!(
        err.contains("one.safetensors") && !err.contains("big.safetensors"),
        "{err}"
    );
    std::fs::remove_file(case.path("model/two.safetensors")).expect("there");
    assert!(case.refused().contains("cannot read model/two.safetensors"));
}
