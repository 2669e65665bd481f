//! Files written here and read back; damaged ones.

mod damage;
mod values;
pub(crate) mod writer;

use crate::error::ImportError;
use crate::source::{Architecture, RopeScaling};
use writer::{Writer, f32s};

fn refused<T: std::fmt::Debug>(result: Result<T, ImportError>, part: &str) {
    let text = result.expect_err("it is taken").to_string();
    assert!(text.contains(part), "{text:?} does not say {part:?}");
    assert!(
        text.starts_with("test.gguf: "),
        "{text:?} does not name the file"
    );
}

#[test]
fn the_configuration_is_read() {
    let mut w = Writer::whole("llama");
    w.text("general.name", " A model ");
    w.f32("llama.rope.freq_base", 500000.0);
    let c = w.open().unwrap().config().unwrap();
    assert_eq!(
        (c.architecture, c.name.as_str()),
        (Architecture::Llama, "A model")
    );
    assert_eq!(
        (c.layers, c.hidden, c.intermediate, c.vocabulary),
        (1, 32, 64, 10)
    );
    assert_eq!(
        (c.heads, c.kv_heads, c.head_dim, c.max_positions),
        (4, 2, 8, 128)
    );
    assert_eq!(
        (c.rope_theta, c.rope_scaling, c.norm_eps),
        (500000.0, None, f64::from(1e-5f32))
    );
    assert!(c.tied && !c.qkv_bias && !c.qk_norm);

    w.tensor("output.weight", &[32, 10], 0, &[0; 1280]);
    w.u32("llama.attention.sliding_window", 100);
    w.remove("general.name");
    w.remove("llama.rope.freq_base");
    let c = w.open().unwrap().config().unwrap();
    assert_eq!(
        (c.tied, c.max_positions, c.name.as_str(), c.rope_theta),
        (false, 100, "test", 10000.0)
    );
}

#[test]
fn architectures_differ_in_biases_and_norms() {
    let mut w = Writer::whole("qwen2");
    for (name, rows) in [("q", 32u64), ("k", 16), ("v", 16)] {
        w.tensor(
            &format!("blk.0.attn_{name}.bias"),
            &[rows],
            0,
            &vec![0; 4 * rows as usize],
        );
    }
    let c = w.open().unwrap().config().unwrap();
    assert_eq!(
        (c.architecture, c.qkv_bias, c.qk_norm),
        (Architecture::Qwen2, true, false)
    );

    let mut w = Writer::whole("qwen3");
    w.u32("qwen3.attention.key_length", 8);
    for name in ["q", "k"] {
        w.tensor(&format!("blk.0.attn_{name}_norm.weight"), &[8], 0, &[0; 32]);
    }
    let file = w.open().unwrap();
    let c = file.config().unwrap();
    assert_eq!(
        (c.architecture, c.qkv_bias, c.qk_norm),
        (Architecture::Qwen3, false, true)
    );
    let names: Vec<_> = file
        .tensors()
        .unwrap()
        .into_iter()
        .map(|t| t.name)
        .collect();
    assert!(names.contains(&"model.layers.0.self_attn.k_norm.weight".into()));
}

#[test]
fn what_cannot_be_imported_is_named() {
    let config = |change: &dyn Fn(&mut Writer)| {
        let mut w = Writer::whole("llama");
        change(&mut w);
        w.open().unwrap().config()
    };
    refused(
        config(&|w| w.text("general.architecture", "mamba")),
        "\"mamba\" cannot be imported; llama, qwen2, qwen3 can",
    );
    refused(
        config(&|w| w.remove("general.architecture")),
        "\"general.architecture\" is missing",
    );
    refused(
        config(&|w| w.u32("general.architecture", 1)),
        "is not a string",
    );
    refused(
        config(&|w| w.u32("llama.expert_count", 8)),
        "mixture of experts",
    );
    refused(
        config(&|w| w.i32s("llama.attention.head_count", &[4])),
        "differs from layer to layer",
    );
    refused(
        config(&|w| w.u32("llama.attention.head_count", 0)),
        "which is no size",
    );
    refused(
        config(&|w| w.u32("llama.attention.head_count", 5)),
        "cannot be divided between 5 heads",
    );
    refused(
        config(&|w| w.u32("llama.attention.head_count_kv", 3)),
        "3 key heads",
    );
    refused(
        config(&|w| w.u32("llama.rope.dimension_count", 4)),
        "4 of them rotated",
    );
    refused(
        config(&|w| w.u32("llama.attention.value_length", 16)),
        "values of 16",
    );
    refused(
        config(&|w| w.text("llama.rope.scaling.type", "yarn")),
        "\"yarn\"",
    );
    refused(
        config(&|w| w.f32("llama.rope.freq_base", f32::NAN)),
        "not a finite number",
    );
    refused(
        config(&|w| w.remove("llama.block_count")),
        "\"llama.block_count\" is missing",
    );
    refused(
        config(&|w| w.drop_tensor("token_embd.weight")),
        "no tensor \"token_embd.weight\"",
    );
    refused(
        config(&|w| w.u32("llama.block_count", 1000)),
        "cannot be those of 1000 layers",
    );
    refused(
        config(&|w| w.texts("tokenizer.ggml.tokens", &["x"; 11])),
        "11 tokens, but an embedding of 10",
    );
    refused(
        config(&|w| w.u32("llama.embedding_length", 64)),
        "token_embd.weight",
    );
}

