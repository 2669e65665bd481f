//! What a function over both models starts with, and one run of a model inside it.

use std::collections::HashMap;

use super::abi::{
    Abi, ArgInfo, Role, cache_infos, mask_type, position_type, token_type, weight_infos,
};
use super::forms::ModelSpec;
use super::function::{FunctionText, Support, function_text, inputs_from, load_weights, place_at};
use super::helpers::call;
use super::model::{Caches, Inputs, Model};
use super::ops::Ops;
use super::products::argmax;
use super::style::{CacheForm, Exporter, Output, Weights};
use super::text::{Element, Type, Value};

/// A model inside another function: inlined, or called.
pub(super) struct Part<'a> {
    pub(super) spec: ModelSpec,
    pub(super) weights: HashMap<String, Value>,
    pub(super) callee: Option<&'a FunctionText>,
    pub(super) prefix: &'static str,
}

/// What one run of a model gives.
pub(super) struct Step {
    /// Largest logit's token after each token, `[M]`.
    pub(super) tokens: Value,
    /// The model's own head.
    pub(super) head: Value,
    pub(super) caches: Caches,
}

/// Everything an enclosing function has to begin with.
pub(super) struct Frame {
    pub(super) ops: Ops,
    pub(super) support: Support,
    pub(super) args: Vec<ArgInfo>,
    pub(super) values: Vec<Value>,
    pub(super) int: Element,
    /// The committed token `[1]`.
    pub(super) token: Value,
    /// The position as an index.
    pub(super) position: Value,
}

impl Frame {
    /// Of one model, or of a drafter and its target. Arguments: token `[1]`, position (`tensor<int>`), then each model's caches and weights.
    pub(super) fn new(models: &[&ModelSpec]) -> Self {
        let style = &models[models.len() - 1].style;
        let int = style.index_type;
        let mut args = vec![
            ArgInfo {
                role: Role::Tokens,
                ty: Type::tensor(&[1], int),
                model: 0,
            },
            ArgInfo {
                role: Role::Position,
                ty: Type::tensor(&[], int),
                model: 0,
            },
        ];
        for (i, spec) in models.iter().enumerate() {
            args.extend(cache_infos(
                &spec.config,
                &spec.style,
                spec.config.context,
                i,
            ));
            args.extend(weight_infos(&spec.config, &spec.style, i));
        }
        let values: Vec<Value> = args
            .iter()
            .enumerate()
            .map(|(i, a)| Value::new(format!("%arg{i}"), a.ty.clone()))
            .collect();
        let mut ops = Ops::new(style.exporter);
        let start = ops.extract(&values[1], &[]);
        let position = ops.b.convert("arith.index_cast", &start, Element::Index);
        Frame {
            ops,
            support: Support::default(),
            int,
            token: values[0].clone(),
            position,
            args,
            values,
        }
    }

