//! Damaged and hostile files: errors, never more.

use super::refused;
use super::writer::{Writer, open};
use crate::gguf::Gguf;
use std::path::Path;

/// A small file with everything that is read.
fn small() -> Writer {
    let mut w = Writer::model("llama");
    w.text("tokenizer.ggml.model", "gpt2");
    w.text("tokenizer.ggml.pre", "smollm");
    w.texts("tokenizer.ggml.tokens", &["<|end|>", "a", "b", "ab"]);
    w.i32s("tokenizer.ggml.token_type", &[3, 1, 1, 1]);
    w.texts("tokenizer.ggml.merges", &["a b"]);
    w.u32("tokenizer.ggml.eos_token_id", 0);
    w.tensor("token_embd.weight", &[32, 4], 8, &[7; 136]);
    w.tensor("blk.0.attn_k.weight", &[32, 16], 2, &[9; 288]);
    w
}

/// Everything that can be asked of a file. Not a panic, whatever the file.
fn ask(file: &Gguf) {
    let _ = file.config();
    let _ = file.tensors();
    let _ = file.text();
    let folder = tempfile::tempdir().unwrap();
    let _ = file.write_safetensors(&folder.path().join("x"), &mut |_, _| {});
}

#[test]
fn other_files_are_refused() {
    refused(open(b""), "not a GGUF file");
    refused(open(b"GGU"), "not a GGUF file");
    refused(open(b"PK\x03\x04 and so on"), "not a GGUF file");
    let version = |version| {
        let mut w = small();
        w.version = version;
        w.open()
    };
    assert!(version(2).is_ok());
    refused(version(1), "GGUF version 1; versions 2 and 3 can be read");
    refused(version(0), "GGUF version 0");
    refused(version(4), "GGUF version 4");
    refused(version(3u32.swap_bytes()), "big-endian");
    let folder = tempfile::tempdir().unwrap();
    assert!(
        Gguf::open(&folder.path().join("none"))
            .unwrap_err()
            .to_string()
            .contains("cannot read")
    );
    assert!(
        Gguf::open(folder.path())
            .unwrap_err()
            .to_string()
            .contains("not a file")
    );
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    assert!(
        Gguf::open(&empty)
            .unwrap_err()
            .to_string()
            .contains("is empty")
    );
    let whole = folder.path().join("whole");
    std::fs::write(&whole, small().bytes()).unwrap();
    assert_eq!(Gguf::open(&whole).unwrap().tensors().unwrap().len(), 2);
}

