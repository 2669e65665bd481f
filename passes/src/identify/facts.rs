//! What one op does, read off the op itself: contraction, gather, reduction, data movement, arithmetic.

use super::bounds::{Bounds, volume};
use super::model_ops;
use spec_dialect::ffi::{MapResult, Op, Shape, Value};

/// Arithmetic that occurs in an op, including in its body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// exp, exp2
    pub exp: bool,
    /// rsqrt, sqrt
    pub root: bool,
    /// sin, cos
    pub trig: bool,
    /// tanh, erf, logistic
    pub sigmoid: bool,
    /// maximum (float or integer)
    pub max: bool,
    /// comparison
    pub compare: bool,
    /// select
    pub select: bool,
    /// `linalg.index`
    pub index: bool,
    /// float addition or subtraction
    pub add: bool,
    /// float multiplication
    pub mul: bool,
    /// float or integer arithmetic ops, per element of the iteration space
    pub arithmetic: u64,
}

/// Sizes of a matrix product, as products over the loops of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contraction {
    /// Operand numbers of the two factors.
    pub factors: [usize; 2],
    /// Loops in both factors and the result.
    pub batch: u64,
    /// Loops in the one factor and the result only: `free[0]` for `factors[0]`.
    pub free: [u64; 2],
    /// Loops in both factors, not in the result.
    pub inner: u64,
}

/// What kind of op it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A constant; `splat` if one value stands for all elements.
    Constant {
        /// One value stands for all elements.
        splat: bool,
    },
    /// Reads a global.
    Global,
    /// A matrix product.
    Contraction(Contraction),
    /// Reads rows of a table at indices that are data.
    Gather {
        /// The table's rows: the size of the indexed dimension.
        rows: u64,
        /// The table is the operand or capture with this value.
        table: Value,
    },
    /// Attention over a cache, as one op.
    Attention(model_ops::Attention),
    /// Any other op with a reduction.
    Reduction,
    /// A view: reshape, slice, cast, transpose, broadcast, plain copy.
    View,
    /// Joins tensors.
    Concat,
    /// Writes a tensor into a larger one (operand 0 into operand 1).
    Insert,
    /// An uninitialised or constant-filled tensor.
    Fill,
    /// Arithmetic, element by element.
    Elementwise,
    /// Scalar code and all else.
    Other,
}

/// Facts of one op.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Kind.
    pub kind: Kind,
    /// Body arithmetic.
    pub features: Features,
    /// Size of the iteration space (elements of the largest result for ops that have none).
    pub points: u64,
    /// Values from outside that the op's regions read.
    pub captures: Vec<Value>,
}

/// Ops whose regions are scalar bodies, not code of the program.
pub fn is_leaf(op: Op) -> bool {
    let n = op.name();
    op.region_count() == 0
        || n.starts_with("linalg.")
        || matches!(
            n,
            "tensor.generate" | "tensor.pad" | "memref.generic_atomic_rmw" | "spec.round"
        )
}

fn body_ops(op: Op) -> Vec<Op> {
    if op.region_count() == 0 {
        vec![]
    } else {
        op.nested().split_off(1)
    }
}

fn features(op: Op, body: &[Op]) -> Features {
    let mut f = Features::default();
    for o in body.iter().copied().chain(std::iter::once(op)) {
        let (dialect, name) = o.name().split_once('.').unwrap_or(("", ""));
        match (dialect, name) {
            ("math", "exp" | "exp2" | "expm1") => f.exp = true,
            ("math", "rsqrt" | "sqrt") => f.root = true,
            ("math", "sin" | "cos") => f.trig = true,
            ("math", "tanh" | "erf") => f.sigmoid = true,
            ("arith", "maximumf" | "maxnumf" | "maxsi" | "maxui") => f.max = true,
            ("arith", "cmpf" | "cmpi") => f.compare = true,
            ("arith", "select") => f.select = true,
            ("arith", "addf" | "subf" | "addi") => f.add = true,
            ("arith", "mulf" | "muli") => f.mul = true,
            ("linalg", "index") => f.index = true,
            ("linalg", "exp") => f.exp = true,
            ("linalg", "rsqrt" | "sqrt") => f.root = true,
            ("linalg", "tanh" | "erf") => f.sigmoid = true,
            ("linalg", "add" | "sub") => f.add = true,
            ("linalg", "mul") => f.mul = true,
            ("linalg", "softmax") => (f.exp, f.max, f.add) = (true, true, true),
            _ => {}
        }
        if matches!(dialect, "arith" | "math")
            && !matches!(name, "constant" | "index_cast" | "index_castui" | "bitcast")
        {
            f.arithmetic += 1;
        }
    }
    f
}

