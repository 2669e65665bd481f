//! Model ops that are dispatches of their own.

use super::fit;
use super::products::view;
use super::request::{Buffer, Request};
use super::scalars::Scalars;
use super::view::View;
use crate::kernel_cases::{dtype, float, pairing};
use crate::lower_kernels::{self, Argument};
use spec_dialect::ffi::{Op, Value};
use spec_dialect::model_ops::{case, operand_of_group};
use spec_kernels::HeadRows;
use spec_kernels::gpu::{Attention, Combine, HeadRope, Heads, Kernel, Visible};

/// Tokens of a cache that one workgroup looks at, where a cache has room for more.
const SPLIT: i64 = 256;

/// The kernel for a model op other than `spec.attention`. `status`: the status word.
///
/// # Errors
/// There is none for its shapes or types.
pub(crate) fn request(op: Op, status: Value) -> Result<Request, String> {
    if op.name() == "spec.rope" {
        return rope(op);
    }
    let found = lower_kernels::request(op).map_err(|d| {
        d.0.into_iter()
            .map(|d| d.message)
            .collect::<Vec<_>>()
            .join("; ")
    })?;
    let kernel = match found.kernel {
        spec_kernels::Kernel::Norm(k) => Kernel::Norm(k),
        spec_kernels::Kernel::Activation(k) => Kernel::Activation(k),
        spec_kernels::Kernel::Embedding(k) => Kernel::Embedding(k),
        spec_kernels::Kernel::Argmax(k) => Kernel::Argmax(k),
        spec_kernels::Kernel::Softmax(k) => Kernel::Softmax(k),
        _ => return Err(format!("no kernel of a GPU for {}", op.name())),
    };
    let buffers = (found.arguments.into_iter()).map(|argument| match argument {
        Argument::Buffer(value) => fixed(value),
        Argument::Status => Ok(Buffer {
            root: status,
            offset: 0,
        }),
        Argument::Scalar(_) => Err("a run-time value where a buffer is expected".into()),
    });
    Ok(Request {
        kernel,
        buffers: buffers.collect::<Result<_, String>>()?,
    })
}

/// A buffer at a fixed place.
fn fixed(value: Value) -> Result<Buffer, String> {
    let view = View::of(value)?;
    if !view.dynamic.is_empty() {
        return Err("a buffer whose place is known at run time only".into());
    }
    Ok(Buffer::of(&view))
}

/// Where rows of heads stand in a buffer of rank 3 whose dimension `head_dim` counts heads.
fn head_rows(view: &View, head_dim: usize) -> Result<HeadRows, String> {
    match (&view.sizes[..], &view.strides[..]) {
        ([_, _, d], [_, _, inner]) if (*inner == 1 || *d == 1) && view.dynamic.is_empty() => {
            Ok(HeadRows {
                dtype: dtype(view.element)?,
                head: view.strides[head_dim],
                token: view.strides[1 - head_dim],
            })
        }
        _ => Err("elements of a head must stand side by side, at a fixed place".into()),
    }
}

fn rope(op: Op) -> Result<Request, String> {
    let (x, cos, sin, y) = (view(op, 0)?, view(op, 1)?, view(op, 2)?, view(op, 3)?);
    let token_dim = op.attr("token_dim").and_then(|a| a.as_i64()).unwrap_or(0) as usize;
    let [_, _, d] = x.sizes[..] else {
        return Err("a rotation of something else than heads of tokens".into());
    };
    if token_dim > 1
        || [&cos, &sin]
            .iter()
            .any(|t| !t.is_contiguous() || !t.dynamic.is_empty())
    {
        return Err("tables of a rotation must be contiguous, at a fixed place".into());
    }
    let (m, heads) = (x.sizes[token_dim], x.sizes[1 - token_dim]);
    let mut scalars = Scalars::default();
    let place = fit::of_heads(&y, token_dim, m, dtype(y.element)?, &mut scalars)?;
    let mut buffers: Vec<Buffer> = [&x, &cos, &sin, &y].map(Buffer::of).into();
    buffers.extend(scalars.buffers());
    Ok(Request {
        kernel: Kernel::Heads(Heads {
            heads,
            m,
            d,
            x: head_rows(&x, 1 - token_dim)?,
            norm: None,
            rope: Some(HeadRope {
                pairing: pairing(op),
                cos: dtype(cos.element)?,
                sin: dtype(sin.element)?,
            }),
            y: place,
            scalars: scalars.dtypes(),
        }),
        buffers,
    })
}

