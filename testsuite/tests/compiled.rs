//! Whole models as machine code: against a double-precision reference, and bit for bit whatever the number of tokens in a call and of
//! cores.

use spec_runtime::pool::Pool;
use spec_testsuite::compiled::{Compiled, compile};
use spec_testsuite::modelgen::{
    CacheForm, EXPORTERS, Element, Exporter, Form, Host, ModelSpec, build, catalogue, mixtures,
};
use spec_testsuite::whole::{M, answers, check_all, reorders_rows};

fn problem(model: &ModelSpec, pool: &Pool) -> Result<(), String> {
    let text = build(&Form::DecodeVerify(model.clone(), M)).text;
    let compiled = Compiled::new(&text, &[])?;
    let run = |function: &str, m: usize, pool: Option<&Pool>| {
        answers(model, m, |args, types| {
            compiled.call(function, args, types, pool)
        })
    };
    let one = run("decode", 1, None)?;
    one.against_reference(model)?;
    let several = run("verify", M, None)?;
    several.against_reference(model)?;
    if !one.same_bits(&several) && !reorders_rows(model) {
        return Err(format!("{M} tokens in a call give other bits than one"));
    }
    if !several.same_bits(&run("verify", M, Some(pool))?) {
        return Err("two cores give other bits than one".into());
    }
    Ok(())
}

fn check(models: Vec<(String, ModelSpec)>) {
    let pool = || Pool::new(2).expect("a pool of two threads");
    check_all(models, pool, problem);
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
