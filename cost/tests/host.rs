//! The host's device file against latencies measured on that machine: a golden table of the model's error.

use spec_cost::{Architecture, DType, ModelShape, Soc, contributions};
use std::fmt::Write as _;

/// llama.cpp (0.3.36, AVX-512) on SmolLM2-135M at context 128: type, threads, ms for 1 token, ms for 5 tokens.
const MEASURED: [(DType, u32, f64, f64); 8] = [
    (DType::F32, 1, 42.3, 60.0),
    (DType::F32, 2, 22.7, 35.3),
    (DType::F16, 1, 23.9, 48.2),
    (DType::F16, 2, 16.6, 31.4),
    (DType::I8G32, 1, 18.1, 49.1),
    (DType::I8G32, 2, 10.7, 26.2),
    (DType::I4, 1, 14.1, 32.7),
    (DType::I4, 2, 6.8, 16.8),
];

#[test]
fn predicted_against_measured() {
    let soc = Soc::load("host").expect("built in");
    let cpu = soc.unit("cpu").expect("cpu");
    let model =
        ModelShape::from_architecture(&Architecture::load("smollm2-135m").expect("built in"));
    let mut table = "type   threads  M  predicted ms  measured ms  ratio\n".to_string();
    for (dtype, cores, one, five) in MEASURED {
        let shape = model.with_dtype(dtype);
        for (m, measured) in [(1, one), (5, five)] {
            let parts = contributions(&shape, cpu, cores, 1.0, m, 128).expect("a rate");
            let predicted = 1e3 * parts.iter().map(|c| c.seconds).sum::<f64>();
            let ratio = predicted / measured;
            let _ = writeln!(
                table,
                "{dtype:<6} {cores:>7} {m:>2} {predicted:>13.1} {measured:>12.1} {ratio:>6.2}"
            );
            // A lower bound on real kernels, and not by more than a factor of five.
            assert!((0.2..=1.1).contains(&ratio), "{dtype} {cores} {m}: {ratio}");
        }
    }
    insta::assert_snapshot!("host_smollm2", table);
}
