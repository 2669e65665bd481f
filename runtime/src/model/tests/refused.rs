//! What is not a bundle of decoders with their weights is refused with an error that says why.

use super::super::{LoadError, LoadOptions};
use super::fixture::{Bundled, weights};
use serde_json::{Value, json};

fn error(bundle: &Bundled) -> LoadError {
    bundle
        .open(&LoadOptions::default())
        .expect_err("it is refused")
}

#[test]
fn functions_that_are_no_decoders() {
    type Edit<'a> = &'a dyn Fn(&mut Value);
    let table: [(&str, Edit); 12] = [
        ("argument 2 is a cache that is not updated in place", &|f| {
            f["results"][1]["aliases_argument"] = Value::Null;
        }),
        (
            "argument 0 is neither tokens, position, cache nor weight",
            &|f| {
                f["arguments"][0]["kind"] = "other".into();
            },
        ),
        ("it has 0 arguments of kind tokens, not one", &|f| {
            f["arguments"][0]["kind"] = "position".into();
        }),
        ("it has 2 arguments of kind tokens, not one", &|f| {
            f["arguments"][1]["kind"] = "tokens".into();
        }),
        ("argument 0 is neither i64 nor i32", &|f| {
            f["arguments"][0]["dtype"] = "f32".into();
        }),
        ("its tokens are not 3", &|f| {
            f["arguments"][0]["shape"] = json!([1, 4])
        }),
        ("its position is not one number", &|f| {
            f["arguments"][1]["shape"] = json!([2]);
        }),
        (
            "result 0 has not one row of logits for each of 3 tokens",
            &|f| {
                f["results"][0]["shape"] = json!([1, 11]);
            },
        ),
        ("none of its results can be the logits", &|f| {
            f["results"][0]["dtype"] = "i32".into();
        }),
        ("more than one of its results can be the logits", &|f| {
            let again = f["results"][0].clone();
            f["results"].as_array_mut().expect("a list").push(again);
        }),
        ("result 1 cannot be the logits", &|f| {
            f["results"][1]["kind"] = "logits".into()
        }),
        ("argument 4 is no cache, and updated in place", &|f| {
            f["arguments"][4]["kind"] = "other".into();
            f["arguments"][4]["updated_in_place"] = true.into();
        }),
    ];
    for (wanted, edit) in table {
        let bundle = Bundled::changed(|m| edit(&mut m["functions"][0]));
        let found = error(&bundle).to_string();
        assert!(
            found.contains(&format!("function target3: {wanted}")),
            "{found}"
        );
    }
}

#[test]
fn functions_that_do_not_fit_each_other() {
    let found = error(&Bundled::changed(|m| {
        for index in [2, 3] {
            m["functions"][1]["arguments"][index]["shape"] = json!([1, 8, 4]);
            m["functions"][1]["results"][index - 1]["shape"] = json!([1, 8, 4]);
        }
    }));
    let found = found.to_string();
    assert!(
        found.contains("function target1: it has caches of other types than target3"),
        "{found}"
    );
    let found = error(&Bundled::changed(|m| {
        m["functions"][1]["results"][0]["shape"] = json!([1, 10]);
    }));
    let found = found.to_string();
    assert!(found.contains("another vocabulary than target3"), "{found}");
}

#[test]
fn further_results_are_told_from_logits_by_kind_or_vocabulary() {
    let further = json!({"dtype": "f32", "shape": [3, 11]});
    let kinds = Bundled::changed(|m| {
        let results = m["functions"][0]["results"].as_array_mut().expect("a list");
        results.push(further.clone());
        results[0]["kind"] = "logits".into();
    });
    assert!(kinds.open(&LoadOptions::default()).is_ok());
    let others = Bundled::changed(|m| {
        let mut rows = further.clone();
        rows["kind"] = "rows".into();
        let results = m["functions"][0]["results"].as_array_mut().expect("a list");
        results.push(rows);
    });
    assert!(others.open(&LoadOptions::default()).is_ok());
    let sized = Bundled::changed(|m| {
        let model = json!({
            "role": "target", "name": "t", "layers": 1, "vocabulary": 11, "context": 1, "parameters": 48, "dtype": "f32"
        });
        m["models"] = json!([model]);
        let results = m["functions"][0]["results"].as_array_mut().expect("a list");
        results.push(json!({"dtype": "f32", "shape": [3, 12]}));
    });
    let loaded = sized.open(&LoadOptions::default()).expect("one fits");
    assert_eq!(loaded.vocabulary(), 11);
    assert_eq!(
        loaded.context(),
        1,
        "a side of the caches, as the manifest says"
    );
}

/// The error for the weights after an edit of their index.
fn index(edit: impl FnOnce(&mut Value)) -> String {
    let bundle = Bundled::new();
    let (_, mut index) = weights();
    edit(&mut index);
    bundle.write("weights.json", index.to_string().as_bytes());
    error(&bundle).to_string()
}

#[test]
fn weights_of_another_bundle() {
    let found = index(|i| i["weights"][0]["name"] = "tables".into());
    assert!(found.contains("weight \"table\" is not there"), "{found}");
    assert!(found.contains("of another bundle"), "{found}");
    let found = index(|i| i["weights"][0]["dtype"] = "i32".into());
    assert!(
        found.contains("\"table\" is I32 [11, 4], the manifest says F32 [11, 4]"),
        "{found}"
    );
    let found = index(|i| i["weights"][0]["shape"] = json!([4, 11]));
    assert!(
        found.contains("\"table\" is F32 [4, 11], the manifest says"),
        "{found}"
    );
    let found = index(|i| i["weights"][1]["offset"] = 200.into());
    assert!(found.contains("offset 200 is not free"), "{found}");
    let found = index(|i| i["weights"][1]["offset"] = 256.into());
    assert!(found.contains("ends behind the file"), "{found}");
    let found = index(|i| i["weights"][1]["bytes"] = 12.into());
    assert!(found.contains("shape and length disagree"), "{found}");
    let found = index(|i| i["file"] = "../weights.bin".into());
    assert!(found.contains("is not a file name"), "{found}");
    let found = index(|i| i["file"] = "model.so".into());
    assert!(found.contains("bytes, its index says 208 bytes"), "{found}");
    let found = index(|i| i["bytes"] = 1000.into());
    assert!(
        found.contains("has 208 bytes, its index says 1000 bytes"),
        "{found}"
    );
    let found = index(|i| *i = Value::Null);
    assert!(found.contains("run spec-weights again"), "{found}");
}

#[test]
fn files_of_weights_that_are_missing_or_swapped() {
    for name in ["weights.json", "weights.bin"] {
        let bundle = Bundled::new();
        std::fs::remove_file(bundle.path().join(name)).expect("removed");
        let found = error(&bundle).to_string();
        assert!(
            found.contains(name) && found.contains("spec-weights"),
            "{found}"
        );
        std::fs::create_dir(bundle.path().join(name)).expect("made");
        error(&bundle);
    }
    let bundle = Bundled::new();
    let mut bytes = bundle.read("weights.bin");
    bytes.reverse();
    bundle.write("weights.bin", &bytes);
    for huge_pages in [true, false] {
        let options = LoadOptions {
            huge_pages,
            ..LoadOptions::default()
        };
        let found = bundle.open(&options).expect_err("another file").to_string();
        assert!(found.contains("its index says CRC-32"), "{found}");
        let verify = false;
        assert!(bundle.open(&LoadOptions { verify, ..options }).is_ok());
    }
}
