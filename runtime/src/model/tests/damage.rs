//! Files with flipped and missing bytes: an error, or a bundle that loads, never a panic and never a byte outside of a file.

use super::super::{InstanceOptions, LoadOptions, Loaded};
use super::TOKENS;
use super::fixture::Bundled;
use crate::manifest::{Manifest, ManifestError, Role};
use std::sync::Arc;

/// A generator of numbers (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// The bytes with a few of them changed, or without some.
fn damaged(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut made = bytes.to_vec();
    match numbers.below(4) {
        0 => made.truncate(numbers.below(bytes.len())),
        1 => {
            // another digit keeps JSON whole, and changes lengths, offsets and indices
            let digits: Vec<usize> = (0..made.len())
                .filter(|i| made[*i].is_ascii_digit())
                .collect();
            if let Some(at) = digits.get(numbers.below(digits.len())) {
                made[*at] = b'0' + numbers.below(10) as u8;
            }
        }
        2 => {
            let from = numbers.below(made.len());
            let to = (from + numbers.below(40)).min(made.len());
            made.drain(from..to);
        }
        _ => {
            for _ in 0..=numbers.below(3) {
                let at = numbers.below(made.len());
                made[at] ^= 1 << numbers.below(8);
            }
        }
    }
    made
}

/// Makes instances; `run`: and calls them.
fn use_it(loaded: &Arc<Loaded>, run: bool) {
    for role in [Role::Target, Role::Drafter] {
        let Ok(mut model) = loaded.instance_with(role, &InstanceOptions::default()) else {
            continue;
        };
        if run {
            let mut logits = vec![];
            model
                .forward(&TOKENS, 0, 1, &mut logits)
                .expect("all is checked");
        }
    }
}

fn fuzz(file: &str, rounds: usize, run: bool, whole: bool) -> usize {
    let bundle = Bundled::new();
    let bytes = bundle.read(file);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut loaded = 0;
    for round in 0..rounds {
        let made = damaged(&bytes, &mut numbers);
        bundle.write(file, &made);
        let options = LoadOptions {
            huge_pages: round % 2 == 0,
            verify: whole || round % 3 == 0,
            pin: false,
            threads: Some(1),
            ..LoadOptions::default()
        };
        match bundle.open(&options) {
            Ok(opened) => {
                assert!(
                    !whole || made == bytes,
                    "round {round}: damage was not seen"
                );
                use_it(&opened, run);
                loaded += 1;
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    loaded
}

#[test]
fn manifests() {
    // a manifest that loads may describe other functions than the library has: it is not called
    fuzz("manifest.json", 600, false, false);
}

/// With the checksum of its content no manifest loads that says something else.
#[test]
fn manifests_with_a_checksum() {
    let bundle = Bundled::new();
    let text = String::from_utf8(bundle.read("manifest.json")).expect("UTF-8");
    let manifest = Manifest::from_json(&text).expect("a manifest");
    let bytes = manifest
        .to_json()
        .expect("it agrees with itself")
        .into_bytes();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut changed = 0;
    for round in 0..600 {
        let made = damaged(&bytes, &mut numbers);
        match std::str::from_utf8(&made).map(Manifest::from_json) {
            Ok(Ok(read)) => assert!(read == manifest, "round {round}: damage was not seen"),
            Ok(Err(ManifestError::Changed { .. })) => changed += 1,
            _ => {}
        }
    }
    assert!(changed > 20, "{changed} of 600");
}

#[test]
fn indices_of_weights() {
    let loaded = fuzz("weights.json", 600, true, false);
    assert!(loaded > 0, "a digit is sometimes replaced by itself");
}

#[test]
fn weights() {
    fuzz("weights.bin", 150, true, true);
    let unverified = fuzz("weights.bin", 150, true, false);
    assert!(unverified > 50, "other bytes are other weights");
}

#[test]
fn libraries() {
    fuzz("model.so", 100, false, true);
}