#[test]
fn what_the_header_says_is_checked() {
    let changed = |change: &dyn Fn(&mut Writer)| {
        let mut w = small();
        change(&mut w);
        w.open()
    };
    refused(
        changed(&|w| w.u32("split.count", 3)),
        "part 1 of 3 of a split model",
    );
    assert!(changed(&|w| w.u32("split.count", 1)).is_ok());
    refused(
        changed(&|w| w.again("general.architecture", &[4, 0, 0, 0, 1, 0, 0, 0])),
        "\"general.architecture\" is there twice",
    );
    refused(changed(&|w| w.raw("x", 99, &[0; 8])), "unknown type 99");
    refused(changed(&|w| w.raw("x", 7, &[2])), "neither true nor false");
    refused(
        changed(&|w| w.u32("general.alignment", 0)),
        "not a power of two",
    );
    refused(
        changed(&|w| w.u32("general.alignment", 24)),
        "not a power of two",
    );
    assert!(changed(&|w| w.nested("x", 3)).is_ok());
    refused(
        changed(&|w| w.nested("x", 1000)),
        "nested deeper than 4 arrays",
    );
    let tensor =
        |dims: &[u64], kind, bytes: usize| changed(&|w| w.tensor("t", dims, kind, &vec![0; bytes]));
    refused(
        tensor(&[32, 4], 20, 128),
        "tensor \"t\" is of type IQ4_NL, which cannot be read; take a file of one of F32, F16, Q4_0",
    );
    refused(tensor(&[32, 4], 77, 128), "is of type number 77");
    refused(tensor(&[33], 8, 128), "no whole blocks of Q8_0");
    refused(tensor(&[], 0, 4), "impossible sizes");
    refused(tensor(&[0, 4], 0, 4), "impossible sizes");
    refused(tensor(&[u64::MAX, u64::MAX], 0, 4), "impossible sizes");
    refused(tensor(&[1 << 62, 4], 0, 4), "impossible sizes");
    refused(tensor(&[1 << 61], 0, 4), "ends behind the end of the file");
    refused(tensor(&[1, 1, 1, 1, 1], 0, 4), "5 dimensions");
    // what alignment says, the file does
    let mut w = small();
    w.alignment = 64;
    w.u32("general.alignment", 64);
    assert!(w.open().is_ok());
    // two tensors at one place; one behind the end
    let (bytes, offsets) = small().bytes_and_offsets();
    let at = |offset: u64| {
        let mut bytes = bytes.clone();
        bytes[offsets[1]..offsets[1] + 8].copy_from_slice(&offset.to_le_bytes());
        open(&bytes)
    };
    refused(
        at(0),
        "\"token_embd.weight\" and \"blk.0.attn_k.weight\" overlap",
    );
    refused(at(u64::MAX), "ends behind the end of the file");
    refused(at(1 << 20), "the file is truncated");
}

#[test]
fn files_cut_anywhere_are_refused() {
    let bytes = small().bytes();
    assert!(open(&bytes).is_ok());
    for len in 0..bytes.len() {
        assert!(
            open(&bytes[..len]).is_err(),
            "cut at {len} of {}",
            bytes.len()
        );
    }
}

#[test]
fn no_flipped_bit_is_worse_than_an_error() {
    let bytes = small().bytes();
    let (mut taken, mut refused) = (0, 0);
    for i in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[i] ^= 1 << bit;
            let mut file = None;
            let used = allocation_counter::measure(|| file = open(&damaged).ok());
            // what is held of a file is a small multiple of it
            assert!(
                used.bytes_max < 16 * bytes.len() as u64,
                "byte {i}, bit {bit}: {} bytes",
                used.bytes_max
            );
            match file {
                Some(file) => {
                    taken += 1;
                    // a tokenizer takes its time to build: at one bit of each byte
                    match bit == i % 8 {
                        true => ask(&file),
                        false => drop((file.config(), file.tensors())),
                    }
                }
                None => refused += 1,
            }
        }
    }
    assert!(taken > 0 && refused > 0, "{taken} {refused}");
}

#[test]
fn numbers_beyond_the_file_are_not_believed() {
    let bytes = small().bytes();
    // the numbers of tensors and of metadata, the length of the first key
    for at in [8, 16, 24] {
        for number in [u64::MAX, 1 << 62, 1 << 40, bytes.len() as u64] {
            let mut damaged = bytes.clone();
            damaged[at..at + 8].copy_from_slice(&number.to_le_bytes());
            let mut result = None;
            let used = allocation_counter::measure(|| result = Some(open(&damaged)));
            refused(result.unwrap(), "damaged");
            assert!(
                used.bytes_max < 16 * bytes.len() as u64,
                "{}",
                used.bytes_max
            );
        }
    }
    let path = Path::new("test.gguf");
    let mut long = Writer::new();
    long.raw(
        "x",
        9,
        &[&4u32.to_le_bytes()[..], &(1u64 << 60).to_le_bytes()].concat(),
    );
    refused(
        crate::gguf::header::read(path, &long.bytes()),
        "more than the rest of the file",
    );
    long.raw("x", 8, &(1u64 << 60).to_le_bytes());
    refused(
        crate::gguf::header::read(path, &long.bytes()),
        "more than the rest of the file",
    );
}
