//! GPU kernels as text in MLIR's `gpu`, `arith`, `math`, `scf`, `memref` and `vector` dialects, for compute queues of Vulkan 1.3.
//!
//! A kernel is `gpu.func @KERNEL(%b0: memref<?xT0>, ..., %push: memref<Nxi32, #spirv.storage_class<PushConstant>>) kernel`.
//! Argument i is binding i of descriptor set 0, a storage buffer of any element type `Ti` that suits the kernel (16 bytes at once
//! where it can); the last argument is the block of push constants: word i is the offset of binding i, in elements of its
//! [`Binding::dtype`]. Sizes and strides are part of the text. What is known at run time only (a position) is an [`Expr`] over small
//! buffers, which are bindings like the others.
//!
//! No kernel depends on the size of a subgroup. The arithmetic behind an output element does not depend on how many tokens the call has.

mod attention;
mod expr;
mod heads;
mod linear;
mod rows;
mod write;

pub use expr::{Cond, Expr};
pub use linear::{LinearSchedule, LinearTile, schedule as linear_schedule, stage_fits};
pub use write::{Reduce, Shared, Width, Writer};

use crate::{
    Activation, Activations, Argmax, DType, Embedding, Format, Function, HeadRows, KernelError,
    Norm, NormKind, Pairing, Rope, Softmax,
};

/// What a device offers to kernels; comes from its device file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Invocations that a workgroup may have.
    pub invocations: u32,
    /// Workgroup memory, bytes.
    pub shared_bytes: u32,
    /// Usual size of a subgroup: a hint for schedules.
    pub subgroup: u32,
    /// Storage buffers that one kernel may bind.
    pub bindings: u32,
    /// 16-bit elements in storage buffers.
    pub storage16: bool,
    /// 8-bit elements in storage buffers.
    pub storage8: bool,
    /// Arithmetic on 16-bit floats.
    pub float16: bool,
    /// Arithmetic on 8-bit integers.
    pub int8: bool,
    /// Dot products of four packed 8-bit integers.
    pub dot4x8: bool,
}

/// How a kernel uses a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    /// Reads only.
    Read,
    /// Writes only, perhaps not all of it.
    Write,
    /// Reads and writes.
    ReadWrite,
}

/// One storage buffer of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// What it is; a name for debuggers.
    pub name: &'static str,
    /// Element type, in whose units the offset counts.
    pub dtype: DType,
    /// How it is used.
    pub access: Access,
    /// Distance from the first element to one past the last, gaps included; of an operand at a run-time place: the whole range
    /// in which it can lie.
    pub elements: i64,
}

/// A kernel's text and how it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// A `gpu.func @KERNEL`, with `spirv.entry_point_abi`.
    pub text: String,
    /// Invocations of a workgroup.
    pub workgroup: [u32; 3],
    /// Workgroups of a dispatch.
    pub groups: [u32; 3],
}

/// Rows of a buffer: element i of row t is at `t * stride + i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rows {
    /// Element type.
    pub dtype: DType,
    /// Distance of rows, in elements.
    pub stride: i64,
    /// The offset and the stride are multiples of 16 bytes: elements can be loaded 16 bytes at once.
    pub aligned: bool,
}

/// Where row r of token t goes: `r / d * head + (t + at) * token + r % d`.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Element type.
    pub dtype: DType,
    /// Elements of a head, side by side. As many as there are rows, if there are no heads.
    pub d: i64,
    /// Distance of heads, in elements.
    pub head: i64,
    /// Distance of tokens, in elements.
    pub token: i64,
    /// The first token's place in a cache, if it is known at run time only.
    pub at: Option<Expr>,
    /// Tokens that the place has room for: more than the call's, in a cache.
    pub capacity: i64,
}

/// What happens to the activations before a product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// Nothing.
    Plain,
    /// They are normalised, as `spec.norm` says. Bindings after x: weight, bias if any (K elements each, contiguous).
    Norm {
        /// Which.
        kind: NormKind,
        /// Added to the mean of squares.
        eps: f32,
        /// Added to the weight.
        weight_offset: f32,
        /// Element type of the weight.
        weight: DType,
        /// Element type of the bias.
        bias: Option<DType>,
        /// Type that a normalised element is rounded to, as if it were stored.
        round: DType,
    },
}

