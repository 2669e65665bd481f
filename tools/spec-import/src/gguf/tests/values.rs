//! Values of all types, as they are written.

use super::refused;
use super::writer::{Writer, f32s};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use safetensors::{Dtype, SafeTensors};

/// The bytes of the safetensors file of a GGUF file.
fn written(w: &Writer) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut seen = vec![];
    w.open()
        .unwrap()
        .write_safetensors(&path, &mut |done, all| seen.push((done, all)))
        .unwrap();
    let bytes = std::fs::read(path).unwrap();
    let (header, _) = SafeTensors::read_metadata(&bytes).unwrap();
    let all = (bytes.len() - header - 8) as u64;
    assert_eq!(
        (seen.first(), seen.last()),
        (Some(&(0, all)), Some(&(all, all)))
    );
    assert!(seen.is_sorted());
    bytes
}

fn values(file: &SafeTensors<'_>, name: &str) -> (Dtype, Vec<usize>, Vec<f32>) {
    let t = file.tensor(name).unwrap();
    let values = match t.dtype() {
        Dtype::F32 => t
            .data()
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect(),
        Dtype::F16 => t
            .data()
            .as_chunks::<2>()
            .0
            .iter()
            .map(|b| half::f16::from_le_bytes(*b).to_f32())
            .collect(),
        Dtype::BF16 => t
            .data()
            .as_chunks::<2>()
            .0
            .iter()
            .map(|b| half::bf16::from_le_bytes(*b).to_f32())
            .collect(),
        other => panic!("{other:?}"),
    };
    (t.dtype(), t.shape().to_vec(), values)
}

/// Values between -1 and 1.
fn noise(n: usize) -> Vec<f32> {
    let mut state = 12345u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

#[test]
fn all_types_are_read_back() {
    // the number of the type; what it is written as; the largest error of values between -1 and 1
    let plain = [
        (0, Dtype::F32, 0.0),
        (1, Dtype::F16, 0.0003),
        (30, Dtype::BF16, 0.002),
    ];
    let blocks = [
        (2, GgmlDType::Q4_0, 0.13),
        (3, GgmlDType::Q4_1, 0.07),
        (6, GgmlDType::Q5_0, 0.07),
        (7, GgmlDType::Q5_1, 0.035),
        (8, GgmlDType::Q8_0, 0.0045),
        (10, GgmlDType::Q2K, 0.5),
        (11, GgmlDType::Q3K, 0.3),
        (12, GgmlDType::Q4K, 0.1),
        (13, GgmlDType::Q5K, 0.05),
        (14, GgmlDType::Q6K, 0.04),
    ];
    let (rows, columns) = (3, 512);
    let original = noise(rows * columns);
    let check = |kind: u32, dtype: Dtype, bytes: &[u8], error: f32| {
        let mut w = Writer::whole("qwen2");
        w.u32("qwen2.embedding_length", columns as u32);
        w.tensor(
            "token_embd.weight",
            &[columns as u64, rows as u64],
            kind,
            bytes,
        );
        let bytes = written(&w);
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let (found, shape, values) = values(&file, "model.embed_tokens.weight");
        assert_eq!(
            (found, &*shape),
            (dtype, &[rows, columns][..]),
            "type {kind}"
        );
        let worst = original
            .iter()
            .zip(&values)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst <= error, "type {kind}: {worst}");
        assert!(
            kind == 0 || worst > error / 20.0,
            "type {kind}: {worst} is too good for it"
        );
    };
    for (kind, dtype, error) in plain {
        let bytes: Vec<u8> = match kind {
            0 => f32s(&original),
            1 => original
                .iter()
                .flat_map(|v| half::f16::from_f32(*v).to_le_bytes())
                .collect(),
            _ => original
                .iter()
                .flat_map(|v| half::bf16::from_f32(*v).to_le_bytes())
                .collect(),
        };
        check(kind, dtype, &bytes, error);
    }
    for (kind, quantiser, error) in blocks {
        let tensor = Tensor::from_vec(original.clone(), (rows, columns), &Device::Cpu).unwrap();
        let bytes = QTensor::quantize(&tensor, quantiser)
            .unwrap()
            .data()
            .unwrap()
            .into_owned();
        check(kind, Dtype::F16, &bytes, error);
    }
}

