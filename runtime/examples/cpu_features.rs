//! Prints what the processor can do: `cargo run -p spec-runtime --example cpu_features`.

#![allow(clippy::print_stdout)] // a tool of its own

use spec_runtime::cpu::{CpuError, CpuFeatures};

fn main() -> Result<(), CpuError> {
    let start = std::time::Instant::now();
    let found = CpuFeatures::host()?;
    let took = start.elapsed();
    println!("usable: {}", found.usable.join(" "));
    println!("after request_tiles: {}", found.on_request.join(" "));
    for broken in &found.broken {
        println!("broken: {} (signal {:?})", broken.name, broken.signal);
    }
    println!("absent: {}", found.absent.join(" "));
    println!("tested in {took:?}");
    Ok(())
}
