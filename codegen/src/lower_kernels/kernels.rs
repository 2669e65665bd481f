//! Model ops to kernels: shapes, types and strides of their operands.

use super::reader::{Buffer, Reader};
use crate::kernel_cases::{activations, format, function, norm_kind, pairing};
use spec_dialect::ffi::{Op, Value};
use spec_dialect::model_ops::{is_model_op, operand_of_group};
use spec_dialect::pass::Diagnostics;
use spec_kernels::{
    Activation, Argmax, Attention, DType, Embedding, Format, HeadRows, Kernel, Linear, Norm, Rope,
    Softmax, Strides, Table, Visible,
};

/// What goes into a slot of a kernel's array.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Argument {
    /// Address of a memref's first element.
    Buffer(Value),
    /// An index.
    Scalar(Value),
    /// Address of the status word.
    Status,
}

/// A kernel and what it is called with, slot by slot.
pub(crate) struct Request {
    pub(crate) kernel: Kernel,
    pub(crate) arguments: Vec<Argument>,
}

/// Whether kernels are for `op`.
pub(crate) fn has_kernels(op: Op) -> bool {
    is_model_op(op) || op.name() == "linalg.softmax"
}

/// The kernel for `op`.
pub(crate) fn request(op: Op) -> Result<Request, Diagnostics> {
    let reader = Reader { op };
    let found = match op.name() {
        "spec.linear" => linear(&reader),
        "spec.norm" => norm(&reader),
        "spec.activation" => activation(&reader),
        "spec.rope" => rope(&reader),
        "spec.attention" => attention(&reader),
        "spec.embedding" => embedding(&reader),
        "spec.argmax" => argmax(&reader),
        "linalg.softmax" => softmax(&reader),
        _ => Err(format!("no kernel for {}", op.name())),
    };
    found.map_err(|message| Diagnostics::at(op.loc(), message))
}

type Found = Result<Request, String>;

fn linear(reader: &Reader) -> Found {
    let (x, weight, y) = (
        reader.required(0)?,
        reader.required(1)?,
        reader.required(4)?,
    );
    let (scale, bias) = (reader.optional(2)?, reader.optional(3)?);
    let kernel = Kernel::Linear(Linear {
        m: x.sizes[0],
        n: y.sizes[1],
        k: x.sizes[1],
        x: x.dtype,
        x_stride: x.row_stride("x")?,
        y: y.dtype,
        y_stride: y.row_stride("y")?,
        format: format(reader.op, weight.dtype, scale.as_ref().map(|s| s.dtype))?,
        bias: bias.as_ref().map(|b| b.dtype),
        activations: activations(reader.op),
    });
    let mut arguments = vec![x.argument(), weight.dense("the weight")?];
    if let Some(scale) = scale {
        arguments.push(scale.dense("the scale")?);
    }
    if let Some(bias) = bias {
        arguments.push(bias.dense("the bias")?);
    }
    arguments.push(y.argument());
    Ok(Request { kernel, arguments })
}

fn norm(reader: &Reader) -> Found {
    let count = reader.op.operands().len();
    let (x, weight, y) = (
        reader.buffer(0)?,
        reader.buffer(1)?,
        reader.buffer(count - 1)?,
    );
    let bias = (count == 4).then(|| reader.buffer(2)).transpose()?;
    let kernel = Kernel::Norm(Norm {
        kind: norm_kind(reader.op),
        rows: x.sizes[0],
        n: x.sizes[1],
        x: x.dtype,
        x_stride: x.row_stride("x")?,
        weight: weight.dtype,
        bias: bias.as_ref().map(|b| b.dtype),
        y: y.dtype,
        y_stride: y.row_stride("y")?,
        eps: reader.float("eps"),
        weight_offset: reader.float("weight_offset"),
    });
    let mut arguments = vec![x.argument(), weight.dense("the weight")?];
    if let Some(bias) = bias {
        arguments.push(bias.dense("the bias")?);
    }
    arguments.push(y.argument());
    Ok(Request { kernel, arguments })
}

fn activation(reader: &Reader) -> Found {
    let count = reader.op.operands().len();
    let (x, y) = (reader.buffer(0)?, reader.buffer(count - 1)?);
    let up = (count == 3).then(|| reader.buffer(1)).transpose()?;
    let kernel = Kernel::Activation(Activation {
        function: function(reader.op),
        rows: x.sizes[0],
        n: x.sizes[1],
        x: x.dtype,
        x_stride: x.row_stride("x")?,
        up: match &up {
            Some(up) => Some((up.dtype, up.row_stride("the gated operand")?)),
            None => None,
        },
        y: y.dtype,
        y_stride: y.row_stride("y")?,
    });
    let mut arguments = vec![x.argument()];
    arguments.extend(up.iter().map(Buffer::argument));
    arguments.push(y.argument());
    Ok(Request { kernel, arguments })
}