#[test]
fn blocks_mean_what_ggml_says() {
    let half = |v: f32| half::f16::from_f32(v).to_le_bytes();
    let nibbles: Vec<u8> = (0..16).map(|j| j | (15 - j) << 4).collect();
    // low halves of the bytes first, then high halves
    let q4 = |j: usize| if j < 16 { j as f32 } else { (31 - j) as f32 };
    let q4_0 = [&half(0.5)[..], &nibbles].concat();
    let q4_1 = [&half(0.25)[..], &half(-3.0), &nibbles].concat();
    let q8_0 = [
        &half(0.125)[..],
        &(0..32).map(|j| (j as i8 - 16) as u8).collect::<Vec<_>>(),
    ]
    .concat();
    for (kind, block, value) in [
        (2, q4_0, &(|j| (q4(j) - 8.0) * 0.5) as &dyn Fn(usize) -> f32),
        (3, q4_1, &|j| q4(j) * 0.25 - 3.0),
        (8, q8_0, &|j| (j as f32 - 16.0) * 0.125),
    ] {
        let mut w = Writer::whole("qwen2");
        w.tensor("token_embd.weight", &[32, 1], kind, &block);
        let bytes = written(&w);
        let (_, _, found) = values(
            &SafeTensors::deserialize(&bytes).unwrap(),
            "model.embed_tokens.weight",
        );
        assert_eq!(found, (0..32).map(value).collect::<Vec<_>>(), "type {kind}");
    }
}

#[test]
fn only_llama_has_queries_and_keys_in_another_order() {
    for (architecture, moved) in [("llama", true), ("qwen2", false)] {
        let mut w = Writer::whole(architecture);
        let rows = |n: usize| (0..n * 32).map(|i| (i / 32) as f32).collect::<Vec<_>>();
        w.tensor("blk.0.attn_q.weight", &[32, 32], 0, &f32s(&rows(32)));
        w.tensor("blk.0.attn_k.weight", &[32, 16], 0, &f32s(&rows(16)));
        w.tensor("blk.0.attn_v.weight", &[32, 16], 0, &f32s(&rows(16)));
        w.tensor(
            "blk.0.attn_k.bias",
            &[16],
            0,
            &f32s(&(0..16).map(|i| i as f32).collect::<Vec<_>>()),
        );
        let bytes = written(&w);
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let order = |name: &str, step: usize| -> Vec<usize> {
            let (_, _, values) = values(&file, &format!("model.layers.0.self_attn.{name}"));
            values.iter().step_by(step).map(|v| *v as usize).collect()
        };
        let plain: Vec<usize> = (0..16).collect();
        let paired = [0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15];
        let expected = if moved { &paired[..] } else { &plain };
        assert_eq!(order("q_proj.weight", 32)[..16], *expected);
        assert_eq!(order("k_proj.weight", 32), expected);
        assert_eq!(order("k_proj.bias", 1), expected);
        assert_eq!(order("v_proj.weight", 32), plain);
    }
}

#[test]
fn rows_move_with_their_blocks() {
    // one block a row, its scale the row's number
    let blocks = |rows: u16| -> Vec<u8> {
        let block = |r: u16| {
            [
                &half::f16::from_f32(f32::from(r)).to_le_bytes()[..],
                &[1; 32],
            ]
            .concat()
        };
        (0..rows).flat_map(block).collect()
    };
    let mut w = Writer::whole("llama");
    w.tensor("blk.0.attn_q.weight", &[32, 32], 8, &blocks(32));
    let bytes = written(&w);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (dtype, _, values) = values(&file, "model.layers.0.self_attn.q_proj.weight");
    assert_eq!(dtype, Dtype::F16);
    let rows: Vec<f32> = values.iter().step_by(32).copied().collect();
    assert_eq!(rows[..8], [0.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 7.0]);
}

#[test]
fn a_value_too_large_for_16_bits_is_refused() {
    let block = [&half::f16::from_f32(1000.0).to_le_bytes()[..], &[127; 32]].concat();
    let mut w = Writer::whole("qwen2");
    w.tensor("token_embd.weight", &[32, 1], 8, &block);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    refused(
        w.open().unwrap().write_safetensors(&path, &mut |_, _| {}),
        "127000, too large for F16",
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "something is left behind"
    );
}
