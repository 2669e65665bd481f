//! A plain f64 forward pass of the models that this module writes.

use std::collections::HashMap;

use super::style::{Activation, Config, Norm, Position, Style};
use super::weights::{Kind, kinds, parameter};

/// A model with its weights and its KV cache.
#[derive(Clone, Debug)]
pub struct Reference {
    c: Config,
    s: Style,
    weights: HashMap<(Kind, usize), Vec<f64>>,
    /// `[layer][position][kv heads * head_dim]`.
    keys: Vec<Vec<Vec<f64>>>,
    values: Vec<Vec<Vec<f64>>>,
}

impl Reference {
    /// The model of `config`; of `style`, only what changes the arithmetic counts.
    pub fn new(config: &Config, style: &Style) -> Self {
        let mut weights = HashMap::new();
        for kind in kinds(config, style) {
            for layer in 0..if kind.per_layer() { config.layers } else { 1 } {
                weights.insert((kind, layer), parameter(config, style, kind, layer));
            }
        }
        let empty = vec![vec![Vec::new(); config.context]; config.layers];
        Reference {
            c: config.clone(),
            s: style.clone(),
            weights,
            keys: empty.clone(),
            values: empty,
        }
    }

    /// Logits after each of `tokens`, the first at `position`; their rows are added to the cache.
    pub fn forward(&mut self, tokens: &[usize], position: usize) -> Vec<Vec<f64>> {
        tokens
            .iter()
            .enumerate()
            .map(|(i, t)| self.step(*t, position + i))
            .collect()
    }

    /// The token of the largest logit after each of `tokens`.
    pub fn greedy(&mut self, tokens: &[usize], position: usize) -> Vec<usize> {
        self.forward(tokens, position)
            .iter()
            .map(|row| argmax(row))
            .collect()
    }

    fn step(&mut self, token: usize, position: usize) -> Vec<f64> {
        let h = self.c.hidden;
        let mut x = self.at(Kind::Embed, 0)[token * h..][..h].to_vec();
        if self.s.position == Position::Learned {
            add(
                &mut x,
                &self.at(Kind::PositionTable, 0)[position * h..][..h],
            );
        }
        for layer in 0..self.c.layers {
            let normed = self.norm(&x, Kind::Norm1, Kind::Norm1Bias, layer);
            let attended = self.attention(&normed, layer, position);
            add(&mut x, &attended);
            let normed = self.norm(&x, Kind::Norm2, Kind::Norm2Bias, layer);
            let fed = self.feed_forward(&normed, layer);
            add(&mut x, &fed);
        }
        let normed = self.norm(&x, Kind::FinalNorm, Kind::FinalNormBias, 0);
        product(
            self.at(if self.c.tied { Kind::Embed } else { Kind::Head }, 0),
            &normed,
        )
    }

    fn at(&self, kind: Kind, layer: usize) -> &[f64] {
        &self.weights[&(kind, layer)]
    }

    fn linear(&self, kind: Kind, layer: usize, x: &[f64]) -> Vec<f64> {
        let mut y = product(self.at(kind, layer), x);
        if let Some(bias) = kind.bias().filter(|_| self.s.bias) {
            add(&mut y, self.at(bias, layer));
        }
        y
    }

    fn norm(&self, x: &[f64], kind: Kind, bias: Kind, layer: usize) -> Vec<f64> {
        if self.s.norm == Norm::RmsNorm {
            return rms(x, self.at(kind, layer));
        }
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let centred: Vec<f64> = x.iter().map(|v| v - mean).collect();
        let mut y = rms(&centred, self.at(kind, layer));
        add(&mut y, self.at(bias, layer));
        y
    }

    fn attention(&mut self, x: &[f64], layer: usize, position: usize) -> Vec<f64> {
        let d = self.c.head_dim;
        let mut q = self.linear(Kind::Q, layer, x);
        let mut k = self.linear(Kind::K, layer, x);
        self.values[layer][position] = self.linear(Kind::V, layer, x);
        q.chunks_mut(d)
            .for_each(|head| self.prepare(head, Kind::QNorm, layer, position));
        k.chunks_mut(d)
            .for_each(|head| self.prepare(head, Kind::KNorm, layer, position));
        self.keys[layer][position] = k;
        let group = self.c.heads / self.c.kv_heads;
        let mut context = Vec::with_capacity(q.len());
        for (head, q) in q.chunks(d).enumerate() {
            let at = head / group * d..head / group * d + d;
            let scores = self.keys[layer][..=position]
                .iter()
                .map(|k| dot(q, &k[at.clone()]) / (d as f64).sqrt());
            let chances = softmax(&scores.collect::<Vec<_>>());
            for i in at {
                context.push(
                    chances
                        .iter()
                        .zip(&self.values[layer])
                        .map(|(p, v)| p * v[i])
                        .sum(),
                );
            }
        }
        self.linear(Kind::O, layer, &context)
    }

    /// Norm (where the style has one) and rotation of one head.
    fn prepare(&self, head: &mut [f64], norm: Kind, layer: usize, position: usize) {
        if self.s.qk_norm {
            head.copy_from_slice(&rms(head, self.at(norm, layer)));
        }
        if self.s.position == Position::Learned {
            return;
        }
        let half = head.len() / 2;
        for pair in 0..half {
            let (a, b) = if self.s.interleaved() {
                (2 * pair, 2 * pair + 1)
            } else {
                (pair, pair + half)
            };
            let (cos, sin) = if self.s.position == Position::RopeTable {
                let at = position * half + pair;
                (
                    self.at(Kind::CosTable, 0)[at],
                    self.at(Kind::SinTable, 0)[at],
                )
            } else {
                let angle = position as f64 * 10000f64.powf(-2.0 * pair as f64 / head.len() as f64);
                (angle.cos(), angle.sin())
            };
            (head[a], head[b]) = (head[a] * cos - head[b] * sin, head[a] * sin + head[b] * cos);
        }
    }

    fn feed_forward(&self, x: &[f64], layer: usize) -> Vec<f64> {
        let up = self.linear(Kind::Up, layer, x);
        let active: Vec<f64> = if self.s.activation == Activation::Gelu {
            up.iter().map(|x| gelu(*x)).collect()
        } else {
            let gate = self.linear(Kind::Gate, layer, x);
            gate.iter()
                .zip(&up)
                .map(|(g, u)| g / (1.0 + (-g).exp()) * u)
                .collect()
        };
        self.linear(Kind::Down, layer, &active)
    }
}

/// Index of the largest value, the first of equals.
pub fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (i, v) in values.iter().enumerate() {
        if *v > values[best] {
            best = i;
        }
    }
    best
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
}

fn add(x: &mut [f64], y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn product(weight: &[f64], x: &[f64]) -> Vec<f64> {
    weight.chunks(x.len()).map(|row| dot(row, x)).collect()
}

fn rms(x: &[f64], weight: &[f64]) -> Vec<f64> {
    let scale = 1.0 / (dot(x, x) / x.len() as f64 + 1e-5).sqrt();
    x.iter().zip(weight).map(|(x, w)| x * scale * w).collect()
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let largest = scores.iter().fold(f64::NEG_INFINITY, |m, s| m.max(*s));
    let exp: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
    let sum: f64 = exp.iter().sum();
    exp.iter().map(|e| e / sum).collect()
}
