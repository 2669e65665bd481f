//! The schema is the structs; manifests that contradict themselves are refused.

use super::*;
use serde_json::{Value, json};

mod checksum;
mod gpu;

pub(crate) use gpu::gpu_function;

/// A manifest with all that the format has.
pub(crate) fn example() -> Manifest {
    let weight = Weight {
        name: "w".to_owned(),
        dtype: DType::I8,
        shape: vec![4, 16],
        layout: Some("out_in, i4".to_owned()),
    };
    let scale = Weight {
        name: "w.scale".to_owned(),
        dtype: DType::F16,
        shape: vec![4, 1],
        layout: None,
    };
    let argument = |kind, dtype, shape: &[u64]| Argument {
        name: None,
        kind,
        dtype,
        shape: shape.to_vec(),
        layout: None,
        updated_in_place: false,
        quantised_from: None,
    };
    let function = Function {
        name: "main".to_owned(),
        symbol: Some("spec_main".to_owned()),
        role: Role::Target,
        tokens: 2,
        workspace_bytes: 128,
        arguments: vec![
            argument(ArgumentKind::Tokens, DType::I64, &[2]),
            argument(ArgumentKind::Position, DType::I64, &[]),
            Argument {
                updated_in_place: true,
                ..argument(ArgumentKind::Cache, DType::F32, &[8, 2])
            },
            Argument {
                name: Some("w".to_owned()),
                quantised_from: Some(QuantisedFrom {
                    dtype: DType::F32,
                    shape: vec![4, 32],
                    format: QuantFormat::I4,
                    group: 32,
                    scale_argument: 4,
                }),
                layout: weight.layout.clone(),
                ..argument(ArgumentKind::Weight, DType::I8, &[4, 16])
            },
            Argument {
                name: Some("w.scale".to_owned()),
                ..argument(ArgumentKind::Weight, DType::F16, &[4, 1])
            },
        ],
        results: vec![
            FunctionResult {
                kind: Some(ResultKind::Cache),
                dtype: DType::F32,
                shape: vec![8, 2],
                aliases_argument: Some(2),
            },
            FunctionResult {
                kind: None,
                dtype: DType::F32,
                shape: vec![2, 4],
                aliases_argument: None,
            },
        ],
        gpu: None,
    };
    Manifest {
        format_version: FORMAT_VERSION,
        tool: "spec-compile 0.1.0".to_owned(),
        soc: "host".to_owned(),
        target: Some(Target {
            triple: "aarch64-unknown-linux-gnu".to_owned(),
            cpu: "generic".to_owned(),
            features: vec!["dotprod".to_owned()],
        }),
        library: Some(File {
            file: "model.so".to_owned(),
            bytes: 1234,
            crc32: 0xdead_beef,
        }),
        plan: Some(Plan {
            gamma: 4,
            strategy: "cpu-gpu".to_owned(),
            speed_up: 1.75,
            tokens_per_second: Some(17.5),
            acceptance: Some(0.8),
            baseline: Some("target on big:4:f16, no speculation, 10.000 tokens/s".to_owned()),
            baseline_tokens_per_second: Some(10.0),
            accept: Some(AcceptRule::Greedy),
            placements: vec![Placement {
                role: Role::Drafter,
                device: "little".to_owned(),
                cores: 2,
                dtype: Some("i4g32".to_owned()),
            }],
        }),
        models: vec![ModelInfo {
            role: Role::Drafter,
            name: "tiny".to_owned(),
            layers: 2,
            vocabulary: 4,
            context: 8,
            parameters: 128,
            shape: json!({"name": "tiny", "layers": 2}),
            dtype: "i4g32".to_owned(),
        }],
        functions: vec![function, gpu_function()],
        weights: vec![weight, scale],
        kernels: BTreeMap::from([("linear".to_owned(), 7), ("generic".to_owned(), 1)]),
        checksum: None,
    }
}

fn schema() -> Value {
    schemars::schema_for!(Manifest).to_value()
}