/// What happens to the rows of a product.
#[derive(Clone, Debug, PartialEq)]
pub enum Finish {
    /// Stored, after adding a residual (binding `add`, before `to`).
    Store {
        /// The residual: element r of token t.
        add: Option<Rows>,
        /// Destination.
        to: Place,
    },
    /// Rotated (`spec.rope`), heads of `to.d` rows. Bindings: cosines, sines ([M, d/2] contiguous), `to`.
    Rope {
        /// Which rows rotate together.
        pairing: Pairing,
        /// Element type of the cosines.
        cos: DType,
        /// Element type of the sines.
        sin: DType,
        /// Destination.
        to: Place,
    },
    /// `function(this)`, times the next part's rows if `gated`; then that part has [`Finish::Up`] and as many rows.
    Activate {
        /// The function.
        function: Function,
        /// Whether the next part is a factor.
        gated: bool,
        /// Destination.
        to: Place,
    },
    /// The factor of the part before; stored nowhere.
    Up,
}

/// One weight of a group of products.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Rows.
    pub n: i64,
    /// How the weight is stored.
    pub format: Format,
    /// The weight's offset is a multiple of 16 bytes.
    pub aligned: bool,
    /// Element type of the bias, if there is one.
    pub bias: Option<DType>,
    /// Type that a product, with its bias, is rounded to before its finish, as if it were stored.
    pub round: DType,
    /// What happens to the rows.
    pub finish: Finish,
}

/// Products of the same activations x [M, K] with several weights, with what comes before and after them. Its bits are those of the
/// kernels that do the same one after another: what is gathered in one kernel may depend on M, results do not.
///
/// Bindings: x; those of the stage; for each part: weight, scale if quantised, bias if any, those of its finish; `scalars`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearGroup {
    /// Tokens.
    pub m: i64,
    /// Elements that are summed.
    pub k: i64,
    /// Activations.
    pub x: Rows,
    /// What happens to them first.
    pub stage: Stage,
    /// Weights.
    pub parts: Vec<Part>,
    /// Whether activations are quantised at run time: per token and block of 32, products of 8-bit integers.
    pub activations: Activations,
    /// Element types of the buffers that run-time values are read from.
    pub scalars: Vec<DType>,
}

/// Tokens that attention may look at.
#[derive(Clone, Debug, PartialEq)]
pub enum Visible {
    /// Those before the position, and the call's own up to the query's.
    Position(Expr),
    /// Those where the mask ([M, capacity] contiguous, with new rows [M, capacity + M]; f32 or f16) is not -inf; the mask is added.
    Mask(DType),
}

/// Attention over a cache, as `spec.attention` says.
///
/// Bindings: q, k, v; new k, new v if there are any; the mask if there is one; y; `scalars`. With `split`, y is not
/// there, but `partial`: f32 [splits, M, heads, d + 2] (sums, then maximum and sum of weights), which [`Combine`] turns into y.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Heads of queries.
    pub heads: i64,
    /// Heads of keys and values.
    pub kv_heads: i64,
    /// Tokens.
    pub m: i64,
    /// Elements of a head.
    pub d: i64,
    /// Tokens that the cache has room for.
    pub capacity: i64,
    /// Queries.
    pub q: HeadRows,
    /// Keys.
    pub k: HeadRows,
    /// Values.
    pub v: HeadRows,
    /// Keys and values of the call's own tokens, where they are not in the cache.
    pub new: Option<(HeadRows, HeadRows)>,
    /// Offsets and strides of q, k, v and the new rows are multiples of 16 bytes.
    pub aligned: bool,
    /// What is visible.
    pub visible: Visible,
    /// Result.
    pub y: HeadRows,
    /// Factor of the scores.
    pub scale: f32,
    /// Bound of the scores, 0: none.
    pub softcap: f32,
    /// Tokens of the cache that one workgroup looks at, if they are split over several.
    pub split: Option<i64>,
    /// Element types of the buffers that run-time values are read from.
    pub scalars: Vec<DType>,
}

/// Second half of a split [`Attention`]. Bindings: partial, y, `scalars`.
#[derive(Clone, Debug, PartialEq)]
pub struct Combine(pub Attention);

/// Per-head work apart from a product: normalisation, rotation, transposition, appending to a cache.
///
/// Bindings: x; norm weight if any; cosines and sines if any; y; `scalars`.
#[derive(Clone, Debug, PartialEq)]
pub struct Heads {
    /// Heads.
    pub heads: i64,
    /// Tokens.
    pub m: i64,
    /// Elements of a head.
    pub d: i64,
    /// Input.
    pub x: HeadRows,
    /// RMS normalisation of each head (a weight of d).
    pub norm: Option<HeadNorm>,
    /// Rotation.
    pub rope: Option<HeadRope>,
    /// Result.
    pub y: Place,
    /// Element types of the buffers that run-time values are read from.
    pub scalars: Vec<DType>,
}