/// Attention, perhaps in two halves.
#[derive(Debug)]
pub(crate) enum Attend {
    /// One kernel.
    Whole(Request),
    /// Two kernels. The first one's buffer that lies behind the last input, and the second one's first, are still to be made:
    /// `elements` f32.
    Split {
        first: Attention,
        inputs: Vec<Buffer>,
        y: Buffer,
        scalars: Vec<Buffer>,
        elements: i64,
    },
}

/// The kernels for a `spec.attention`.
///
/// # Errors
/// There are none for its shapes or types.
pub(crate) fn attention(op: Op) -> Result<Attend, String> {
    let operand = |i| operand_of_group(op, i).and_then(|p| op.operand(p));
    let group = |i| operand(i).map(View::of).transpose();
    let required = |i| group(i)?.ok_or_else(|| "spec.attention lacks an operand".to_string());
    let (q, k, v, y) = (required(0)?, required(1)?, required(2)?, required(7)?);
    let (new_k, new_v, mask) = (group(3)?, group(4)?, group(6)?);
    let kv_head_dim = usize::from(case(op, "kv_layout") == "token_major");
    let mut scalars = Scalars::default();
    let visible = match (&mask, operand(5)) {
        (Some(mask), _) if mask.is_contiguous() && mask.dynamic.is_empty() => {
            Visible::Mask(dtype(mask.element)?)
        }
        (Some(_), _) => return Err("a mask must be contiguous, at a fixed place".into()),
        (None, Some(position)) => Visible::Position(scalars.expr(position)?),
        (None, None) => return Err("spec.attention has neither position nor mask".into()),
    };
    let rows = |view: &View| head_rows(view, kv_head_dim);
    let new = match (&new_k, &new_v) {
        (Some(k), Some(v)) => Some((rows(k)?, rows(v)?)),
        _ => None,
    };
    let aligned = [Some(&q), Some(&k), Some(&v), new_k.as_ref(), new_v.as_ref()];
    let aligned = aligned
        .into_iter()
        .flatten()
        .all(|v| v.is_aligned(&v.strides[..2]));
    let capacity = k.sizes[1 - kv_head_dim];
    let kernel = Attention {
        heads: q.sizes[0],
        kv_heads: k.sizes[kv_head_dim],
        m: q.sizes[1],
        d: q.sizes[2],
        capacity,
        q: head_rows(&q, 0)?,
        k: rows(&k)?,
        v: rows(&v)?,
        new,
        aligned,
        visible,
        y: head_rows(&y, 0)?,
        scale: float(op, "scale"),
        softcap: float(op, "softcap"),
        split: (capacity > SPLIT).then_some(SPLIT),
        scalars: scalars.dtypes(),
    };
    let views = [
        Some(&q),
        Some(&k),
        Some(&v),
        new_k.as_ref(),
        new_v.as_ref(),
        mask.as_ref(),
    ];
    let inputs: Vec<Buffer> = views.into_iter().flatten().map(Buffer::of).collect();
    let (y, scalars) = (Buffer::of(&y), scalars.buffers().collect());
    if kernel.split.is_some() {
        let elements = partials(&kernel);
        return Ok(Attend::Split {
            first: kernel,
            inputs,
            y,
            scalars,
            elements,
        });
    }
    let buffers = [inputs, vec![y], scalars].concat();
    let kernel = Kernel::Attention(kernel);
    Ok(Attend::Whole(Request { kernel, buffers }))
}

/// f32 that the first half writes: binding `partial`.
fn partials(kernel: &Attention) -> i64 {
    let bindings = Kernel::Combine(Combine(kernel.clone())).bindings();
    bindings.first().map_or(0, |b| b.elements)
}

impl Attend {
    /// The kernels, in order; `scratch` makes a buffer of so many f32.
    pub(crate) fn requests(self, scratch: impl FnOnce(i64) -> Value) -> Vec<Request> {
        match self {
            Attend::Whole(request) => vec![request],
            Attend::Split {
                first,
                inputs,
                y,
                scalars,
                elements,
            } => {
                let partial = Buffer {
                    root: scratch(elements),
                    offset: 0,
                };
                let second = Kernel::Combine(Combine(first.clone()));
                vec![
                    Request {
                        kernel: Kernel::Attention(first),
                        buffers: [inputs, vec![partial.clone()], scalars.clone()].concat(),
                    },
                    Request {
                        kernel: second,
                        buffers: [vec![partial, y], scalars].concat(),
                    },
                ]
            }
        }
    }
}