#[test]
fn the_schema_in_docs_is_this_format() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/manifest.schema.json");
    let wanted = serde_json::to_string_pretty(&schema()).expect("JSON") + "\n";
    // scripts/bless.sh sets this
    if std::env::var_os("INSTA_UPDATE").is_some_and(|v| v == "always") {
        std::fs::write(&path, &wanted).expect("docs/ can be written");
    }
    let found = std::fs::read_to_string(&path).expect("docs/manifest.schema.json is there");
    assert!(
        found == wanted,
        "docs/manifest.schema.json is not what src/manifest.rs says: run scripts/bless.sh -p spec-runtime"
    );
}

#[test]
fn a_manifest_survives_json() {
    let text = example().to_json().expect("it agrees with itself");
    assert_eq!(Manifest::from_json(&text).expect("the same"), example());
}

/// Bundles of earlier versions lack what was added since.
#[test]
fn what_was_added_is_optional() {
    let mut manifest = serde_json::to_value(example()).expect("JSON");
    let added = [
        ("", "models"),
        ("/plan", "tokens_per_second"),
        ("/plan", "acceptance"),
        ("/plan", "baseline"),
        ("/plan", "baseline_tokens_per_second"),
        ("/plan", "accept"),
        ("/plan/placements/0", "dtype"),
        ("/functions/0/results/0", "kind"),
    ];
    for (place, key) in added {
        let object = manifest.pointer_mut(place).and_then(Value::as_object_mut);
        let removed = object.expect("an object").remove(key);
        assert!(removed.is_some(), "{place}/{key} is written");
    }
    let read = Manifest::from_json(&manifest.to_string()).expect("still a manifest");
    let plan = read.plan.as_ref().expect("a plan");
    assert_eq!((plan.tokens_per_second, plan.accept), (None, None));
    assert_eq!(serde_json::to_value(&read).expect("JSON"), manifest);
}

#[test]
fn slots_are_arguments_and_results_of_their_own() {
    let slots = example().functions[0].slots().expect("small");
    let found: Vec<_> = slots
        .iter()
        .map(|s| (s.index, s.is_result, s.bytes, s.written))
        .collect();
    assert_eq!(
        found,
        [
            (0, false, 16, false),
            (1, false, 8, false),
            (2, false, 64, true),
            (3, false, 64, false),
            (4, false, 8, false),
            (1, true, 32, true)
        ]
    );
}

#[test]
fn mistyped_manifests_are_refused() {
    let cases: [(&str, Value, &str); 10] = [
        ("/functions/0/tokens", json!(-1), "integer `-1`"),
        ("/functions/0/tokens", json!("2"), "string \"2\""),
        (
            "/functions/0/role",
            json!("Drafter"),
            "unknown variant `Drafter`",
        ),
        (
            "/functions/0/arguments/0/dtype",
            json!("f8"),
            "unknown variant `f8`",
        ),
        (
            "/functions/0/arguments/0/shape",
            json!([2.5]),
            "floating point",
        ),
        (
            "/library",
            json!({"file": "model.so", "bytes": 1}),
            "missing field `crc32`",
        ),
        ("/target/features", json!(null), "null"),
        ("/plan/speed_up", json!("fast"), "string \"fast\""),
        ("/plan/accept", json!("maybe"), "unknown variant `maybe`"),
        (
            "/functions/0/results/0/kind",
            json!("Logits"),
            "unknown variant `Logits`",
        ),
    ];
    for (place, value, message) in cases {
        let mut manifest = serde_json::to_value(example()).expect("JSON");
        *manifest.pointer_mut(place).expect("there") = value;
        let error = Manifest::from_json(&manifest.to_string()).expect_err(place);
        assert!(
            matches!(error, ManifestError::Syntax(_)),
            "{place}: {error}"
        );
        assert!(error.to_string().contains(message), "{place}: {error}");
    }
    let mut manifest = serde_json::to_value(example()).expect("JSON");
    manifest["surprise"] = json!(1);
    let error = Manifest::from_json(&manifest.to_string()).expect_err("an unknown key");
    assert!(
        error.to_string().contains("unknown field `surprise`"),
        "{error}"
    );
}

