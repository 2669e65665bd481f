//! Ops that move or reshape values, and loops.

use super::ops::Ops;
use super::style::Exporter;
use super::text::{At, Type, Value, commas, identity, list};

/// Groups of dimensions of `large` that make up each dimension of `small`, the shortest that leave the rest possible.
pub(super) fn reassociation(large: &[usize], small: &[usize]) -> Option<Vec<Vec<usize>>> {
    pub(super) fn groups(
        large: &[usize],
        small: &[usize],
        start: usize,
    ) -> Option<Vec<Vec<usize>>> {
        let Some((dim, rest)) = small.split_first() else {
            return large.is_empty().then(Vec::new);
        };
        let longest = large.len().checked_sub(rest.len())?;
        (1..=longest)
            .filter(|n| large[..*n].iter().product::<usize>() == *dim)
            .find_map(|n| {
                let mut found = groups(&large[n..], rest, start + n)?;
                found.insert(0, (start..start + n).collect());
                Some(found)
            })
    }
    if small.is_empty() {
        Some(Vec::new())
    } else {
        groups(large, small, 0)
    }
}

impl Ops {
    pub(super) fn transpose(&mut self, a: &Value, permutation: &[usize]) -> Value {
        let dims: Vec<usize> = permutation.iter().map(|&p| a.shape()[p]).collect();
        let init = self.empty(&dims, a.element());
        let ty = init.ty.clone();
        if matches!(self.exporter, Exporter::Jax | Exporter::Generic) {
            let mut map = vec![At::Zero; dims.len()];
            for (position, &p) in permutation.iter().enumerate() {
                map[p] = At::D(position);
            }
            let iterators = "p".repeat(dims.len());
            return self.generic(
                &[(a, map)],
                &init,
                &identity(dims.len()),
                &iterators,
                |_, args| args[0].clone(),
            );
        }
        let text = format!(
            "linalg.transpose ins({a} : {}) outs({init} : {ty}) permutation = {}",
            a.ty,
            list(permutation)
        );
        self.b.op(ty, text)
    }

    pub(super) fn concat(&mut self, dim: usize, parts: &[&Value]) -> Value {
        if let [only] = parts {
            return (*only).clone();
        }
        let mut dims = parts[0].shape().to_vec();
        dims[dim] = parts.iter().map(|p| p.shape()[dim]).sum();
        if matches!(self.exporter, Exporter::Torch | Exporter::Onnx) {
            let ty = Type::tensor(&dims, parts[0].element());
            let types = commas(parts.iter().map(|p| p.ty.clone()));
            let text = format!(
                "tensor.concat dim({dim}) {} : ({types}) -> {ty}",
                commas(parts)
            );
            return self.b.op(ty, text);
        }
        let mut into = self.empty(&dims, parts[0].element());
        let mut at = 0;
        for part in parts {
            let mut offsets = vec!["0".to_owned(); dims.len()];
            offsets[dim] = at.to_string();
            into = self.insert(part, &into, &offsets, part.shape());
            at += part.shape()[dim];
        }
        into
    }

    /// `collapse_shape` or `expand_shape` to `dims`; itself where the shape is the same already.
    pub(super) fn reshape(&mut self, a: &Value, dims: &[usize]) -> Value {
        let ty = Type::tensor(dims, a.element());
        if a.shape() == dims {
            return a.clone();
        }
        let collapse = dims.len() < a.shape().len();
        let (large, small) = if collapse {
            (a.shape(), dims)
        } else {
            (dims, a.shape())
        };
        let groups =
            reassociation(large, small).unwrap_or_else(|| panic!("no reshape of {} to {ty}", a.ty));
        let groups = list(groups.iter().map(list));
        let text = if collapse {
            format!("tensor.collapse_shape {a} {groups} : {} into {ty}", a.ty)
        } else {
            format!(
                "tensor.expand_shape {a} {groups} output_shape {} : {} into {ty}",
                list(dims),
                a.ty
            )
        };
        self.b.op(ty, text)
    }

    /// `extract_slice` with unit strides; `dims` may drop unit sizes.
    pub(super) fn slice(
        &mut self,
        a: &Value,
        offsets: &[String],
        sizes: &[usize],
        dims: &[usize],
    ) -> Value {
        let strides = vec![1; sizes.len()];
        self.strided_slice(a, offsets, sizes, &strides, dims)
    }

    pub(super) fn strided_slice(
        &mut self,
        a: &Value,
        offsets: &[String],
        sizes: &[usize],
        strides: &[usize],
        dims: &[usize],
    ) -> Value {
        let ty = Type::tensor(dims, a.element());
        let text = format!(
            "tensor.extract_slice {a}{} {} {} : {} to {ty}",
            list(offsets),
            list(sizes),
            list(strides),
            a.ty
        );
        self.b.op(ty, text)
    }

    /// `insert_slice` with unit strides; `sizes` in the rank of `into`.
    pub(super) fn insert(
        &mut self,
        part: &Value,
        into: &Value,
        offsets: &[String],
        sizes: &[usize],
    ) -> Value {
        let strides = vec![1; sizes.len()];
        let text = format!(
            "tensor.insert_slice {part} into {into}{} {} {} : {} into {}",
            list(offsets),
            list(sizes),
            list(strides),
            part.ty,
            into.ty
        );
        self.b.op(into.ty.clone(), text)
    }

    /// The single element of a tensor of one element.
    pub(super) fn extract(&mut self, a: &Value, at: &[&Value]) -> Value {
        let text = format!("tensor.extract {a}{} : {}", list(at), a.ty);
        self.b.op(Type::scalar(a.element()), text)
    }
}