    pub(super) fn part<'a>(
        &mut self,
        spec: ModelSpec,
        model: usize,
        callee: Option<&'a FunctionText>,
    ) -> (Part<'a>, Caches) {
        let inputs = inputs_from(&self.args, &self.values, model);
        let mut weights = inputs.weights;
        let prefix = ["m0", "m1"][model];
        if callee.is_none() && spec.style.weights != Weights::Arguments {
            weights = load_weights(
                &mut self.ops,
                &mut self.support,
                prefix,
                &spec.config,
                &spec.style,
            );
        }
        (
            Part {
                spec,
                weights,
                callee,
                prefix,
            },
            inputs.caches,
        )
    }

    /// Runs `part` on `tokens [M]` at `position` (an index).
    pub(super) fn step(
        &mut self,
        part: &Part,
        tokens: &Value,
        position: &Value,
        caches: &Caches,
    ) -> Step {
        let (c, s) = (&part.spec.config, &part.spec.style);
        let outer = self.ops.exporter;
        self.ops.exporter = s.exporter;
        let tokens = self.int_cast(tokens, s.index_type);
        let tokens = self.ops.reshape(&tokens, token_type(c, s).shape());
        let at = self.position_as(position, &position_type(s));
        let (head, new) = match part.callee {
            Some(callee) => {
                let mask = s.mask_argument.then(|| self.mask(part, position));
                self.call(
                    part,
                    callee,
                    [Some(&tokens), Some(&at), mask.as_ref()],
                    caches,
                )
            }
            None => {
                let inputs = Inputs {
                    tokens,
                    position: at,
                    mask: None,
                    caches: caches.clone(),
                    weights: part.weights.clone(),
                };
                let mut model = Model {
                    ops: &mut self.ops,
                    c,
                    s,
                    weights: HashMap::new(),
                    prefix: part.prefix,
                    helpers: &mut self.support.helpers,
                };
                let outputs = model.forward(inputs);
                (outputs.head, outputs.caches)
            }
        };
        let caches = if s.cache == CacheForm::Rows {
            self.write(part, caches, &new, position)
        } else {
            new
        };
        let best = match s.output {
            Output::Token => head.clone(),
            Output::Logits => argmax(&mut self.ops, &head, self.int).1,
        };
        let tokens = self.ops.reshape(&best, &[c.tokens]);
        let tokens = self.int_cast(&tokens, self.int);
        self.ops.exporter = outer;
        Step {
            tokens,
            head,
            caches,
        }
    }

    /// The mask that a callee takes as an argument.
    fn mask(&mut self, part: &Part, position: &Value) -> Value {
        let (c, s) = (&part.spec.config, &part.spec.style);
        let mut model = Model {
            ops: &mut self.ops,
            c,
            s,
            weights: HashMap::new(),
            prefix: part.prefix,
            helpers: &mut self.support.helpers,
        };
        let mask = model.mask(position);
        self.ops.reshape(&mask, mask_type(c, s).shape())
    }

    fn call(
        &mut self,
        part: &Part,
        callee: &FunctionText,
        [tokens, position, mask]: [Option<&Value>; 3],
        caches: &Caches,
    ) -> (Value, Caches) {
        let given = |value: Option<&Value>| value.expect("what the callee's signature has").clone();
        let args: Vec<Value> = callee
            .abi
            .args
            .iter()
            .map(|arg| match &arg.role {
                Role::Position => given(position),
                Role::Mask => given(mask),
                Role::Keys(layer) => caches.k[layer.unwrap_or(0)].clone(),
                Role::Values(layer) => caches.v[layer.unwrap_or(0)].clone(),
                Role::Weight(tensor) => part.weights[&tensor.name].clone(),
                _ => given(tokens),
            })
            .collect();
        let types: Vec<Type> = callee.abi.results.iter().map(|r| r.ty.clone()).collect();
        let results = call(&mut self.ops, &callee.name, &args, &types);
        let mut new = Caches {
            k: Vec::new(),
            v: Vec::new(),
        };
        let mut head = results[0].clone();
        for (info, value) in callee.abi.results.iter().zip(&results) {
            match &info.role {
                Role::Keys(layer) => place_at(&mut new.k, *layer, value),
                Role::Values(layer) => place_at(&mut new.v, *layer, value),
                _ => head = value.clone(),
            }
        }
        (head, new)
    }

    /// Writes new rows into the caches at `position`.
    fn write(&mut self, part: &Part, caches: &Caches, rows: &Caches, position: &Value) -> Caches {
        let back = if part.spec.style.token_major() { 3 } else { 2 };
        let mut write = |into: &[Value], rows: &[Value]| -> Vec<Value> {
            into.iter()
                .zip(rows)
                .map(|(into, rows)| {
                    let mut offsets = vec!["0".to_owned(); into.shape().len()];
                    let axis = offsets.len() - back;
                    offsets[axis] = position.name.clone();
                    self.ops.insert(rows, into, &offsets, rows.shape())
                })
                .collect()
        };
        Caches {
            k: write(&caches.k, &rows.k),
            v: write(&caches.v, &rows.v),
        }
    }

    fn int_cast(&mut self, tokens: &Value, to: Element) -> Value {
        if tokens.element() == to {
            return tokens.clone();
        }
        let name = if to == Element::I32 {
            "arith.trunci"
        } else {
            "arith.extsi"
        };
        self.ops
            .pointwise(&[tokens], to, |b, args| b.convert(name, &args[0], to))
    }

    fn position_as(&mut self, index: &Value, ty: &Type) -> Value {
        if ty.element == Element::Index {
            return index.clone();
        }
        let scalar = self.ops.b.convert("arith.index_cast", index, ty.element);
        if ty.dims.is_none() {
            return scalar;
        }
        self.ops.b.op(
            ty.clone(),
            format_args!("tensor.from_elements {scalar} : {ty}"),
        )
    }

    /// Index arithmetic: `a + n`.
    pub(super) fn plus(&mut self, a: &Value, n: i64) -> Value {
        if n == 0 {
            return a.clone();
        }
        let n = self.ops.b.int(n, Element::Index);
        self.ops.b.scalar("arith.addi", &[a, &n])
    }

    /// `into[at] = token [1]` of a vector of tokens.
    pub(super) fn put(&mut self, tokens: &Value, into: &Value, at: &Value) -> Value {
        self.ops
            .insert(tokens, into, std::slice::from_ref(&at.name), tokens.shape())
    }

    pub(super) fn finish(mut self, name: &str, results: &[(ArgInfo, Value)]) -> FunctionText {
        let values: Vec<Value> = results.iter().map(|(_, v)| v.clone()).collect();
        let ops = std::mem::replace(&mut self.ops, Ops::new(Exporter::Torch));
        let text = function_text(name, "", "", &self.values, &values, ops);
        let abi = Abi {
            args: self.args,
            results: results.iter().map(|(info, _)| info.clone()).collect(),
        };
        FunctionText::assemble(name, text, abi, self.support)
    }
}

pub(super) fn pack(caches: &Caches, into: &mut Vec<Value>) {
    into.extend(caches.k.iter().chain(&caches.v).cloned());
}

/// The first `layers` values are keys, as many after them values.
pub(super) fn unpack(values: &[Value], layers: usize) -> Caches {
    Caches {
        k: values[..layers].to_vec(),
        v: values[layers..2 * layers].to_vec(),
    }
}

pub(super) fn cache_results(
    spec: &ModelSpec,
    caches: &Caches,
    model: usize,
) -> Vec<(ArgInfo, Value)> {
    let infos = cache_infos(&spec.config, &spec.style, spec.config.context, model);
    let value = |info: &ArgInfo| match info.role {
        Role::Keys(layer) => caches.k[layer.unwrap_or(0)].clone(),
        Role::Values(layer) => caches.v[layer.unwrap_or(0)].clone(),
        _ => unreachable!("cache infos are keys and values"),
    };
    infos
        .into_iter()
        .map(|info| (info.clone(), value(&info)))
        .collect()
}

pub(super) fn head_result(part: &Part, step: &Step) -> (ArgInfo, Value) {
    let role = if part.spec.style.output == Output::Token {
        Role::Tokens
    } else {
        Role::Logits
    };
    (
        ArgInfo {
            role,
            ty: step.head.ty.clone(),
            model: 1,
        },
        step.head.clone(),
    )
}

pub(super) fn tokens_result(value: &Value, model: usize) -> (ArgInfo, Value) {
    (
        ArgInfo {
            role: Role::Tokens,
            ty: value.ty.clone(),
            model,
        },
        value.clone(),
    )
}
