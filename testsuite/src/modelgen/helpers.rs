//! Private functions for repeated parts, and calls.

use super::function::function_text;
use super::mask::Place;
use super::model::{Layer, Model, results_of};
use super::ops::Ops;
use super::text::{Type, Value, commas};
use super::weights::{WeightTensor, weight_tensors};

/// `func.call`.
pub(super) fn call(ops: &mut Ops, symbol: &str, args: &[Value], results: &[Type]) -> Vec<Value> {
    let name = ops.b.fresh();
    let many = if results.len() == 1 {
        String::new()
    } else {
        format!(":{}", results.len())
    };
    let types = commas(args.iter().map(|a| a.ty.clone()));
    ops.b.line(format_args!(
        "{name}{many} = func.call @{symbol}({}) : ({types}) -> ({})",
        commas(args),
        commas(results)
    ));
    results_of(&name, results.iter().cloned())
}

impl Model<'_> {
    /// `body` inline or, with [`Style::helper_functions`], in a private function that is called.
    pub(super) fn helper(
        &mut self,
        name: &str,
        args: &[Value],
        body: impl FnOnce(&mut Self, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        if !self.s.helper_functions {
            return body(self, args);
        }
        let shape: Vec<String> = args[0].shape().iter().map(usize::to_string).collect();
        let symbol = format!("{}_{name}_{}", self.prefix, shape.join("x"));
        self.call_helper(&symbol, args, body)
    }

    pub(super) fn call_helper(
        &mut self,
        symbol: &str,
        args: &[Value],
        body: impl FnOnce(&mut Self, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        // The body is emitted at every call to learn the result types; later texts are dropped as equal.
        let exporter = self.ops.exporter;
        let outer = std::mem::replace(self.ops, Ops::new(exporter));
        let inner: Vec<Value> = args
            .iter()
            .enumerate()
            .map(|(i, a)| Value::new(format!("%arg{i}"), a.ty.clone()))
            .collect();
        let results = body(self, &inner);
        let built = std::mem::replace(self.ops, outer);
        let types: Vec<Type> = results.iter().map(|r| r.ty.clone()).collect();
        let text = function_text(symbol, "private ", "", &inner, &results, built);
        self.helpers.entry(symbol.to_owned()).or_insert(text);
        call(self.ops, symbol, args, &types)
    }

    /// One layer as a call: x, and the rows or the updated cache in the form [`Self::attention`] returns.
    pub(super) fn layer_call(
        &mut self,
        x: Value,
        l: usize,
        k: &Value,
        v: &Value,
        place: &Place,
    ) -> (Value, Value, Value) {
        let at = Layer::Fixed(l);
        let (k_view, v_view) = (self.view(k, &at), self.view(v, &at));
        let mut args = vec![x, k_view, v_view, place.index.clone()];
        args.extend(
            place
                .angles
                .iter()
                .flat_map(|(cos, sin)| [cos.clone(), sin.clone()]),
        );
        args.extend(place.mask.clone());
        let first_weight = args.len();
        let tensors: Vec<WeightTensor> = weight_tensors(self.c, self.s)
            .into_iter()
            .filter(|t| t.layer == Some(l))
            .collect();
        args.extend(tensors.iter().map(|t| self.weights[&t.name].clone()));
        let start = format!("layers.{l}.");
        let names: Vec<String> = tensors
            .iter()
            .map(|t| t.name[start.len()..].to_owned())
            .collect();
        let (angles, mask) = (place.angles.is_some(), place.mask.is_some());
        let symbol = format!("{}_layer", self.prefix);
        let results = self.call_helper(&symbol, &args, |model, args| {
            let weights = names
                .into_iter()
                .zip(args[first_weight..].iter().cloned())
                .collect();
            let outer = std::mem::replace(&mut model.weights, weights);
            let inner = Place {
                index: args[3].clone(),
                positions: args[3].clone(),
                angles: angles.then(|| (args[4].clone(), args[5].clone())),
                mask: mask.then(|| args[first_weight - 1].clone()),
            };
            let (x, k, v) =
                model.layer(args[0].clone(), &Layer::Helper, &args[1], &args[2], &inner);
            model.weights = outer;
            vec![x, k, v]
        });
        let (k, v) = (
            self.after_call(&results[1], k, &at),
            self.after_call(&results[2], v, &at),
        );
        (results[0].clone(), k, v)
    }

    pub(super) fn after_call(&mut self, one: &Value, cache: &Value, at: &Layer) -> Value {
        if self.stack_at_end() {
            return one.clone();
        }
        if self.s.cache_per_layer() {
            let rows = one.shape()[usize::from(!self.s.token_major())];
            let dims = self.cache_dims(rows);
            return self.ops.reshape(one, &dims);
        }
        self.insert_layer(one, cache, at)
    }
}
