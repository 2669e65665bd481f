//! What happens to the activations before a product: normalised, quantised, or both.

use super::{Context, Stage, Staged, quantise};
use crate::gpu::Writer;
use crate::gpu::write::Reduce;
use crate::{Activations, DType, NormKind, Value};

/// Puts activations into workgroup memory, if they are not used as they are.
pub(super) fn stage(w: &mut Writer, c: &Context) -> Staged {
    if c.group.stage == Stage::Plain && c.group.activations == Activations::Float {
        return Staged::No;
    }
    let source = Source::new(w, c);
    if c.group.activations == Activations::I8 {
        return Staged::Integers(quantise::quantise(w, c, &source));
    }
    let (k, tokens) = (c.group.k, c.schedule.tokens);
    let (ty, per) = if c.schedule.quads {
        ("vector<4xf32>", 4)
    } else {
        ("f32", 1)
    };
    let memory = w.shared(ty, tokens * k / per);
    let per_load = w.per_access(0);
    w.each_of_lane(k / per_load, &[], |w, access, _| {
        let element = w.mul(access, per_load);
        let weights = source.weights(w, c, &element, per_load);
        let first = w.mul(access, per_load / per);
        for (t, token) in source.tokens.iter().enumerate() {
            let values = token.values(w, access, &weights, c.group.stage.round());
            for (i, values) in values.chunks(per as usize).enumerate() {
                let at = w.add_const(&first, t as i64 * k / per + i as i64);
                let value = match values {
                    [one] => one.clone(),
                    four => {
                        let list: Vec<String> = four.iter().map(Value::to_string).collect();
                        w.op(format_args!(
                            "vector.from_elements {} : vector<4xf32>",
                            list.join(", ")
                        ))
                    }
                };
                w.shared_store(&memory, &at, &value);
            }
        }
        Vec::new()
    });
    w.barrier();
    Staged::Floats(memory)
}

/// Neighbours that a lane takes when a row of `k` elements is summed; lanes take turns. The order of a sum is the same whatever is loaded
/// at once, and the same as in the kernel that does nothing but normalise.
pub(in crate::gpu) fn chunk(k: i64) -> i64 {
    [8, 4].into_iter().find(|n| k % n == 0).unwrap_or(1)
}

/// Activations, normalised if the stage says so.
pub(super) struct Source {
    /// The workgroup's.
    pub tokens: Vec<Token>,
}

/// A token's activations.
#[derive(Clone)]
pub(super) struct Token {
    /// Where they begin, in accesses.
    pub base: Value,
    /// What is subtracted.
    pub mean: Option<Value>,
    /// What they are multiplied by.
    pub factor: Option<Value>,
}

impl Stage {
    /// What a normalised element is rounded to.
    pub(super) fn round(self) -> DType {
        match self {
            Stage::Plain => DType::F32,
            Stage::Norm { round, .. } => round,
        }
    }
}

/// Weights of a norm, and its biases.
pub(super) type Weights = Option<(Vec<Value>, Option<Vec<Value>>)>;

impl Source {
    fn new(w: &mut Writer, c: &Context) -> Self {
        let tokens = (0..c.schedule.tokens).map(|t| {
            let (base, distance) = c.x(w, t);
            let base = w.add_const(&base, distance);
            Token {
                base,
                mean: None,
                factor: None,
            }
        });
        let mut source = Source {
            tokens: tokens.collect(),
        };
        let Stage::Norm { kind, eps, .. } = c.group.stage else {
            return source;
        };
        let size = w.float(c.group.k as f32);
        if kind == NormKind::Layer {
            let sums = source.sums(w, c, false);
            for (token, sum) in source.tokens.iter_mut().zip(sums) {
                token.mean = Some(w.floats("divf", &sum, &size));
            }
        }
        let squares = source.sums(w, c, true);
        let (eps, one) = (w.float(eps), w.float(1.0));
        for (token, squares) in source.tokens.iter_mut().zip(squares) {
            let mean = w.floats("divf", &squares, &size);
            let mean = w.floats("addf", &mean, &eps);
            let root = w.math("sqrt", &mean);
            token.factor = Some(w.floats("divf", &one, &root));
        }
        source
    }

    /// Every token's sum of activations, or of squares, in every lane.
    fn sums(&self, w: &mut Writer, c: &Context, square: bool) -> Vec<Value> {
        let zero = w.float(0.0);
        let chunk = chunk(c.group.k);
        let loads = chunk / w.per_access(0);
        let sums = w.each_of_lane(
            c.group.k / chunk,
            &vec![("f32", zero); self.tokens.len()],
            |w, number, sums| {
                let pairs = self.tokens.iter().zip(sums);
                pairs
                    .map(|(token, sum)| {
                        let first = w.mul(number, loads);
                        let mut xs = Vec::new();
                        for i in 0..loads {
                            let access = w.add_const(&first, i);
                            xs.extend(token.values(w, &access, &None, DType::F32));
                        }
                        xs.iter().fold(sum.clone(), |sum, x| {
                            if square {
                                w.fma(x, x, &sum)
                            } else {
                                w.floats("addf", &sum, x)
                            }
                        })
                    })
                    .collect()
            },
        );
        w.reduce(Reduce::Sum, &sums)
    }

    /// Of `n` elements from `element` on.
    pub fn weights(&self, w: &mut Writer, c: &Context, element: &Value, n: i64) -> Weights {
        let Stage::Norm {
            weight_offset,
            bias,
            ..
        } = c.group.stage
        else {
            return None;
        };
        let load = |w: &mut Writer, buffer: usize| -> Vec<Value> {
            let start = w.start(buffer);
            let at = w.add(&start, element);
            (0..n)
                .map(|i| {
                    let at = w.add_const(&at, i);
                    w.load(buffer, &at)
                })
                .collect()
        };
        let mut weights = load(w, c.slots.norm);
        if weight_offset != 0.0 {
            let offset = w.float(weight_offset);
            weights = weights
                .iter()
                .map(|x| w.floats("addf", x, &offset))
                .collect();
        }
        Some((weights, bias.map(|_| load(w, c.slots.norm + 1))))
    }
}

impl Token {
    /// The elements of access `access`, normalised as far as is known.
    pub fn values(
        &self,
        w: &mut Writer,
        access: &Value,
        weights: &Weights,
        round: DType,
    ) -> Vec<Value> {
        let at = w.add(&self.base, access);
        let mut values = w.loads(0, &at);
        for (i, x) in values.iter_mut().enumerate() {
            if let Some(mean) = &self.mean {
                *x = w.floats("subf", x, mean);
            }
            let (Some(factor), Some((weights, biases))) = (&self.factor, weights) else {
                continue;
            };
            *x = w.floats("mulf", x, factor);
            *x = match biases {
                Some(biases) => w.fma(x, &weights[i], &biases[i]),
                None => w.floats("mulf", x, &weights[i]),
            };
            *x = w.rounded(round, x);
        }
        values
    }
}
