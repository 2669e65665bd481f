//! The generator against the stock tools and the reference.

mod decode;
mod fixtures;
mod forms;
mod pair;
mod sweep;
