//! A group of products with what comes before and after them, as one kernel.

use super::fit::fit;
use super::request::{Buffer, Request};
use super::scalars::Scalars;
use super::view::View;
use crate::kernel_cases::{activations, dtype, float, format, function, norm_kind, pairing};
use spec_dialect::ffi::{MapResult, Op, Value};
use spec_dialect::model_ops::operand_of_group;
use spec_kernels::gpu::{Finish, Kernel, LinearGroup, Part, Rows, Stage};

/// The kernel for `ops`: a `spec.norm` or none, `spec.linear`s that read the same activations, and the ops that alone read their
/// results: `spec.rope`, `memref.copy`, `spec.activation`, or an addition of a residual.
///
/// # Errors
/// One kernel cannot do that.
pub(crate) fn request(ops: &[Op]) -> Result<Request, String> {
    let named = |name: &str| ops.iter().copied().filter(|o| o.name() == name).collect();
    let (norms, linears): (Vec<Op>, Vec<Op>) = (named("spec.norm"), named("spec.linear"));
    let readers: Vec<Op> = (ops.iter().copied())
        .filter(|o| !matches!(o.name(), "spec.norm" | "spec.linear"))
        .collect();
    let Some(first) = linears.first().copied() else {
        return Err("a group without a product".into());
    };
    let mut group = Group::start(first, &norms)?;
    let mut todo: Vec<Op> = linears;
    while !todo.is_empty() {
        let linear = todo.remove(0);
        let reader = reader_of(linear, &readers)?;
        let factor = reader.and_then(|r| factor_of(r, linear, &todo));
        // the factor of a gate stands behind it, whatever the order of the products is
        if let Some(reader) = reader.filter(|r| factor.is_none() && is_factor(*r, linear)) {
            let gate = root(reader.operand(0))?;
            let at = todo
                .iter()
                .position(|o| init(*o).and_then(|v| root(Some(v))) == Ok(gate));
            let gate = todo.remove(at.ok_or("a factor without its gate")?);
            group.part(gate, Some(reader))?;
            group.up(linear)?;
            continue;
        }
        group.part(linear, reader)?;
        if let Some(factor) = factor {
            todo.retain(|o| *o != factor);
            group.up(factor)?;
        }
    }
    let used = readers.len();
    if group.finished != used {
        return Err("an op of a group reads none of its products".into());
    }
    Ok(group.finish())
}

fn init(op: Op) -> Result<Value, String> {
    op.operands()
        .last()
        .ok_or_else(|| format!("{} without a result", op.name()))
}

fn root(value: Option<Value>) -> Result<Value, String> {
    Ok(View::of(value.ok_or("a missing operand")?)?.root)
}

/// The op of `readers` that reads the result of `linear`.
fn reader_of(linear: Op, readers: &[Op]) -> Result<Option<Op>, String> {
    let y = root(Some(init(linear)?))?;
    let reads = |op: &Op| {
        let inputs = op.operands().len().saturating_sub(1);
        op.operands()
            .take(inputs)
            .any(|v| v.ty().is_memref() && root(Some(v)) == Ok(y))
    };
    let found: Vec<Op> = readers.iter().copied().filter(reads).collect();
    match found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => Err("a product that several ops of its group read".into()),
    }
}

fn has_factor(reader: Op) -> bool {
    reader.name() == "spec.activation" && reader.operands().len() == 3
}

/// Whether `linear` is what the activation `reader` multiplies with.
fn is_factor(reader: Op, linear: Op) -> bool {
    let up = root(reader.operand(1));
    has_factor(reader) && init(linear).is_ok_and(|y| root(Some(y)) == up)
}

/// The product of `others` that is the factor of `linear` in `reader`.
fn factor_of(reader: Op, linear: Op, others: &[Op]) -> Option<Op> {
    if !has_factor(reader) || is_factor(reader, linear) {
        return None;
    }
    others.iter().copied().find(|o| is_factor(reader, *o))
}

/// A kernel under construction.
struct Group {
    kernel: LinearGroup,
    buffers: Vec<Buffer>,
    scalars: Scalars,
    finished: usize,
    /// What the products read.
    x: View,
}

impl Group {
    fn start(first: Op, norms: &[Op]) -> Result<Group, String> {
        let read = View::of(first.operand(0).ok_or("a product of nothing")?)?;
        let (x, stage, extra) = match norms {
            [] => (read.clone(), Stage::Plain, vec![]),
            [norm] => {
                let (x, stage, extra) = stage(*norm)?;
                if View::of(init(*norm)?)? != read {
                    return Err("a normalisation that its group does not read".into());
                }
                (x, stage, extra)
            }
            _ => return Err("several normalisations in a group".into()),
        };
        let [m, k] = x.sizes[..] else {
            return Err("activations are not [tokens, elements]".into());
        };
        let rows = rows(&x)?;
        let mut buffers = vec![Buffer::of(&x)];
        buffers.extend(extra);
        Ok(Group {
            kernel: LinearGroup {
                m,
                k,
                x: rows,
                stage,
                parts: vec![],
                activations: activations(first),
                scalars: vec![],
            },
            buffers,
            scalars: Scalars::default(),
            finished: 0,
            x: read,
        })
    }