fn rope(reader: &Reader) -> Found {
    let (x, cos, sin, y) = (
        reader.buffer(0)?,
        reader.buffer(1)?,
        reader.buffer(2)?,
        reader.buffer(3)?,
    );
    let strides = |b: &Buffer, what| {
        b.row_stride(what)?;
        Ok::<_, String>(Strides {
            a: b.strides[0],
            b: b.strides[1],
        })
    };
    let kernel = Kernel::Rope(Rope {
        a: x.sizes[0],
        b: x.sizes[1],
        d: x.sizes[2],
        token_dim: u32::from(reader.int("token_dim") == 1),
        pairing: pairing(reader.op),
        x: x.dtype,
        x_strides: strides(&x, "x")?,
        cos: cos.dtype,
        sin: sin.dtype,
        y: y.dtype,
        y_strides: strides(&y, "y")?,
    });
    let arguments = vec![
        x.argument(),
        cos.dense("the cosines")?,
        sin.dense("the sines")?,
        y.argument(),
    ];
    Ok(Request { kernel, arguments })
}

fn embedding(reader: &Reader) -> Found {
    let count = reader.op.operands().len();
    let (ids, table, y) = (
        reader.buffer(0)?,
        reader.buffer(1)?,
        reader.buffer(count - 1)?,
    );
    let scale = (count == 4).then(|| reader.buffer(2)).transpose()?;
    let kernel = Kernel::Embedding(Embedding {
        m: ids.sizes[0],
        v: table.sizes[0],
        n: y.sizes[1],
        ids: ids.dtype,
        table: match format(reader.op, table.dtype, scale.as_ref().map(|s| s.dtype))? {
            Format::Dense { dtype, .. } => Table::Dense(dtype),
            Format::I8 { group, scale } => Table::I8 { group, scale },
            Format::I4 { group, scale } => Table::I4 { group, scale },
        },
        y: y.dtype,
        y_stride: y.row_stride("y")?,
    });
    let mut arguments = vec![ids.dense("ids")?, table.dense("the table")?];
    if let Some(scale) = scale {
        arguments.push(scale.dense("the scale")?);
    }
    arguments.extend([y.argument(), Argument::Status]);
    Ok(Request { kernel, arguments })
}

fn argmax(reader: &Reader) -> Found {
    let (x, ids) = (reader.buffer(0)?, reader.buffer(1)?);
    let kernel = Kernel::Argmax(Argmax {
        m: x.sizes[0],
        v: x.sizes[1],
        x: x.dtype,
        x_stride: x.row_stride("x")?,
        ids: ids.dtype,
    });
    let arguments = vec![x.argument(), ids.dense("ids")?];
    Ok(Request { kernel, arguments })
}

/// Over the last dimension of a contiguous buffer.
fn softmax(reader: &Reader) -> Found {
    let (x, y) = (reader.buffer(0)?, reader.buffer(1)?);
    let rank = x.sizes.len();
    if reader.int("dimension") + 1 != rank as i64 {
        return Err("no kernel for a softmax over another dimension than the last".into());
    }
    let n = x.sizes[rank - 1];
    let kernel = Kernel::Softmax(Softmax {
        rows: x.sizes[..rank - 1].iter().product(),
        n,
        x: x.dtype,
        x_stride: n,
        y: y.dtype,
        y_stride: n,
    });
    let arguments = vec![x.dense("x")?, y.dense("y")?];
    Ok(Request { kernel, arguments })
}

/// Where rows of heads stand in a buffer of rank 3 whose dimension `head_dim` counts heads.
fn head_rows(buffer: &Buffer, head_dim: usize, what: &str) -> Result<HeadRows, String> {
    buffer.row_stride(what)?;
    Ok(HeadRows {
        dtype: buffer.dtype,
        head: buffer.strides[head_dim],
        token: buffer.strides[1 - head_dim],
    })
}

fn attention(reader: &Reader) -> Found {
    let [q, k, v, y] = [0, 1, 2, 7].map(|i| reader.required(i));
    let (q, k, v, y) = (q?, k?, v?, y?);
    let new = reader.optional(3)?.zip(reader.optional(4)?);
    let kv_head_dim = usize::from(reader.case("kv_layout", "head_major") == "token_major");
    let mask = reader.optional(6)?;
    if let Some(mask) = mask.as_ref().filter(|m| m.dtype != DType::F32) {
        return Err(format!("no kernel takes a mask of {}", mask.dtype.name()));
    }
    let kernel = Kernel::Attention(Attention {
        heads: q.sizes[0],
        kv_heads: k.sizes[kv_head_dim],
        m: q.sizes[1],
        d: q.sizes[2],
        capacity: k.sizes[1 - kv_head_dim],
        q: head_rows(&q, 0, "q")?,
        k: head_rows(&k, kv_head_dim, "k")?,
        v: head_rows(&v, kv_head_dim, "v")?,
        new: match &new {
            Some((k, v)) => Some((
                head_rows(k, kv_head_dim, "the new keys")?,
                head_rows(v, kv_head_dim, "the new values")?,
            )),
            None => None,
        },
        visible: match mask {
            Some(_) => Visible::Mask,
            None => Visible::Position,
        },
        y: head_rows(&y, 0, "the result")?,
        scale: reader.float("scale"),
        softcap: reader.float("softcap"),
    });
    let mut arguments = vec![q.argument(), k.argument(), v.argument()];
    if let Some((k, v)) = &new {
        arguments.extend([k.argument(), v.argument()]);
    }
    match (&mask, operand_of_group(reader.op, 5)) {
        (Some(mask), _) => arguments.push(mask.dense("the mask")?),
        (None, Some(position)) => arguments.push(Argument::Scalar(reader.operand(position)?)),
        (None, None) => return Err("spec.attention has neither position nor mask".into()),
    }
    arguments.push(y.argument());
    Ok(Request { kernel, arguments })
}
