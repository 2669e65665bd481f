//! CPU kernels of language models: what a core can do and what shape an operation has decide a schedule, and the schedule
//! decides the text of a kernel in MLIR's `arith`, `math`, `scf`, `vector` and `llvm` dialects.
//!
//! A kernel is `func.func private @NAME(%args: !llvm.ptr, %lo: i64, %hi: i64)`. `args` points to 8-byte slots, one per operand:
//! a pointer to its first element, or an i64 scalar. It computes the units `[lo, hi)` of [`Kernel::units`]; disjoint ranges
//! may run on different cores at once.
//!
//! Kernels are batch invariant, bit for bit: the arithmetic behind one output element is a function of that element's inputs, of the
//! target and of the sizes that it sums over; never of the number of tokens in the call, of the range, or of the number of cores.

mod activation;
mod argmax;
mod attention;
mod embedding;
pub mod gpu;
mod lanes;
mod linear;
mod mathfn;
mod norm;
mod rope;
pub mod schedule;
mod softmax;
mod target;
mod text;

pub use activation::Activation;
pub use argmax::Argmax;
pub use attention::{Attention, HeadRows, Visible};
pub use embedding::{Embedding, Table};
pub use linear::{Activations, Format, Layout, Linear};
pub use mathfn::Function;
pub use norm::{Norm, NormKind};
pub use rope::{Pairing, Rope, Strides};
pub use softmax::Softmax;
pub use target::{Arch, Feature, Target};
pub use text::{Text, Value};

/// Element type of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// 32-bit float.
    F32,
    /// 16-bit IEEE float.
    F16,
    /// bfloat16.
    BF16,
    /// 8-bit integer.
    I8,
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
}

impl DType {
    /// MLIR's spelling, also used in kernel names.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F16 => "f16",
            DType::BF16 => "bf16",
            DType::I8 => "i8",
            DType::I32 => "i32",
            DType::I64 => "i64",
        }
    }

    /// Size of an element in bytes.
    pub fn bytes(self) -> u64 {
        match self {
            DType::I8 => 1,
            DType::F16 | DType::BF16 => 2,
            DType::F32 | DType::I32 => 4,
            DType::I64 => 8,
        }
    }
}

/// Why there is no kernel for an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// The operation is outside of what kernels are written for; a generic lowering may still exist.
    #[error("{0}")]
    Unsupported(String),
}

/// One entry of a kernel's argument array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A pointer to `elements` elements (gaps of strided rows included) that the kernel reads.
    Read {
        /// What it is.
        name: &'static str,
        /// Element type.
        dtype: DType,
        /// Distance from the first element to one past the last.
        elements: i64,
    },
    /// A pointer to elements that the kernel writes, or some of them.
    Write {
        /// What it is.
        name: &'static str,
        /// Element type.
        dtype: DType,
        /// Distance from the first element to one past the last.
        elements: i64,
    },
    /// An i64 in the slot itself.
    Scalar {
        /// What it is.
        name: &'static str,
    },
}

/// An operation with everything that its text depends on besides the [`Target`].
#[derive(Clone, Debug, PartialEq)]
pub enum Kernel {
    /// Matrix times vectors, dense or quantised.
    Linear(Linear),
    /// RMS or layer normalisation.
    Norm(Norm),
    /// Rotary position embedding.
    Rope(Rope),
    /// Attention over a cache and new rows.
    Attention(Attention),
    /// Pointwise function, gated or not.
    Activation(Activation),
    /// Softmax of rows.
    Softmax(Softmax),
    /// Rows of a table.
    Embedding(Embedding),
    /// Index of the largest element of each row.
    Argmax(Argmax),
}

/// What every kernel's struct provides; the methods of [`Kernel`] forward to it.
pub(crate) trait Emit {
    /// See [`Kernel::name`].
    fn name(&self) -> String;
    /// See [`Kernel::units`].
    fn units(&self) -> i64;
    /// See [`Kernel::grain`].
    fn grain(&self, target: &Target) -> i64;
    /// See [`Kernel::slots`].
    fn slots(&self) -> Vec<Slot>;
    /// See [`Kernel::emit`].
    fn emit(&self, target: &Target) -> Result<String, KernelError>;
}

impl Kernel {
    fn inner(&self) -> &dyn Emit {
        match self {
            Kernel::Linear(k) => k,
            Kernel::Norm(k) => k,
            Kernel::Rope(k) => k,
            Kernel::Attention(k) => k,
            Kernel::Activation(k) => k,
            Kernel::Softmax(k) => k,
            Kernel::Embedding(k) => k,
            Kernel::Argmax(k) => k,
        }
    }

    /// Name of the function: different for kernels with different text on one target.
    pub fn name(&self) -> String {
        self.inner().name()
    }

    /// Number of independent units of work.
    pub fn units(&self) -> i64 {
        self.inner().units()
    }

    /// Bounds of a range of units, other than 0 and [`Kernel::units`], are multiples of this.
    pub fn grain(&self, target: &Target) -> i64 {
        self.inner().grain(target)
    }

    /// The entries of the argument array, in order.
    pub fn slots(&self) -> Vec<Slot> {
        self.inner().slots()
    }

    /// The function as MLIR text.
    ///
    /// # Errors
    /// [`KernelError::Unsupported`] where shapes or types are outside of what the kernel is written for; the message names the limit.
    pub fn emit(&self, target: &Target) -> Result<String, KernelError> {
        self.inner().emit(target)
    }
}
