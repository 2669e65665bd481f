//! The checksum of a manifest's content.
//!
//! It is of what the JSON says, not of how it is written: indentation and the order of keys may change.

use super::ManifestError;
use serde_json::Value;

/// The key of the checksum, in the manifest's outermost object. It is not part of the content.
const KEY: &str = "checksum";

/// Compares the checksum with the content. A manifest without one, or with null, is taken as it is: it is of an earlier version, or
/// was edited by hand.
///
/// # Errors
/// [`ManifestError::Changed`], or [`ManifestError::Contradiction`] where the checksum is not a number of 32 bits.
pub(super) fn compare(manifest: &Value) -> Result<(), ManifestError> {
    let written = match manifest.get(KEY) {
        None | Some(Value::Null) => return Ok(()),
        Some(number) => number.as_u64().and_then(|n| u32::try_from(n).ok()),
    };
    let written = written.ok_or_else(|| super::check::wrong(KEY, "it is not a CRC-32"))?;
    let found = checksum(manifest);
    if found == written {
        Ok(())
    } else {
        Err(ManifestError::Changed { written, found })
    }
}

/// CRC-32 of the content: compact JSON, keys of objects in the order of their bytes, without the checksum.
pub(super) fn checksum(manifest: &Value) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    add(manifest, true, &mut sum);
    sum.finalize()
}

/// Adds a value, as compact JSON. Its depth is at most what serde_json reads, 128.
fn add(value: &Value, outermost: bool, sum: &mut crc32fast::Hasher) {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(key, _)| !outermost || *key != KEY);
            let mut members: Vec<(&String, &Value)> = kept.collect();
            members.sort_by_key(|(key, _)| *key); // a map of serde_json may keep the order of the text
            sum.update(b"{");
            for (i, (key, member)) in members.into_iter().enumerate() {
                sum.update(if i > 0 { b"," } else { b"" });
                add(&Value::String(key.clone()), false, sum);
                sum.update(b":");
                add(member, false, sum);
            }
            sum.update(b"}");
        }
        Value::Array(elements) => {
            sum.update(b"[");
            for (i, element) in elements.iter().enumerate() {
                sum.update(if i > 0 { b"," } else { b"" });
                add(element, false, sum);
            }
            sum.update(b"]");
        }
        leaf => sum.update(leaf.to_string().as_bytes()),
    }
}
