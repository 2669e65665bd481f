//! GPU kernels one by one, on the software device, against double precision; operands lie between guards, and the bits of a token do not
//! depend on how many there are.

#[path = "gpu_kernels/attention.rs"]
mod attention;
#[path = "gpu_kernels/check.rs"]
mod check;
#[path = "gpu_kernels/linear.rs"]
mod linear;
#[path = "gpu_kernels/lookups.rs"]
mod lookups;
#[path = "gpu_kernels/products.rs"]
mod products;
#[path = "gpu_kernels/rows.rs"]
mod rows;
#[path = "gpu_kernels/run.rs"]
mod run;
