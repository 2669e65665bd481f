//! The caller's side of a generated function: holds the KV cache between calls, and writes new rows into it.

use super::abi::{Abi, ArgInfo, Role, abi, cache_infos};
use super::function::FunctionText;
use super::run::{Input, RunError, execute};
use super::style::{CacheForm, Config, Style};
use super::text::Type;
use super::weights::weight_data;

/// Caches of one model between calls of its functions, whatever their number of tokens.
#[derive(Clone, Debug)]
pub struct Host {
    c: Config,
    s: Style,
    caches: Vec<(ArgInfo, Vec<f64>)>,
}

impl Host {
    /// Empty (zero) caches.
    pub fn new(c: &Config, s: &Style) -> Self {
        let zero = |info: ArgInfo| {
            let count = info.ty.count();
            (info, vec![0.0; count])
        };
        Host {
            c: c.clone(),
            s: s.clone(),
            caches: cache_infos(c, s, c.context, 0)
                .into_iter()
                .map(zero)
                .collect(),
        }
    }

    /// Arguments for a call with these tokens at this position.
    pub fn args(&self, abi: &Abi, tokens: &[usize], position: usize) -> Vec<Input> {
        let dense = |ty: &Type, values: Vec<f64>| Input::Dense(ty.clone(), values);
        abi.args
            .iter()
            .map(|arg| match &arg.role {
                Role::Tokens => dense(&arg.ty, tokens.iter().map(|t| *t as f64).collect()),
                Role::Position => dense(&arg.ty, vec![position as f64]),
                Role::Mask => dense(
                    &arg.ty,
                    self.mask(arg.ty.count() / tokens.len(), tokens.len(), position),
                ),
                Role::Weight(tensor) => dense(&arg.ty, weight_data(&self.c, &self.s, tensor)),
                role => match self.caches.iter().find(|(info, _)| info.role == *role) {
                    Some((_, values)) => dense(&arg.ty, values.clone()),
                    None => Input::Zero(arg.ty.clone()),
                },
            })
            .collect()
    }

    /// Cached rows before the position, and rows up to the token's own, are visible.
    fn mask(&self, columns: usize, tokens: usize, position: usize) -> Vec<f64> {
        let rows = self.s.cache == CacheForm::Rows;
        let sees = |m: usize, t: usize| match t.checked_sub(self.c.context) {
            Some(new) => new <= m,
            None if rows => t < position,
            None => t <= position + m,
        };
        let value = |m, t| if sees(m, t) { 0.0 } else { -1e30 };
        (0..tokens)
            .flat_map(|m| (0..columns).map(move |t| value(m, t)))
            .collect()
    }

    /// Executes `function` with the stock tools, updates the caches, and returns the logits or tokens.
    ///
    /// # Errors
    /// As [`execute`].
    pub fn call(
        &mut self,
        function: &FunctionText,
        tokens: &[usize],
        position: usize,
    ) -> Result<Vec<f64>, RunError> {
        self.call_with(tokens, position, |args, types| {
            execute(&function.module(), &function.name, args, types)
        })
    }

    /// Calls a function of the model by `run` (arguments and result types to results), updates the caches, and returns the logits
    /// or tokens.
    ///
    /// # Errors
    /// Those of `run`.
    pub fn call_with<E>(
        &mut self,
        tokens: &[usize],
        position: usize,
        run: impl FnOnce(&[Input], &[Type]) -> Result<Vec<Vec<f64>>, E>,
    ) -> Result<Vec<f64>, E> {
        let mut config = self.c.clone();
        config.tokens = tokens.len();
        let abi = abi(&config, &self.s);
        let args = self.args(&abi, tokens, position);
        let types: Vec<Type> = abi.results.iter().map(|r| r.ty.clone()).collect();
        let results = run(&args, &types)?;
        let mut head = Vec::new();
        for (info, values) in abi.results.iter().zip(results) {
            match info.role {
                Role::Keys(_) | Role::Values(_) => self.update(info, values, position),
                _ => head = values,
            }
        }
        Ok(head)
    }

    /// The caches' contents, in the order of the arguments.
    pub fn caches(&self) -> impl Iterator<Item = &[f64]> {
        self.caches.iter().map(|(_, values)| values.as_slice())
    }

    fn update(&mut self, info: &ArgInfo, values: Vec<f64>, position: usize) {
        let Some((held, cache)) = self
            .caches
            .iter_mut()
            .find(|(held, _)| held.role == info.role)
        else {
            return;
        };
        if self.s.cache != CacheForm::Rows {
            *cache = values;
            return;
        }
        // Both are [outer, rows, inner] around the dimension of rows.
        let (from, to) = (info.ty.shape(), held.ty.shape());
        let axis = from.len() - if self.s.token_major() { 3 } else { 2 };
        let inner: usize = from[axis + 1..].iter().product();
        for (i, value) in values.into_iter().enumerate() {
            let (outer, rest) = (i / (from[axis] * inner), i % (from[axis] * inner));
            cache[outer * to[axis] * inner + position * inner + rest] = value;
        }
    }
}