fn captures(op: Op, body: &[Op]) -> Vec<Value> {
    if body.is_empty() {
        return vec![];
    }
    let inside: rustc_hash::FxHashSet<_> = op
        .blocks()
        .into_iter()
        .chain(body.iter().flat_map(|o| o.blocks()))
        .collect();
    let mut out: Vec<Value> = vec![];
    for v in body.iter().flat_map(|o| o.operands()) {
        if v.def_block().is_some_and(|b| !inside.contains(&b)) && !out.contains(&v) {
            out.push(v);
        }
    }
    out
}

/// True if an index is computed from data (a token id, a position) rather than from a loop counter.
fn is_data_index(v: Value, depth: usize) -> bool {
    if depth == 0 {
        return false;
    }
    match v.def() {
        Some(op) => match op.name() {
            "tensor.extract" | "memref.load" => true,
            "linalg.index" | "arith.constant" | "tensor.dim" => false,
            n if n.starts_with("arith.") || n.starts_with("index.") || n.starts_with("affine.") => {
                op.operands().any(|o| is_data_index(o, depth - 1))
            }
            _ => false,
        },
        None => match v.arg_block().and_then(|b| b.parent()).map(|p| p.name()) {
            // the induction variable of a loop is not data, what it carries is
            Some("scf.for" | "affine.for") => v.index() > 0,
            Some("scf.forall" | "scf.parallel" | "affine.parallel") => false,
            Some(_) => v.ty().shape().element.is_int(),
            None => false,
        },
    }
}

/// Which operand indexes which dimension of a table.
fn gather(op: Op, body: &[Op], bounds: &mut Bounds) -> Option<Kind> {
    for o in body.iter().copied().chain(std::iter::once(op)) {
        match o.name() {
            "tensor.extract" | "memref.load" if o != op => {
                let table = o.operand(0)?;
                let dims = bounds.dims(table).ok()?;
                let at = o.operands().skip(1).position(|i| is_data_index(i, 16));
                if let Some(d) = at
                    && dims.len() >= 2
                    && table.ty().shape().element.bits() > 1
                {
                    return Some(Kind::Gather {
                        rows: dims[d],
                        table,
                    });
                }
            }
            "tensor.gather" => {
                let table = o.operand(0)?;
                let d = o.attr("gather_dims")?.as_i64_array()?.first().copied()? as usize;
                return Some(Kind::Gather {
                    rows: *bounds.dims(table).ok()?.get(d)?,
                    table,
                });
            }
            "tensor.extract_slice" => {
                let table = o.operand(0)?;
                let dims = bounds.dims(table).ok()?;
                let offsets = o.attr("static_offsets")?.as_i64_array()?;
                let sizes = o.attr("static_sizes")?.as_i64_array()?;
                let mut dynamic = 1;
                for (d, &offset) in offsets.iter().enumerate() {
                    if offset == i64::MIN {
                        let index = o.operand(dynamic)?;
                        dynamic += 1;
                        // some rows of a rank-2 table; a slice of a cache or of stacked layers is none
                        let some = sizes
                            .get(d)
                            .is_some_and(|s| *s > 0 && (*s as u64) < dims[d]);
                        if dims.len() == 2 && some && is_data_index(index, 16) {
                            return Some(Kind::Gather {
                                rows: dims[d],
                                table,
                            });
                        }
                    }
                }
            }
            _ => {}
        }
    }
    None
}

