//! Products on a GPU: what is decided, the text of some kernels, their buffers, and what is refused.

mod schedule;
mod shapes;
mod text;
