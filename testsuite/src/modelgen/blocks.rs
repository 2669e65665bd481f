//! Norms and the feed-forward layer.

use super::model::{Layer, Model};
use super::ops::{Binary, Unary};
use super::style::{Activation, Exporter, Norm};
use super::text::{At, Element, Value, identity};
use super::weights::Kind;

impl Model<'_> {
    pub(super) fn feed_forward(&mut self, x: &Value, layer: &Layer) -> Value {
        if self.s.activation == Activation::Gelu {
            let up = self.linear(x, Kind::Up, layer);
            let active = self.helper("gelu", &[up], |model, args| vec![model.gelu(&args[0])]);
            return self.linear(&active[0], Kind::Down, layer);
        }
        let (gate, up) = if self.s.exporter == Exporter::Generic {
            let up = self.linear(x, Kind::Up, layer);
            (self.linear(x, Kind::Gate, layer), up)
        } else {
            let gate = self.linear(x, Kind::Gate, layer);
            (gate, self.linear(x, Kind::Up, layer))
        };
        let active = self.helper("silu", &[gate], |model, args| vec![model.silu(&args[0])]);
        let product = self.ops.binary(Binary::Mul, &active[0], &up);
        self.linear(&product, Kind::Down, layer)
    }

    pub(super) fn silu(&mut self, x: &Value) -> Value {
        let one = self.ops.b.float(1.0, x.element());
        let sigmoid = self.ops.pointwise(&[x], x.element(), |b, args| {
            let negated = b.scalar("arith.negf", &[&args[0]]);
            let exp = b.scalar("math.exp", &[&negated]);
            let sum = b.scalar("arith.addf", &[&exp, &one]);
            b.scalar("arith.divf", &[&one, &sum])
        });
        self.ops.binary(Binary::Mul, x, &sigmoid)
    }

    /// `0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`.
    pub(super) fn gelu(&mut self, x: &Value) -> Value {
        let square = self.ops.binary(Binary::Mul, x, x);
        let cube = self.ops.binary(Binary::Mul, &square, x);
        let cube = self.ops.with_constant(Binary::Mul, &cube, 0.044_715);
        let sum = self.ops.binary(Binary::Add, x, &cube);
        let scaled = self
            .ops
            .with_constant(Binary::Mul, &sum, (2.0 / std::f64::consts::PI).sqrt());
        let tanh = self.ops.unary(Unary::Tanh, &scaled);
        let gate = self.ops.with_constant(Binary::Add, &tanh, 1.0);
        let half = self.ops.with_constant(Binary::Mul, x, 0.5);
        self.ops.binary(Binary::Mul, &half, &gate)
    }

    /// The norm of kind `kind` over the last dimension, computed in f32.
    pub(super) fn norm(&mut self, x: &Value, kind: Kind, layer: &Layer) -> Value {
        let mut args = vec![x.clone(), self.weight(kind, layer)];
        let bias = match (self.s.norm, kind) {
            (Norm::LayerNorm, Kind::Norm1) => Some(Kind::Norm1Bias),
            (Norm::LayerNorm, Kind::Norm2) => Some(Kind::Norm2Bias),
            (Norm::LayerNorm, Kind::FinalNorm) => Some(Kind::FinalNormBias),
            _ => None,
        };
        if let Some(bias) = bias {
            args.push(self.weight(bias, layer));
        }
        let results = self.helper("norm", &args, |model, args| {
            vec![model.norm_inline(&args[0], &args[1], args.get(2))]
        });
        results[0].clone()
    }

    pub(super) fn norm_inline(&mut self, x: &Value, weight: &Value, bias: Option<&Value>) -> Value {
        let width = *x.shape().last().unwrap_or(&1) as f64;
        let mut wide = self.ops.cast(x, Element::F32);
        if bias.is_some() {
            let sum = self.ops.reduce_last(Binary::Add, &wide);
            let mean = self.ops.with_constant(Binary::Div, &sum, width);
            wide = self.ops.binary(Binary::Sub, &wide, &mean);
        }
        if self.s.exporter == Exporter::Generic && bias.is_none() {
            return self.norm_fused(x, &wide, weight, width);
        }
        let square = self.ops.binary(Binary::Mul, &wide, &wide);
        let sum = self.ops.reduce_last(Binary::Add, &square);
        let mean = self.ops.with_constant(Binary::Div, &sum, width);
        let shifted = self.ops.with_constant(Binary::Add, &mean, 1e-5);
        let inverse = self.ops.unary(Unary::Rsqrt, &shifted);
        let scaled = self.ops.binary(Binary::Mul, &wide, &inverse);
        let narrow = self.ops.cast(&scaled, x.element());
        let result = self.ops.binary(Binary::Mul, &narrow, weight);
        match bias {
            Some(bias) => self.ops.binary(Binary::Add, &result, bias),
            None => result,
        }
    }

    /// RMS norm in two generics: the sum of squares, then everything else.
    pub(super) fn norm_fused(
        &mut self,
        x: &Value,
        wide: &Value,
        weight: &Value,
        width: f64,
    ) -> Value {
        let rank = x.shape().len();
        let init = self.ops.fill(0.0, &x.shape()[..rank - 1], Element::F32);
        let iterators = "p".repeat(rank - 1) + "r";
        let sum = self.ops.generic(
            &[(wide, identity(rank))],
            &init,
            &identity(rank - 1),
            &iterators,
            |b, args| {
                let square = b.scalar("arith.mulf", &[&args[0], &args[0]]);
                b.scalar("arith.addf", &[&args[1], &square])
            },
        );
        let (width, eps) = (
            self.ops.b.float(width, Element::F32),
            self.ops.b.float(1e-5, Element::F32),
        );
        let init = self.ops.empty(x.shape(), x.element());
        let ins = [
            (wide, identity(rank)),
            (&sum, identity(rank - 1)),
            (weight, vec![At::D(rank - 1)]),
        ];
        self.ops.generic(
            &ins,
            &init,
            &identity(rank),
            &"p".repeat(rank),
            |b, args| {
                let mean = b.scalar("arith.divf", &[&args[1], &width]);
                let shifted = b.scalar("arith.addf", &[&mean, &eps]);
                let inverse = b.scalar("math.rsqrt", &[&shifted]);
                let scaled = b.scalar("arith.mulf", &[&args[0], &inverse]);
                let narrow = match args[2].element() {
                    Element::F32 => scaled,
                    narrow => b.convert("arith.truncf", &scaled, narrow),
                };
                b.scalar("arith.mulf", &[&narrow, &args[2]])
            },
        )
    }
}