/// The loops of a structured op: size of each, and for each operand (then result) the loops it is indexed by.
struct Loops {
    sizes: Vec<u64>,
    operands: Vec<Vec<usize>>,
    reduction: Vec<bool>,
}

fn loops(op: Op, bounds: &mut Bounds) -> Option<Loops> {
    let maps = op.indexing_maps()?;
    let n = maps.first()?.dims;
    let (mut sizes, mut operands) = (vec![0u64; n], vec![]);
    for (value, map) in op.operands().zip(&maps) {
        let dims = bounds.dims(value).ok()?;
        let mut used = vec![];
        for (size, result) in dims.iter().zip(&map.results) {
            if let MapResult::Dim(d) = *result {
                sizes[d] = sizes[d].max(*size);
                used.push(d);
            }
        }
        operands.push(used);
    }
    let outs = op.results().len().max(1);
    let first_out = operands.len().checked_sub(outs)?;
    let reduction = (0..n)
        .map(|d| !operands[first_out..].iter().any(|o| o.contains(&d)))
        .collect();
    sizes.iter_mut().for_each(|s| *s = (*s).max(1));
    Some(Loops {
        sizes,
        operands,
        reduction,
    })
}

/// A sum of products of two different factors, whether a named op or a generic.
fn contraction(op: Op, l: &Loops) -> Option<Contraction> {
    if !l.reduction.iter().any(|r| *r) {
        return None;
    }
    let factors = match op.name() {
        "linalg.generic" => generic_factors(op, l)?,
        n if n.contains("matmul")
            || n.contains("matvec")
            || n.contains("vecmat")
            || matches!(
                n,
                "linalg.dot" | "linalg.contract" | "linalg.mmt4d" | "linalg.batch_mmt4d"
            ) =>
        {
            [0, 1]
        }
        _ => return None,
    };
    let [a, b] = factors.map(|f| &l.operands[f]);
    let product = |keep: &dyn Fn(usize) -> bool| {
        volume((0..l.sizes.len()).filter(|d| keep(*d)).map(|d| l.sizes[d]))
    };
    Some(Contraction {
        factors,
        batch: product(&|d| a.contains(&d) && b.contains(&d) && !l.reduction[d]),
        free: [
            product(&|d| a.contains(&d) && !b.contains(&d)),
            product(&|d| b.contains(&d) && !a.contains(&d)),
        ],
        inner: product(&|d| l.reduction[d]),
    })
}

/// The two inputs of a generic whose product is accumulated, looking through casts and scales.
fn generic_factors(op: Op, l: &Loops) -> Option<[usize; 2]> {
    let block = op.body()?;
    let args = block.args();
    let out = args.len().checked_sub(op.results().len())?;
    let acc = *args.get(out)?;
    let sum = block.terminator()?.operand(0)?.def()?;
    if !matches!(sum.name(), "arith.addf" | "arith.addi" | "math.fma") {
        return None;
    }
    let mut leaves: Vec<usize> = vec![];
    let mut multiplied = sum.name() == "math.fma";
    let mut todo: Vec<Value> = sum.operands().filter(|v| *v != acc).collect();
    if todo.len() == sum.operands().len() {
        return None; // not an accumulation
    }
    while let Some(v) = todo.pop() {
        match v.def() {
            Some(o) => {
                multiplied |= matches!(o.name(), "arith.mulf" | "arith.muli");
                todo.extend(o.operands());
            }
            None if args[..out].contains(&v) && !leaves.contains(&v.index()) => {
                leaves.push(v.index())
            }
            None => {}
        }
    }
    // the factors are the inputs with most loops; scales and zero points have fewer
    leaves.sort_by_key(|i| std::cmp::Reverse(volume(l.operands[*i].iter().map(|d| l.sizes[*d]))));
    let reduces = |i: &usize| l.operands[*i].iter().any(|d| l.reduction[*d]);
    let a = *leaves.first()?;
    let own = |x: usize, y: usize| l.operands[x].iter().any(|d| !l.operands[y].contains(d));
    let b = *leaves
        .iter()
        .skip(1)
        .find(|i| reduces(i) && (own(**i, a) || own(a, **i)))?;
    (multiplied && reduces(&a)).then(|| [a.min(b), a.max(b)])
}