#[test]
fn tensors_have_names_sizes_and_types_of_hugging_face() {
    let mut w = Writer::whole("llama");
    w.tensor(
        "blk.0.ffn_down.weight",
        &[64, 32],
        8,
        &vec![0; 64 * 32 / 32 * 34],
    );
    let tensors = w.open().unwrap().tensors().unwrap();
    assert_eq!(tensors.len(), 11);
    let down = tensors
        .iter()
        .find(|t| t.name == "model.layers.0.mlp.down_proj.weight")
        .unwrap();
    assert_eq!((&*down.shape, &*down.dtype), (&[32, 64][..], "Q8_0"));

    w.tensor("blk.0.attn_output.bias", &[32], 0, &[0; 128]);
    refused(
        w.open().unwrap().tensors(),
        "\"blk.0.attn_output.bias\" is none of a llama model of 1 layers",
    );
    let mut w = Writer::whole("llama");
    w.tensor("blk.0.attn_k.weight", &[32, 32], 0, &[0; 4096]);
    refused(w.open().unwrap().tensors(), "self_attn.k_proj.weight");
}

#[test]
fn linear_scaling_is_read() {
    let scaling = |change: &dyn Fn(&mut Writer)| {
        let mut w = Writer::whole("llama");
        change(&mut w);
        w.open().unwrap().config().map(|c| c.rope_scaling)
    };
    let by_4 = Some(RopeScaling::Linear { factor: 4.0 });
    assert_eq!(
        scaling(&|w| w.f32("llama.rope.scale_linear", 4.0)).unwrap(),
        by_4
    );
    assert_eq!(
        scaling(&|w| w.f32("llama.rope.scaling.factor", 4.0)).unwrap(),
        by_4
    );
    assert_eq!(
        scaling(&|w| w.f32("llama.rope.scaling.factor", 1.0)).unwrap(),
        None
    );
    let none = |w: &mut Writer| {
        w.text("llama.rope.scaling.type", "none");
        w.f32("llama.rope.scaling.factor", 4.0);
    };
    assert_eq!(scaling(&none).unwrap(), None);
    refused(
        scaling(&|w| w.f32("llama.rope.scaling.factor", -4.0)),
        "impossible",
    );
}

/// A model with heads of 128 values and a table of factors.
fn with_table(table: &[f32]) -> Writer {
    let mut w = Writer::model("llama");
    w.u32("llama.attention.key_length", 128);
    w.u32("llama.attention.value_length", 128);
    w.f32("llama.rope.freq_base", 500000.0);
    w.tensor("token_embd.weight", &[32, 10], 0, &[0; 1280]);
    w.tensor("rope_freqs.weight", &[table.len() as u64], 0, &f32s(table));
    w
}

#[test]
fn the_rule_of_llama_3_is_found_in_its_table() {
    use super::rope::tests::converted;
    let scaling = |table: &[f32]| {
        with_table(table)
            .open()
            .unwrap()
            .config()
            .map(|c| c.rope_scaling)
    };
    let found = scaling(&converted(500000.0, 128, 8.0, 4.0)).unwrap();
    let expected = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position: 8192.0,
    };
    assert_eq!(found, Some(expected));
    assert_eq!(scaling(&[1.0; 64]).unwrap(), None);
    refused(
        scaling(&converted(500000.0, 128, 8.0, 2.0)),
        "are not those of Llama 3.1's rule",
    );
    refused(scaling(&[f32::NAN; 64]), "are not those");
    refused(scaling(&[1.0; 32]), "not a table of 64 values");
    // no weight: neither listed nor refused
    let file = with_table(&[1.0; 64]).open().unwrap();
    assert_eq!(file.tensors().unwrap().len(), 1);
}
