//! Writes small GGUF files.

use crate::error::ImportError;
use crate::gguf::Gguf;
use memmap2::MmapMut;
use std::path::Path;

/// A file in the making.
#[derive(Clone)]
pub struct Writer {
    pub version: u32,
    pub alignment: usize,
    pairs: Vec<(String, Vec<u8>)>,
    tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

fn array(kind: u32, len: usize, elements: Vec<u8>) -> Vec<u8> {
    [
        &9u32.to_le_bytes()[..],
        &kind.to_le_bytes(),
        &(len as u64).to_le_bytes(),
        &elements,
    ]
    .concat()
}

pub fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

impl Writer {
    pub fn new() -> Self {
        Self {
            version: 3,
            alignment: 32,
            pairs: vec![],
            tensors: vec![],
        }
    }

    /// The metadata of a model of one layer: 4 heads of 8 values, 2 key heads.
    pub fn model(architecture: &str) -> Self {
        let mut w = Self::new();
        w.text("general.architecture", architecture);
        for (key, value) in [
            ("block_count", 1),
            ("embedding_length", 32),
            ("feed_forward_length", 64),
            ("attention.head_count", 4),
            ("attention.head_count_kv", 2),
            ("context_length", 128),
        ] {
            w.u32(&format!("{architecture}.{key}"), value);
        }
        w.f32(
            &format!("{architecture}.attention.layer_norm_rms_epsilon"),
            1e-5,
        );
        w
    }

    /// A model with all its tensors in F32, no two values alike.
    pub fn whole(architecture: &str) -> Self {
        let mut w = Self::model(architecture);
        let mut next = 0.0;
        let mut add = |name: &str, dims: &[u64]| {
            let values: Vec<f32> = (0..dims.iter().product::<u64>())
                .map(|i| next + i as f32)
                .collect();
            next += values.len() as f32;
            w.tensor(name, dims, 0, &f32s(&values));
        };
        add("token_embd.weight", &[32, 10]);
        add("output_norm.weight", &[32]);
        for (name, rows) in [
            ("attn_q", 32),
            ("attn_k", 16),
            ("attn_v", 16),
            ("attn_output", 32),
        ] {
            add(&format!("blk.0.{name}.weight"), &[32, rows]);
        }
        for (name, dims) in [
            ("ffn_gate", [32, 64]),
            ("ffn_up", [32, 64]),
            ("ffn_down", [64, 32]),
        ] {
            add(&format!("blk.0.{name}.weight"), &dims);
        }
        add("blk.0.attn_norm.weight", &[32]);
        add("blk.0.ffn_norm.weight", &[32]);
        w
    }

    /// A value by the number of its type; replaces one that is there.
    pub fn raw(&mut self, key: &str, kind: u32, value: &[u8]) {
        self.remove(key);
        self.again(key, &[&kind.to_le_bytes()[..], value].concat());
    }

    /// A value with its type, beside one that is there.
    pub fn again(&mut self, key: &str, typed: &[u8]) {
        self.pairs.push((key.into(), typed.to_vec()));
    }

    pub fn remove(&mut self, key: &str) {
        self.pairs.retain(|(k, _)| k != key);
    }

    pub fn u32(&mut self, key: &str, value: u32) {
        self.raw(key, 4, &value.to_le_bytes());
    }

    pub fn f32(&mut self, key: &str, value: f32) {
        self.raw(key, 6, &value.to_le_bytes());
    }

    pub fn flag(&mut self, key: &str, value: bool) {
        self.raw(key, 7, &[u8::from(value)]);
    }

    pub fn text(&mut self, key: &str, value: &str) {
        self.raw(key, 8, &string(value));
    }

    fn array(&mut self, key: &str, kind: u32, len: usize, elements: Vec<u8>) {
        self.remove(key);
        self.again(key, &array(kind, len, elements));
    }

    pub fn texts<S: AsRef<str>>(&mut self, key: &str, values: &[S]) {
        let elements = values.iter().flat_map(|v| string(v.as_ref())).collect();
        self.array(key, 8, values.len(), elements);
    }

    pub fn i32s(&mut self, key: &str, values: &[i32]) {
        let elements = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.array(key, 5, values.len(), elements);
    }

    pub fn floats(&mut self, key: &str, values: &[f32]) {
        self.array(key, 6, values.len(), f32s(values));
    }

    /// Arrays in arrays, the innermost empty.
    pub fn nested(&mut self, key: &str, depth: usize) {
        let mut value = array(4, 0, vec![]);
        for _ in 0..depth {
            value = array(9, 1, value[4..].to_vec());
        }
        self.again(key, &value);
    }

    /// A tensor by the number of its type; replaces one that is there.
    pub fn tensor(&mut self, name: &str, dims: &[u64], kind: u32, bytes: &[u8]) {
        self.drop_tensor(name);
        self.tensors
            .push((name.into(), dims.to_vec(), kind, bytes.to_vec()));
    }

    pub fn drop_tensor(&mut self, name: &str) {
        self.tensors.retain(|t| t.0 != name);
    }

    /// The file's bytes and the place where each tensor's offset stands.
    pub fn bytes_and_offsets(&self) -> (Vec<u8>, Vec<usize>) {
        let mut out = b"GGUF".to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.pairs.len() as u64).to_le_bytes());
        for (key, value) in &self.pairs {
            out.extend(string(key));
            out.extend(value);
        }
        let (mut offset, mut offsets) = (0, vec![]);
        for (name, dims, kind, bytes) in &self.tensors {
            out.extend(string(name));
            out.extend((dims.len() as u32).to_le_bytes());
            out.extend(dims.iter().flat_map(|d| d.to_le_bytes()));
            out.extend(kind.to_le_bytes());
            offsets.push(out.len());
            out.extend((offset as u64).to_le_bytes());
            offset = (offset + bytes.len()).next_multiple_of(self.alignment);
        }
        for (_, _, _, bytes) in &self.tensors {
            out.resize(out.len().next_multiple_of(self.alignment), 0);
            out.extend(bytes);
        }
        (out, offsets)
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.bytes_and_offsets().0
    }

    pub fn open(&self) -> Result<Gguf, ImportError> {
        open(&self.bytes())
    }
}

/// A file of these bytes.
pub fn open(bytes: &[u8]) -> Result<Gguf, ImportError> {
    let path = Path::new("test.gguf");
    let mut map = MmapMut::map_anon(bytes.len().max(1)).unwrap();
    map[..bytes.len()].copy_from_slice(bytes);
    let header = crate::gguf::header::read(path, &map[..bytes.len()])?;
    let map = map.make_read_only().unwrap();
    Ok(Gguf {
        path: path.to_owned(),
        map,
        header,
    })
}
