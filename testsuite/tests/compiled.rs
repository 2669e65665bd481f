//! Whole models as machine code: against a double-precision reference, and bit for bit whatever the number of tokens in a call and of
//! cores.

use spec_runtime::pool::Pool;
use spec_testsuite::compiled::{Compiled, compile};
use spec_testsuite::modelgen::{
    CacheForm, EXPORTERS, Element, Exporter, Form, Host, ModelSpec, Output, Reference, argmax,
    build, catalogue, mixtures,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tokens that a verification takes.
const M: usize = 3;
/// A prompt, long enough for several verifications.
const PROMPT: [usize; 9] = [3, 17, 42, 5, 63, 0, 31, 8, 22];

/// What a model answers to the prompt, token by token.
struct Answers {
    heads: Vec<Vec<f64>>,
    caches: Vec<Vec<f64>>,
}

/// Feeds the prompt in calls of `m` tokens to `function`.
fn answers(
    compiled: &Compiled,
    model: &ModelSpec,
    function: &str,
    m: usize,
    pool: Option<&Pool>,
) -> Result<Answers, String> {
    let mut host = Host::new(&model.config, &model.style);
    let mut heads = vec![];
    for (i, tokens) in PROMPT.chunks(m).enumerate() {
        let head = host.call_with(tokens, i * m, |args, types| {
            compiled.call(function, args, types, pool)
        })?;
        let width = head.len() / m;
        heads.extend(head.chunks(width).map(<[f64]>::to_vec));
    }
    let caches = host.caches().map(<[f64]>::to_vec).collect();
    Ok(Answers { heads, caches })
}

fn same_bits(a: &Answers, b: &Answers) -> bool {
    let bits = |rows: &[Vec<f64>]| -> Vec<Vec<u64>> {
        (rows.iter())
            .map(|r| r.iter().map(|v| v.to_bits()).collect())
            .collect()
    };
    bits(&a.heads) == bits(&b.heads) && bits(&a.caches) == bits(&b.caches)
}

/// Largest difference that rounding explains, relative to the largest logit.
fn tolerance(dtype: Element) -> f64 {
    match dtype {
        Element::F32 => 2e-5,
        Element::F16 => 2e-2,
        _ => 1e-1,
    }
}

fn against_reference(model: &ModelSpec, found: &Answers) -> Result<(), String> {
    let mut reference = Reference::new(&model.config, &model.style);
    let expected = reference.forward(&PROMPT, 0);
    for (i, (expected, found)) in expected.iter().zip(&found.heads).enumerate() {
        if model.style.output == Output::Token {
            let best = argmax(expected);
            if found != &[best as f64] {
                return Err(format!("token {i}: {found:?}, expected {best}"));
            }
            continue;
        }
        let largest = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        for (e, f) in expected.iter().zip(found) {
            let error = (e - f).abs() / largest;
            if error.is_nan() || error > tolerance(model.config.dtype) {
                return Err(format!("token {i}: {f}, expected {e} (error {error:.2e})"));
            }
        }
    }
    Ok(())
}

/// With a mask as an argument, nothing says which rows are visible: a new row is summed behind the whole cache, and as a cached row at
/// its position.
fn reorders_rows(model: &ModelSpec) -> bool {
    model.style.mask_argument && model.style.cache == CacheForm::Rows
}

fn problem(model: &ModelSpec, pool: &Pool) -> Result<(), String> {
    let text = build(&Form::DecodeVerify(model.clone(), M)).text;
    let compiled = Compiled::new(&text, &[])?;
    let one = answers(&compiled, model, "decode", 1, None)?;
    against_reference(model, &one)?;
    let several = answers(&compiled, model, "verify", M, None)?;
    against_reference(model, &several)?;
    if !same_bits(&one, &several) && !reorders_rows(model) {
        return Err(format!("{M} tokens in a call give other bits than one"));
    }
    let cores = answers(&compiled, model, "verify", M, Some(pool))?;
    if !same_bits(&several, &cores) {
        return Err("two cores give other bits than one".into());
    }
    Ok(())
}

/// Checks all models, two at a time.
fn check(models: Vec<(String, ModelSpec)>) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let pool = Pool::new(2).expect("a pool of two threads");
                while let Some((name, model)) = models.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(problem) = problem(model, &pool) {
                        let line = format!("{name}: {problem}");
                        failures.lock().expect("no panic elsewhere").push(line);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no panic elsewhere");
    assert!(
        failures.is_empty(),
        "{} of {} models:\n{}",
        failures.len(),
        models.len(),
        failures.join("\n")
    );
}

/// Models that the stock tools cannot lower either.
fn is_supported(model: &ModelSpec) -> bool {
    !model.style.gather_op
}

fn of(exporter: Exporter) {
    let models = catalogue(exporter)
        .into_iter()
        .chain(mixtures(exporter, 4, 3));
    check(models.filter(|(_, m)| is_supported(m)).collect());
}

#[test]
fn torch() {
    of(Exporter::Torch);
}

#[test]
fn jax() {
    of(Exporter::Jax);
}

#[test]
fn onnx() {
    of(Exporter::Onnx);
}

#[test]
fn generic() {
    of(Exporter::Generic);
}

#[test]
fn loops() {
    of(Exporter::Loop);
}

/// f16 and bf16, and sizes that no vector divides.
#[test]
fn element_types_and_odd_sizes() {
    let mut models = vec![];
    for exporter in EXPORTERS {
        for dtype in [Element::F16, Element::BF16, Element::F32] {
            let (name, mut model) = catalogue(exporter).swap_remove(0);
            model.config.dtype = dtype;
            if dtype == Element::F32 {
                model.config.hidden = 36;
                model.config.heads = 6;
                model.config.kv_heads = 3;
                model.config.head_dim = 10;
                model.config.ffn = 50;
                model.config.vocabulary = 67;
                model.config.context = 13;
            }
            models.push((format!("{name}-{}", dtype.name()), model));
        }
    }
    check(models);
}

/// Calls of 2 to 16 tokens, in the rows form and in the form that updates the cache.
#[test]
fn up_to_sixteen_tokens() {
    for cache in [CacheForm::Rows, CacheForm::Slice] {
        for dtype in [Element::F32, Element::F16] {
            let (name, mut model) = catalogue(Exporter::Torch).swap_remove(0);
            (model.style.cache, model.config.dtype) = (cache, dtype);
            model.config.context = 32;
            let tokens: Vec<usize> = (0..32).map(|i| (7 * i + 3) % 64).collect();
            let mut all: Vec<Vec<u64>> = vec![];
            for m in [1, 2, 5, 8, 16] {
                let text = build(&Form::DecodeVerify(model.clone(), m)).text;
                let compiled = Compiled::new(&text, &[]).expect("compiles");
                let mut host = Host::new(&model.config, &model.style);
                let mut bits = vec![];
                for (i, tokens) in tokens.chunks_exact(m).enumerate() {
                    let head = host.call_with(tokens, i * m, |args, types| {
                        compiled.call("verify", args, types, None)
                    });
                    bits.extend(head.expect("runs").iter().map(|v| v.to_bits()));
                }
                all.push(bits);
            }
            let longest = all[0].len();
            for (m, bits) in [2, 5, 8, 16].into_iter().zip(&all[1..]) {
                assert!(bits.len() * 2 > longest, "too few tokens");
                let same = bits[..] == all[0][..bits.len()];
                assert!(same, "{name}, {cache:?}, {dtype:?}: {m} tokens a call");
            }
        }
    }
}

/// Elements of a static memref or tensor type as MLIR prints it: `memref<3x1x64xf32, strided<...>>`.
fn elements(ty: &str) -> Option<usize> {
    let dims = ty.split_once('<')?.1;
    let sizes = dims.split('x').map_while(|d| d.parse::<usize>().ok());
    Some(sizes.product())
}

/// Ops on buffers, outside of kernels, that touch as much as a layer's cache (all weights are larger).
fn large_ops(mlir: &str, limit: usize) -> Vec<String> {
    let is_op = |l: &&str| l.contains("linalg.") || l.contains("memref.copy");
    let mut found = vec![];
    for line in mlir.lines().filter(is_op) {
        let sizes = line.match_indices("memref<").map(|(at, _)| &line[at..]);
        if sizes.filter_map(elements).any(|n| n >= limit) {
            found.push(line.trim().chars().take(160).collect());
        }
    }
    found
}

#[test]
fn large_ops_are_found() {
    let mlir = "memref.copy %a, %b : memref<4x8xf32> to memref<4x8xf32, strided<[8, 1], offset: ?>>\n\
        linalg.transpose ins(%c : memref<1x31xf16>) outs(%d : memref<31x1xf16>) permutation = [1, 0]\n\
        spec.linear out_in dense ins(%x, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%y : memref<1x64xf32>)";
    assert_eq!(large_ops(mlir, 32).len(), 1);
    assert_eq!(large_ops(mlir, 31).len(), 2);
}

/// Nothing but kernels touches weights and caches: none is copied, transposed or converted. With `allocations` 0 in `aarch64.rs`, a
/// call moves no bytes that it does not compute.
#[test]
fn no_cache_and_no_weight_is_copied() {
    let mut failures = vec![];
    for exporter in EXPORTERS {
        for (name, model) in catalogue(exporter)
            .into_iter()
            .filter(|(_, m)| is_supported(m))
        {
            let text = build(&Form::Single(model.clone())).text;
            let c = &model.config;
            let cache = c.context * c.kv_heads * c.head_dim;
            match compile(&text, &["--soc=imx95", "--emit=mlir", "--no-link"]) {
                Err(e) => failures.push(format!("{name}: {e}")),
                Ok(folder) => {
                    let mlir = std::fs::read_to_string(folder.path().join("out/model.mlir"));
                    let mlir = mlir.expect("--emit=mlir writes model.mlir");
                    let large = large_ops(&mlir, cache);
                    failures.extend(large.iter().map(|l| format!("{name}: {l}")));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
