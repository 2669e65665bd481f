//! One forward pass, emitted into whatever function is being built.

use std::collections::{BTreeMap, HashMap};

use super::mask::Place;
use super::ops::{Binary, Ops};
use super::style::{CacheForm, Config, Exporter, Output, Position, Style, WeightLayout};
use super::text::{At, Element, Type, Value, identity};
use super::weights::Kind;

/// Key and value caches: one stacked value each, or one per layer.
#[derive(Clone, Debug)]
pub(super) struct Caches {
    pub(super) k: Vec<Value>,
    pub(super) v: Vec<Value>,
}

/// Values a forward pass starts from.
pub(super) struct Inputs {
    pub(super) tokens: Value,
    pub(super) position: Value,
    /// Computed where there is none.
    pub(super) mask: Option<Value>,
    pub(super) caches: Caches,
    /// By [`super::WeightTensor::name`].
    pub(super) weights: HashMap<String, Value>,
}

/// Values it ends with.
pub(super) struct Outputs {
    /// Logits or tokens, as [`Style::output`] says.
    pub(super) head: Value,
    pub(super) caches: Caches,
}

/// Which layer a weight or a cache belongs to.
#[derive(Clone)]
pub(super) enum Layer {
    /// A known layer.
    Fixed(usize),
    /// The induction variable of the loop over layers.
    Var(Value),
    /// The arguments of the layer's helper function.
    Helper,
}

impl Layer {
    pub(super) fn offset(&self) -> String {
        match self {
            Layer::Fixed(l) => l.to_string(),
            Layer::Var(v) => v.name.clone(),
            Layer::Helper => "0".to_owned(),
        }
    }
}

pub(super) struct Model<'a> {
    pub(super) ops: &'a mut Ops,
    pub(super) c: &'a Config,
    pub(super) s: &'a Style,
    pub(super) weights: HashMap<String, Value>,
    /// Start of the names of helper functions.
    pub(super) prefix: &'a str,
    /// Texts of helper functions by name.
    pub(super) helpers: &'a mut BTreeMap<String, String>,
}