    /// Binds weight, scale and bias, and adds the part; its finish is not known yet.
    fn product(&mut self, linear: Op) -> Result<(), String> {
        let view = |i| {
            operand_of_group(linear, i)
                .and_then(|p| linear.operand(p))
                .map(View::of)
                .transpose()
        };
        if view(0)?.as_ref() != Some(&self.x) || activations(linear) != self.kernel.activations {
            return Err("products of different activations in a group".into());
        }
        let weight = view(1)?.ok_or("a product without a weight")?;
        let (scale, bias) = (view(2)?, view(3)?);
        let y = View::of(init(linear)?)?;
        let dtypes = |v: &Option<View>| v.as_ref().map(|v| dtype(v.element)).transpose();
        let format = format(linear, dtype(weight.element)?, dtypes(&scale)?)?;
        for fixed in [Some(&weight), scale.as_ref(), bias.as_ref()]
            .into_iter()
            .flatten()
        {
            if !fixed.is_contiguous() || !fixed.dynamic.is_empty() {
                return Err("a weight must be contiguous, at a fixed place".into());
            }
            self.buffers.push(Buffer::of(fixed));
        }
        self.kernel.parts.push(Part {
            n: y.sizes[1],
            format,
            aligned: weight.is_aligned(&[]),
            bias: dtypes(&bias)?,
            round: dtype(y.element)?,
            finish: Finish::Up,
        });
        Ok(())
    }

    fn up(&mut self, linear: Op) -> Result<(), String> {
        self.product(linear)
    }

    fn part(&mut self, linear: Op, reader: Option<Op>) -> Result<(), String> {
        self.product(linear)?;
        let y = View::of(init(linear)?)?;
        let n = y.sizes[1];
        if reader.is_some() && !(y.is_contiguous() && y.offset == 0 && y.dynamic.is_empty()) {
            return Err("a product that is read from the middle of a buffer".into());
        }
        self.finished += usize::from(reader.is_some());
        let finish = match reader {
            None => self.store(&y, &y, n, None)?,
            Some(op) => match op.name() {
                "spec.rope" => self.rope(op, n)?,
                "spec.activation" => self.activation(op, n)?,
                "memref.copy" => {
                    let (from, to) = (view(op, 0)?, view(op, 1)?);
                    self.store_from(&from, &to, n, None)?
                }
                "linalg.generic" | "linalg.add" => self.add(op, &y, n)?,
                other => return Err(format!("{other} does not go into a product's kernel")),
            },
        };
        if let Some(part) = self.kernel.parts.last_mut() {
            part.finish = finish;
        }
        Ok(())
    }

    fn store(
        &mut self,
        y: &View,
        to: &View,
        n: i64,
        add: Option<(Rows, Buffer)>,
    ) -> Result<Finish, String> {
        // y as if it were contiguous: its place is `to` itself
        let mut flat = y.clone();
        (flat.strides, flat.offset, flat.dynamic) = (vec![n, 1], 0, vec![]);
        self.store_from(&flat, to, n, add)
    }

    fn store_from(
        &mut self,
        from: &View,
        to: &View,
        n: i64,
        add: Option<(Rows, Buffer)>,
    ) -> Result<Finish, String> {
        let m = self.kernel.m;
        let fit = fit(from, to, m, n, None)?;
        let place = fit.place(to, m, dtype(to.element)?, &mut self.scalars)?;
        let (add, buffer) = add.unzip();
        self.buffers.extend(buffer);
        self.buffers.push(Buffer::of(to));
        Ok(Finish::Store { add, to: place })
    }

    fn rope(&mut self, op: Op, n: i64) -> Result<Finish, String> {
        let (from, cos, sin, to) = (view(op, 0)?, view(op, 1)?, view(op, 2)?, view(op, 3)?);
        let m = self.kernel.m;
        let token_dim = op.attr("token_dim").and_then(|a| a.as_i64()).unwrap_or(0);
        if m > 1 && from.strides.get(token_dim as usize) != Some(&n) {
            return Err("a rotation that counts tokens along another dimension".into());
        }
        for table in [&cos, &sin] {
            if !table.is_contiguous() || !table.dynamic.is_empty() {
                return Err("tables of a rotation must be contiguous, at a fixed place".into());
            }
        }
        let d = from.sizes.last().copied();
        let fit = fit(&from, &to, m, n, d)?;
        let place = fit.place(&to, m, dtype(to.element)?, &mut self.scalars)?;
        self.buffers.extend([&cos, &sin, &to].map(Buffer::of));
        Ok(Finish::Rope {
            pairing: pairing(op),
            cos: dtype(cos.element)?,
            sin: dtype(sin.element)?,
            to: place,
        })
    }