/// Normalisation of a head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadNorm {
    /// Added to the mean of squares.
    pub eps: f32,
    /// Added to the weight.
    pub weight_offset: f32,
    /// Element type of the weight.
    pub weight: DType,
}

/// Rotation of a head by its token's angles ([M, d/2] contiguous).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadRope {
    /// Which elements rotate together.
    pub pairing: Pairing,
    /// Element type of the cosines.
    pub cos: DType,
    /// Element type of the sines.
    pub sin: DType,
}

/// Sets the status word to 2 if a condition does not hold. Bindings: status (i32), `scalars`.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What must hold.
    pub conditions: Vec<Cond>,
    /// Element types of the buffers that run-time values are read from.
    pub scalars: Vec<DType>,
}

/// The largest elements of each row, largest first, the earlier of equals first; a NaN is never among them. Where there are no more, the id is 0 and the
/// value -inf. Bindings: x `[M, V]`, ids `[M, K]`, values `[M, K]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopK {
    /// Rows M.
    pub m: i64,
    /// Elements V of a row.
    pub v: i64,
    /// How many K, 64 at most.
    pub k: i64,
    /// Type of x.
    pub x: DType,
    /// Distance of x's rows, elements.
    pub x_stride: i64,
    /// Type of the ids: i32 or i64.
    pub ids: DType,
    /// Type of the values.
    pub values: DType,
}

/// Text that the caller made: ops without a kernel of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generic {
    /// A short name.
    pub label: String,
    /// Buffers.
    pub bindings: Vec<Binding>,
    /// What is run.
    pub emitted: Emitted,
}

/// A kernel with everything that its text depends on besides the [`Device`].
///
/// `Norm`, `Activation`, `Rope`, `Embedding`, `Argmax` and `Softmax` are the shapes of the CPU's kernels of these names; their bindings are in
/// the order of the CPU's slots. An embedding's last binding is the status word (i32), set to 1 by a token id outside of the table.
#[derive(Clone, Debug, PartialEq)]
pub enum Kernel {
    /// Products with one or more weights.
    Linear(LinearGroup),
    /// Attention.
    Attention(Attention),
    /// Second half of a split attention.
    Combine(Combine),
    /// Per-head work.
    Heads(Heads),
    /// Normalisation of rows.
    Norm(Norm),
    /// Element-wise activation.
    Activation(Activation),
    /// Rotation in its general form.
    Rope(Rope),
    /// Rows of a table.
    Embedding(Embedding),
    /// Index of the largest element.
    Argmax(Argmax),
    /// Softmax of rows.
    Softmax(Softmax),
    /// Largest elements.
    TopK(TopK),
    /// Assertions.
    Check(Check),
    /// Text of the caller's.
    Generic(Generic),
}

impl Kernel {
    /// A short name for people, such as `linear3_576_f16`; letters, digits and `_`. Not unique.
    pub fn label(&self) -> String {
        match self {
            Kernel::Linear(k) => linear::label(k),
            Kernel::Attention(k) => attention::label(k),
            Kernel::Combine(k) => attention::combine_label(k),
            Kernel::Heads(k) => heads::label(k),
            Kernel::Generic(k) => k.label.clone(),
            other => rows::label(other),
        }
    }

    /// Storage buffers, in the order of binding numbers.
    pub fn bindings(&self) -> Vec<Binding> {
        match self {
            Kernel::Linear(k) => linear::bindings(k),
            Kernel::Attention(k) => attention::bindings(k),
            Kernel::Combine(k) => attention::combine_bindings(k),
            Kernel::Heads(k) => heads::bindings(k),
            Kernel::Generic(k) => k.bindings.clone(),
            other => rows::bindings(other),
        }
    }

    /// The kernel for `device`.
    ///
    /// # Errors
    /// The device lacks what every variant needs, or the shapes are outside of what the kernel is written for.
    pub fn emit(&self, device: &Device) -> Result<Emitted, KernelError> {
        match self {
            Kernel::Linear(k) => linear::emit(k, device),
            Kernel::Attention(k) => attention::emit(k, device),
            Kernel::Combine(k) => attention::emit_combine(k, device),
            Kernel::Heads(k) => heads::emit(k, device),
            Kernel::Generic(k) => Ok(k.emitted.clone()),
            other => rows::emit(other, device),
        }
    }
}
