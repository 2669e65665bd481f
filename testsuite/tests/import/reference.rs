//! The models in double precision, as the papers write them: token by token, nothing shared with the importer.

use spec_testsuite::checkpoint::{Model, Tensors};
use std::f64::consts::PI;

/// A model and its cache.
pub struct Reference<'a> {
    model: &'a Model,
    tensors: &'a Tensors,
    /// `[layer][position]`: keys and values of all heads.
    cache: Vec<Vec<(Vec<f64>, Vec<f64>)>>,
}

impl<'a> Reference<'a> {
    pub fn new(model: &'a Model, tensors: &'a Tensors) -> Self {
        let cache = vec![vec![]; model.layers];
        Reference {
            model,
            tensors,
            cache,
        }
    }

    fn tensor(&self, name: &str) -> &'a [f64] {
        let found = self.tensors.get(name);
        &found.unwrap_or_else(|| panic!("no {name}")).1
    }

    /// Logits after one more token.
    pub fn step(&mut self, token: usize) -> Vec<f64> {
        let (m, h) = (self.model, self.model.hidden);
        let embedding = self.tensor("model.embed_tokens.weight");
        let mut x = embedding[token * h..][..h].to_vec();
        for layer in 0..m.layers {
            let name = |part: &str| format!("model.layers.{layer}.{part}");
            let normed = self.norm(&x, &name("input_layernorm.weight"));
            let attended = self.attention(layer, &normed);
            x = sum(&x, &attended);
            let normed = self.norm(&x, &name("post_attention_layernorm.weight"));
            let gate = self.product(&name("mlp.gate_proj.weight"), &normed);
            let up = self.product(&name("mlp.up_proj.weight"), &normed);
            let fed: Vec<f64> = gate
                .iter()
                .zip(&up)
                .map(|(g, u)| g / (1.0 + (-g).exp()) * u)
                .collect();
            x = sum(&x, &self.product(&name("mlp.down_proj.weight"), &fed));
        }
        let normed = self.norm(&x, "model.norm.weight");
        let head = if m.tied {
            "model.embed_tokens.weight"
        } else {
            "lm_head.weight"
        };
        self.product(head, &normed)
    }

    fn norm(&self, x: &[f64], weight: &str) -> Vec<f64> {
        let mean = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
        let root = (mean + self.model.eps).sqrt();
        x.iter()
            .zip(self.tensor(weight))
            .map(|(v, w)| v / root * w)
            .collect()
    }

    fn product(&self, weight: &str, x: &[f64]) -> Vec<f64> {
        let rows = self.tensor(weight).chunks(x.len());
        rows.map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum())
            .collect()
    }

    fn attention(&mut self, layer: usize, x: &[f64]) -> Vec<f64> {
        let (m, d) = (self.model, self.model.head_dim);
        let position = self.cache[layer].len();
        let name = |part: &str| format!("model.layers.{layer}.self_attn.{part}");
        let project = |which: &str| {
            let y = self.product(&name(&format!("{which}_proj.weight")), x);
            match m.biased() {
                true => sum(&y, self.tensor(&name(&format!("{which}_proj.bias")))),
                false => y,
            }
        };
        let heads = |which: &str| -> Vec<f64> {
            let all = project(which);
            let normed = all.chunks(d).map(|head| match m.head_norms() {
                true => self.norm(head, &name(&format!("{which}_norm.weight"))),
                false => head.to_vec(),
            });
            normed
                .flat_map(|head| self.rotated(&head, position))
                .collect()
        };
        let (q, k, v) = (heads("q"), heads("k"), project("v"));
        self.cache[layer].push((k, v));
        let mut joined = vec![];
        for (i, q) in q.chunks(d).enumerate() {
            let at = i * m.kv_heads / m.heads * d;
            let rows = &self.cache[layer];
            let score = |k: &Vec<f64>| {
                q.iter().zip(&k[at..]).map(|(a, b)| a * b).sum::<f64>() / (d as f64).sqrt()
            };
            let scores: Vec<f64> = rows.iter().map(|(k, _)| score(k)).collect();
            let largest = scores.iter().fold(f64::MIN, |a, b| a.max(*b));
            let powers: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
            let total: f64 = powers.iter().sum();
            for j in at..at + d {
                let weighted = powers.iter().zip(rows).map(|(p, (_, v))| p / total * v[j]);
                joined.push(weighted.sum());
            }
        }
        self.product(&name("o_proj.weight"), &joined)
    }

    /// `x cos + rotate_half(x) sin`.
    fn rotated(&self, x: &[f64], position: usize) -> Vec<f64> {
        let half = x.len() / 2;
        let angle = |i: usize| position as f64 * self.frequency(i % half);
        let partner = |i: usize| if i < half { -x[i + half] } else { x[i - half] };
        (0..x.len())
            .map(|i| x[i] * angle(i).cos() + partner(i) * angle(i).sin())
            .collect()
    }

    fn frequency(&self, pair: usize) -> f64 {
        let plain = 1.0
            / self
                .model
                .theta
                .powf(2.0 * pair as f64 / self.model.head_dim as f64);
        let scaling = &self.model.more["rope_scaling"];
        let of = |name: &str| scaling[name].as_f64().expect(name);
        match scaling["rope_type"].as_str() {
            None => plain,
            Some("linear") => plain / of("factor"),
            Some(_) => {
                let (low, high) = (of("low_freq_factor"), of("high_freq_factor"));
                let turns = of("original_max_position_embeddings") * plain / (2.0 * PI);
                let kept = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                plain * (kept + (1.0 - kept) / of("factor"))
            }
        }
    }
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}
