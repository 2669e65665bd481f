//! The checksum is of the content: any change of it is found, and none of how it is written.

use super::*;

fn written() -> Value {
    serde_json::from_str(&example().to_json().expect("it agrees with itself")).expect("JSON")
}

fn changed(manifest: &Value) -> bool {
    match Manifest::from_json(&manifest.to_string()) {
        Ok(_) => false,
        Err(ManifestError::Changed { .. }) => true,
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn another_number_is_a_changed_manifest() {
    for (place, value) in [
        ("/plan/speed_up", json!(1.750_000_1)),
        ("/plan/gamma", json!(3)),
        ("/functions/0/workspace_bytes", json!(256)),
        ("/library/crc32", json!(1)),
        ("/soc", json!("imx95")),
    ] {
        let mut manifest = written();
        assert!(!changed(&manifest), "as written");
        *manifest.pointer_mut(place).expect("there") = value;
        assert!(changed(&manifest), "{place}");
    }
    let mut manifest = written();
    manifest["plan"]["gamma"] = json!(3);
    let error = Manifest::from_json(&manifest.to_string()).expect_err("changed");
    let text = error.to_string();
    assert!(
        text.contains("changed after it was written") && text.contains("\"checksum\" to null"),
        "{text}"
    );
}

#[test]
fn what_is_edited_by_hand_says_so() {
    let mut manifest = written();
    manifest["plan"]["gamma"] = json!(3);
    manifest["checksum"] = json!(null);
    assert!(!changed(&manifest), "null");
    manifest
        .as_object_mut()
        .expect("an object")
        .remove("checksum");
    let read = Manifest::from_json(&manifest.to_string()).expect("without a checksum");
    assert_eq!(read.plan.expect("a plan").gamma, 3);
    manifest["checksum"] = json!(-1);
    assert!(Manifest::from_json(&manifest.to_string()).is_err());
}

/// Other tools may write the same content in their own way.
#[test]
fn how_it_is_written_does_not_count() {
    let text = example().to_json().expect("it agrees with itself");
    let compact = written().to_string();
    assert_ne!(text, compact);
    let Value::Object(members) = written() else {
        panic!("an object")
    };
    let turned = members
        .iter()
        .rev()
        .map(|(k, v)| format!("{}:{v}", json!(k)));
    let turned = format!("{{{}}}", turned.collect::<Vec<_>>().join(","));
    for text in [compact, turned] {
        assert_eq!(Manifest::from_json(&text).expect("the same"), example());
    }
}

/// The checksum of a content that every version of this program must find.
#[test]
fn the_checksum_stays() {
    let value = json!({"b": [1, 2.5, "x"], "a": {"checksum": 1}, "checksum": 9});
    let found = super::super::checksum::checksum(&value);
    assert_eq!(
        found,
        crc32fast::hash(br#"{"a":{"checksum":1},"b":[1,2.5,"x"]}"#)
    );
}
