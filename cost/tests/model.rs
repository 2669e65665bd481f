//! Shapes: parameter counts against the published ones, and coefficients against direct counting.

use proptest::prelude::*;
use spec_cost::{Architecture, DType, ModelShape, OpClass};

fn shape(name: &str) -> ModelShape {
    ModelShape::from_architecture(&Architecture::load(name).expect("built in"))
}

#[test]
fn parameter_counts_are_the_published_ones() {
    let published = [
        ("llama-3.2-1b", 1_235_814_400),
        ("llama-3.2-3b", 3_212_749_824),
        ("smollm2-135m", 134_515_008),
        ("qwen2.5-0.5b", 494_032_768),
        ("qwen2.5-1.5b", 1_543_714_304),
    ];
    assert_eq!(Architecture::builtin(), published.map(|p| p.0));
    for (name, parameters) in published {
        assert_eq!(shape(name).parameters, parameters, "{name}");
    }
}

/// One token costs 2 FLOPs a parameter that is multiplied, and 4 L heads head_dim a token of context, plus small change.
#[test]
fn flops_are_two_a_parameter() {
    let s = shape("llama-3.2-3b");
    let multiplied = s.parameters as f64;
    assert!((s.flops(1, 0) / (2.0 * multiplied) - 1.0).abs() < 0.002);
    let context = s.flops(1, 1000) - s.flops(1, 0);
    let attention = 4.0 * 28.0 * 24.0 * 128.0 * 1000.0;
    assert!(context > attention && context < 1.05 * attention);
    assert!(
        (s.flops(5, 77) / s.flops(1, 77) - 5.0).abs() < 1e-9,
        "compute is proportional to M"
    );
}

#[test]
fn weights_are_read_once_a_call() {
    let s = shape("llama-3.2-1b");
    assert!((s.bytes(1, 0) / s.weight_bytes as f64 - 1.0).abs() < 0.003);
    assert!(s.bytes(8, 0) < 1.02 * s.bytes(1, 0));
    let kv = s.bytes(1, 1001) - s.bytes(1, 1000);
    assert!(kv >= s.kv_bytes_per_token as f64 && kv < 1.2 * s.kv_bytes_per_token as f64);
    assert_eq!(s.kv_bytes_per_token, 2 * 16 * 8 * 64 * 2);
}

#[test]
fn types_change_bytes_not_flops() {
    let f16 = shape("smollm2-135m");
    for dtype in DType::ALL {
        let other = f16.with_dtype(dtype);
        assert_eq!(other.flops(3, 100), f16.flops(3, 100));
        let expected = f16.parameters as f64 * dtype.weight_bytes();
        assert!(
            (other.weight_bytes as f64 - expected).abs() <= 1.0,
            "{dtype}"
        );
        assert!((other.with_dtype(DType::F16).bytes(1, 50) / f16.bytes(1, 50) - 1.0).abs() < 1e-9);
        assert_eq!(DType::parse(&dtype.to_string()), Ok(dtype));
    }
    assert_eq!(
        f16.with_dtype(DType::I4).weight_bytes,
        (134_515_008.0f64 * 4.5 / 8.0).round() as u64
    );
    assert_eq!(
        f16.with_dtype(DType::F32).kv_bytes_per_token,
        2 * f16.kv_bytes_per_token
    );
    assert!(DType::parse("int8").is_err());
}

#[test]
fn dispatches_count_kernels_after_fusion() {
    let s = shape("smollm2-135m");
    let total: u64 = s.classes.iter().map(|c| c.dispatches).sum();
    // 17 a layer, two for embedding and head, one last norm. IREE 3.13 makes 606 of the same model: 20 a layer.
    assert_eq!(total, 17 * 30 + 3);
    let elementwise = s.classes.iter().find(|c| c.class == OpClass::Elementwise);
    assert_eq!(elementwise.map(|c| c.dispatches), Some(0));
}

#[test]
fn defects_are_found() {
    let good = shape("smollm2-135m");
    assert_eq!(good.defect(), None);
    let with = |f: &dyn Fn(&mut ModelShape)| {
        let mut s = good.clone();
        f(&mut s);
        s.defect()
    };
    assert!(with(&|s| s.vocabulary = 0).is_some());
    assert!(with(&|s| s.entry_tokens = vec![5, 1]).is_some());
    assert!(with(&|s| s.entry_tokens = vec![0, 1]).is_some());
    assert!(with(&|s| s.classes[1].weight_bytes = -1.0).is_some());
    assert!(with(&|s| s.classes[1].flops_per_token = f64::NAN).is_some());
    assert!(with(&|s| s.classes.clear()).is_some());
}

#[test]
fn wrong_shape_files_say_where_and_what() {
    let good = "name = \"m\"\nlayers = 2\nhidden = 64\nheads = 4\nkv_heads = 2\nhead_dim = 16\nffn = 128\nvocabulary = 512\n\
                tied_embedding = true\ncontext = 256\ndtype = \"f16\"\nsource = \"test\"\n";
    assert!(Architecture::parse(good, "m.toml").is_ok());
    let error = |from: &str, to: &str| {
        let text = good.replace(from, to);
        assert_ne!(text, good, "{from} does not occur");
        Architecture::parse(&text, "m.toml")
            .expect_err("must fail")
            .to_string()
    };
    let errors = [
        error("layers = 2\n", ""),
        error("layers = 2", "layers = -2"),
        error("layers = 2", "layers = 2.5"),
        error("layers = 2", "layers = 0"),
        error("hidden = 64", "hidden = 99999999999"),
        error("kv_heads = 2", "kv_heads = 3"),
        error("dtype = \"f16\"", "dtype = \"fp16\""),
        error("ffn", "fnn"),
        error("source = \"test\"", "source = \"\""),
        error("context = 256", "context = "),
        Architecture::load("llama")
            .expect_err("unknown")
            .to_string(),
        Architecture::load("no/such.toml")
            .expect_err("missing")
            .to_string(),
    ]
    .join("\n");
    insta::assert_snapshot!("errors_shape", errors);
}

const SHAPE: &str = include_str!("../shapes/smollm2-135m.toml");

proptest! {
    #[test]
    fn mutated_shape_files_give_errors_never_panics(at in 0usize..SHAPE.len(), insert in "[-0-9a-z=\\[\\]\". \n]{0,8}", delete in 0usize..20) {
        let mut text = SHAPE.to_string();
        text.replace_range(at..(at + delete).min(SHAPE.len()), &insert);
        if let Ok(a) = Architecture::parse(&text, "m.toml") {
            let shape = ModelShape::from_architecture(&a);
            prop_assert_eq!(shape.defect(), None);
            prop_assert!(shape.flops(1, 100).is_finite() && shape.bytes(1, 100) > 0.0);
        }
    }
}