impl Model<'_> {
    /// The forward pass.
    pub(super) fn forward(&mut self, inputs: Inputs) -> Outputs {
        self.weights = inputs.weights;
        let m = self.c.tokens;
        let tokens = self.ops.reshape(&inputs.tokens, &[m]);
        let place = self.place(&inputs.position, inputs.mask.as_ref());
        let embed = self.whole(Kind::Embed);
        let mut x = self.gather(&embed, &tokens);
        if self.s.position == Position::Learned {
            let table = self.whole(Kind::PositionTable);
            let rows = self.rows_at_position(&table, &place);
            x = self.ops.binary(Binary::Add, &x, &rows);
        }
        let mut lead = vec![m, self.c.hidden];
        if self.s.batch_dim {
            lead.insert(0, 1);
        }
        x = self.ops.reshape(&x, &lead);
        let (x, caches) = if self.s.looped() {
            self.layer_loop(x, inputs.caches, &place)
        } else {
            self.layers(x, inputs.caches, &place)
        };
        let x = self.norm(&x, Kind::FinalNorm, &Layer::Fixed(0));
        let logits = self.linear(&x, Kind::Head, &Layer::Fixed(0));
        let head = match self.s.output {
            Output::Logits => logits,
            Output::Token => self.argmax(&logits, self.s.index_type).1,
        };
        Outputs { head, caches }
    }

    fn layers(&mut self, mut x: Value, mut caches: Caches, place: &Place) -> (Value, Caches) {
        let mut rows: (Vec<Value>, Vec<Value>) = Default::default();
        for l in 0..self.c.layers {
            let at = if self.s.cache_per_layer() { l } else { 0 };
            let (k, v) = (caches.k[at].clone(), caches.v[at].clone());
            let (next, k, v) = if self.s.helper_functions && !self.s.stacked() {
                self.layer_call(x, l, &k, &v, place)
            } else {
                self.layer(x, &Layer::Fixed(l), &k, &v, place)
            };
            x = next;
            if self.stack_at_end() {
                rows.0.push(k);
                rows.1.push(v);
            } else {
                (caches.k[at], caches.v[at]) = (k, v);
            }
        }
        if !rows.0.is_empty() {
            caches.k = vec![self.stack_rows(&rows.0)];
            caches.v = vec![self.stack_rows(&rows.1)];
        }
        (x, caches)
    }

    /// `scf.for` over the layers; carries x and the caches (or the buffers of new rows).
    fn layer_loop(&mut self, x: Value, caches: Caches, place: &Place) -> (Value, Caches) {
        let (k0, v0) = (caches.k[0].clone(), caches.v[0].clone());
        let rows = self.s.cache == CacheForm::Rows;
        let [k, v] = if rows {
            let dims = self.cache_dims(self.c.tokens);
            [&k0, &v0].map(|cache| self.ops.empty(&dims, cache.element()))
        } else {
            [k0.clone(), v0.clone()]
        };
        let open = self.ops.open_for(self.c.layers, &[x, k, v]);
        let layer = Layer::Var(open.index.clone());
        let [x, k_carried, v_carried] = [0, 1, 2].map(|i| open.args[i].clone());
        let (k, v) = if rows {
            (&k0, &v0)
        } else {
            (&k_carried, &v_carried)
        };
        let (x, mut k, mut v) = self.layer(x, &layer, k, v, place);
        if rows {
            k = self.insert_layer(&k, &k_carried, &layer);
            v = self.insert_layer(&v, &v_carried, &layer);
        }
        let results = self.ops.close(open, &[x, k, v]);
        let caches = Caches {
            k: vec![results[1].clone()],
            v: vec![results[2].clone()],
        };
        (results[0].clone(), caches)
    }

    /// One decoder layer: x, and the rows (`Rows`) or the updated cache.
    pub(super) fn layer(
        &mut self,
        x: Value,
        layer: &Layer,
        k: &Value,
        v: &Value,
        place: &Place,
    ) -> (Value, Value, Value) {
        let normed = self.norm(&x, Kind::Norm1, layer);
        let (attended, k, v) = self.attention(&normed, layer, k, v, place);
        let x = self.ops.binary(Binary::Add, &x, &attended);
        let normed = self.norm(&x, Kind::Norm2, layer);
        let fed = self.feed_forward(&normed, layer);
        (self.ops.binary(Binary::Add, &x, &fed), k, v)
    }

    /// A weight of the whole model.
    pub(super) fn whole(&mut self, kind: Kind) -> Value {
        self.weights[kind.name()].clone()
    }

    /// A weight as the program computes with it: sliced from its stack, dequantised.
    pub(super) fn weight(&mut self, kind: Kind, layer: &Layer) -> Value {
        let kind = if kind == Kind::Head && self.c.tied {
            Kind::Embed
        } else {
            kind
        };
        let name = match layer {
            _ if !kind.per_layer() || self.s.stacked() => kind.name().to_owned(),
            Layer::Fixed(l) => format!("layers.{l}.{}", kind.name()),
            _ => kind.name().to_owned(),
        };
        let stored = self.stored(&name, kind, layer);
        if !self.weights.contains_key(&format!("{name}_scale")) {
            return stored;
        }
        let scale = self.stored(&format!("{name}_scale"), kind, layer);
        let init = self.ops.empty(stored.shape(), self.c.dtype);
        let dtype = self.c.dtype;
        self.ops.generic(
            &[(&stored, identity(2)), (&scale, vec![At::D(0)])],
            &init,
            &identity(2),
            "pp",
            |b, args| {
                let value = b.convert("arith.sitofp", &args[0], Element::F32);
                let scaled = b.scalar("arith.mulf", &[&value, &args[1]]);
                if dtype == Element::F32 {
                    scaled
                } else {
                    b.convert("arith.truncf", &scaled, dtype)
                }
            },
        )
    }

    fn stored(&mut self, name: &str, kind: Kind, layer: &Layer) -> Value {
        let value = self.weights[name].clone();
        if !self.s.stacked() || !kind.per_layer() {
            return value;
        }
        let dims = value.shape()[1..].to_vec();
        let mut sizes = vec![1];
        sizes.extend(&dims);
        let mut offsets = vec![layer.offset()];
        offsets.extend(dims.iter().map(|_| "0".to_owned()));
        if self.s.exporter == Exporter::Jax {
            let one = self.ops.slice(&value, &offsets, &sizes, &sizes);
            return self.ops.reshape(&one, &dims);
        }
        self.ops.slice(&value, &offsets, &sizes, &dims)
    }

    /// `x [.., in]` times the weight of `kind`, plus its bias; in `dtype`, the logits in f32.
    pub(super) fn linear(&mut self, x: &Value, kind: Kind, layer: &Layer) -> Value {
        let weight = self.weight(kind, layer);
        let in_out = kind != Kind::Head && self.s.in_out() && !self.s.int8_weights;
        let inner = x.shape()[x.shape().len() - 1];
        let outer = if in_out {
            weight.shape()[1]
        } else {
            weight.shape()[0]
        };
        let rows = x.ty.count() / inner;
        let flat = self.ops.reshape(x, &[rows, inner]);
        let product = match self.s.exporter {
            _ if self.s.weight_layout == WeightLayout::IndexingMapMatmul => {
                self.ops.matmul_maps(&flat, &weight)
            }
            Exporter::Torch | Exporter::Loop => {
                let weight = if in_out {
                    weight
                } else {
                    self.ops.transpose(&weight, &[1, 0])
                };
                self.ops.matmul(&flat, &weight)
            }
            Exporter::Jax => self.ops.dot(&flat, &weight, in_out),
            Exporter::Onnx => {
                let weight = if in_out {
                    weight
                } else {
                    self.ops.transpose(&weight, &[1, 0])
                };
                let weight = self.ops.reshape(&weight, &[1, inner, outer]);
                let flat = self.ops.reshape(&flat, &[1, rows, inner]);
                let product = self.ops.batch_matmul(&flat, &weight);
                self.ops.reshape(&product, &[rows, outer])
            }
            Exporter::Generic => self
                .ops
                .contraction(&flat, &weight, in_out, kind != Kind::Q),
        };
        let mut dims = x.shape().to_vec();
        *dims.last_mut().expect("a linear layer's input has a rank") = outer;
        let mut result = self.ops.reshape(&product, &dims);
        if kind != Kind::Head {
            result = self.ops.cast(&result, self.c.dtype);
        }
        match kind.bias().filter(|_| self.s.bias) {
            Some(bias) => {
                let bias = self.weight(bias, layer);
                self.ops.binary(Binary::Add, &result, &bias)
            }
            None => result,
        }
    }
}

/// The values of an op called `name` with results of `types`.
pub(super) fn results_of(name: &str, types: impl ExactSizeIterator<Item = Type>) -> Vec<Value> {
    let many = types.len() > 1;
    types
        .enumerate()
        .map(|(i, ty)| {
            Value::new(
                if many {
                    format!("{name}#{i}")
                } else {
                    name.to_owned()
                },
                ty,
            )
        })
        .collect()
}