    fn activation(&mut self, op: Op, n: i64) -> Result<Finish, String> {
        let gated = has_factor(op);
        let from = View::of(op.operand(0).ok_or("an activation of nothing")?)?;
        let to = View::of(init(op)?)?;
        let m = self.kernel.m;
        let place =
            fit(&from, &to, m, n, None)?.place(&to, m, dtype(to.element)?, &mut self.scalars)?;
        self.buffers.push(Buffer::of(&to));
        Ok(Finish::Activate {
            function: function(op),
            gated,
            to: place,
        })
    }

    /// `result = product + residual`, element by element.
    fn add(&mut self, op: Op, y: &View, n: i64) -> Result<Finish, String> {
        if !is_addition(op) {
            return Err("an op that is no addition of a residual".into());
        }
        let (a, b, to) = (view(op, 0)?, view(op, 1)?, view(op, 2)?);
        let (from, residual) = if a.root == y.root { (a, b) } else { (b, a) };
        if residual.root == from.root {
            return Err("a product that is added to itself".into());
        }
        let rows = fit(&from, &residual, self.kernel.m, n, None)?.rows(
            &residual,
            n,
            dtype(residual.element)?,
        )?;
        self.store_from(&from, &to, n, Some((rows, Buffer::of(&residual))))
    }

    fn finish(mut self) -> Request {
        self.kernel.scalars = self.scalars.dtypes();
        self.buffers.extend(self.scalars.buffers());
        Request {
            kernel: Kernel::Linear(self.kernel),
            buffers: self.buffers,
        }
    }
}

/// A `linalg.generic` or `linalg.add` that adds its two inputs, element by element.
pub(crate) fn is_addition(op: Op) -> bool {
    let maps = op.indexing_maps().unwrap_or_default();
    let structured = matches!(op.name(), "linalg.generic" | "linalg.add");
    let same = structured && op.operands().len() == 3 && maps.windows(2).all(|w| w[0] == w[1]);
    let full = maps.first().is_some_and(|m| {
        m.results.len() == m.dims && !m.results.iter().any(|r| !matches!(r, MapResult::Dim(_)))
    });
    let ops = op
        .blocks()
        .first()
        .map(|b| (b.args(), b.ops()))
        .unwrap_or_default();
    let (args, body) = ops;
    let adds = match body[..] {
        [add, end] => {
            let inputs: Vec<Value> = add.operands().collect();
            add.name() == "arith.addf"
                && end.operand(0) == add.results().next()
                && args.len() == 3
                && (inputs == args[..2]
                    || (inputs.len() == 2 && inputs[0] == args[1] && inputs[1] == args[0]))
        }
        _ => false,
    };
    same && full && adds
}

fn stage(norm: Op) -> Result<(View, Stage, Vec<Buffer>), String> {
    let count = norm.operands().len();
    let (x, weight) = (view(norm, 0)?, view(norm, 1)?);
    let bias = (count == 4).then(|| view(norm, 2)).transpose()?;
    let fixed: Vec<&View> = [Some(&weight), bias.as_ref()]
        .into_iter()
        .flatten()
        .collect();
    if fixed
        .iter()
        .any(|v| !v.is_contiguous() || !v.dynamic.is_empty())
    {
        return Err("the weight of a normalisation must be contiguous, at a fixed place".into());
    }
    let stage = Stage::Norm {
        kind: norm_kind(norm),
        eps: float(norm, "eps"),
        weight_offset: float(norm, "weight_offset"),
        weight: dtype(weight.element)?,
        bias: bias.as_ref().map(|b| dtype(b.element)).transpose()?,
        round: dtype(init(norm)?.ty().shape().element)?,
    };
    let buffers = fixed.into_iter().map(Buffer::of).collect();
    Ok((x, stage, buffers))
}

/// A [m, n] view as rows.
pub(crate) fn rows(view: &View) -> Result<Rows, String> {
    match (view.sizes.as_slice(), view.strides.as_slice()) {
        ([m, n], [row, inner]) if (*inner == 1 || *n == 1) && view.dynamic.is_empty() => Ok(Rows {
            dtype: dtype(view.element)?,
            stride: *row,
            aligned: view.is_aligned(if *m > 1 {
                std::slice::from_ref(row)
            } else {
                &[]
            }),
        }),
        _ => Err("elements of a row must stand side by side, at a fixed place".into()),
    }
}

/// Where operand `i` stands.
pub(crate) fn view(op: Op, i: usize) -> Result<View, String> {
    View::of(
        op.operand(i)
            .ok_or_else(|| format!("{} has no operand #{i}", op.name()))?,
    )
}
