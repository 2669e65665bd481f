//! Gives reductions that no kernel covers a form that becomes vector code.
//!
//! *Before*: structured ops on buffers. As loops, a sum of floats is a chain of additions that LLVM must keep in order.
//!
//! ```mlir
//! func.func @matvec(%w: memref<4x37xf32>, %x: memref<37xf32>, %y: memref<4xf32>) {
//!   linalg.matvec ins(%w, %x : memref<4x37xf32>, memref<37xf32>) outs(%y : memref<4xf32>)
//! ```
//!
//! *After*: lane l of a vector of L = 16 sums the elements k with k mod L = l, in ascending order, those of the remainder too; then the
//! lanes are added by halving, and to what the output held.
//!
//! ```mlir
//! ... = scf.for ... iter_args(...) -> (vector<16xf32>) {
//! ... = vector.load %arg0[...] : memref<4x37xf32>, vector<16xf32>
//! ... = vector.load %arg1[...] : memref<37xf32>, vector<16xf32>
//! ... = arith.mulf ... : vector<16xf32>
//! ... = arith.addf ... : vector<16xf32>
//! ... = vector.load %arg0[...] : memref<4x37xf32>, vector<5xf32>
//! ... = vector.shuffle ... : vector<16xf32>, vector<16xf32>
//! ... = arith.addf ... : vector<8xf32>
//! memref.store ...
//! ```
//!
//! Where more inputs are contiguous along the output's last dimension than along the reduction, or as many (`x @ W` with `W` as
//! `[in, out]`), the loops are interchanged: the output's last dimension becomes the innermost loop, which LLVM vectorises.
//!
//! *Why here*: on buffers, strides are known, and accumulators are vectors in registers, which one-shot-bufferize does not take through
//! a loop.
//!
//! *Legality*: splitting rounds a sum in another order than one after the other. The order depends on the op's indexing maps, on the sizes of its
//! reduction dimensions and on L, on no other size: so not on the number of tokens. Interchanging changes no bit.
//! Only sums, and maxima and minima (`maximumf`, `maxnumf`, ...), whose combiner is the last op of the body, are split; their meaning for NaN
//! stays. Everything else stays what it is: other element types than floats, several outputs, `linalg.index`, dynamic sizes,
//! indices other than dimensions and constants, reductions shorter than 2 L.
//!
//! The maps themselves may depend on the number of tokens: upstream's fusion expands dimensions of 1, or moves a transposition into a
//! product of one token only. A sum that is split in one form and not in the other has two orders; with `sums=false`, there is one.
//!
//! *Options*: `lanes`: L, a power of two from 2 to 64; 16. `sums`: whether sums are split, or only extrema; true.
//!
//! *Neighbours*: after `one-shot-bufferize` and `spec-lower-kernels`, before `arith-expand` and `convert-linalg-to-loops`.
//!
//! *Does not do*: no tiling for caches, no blocks of several outputs, no threads; integer sums are LLVM's.

mod emit;
mod interchange;
mod lanes;
mod structure;

use self::structure::{Structure, combiner};
use spec_dialect::ffi::{Ctx, Op, OptionDesc, OptionKind, Options};
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};

/// The pass.
#[derive(Clone, Default)]
pub struct SplitReductions {
    lanes: u64,
    sums: bool,
}

impl Pass for SplitReductions {
    const DESC: PassDesc = PassDesc {
        argument: "spec-split-reductions",
        name: "SpecSplitReductions",
        help: "Reductions on buffers as vectors of partial results, or with a contiguous innermost loop",
        op: "func.func",
        dialects: &[
            Dependency::Arith,
            Dependency::Linalg,
            Dependency::Memref,
            Dependency::Scf,
            Dependency::Vector,
        ],
        options: &[
            OptionDesc {
                name: "lanes",
                help: "partial results of a reduction: a power of two from 2 to 64",
                kind: OptionKind::Int,
                default: "16",
            },
            OptionDesc {
                name: "sums",
                help: "split sums too, which rounds them in another order",
                kind: OptionKind::Bool,
                default: "true",
            },
        ],
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        self.sums = options.bool("sums");
        let lanes = options.int("lanes");
        self.lanes = u64::try_from(lanes).unwrap_or(0);
        if (2..=64).contains(&self.lanes) && self.lanes.is_power_of_two() {
            return Ok(());
        }
        Err(format!("lanes={lanes}: give a power of two from 2 to 64"))
    }

    fn run(&mut self, function: Op) -> Result<(), Diagnostics> {
        // all first: rewriting one erases the ops of its body
        let found: Vec<Structure> = (function.nested().into_iter())
            .filter_map(Structure::of)
            .collect();
        for reduction in &found {
            self.rewrite(reduction);
        }
        Ok(())
    }
}

impl SplitReductions {
    fn rewrite(&self, reduction: &Structure) {
        let along = |dim| reduction.contiguous_inputs(dim);
        // the last of the best; sizes of parallel dimensions must not matter here
        let best = (reduction.reduced().into_iter()).max_by_key(|d| (along(*d), *d));
        let (Some(dim), last) = (best, reduction.last_of_output()) else {
            return;
        };
        let of_output = last.map_or(0, along);
        if along(dim) > of_output {
            if let Some(combiner) = combiner(reduction)
                && (self.sums || !combiner.is_sum)
                && reduction.sizes[dim] >= 2 * self.lanes
            {
                lanes::split(reduction, dim, combiner, self.lanes);
            }
        } else if let Some(last) = last
            && of_output > 0
            && reduction.sizes[last] >= self.lanes
        {
            interchange::innermost(reduction, last);
        }
    }
}
