//! Lowerings of the spec dialect.

mod c_abi;
mod check_bounds;
mod cursor;
mod decompose;
pub mod emit;
pub mod ffi;
mod finish_spirv;
mod forward_layouts;
pub mod gpu;
mod gpu_device;
mod group_kernels;
mod kernel_cases;
mod lower_kernels;
mod lower_to_gpu;
mod lower_to_host;
pub mod pipeline;
mod plan_memory;
mod prepare_entry;
mod scalars_to_tensors;
mod share_layers;
mod split_reductions;
mod target;
mod unroll_loops;

pub use c_abi::CAbi;
pub use check_bounds::CheckBounds;
pub use decompose::Decompose;
pub use finish_spirv::FinishSpirv;
pub use forward_layouts::ForwardLayouts;
pub use group_kernels::GroupKernels;
pub use lower_kernels::LowerKernels;
pub use lower_to_gpu::LowerToGpu;
pub use lower_to_host::LowerToHost;
pub use plan_memory::PlanMemory;
pub use prepare_entry::PrepareEntry;
pub use scalars_to_tensors::ScalarsToTensors;
pub use share_layers::ShareLayers;
pub use split_reductions::SplitReductions;
pub use unroll_loops::UnrollLoops;

/// Registers all passes of this crate in MLIR's registry; once a process.
pub fn register() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        spec_dialect::pass::register::<LowerToHost>();
        spec_dialect::pass::register::<Decompose>();
        spec_dialect::pass::register::<CheckBounds>();
        spec_dialect::pass::register::<PrepareEntry>();
        spec_dialect::pass::register::<ForwardLayouts>();
        spec_dialect::pass::register::<PlanMemory>();
        spec_dialect::pass::register::<GroupKernels>();
        spec_dialect::pass::register::<UnrollLoops>();
        spec_dialect::pass::register::<ScalarsToTensors>();
        spec_dialect::pass::register::<LowerToGpu>();
        spec_dialect::pass::register::<ShareLayers>();
        spec_dialect::pass::register::<LowerKernels>();
        spec_dialect::pass::register::<SplitReductions>();
        spec_dialect::pass::register::<CAbi>();
        spec_dialect::pass::register::<FinishSpirv>();
    });
}