fn is_copy(op: Op, f: &Features) -> bool {
    op.name() == "linalg.generic"
        && f.arithmetic == 0
        && !f.index
        && op
            .body()
            .and_then(|b| b.terminator())
            .and_then(|t| t.operand(0))
            .is_some_and(|v| v.def().is_none())
}

/// A generic that only changes the element type.
fn is_cast(op: Op, body: &[Op]) -> bool {
    op.name() == "linalg.generic"
        && body.len() == 2
        && matches!(
            body[0].name(),
            "arith.extf" | "arith.truncf" | "arith.extsi" | "arith.extui" | "arith.trunci"
        )
        && body[0].operands().all(|v| v.def().is_none())
}

/// Reads the facts of one op. Dynamic sizes are replaced by their upper bounds.
pub fn facts(op: Op, bounds: &mut Bounds) -> Facts {
    if let Some(facts) = model_ops::facts(op) {
        return facts;
    }
    let body = body_ops(op);
    let features = features(op, &body);
    let loops = loops(op, bounds);
    let elements = |s: Shape| volume(s.dims.iter().map(|d| d.unwrap_or(1)));
    let points = match &loops {
        Some(l) => volume(l.sizes.iter().copied()),
        None => op
            .results()
            .map(|r| {
                bounds
                    .dims(r)
                    .map(volume)
                    .unwrap_or_else(|_| elements(r.ty().shape()))
            })
            .max()
            .unwrap_or(1),
    };
    let kind = kind(op, &body, &features, loops.as_ref(), bounds);
    Facts {
        kind,
        features,
        points,
        captures: captures(op, &body),
    }
}

fn kind(op: Op, body: &[Op], f: &Features, l: Option<&Loops>, bounds: &mut Bounds) -> Kind {
    match op.name() {
        "arith.constant" | "tensor.splat" => {
            return Kind::Constant {
                splat: op
                    .attr("value")
                    .is_none_or(|v| !v.is_elements() || v.is_splat()),
            };
        }
        "ml_program.global_load" | "ml_program.global_load_const" | "memref.get_global" => {
            return Kind::Global;
        }
        "tensor.concat" => return Kind::Concat,
        "tensor.insert_slice"
        | "tensor.insert"
        | "tensor.scatter"
        | "tensor.parallel_insert_slice" => return Kind::Insert,
        "tensor.empty" | "linalg.fill" => return Kind::Fill,
        "tensor.collapse_shape"
        | "tensor.expand_shape"
        | "tensor.reshape"
        | "tensor.cast"
        | "tensor.bitcast"
        | "linalg.transpose"
        | "linalg.broadcast"
        | "linalg.copy"
        | "tensor.pad"
        | "linalg.pack"
        | "linalg.unpack"
        | "bufferization.to_tensor"
        | "bufferization.to_buffer"
        | "bufferization.alloc_tensor" => return Kind::View,
        _ => {}
    }
    if let Some(g) = gather(op, body, bounds) {
        return g;
    }
    if op.name() == "tensor.extract_slice" {
        return Kind::View;
    }
    let Some(l) = l else { return Kind::Other };
    if let Some(c) = contraction(op, l) {
        Kind::Contraction(c)
    } else if l.reduction.iter().any(|r| *r) || op.name() == "linalg.softmax" {
        Kind::Reduction
    } else if op.name() == "linalg.generic"
        && op.operands().len() == op.results().len()
        && !f.index
        && body.len() == 1
    {
        Kind::Fill
    } else if is_copy(op, f) || is_cast(op, body) {
        Kind::View
    } else {
        Kind::Elementwise
    }
}