#[test]
fn contradictions_are_refused() {
    let big = json!([1u64 << 40, 1u64 << 40]);
    let function = serde_json::to_value(&example().functions[0]).expect("JSON");
    let weight = serde_json::to_value(&example().weights[0]).expect("JSON");
    let model = serde_json::to_value(&example().models[0]).expect("JSON");
    let cases: [(&str, Value, &str); 23] = [
        (
            "/library/file",
            json!("../model.so"),
            "\"../model.so\" is not a file name",
        ),
        ("/library/file", json!(""), "\"\" is not a file name"),
        ("/plan/gamma", json!(65), "gamma is 65, at most 64"),
        ("/plan/speed_up", json!(-1.0), "speed_up is -1"),
        (
            "/plan/tokens_per_second",
            json!(0.0),
            "tokens_per_second is 0",
        ),
        (
            "/plan/baseline_tokens_per_second",
            json!(-3.5),
            "baseline_tokens_per_second is -3.5",
        ),
        ("/plan/acceptance", json!(1.5), "acceptance is 1.5, not in"),
        ("/plan/placements/0/cores", json!(0), "drafter has no cores"),
        (
            "/models",
            json!([model, model]),
            "models, \"tiny\": another model has its role",
        ),
        ("/models/0/vocabulary", json!(0), "it has no vocabulary"),
        (
            "/functions/0/symbol",
            json!("a b"),
            "\"a b\" is not a C identifier",
        ),
        (
            "/functions/0/symbol",
            json!("9a"),
            "\"9a\" is not a C identifier",
        ),
        ("/functions/0/tokens", json!(0), "it takes no tokens"),
        (
            "/functions/0/workspace_bytes",
            json!(u64::MAX),
            "workspace does not fit",
        ),
        (
            "/functions/0/arguments/0/shape",
            big,
            "argument 0: shape [1099511627776, 1099511627776] does not fit",
        ),
        (
            "/functions/0/arguments/3/name",
            json!("v"),
            "\"v\" is not in the list of weights",
        ),
        (
            "/functions/0/arguments/3/shape",
            json!([4, 8]),
            "\"w\" has another type",
        ),
        (
            "/functions/0/arguments/3/quantised_from/scale_argument",
            json!(9),
            "argument 9 does not hold scales",
        ),
        (
            "/functions/0/arguments/3/quantised_from/scale_argument",
            json!(0),
            "argument 0 does not hold scales",
        ),
        (
            "/functions/0/results/0/aliases_argument",
            json!(5),
            "there is no argument 5",
        ),
        (
            "/functions/0/results/0/aliases_argument",
            json!(0),
            "argument 0 is not updated in place",
        ),
        (
            "/functions",
            json!([function, function]),
            "another function has the same name",
        ),
        ("/weights", json!([weight, weight]), "\"w\" is there twice"),
    ];
    for (place, value, message) in cases {
        refused(place, value, message);
    }
}

/// The example with `value` at `place`, which may be a key that it lacks, contradicts itself.
fn refused(place: &str, value: Value, message: &str) {
    let mut manifest = serde_json::to_value(example()).expect("JSON");
    let (parent, key) = place.rsplit_once('/').expect("a path");
    let parent = manifest.pointer_mut(parent).expect("there");
    match parent.as_array_mut() {
        Some(list) => list[key.parse::<usize>().expect("an index")] = value,
        None => parent[key] = value,
    }
    let error = Manifest::from_json(&manifest.to_string()).expect_err(place);
    assert!(
        matches!(error, ManifestError::Contradiction { .. }),
        "{place}: {error}"
    );
    assert!(error.to_string().contains(message), "{place}: {error}");
}

#[test]
fn other_versions_and_other_files_are_refused() {
    let of = |text: &str| Manifest::from_json(text).expect_err(text).to_string();
    assert!(
        of("{\"format_version\": 2, \"new\": 1}")
            .contains("format_version 2, this program reads 1")
    );
    assert!(of("{\"format_version\": \"1\"}").contains("format_version \"1\""));
    assert!(of("{}").contains("no format_version"));
    assert!(of("").contains("EOF"));
    let text = example().to_json().expect("it agrees with itself");
    for end in (0..text.trim_end().len()).step_by(7) {
        assert!(of(&text[..end]).contains("is not a manifest"));
    }
}
