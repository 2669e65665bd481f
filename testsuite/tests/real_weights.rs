//! Real weights of SmolLM2-135M on 45 tokens of real text: logits against a double-precision reference, and the same bits whatever the
//! number of tokens in a call and of threads. Slow, and needs files, so it is built only when asked for:
//!
//!     cargo build --release -p spec-compile -p spec-weights
//!     SPEC_REAL_WEIGHTS=FOLDER SPEC_REAL_INPUTS=INPUTS cargo test --release -p spec-testsuite --features real-weights --test real_weights
//!
//! FOLDER is made by benches/cpu/install.py; INPUTS holds the exported modules (default: testsuite/fixtures). Quantised weights have no
//! reference of their own: they are judged by the f32 function on the same weights, dequantised, which f32 holds exactly.

#![allow(clippy::print_stdout)] // how close it is

use flate2::read::GzDecoder;
use half::f16;
use spec_runtime::bundle::{Buffer, Bundle, Workspace};
use spec_runtime::manifest::{ArgumentKind, DType, Function, QuantFormat};
use spec_runtime::pool::Pool;
use spec_runtime::quantize::WeightIndex;
use spec_testsuite::gpu::CompiledGpu;
use spec_testsuite::tools::{run, spec_compile};
use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

const CACHE: usize = 256; // rows
const HEAD: usize = 64;
const VOCABULARY: usize = 49152;
const HEADS: usize = 30 * 3; // of all layers' caches

type Weights = HashMap<String, Vec<u8>>;

fn folder() -> PathBuf {
    let folder = std::env::var_os("SPEC_REAL_WEIGHTS");
    folder
        .expect("SPEC_REAL_WEIGHTS is the folder that benches/cpu/install.py made")
        .into()
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn module(dtype: &str, tokens: usize) -> String {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures").into();
    let inputs = std::env::var_os("SPEC_REAL_INPUTS").unwrap_or(fixtures);
    let stem = format!("smollm2-135m.rows.m{tokens}");
    for name in [
        format!("{stem}.args.{dtype}.linalg.mlir"),
        format!("{stem}.{dtype}.mlir"),
    ] {
        let plain = Path::new(&inputs).join(&name);
        let packed = Path::new(&inputs).join(name + ".gz");
        if plain.exists() {
            return fs::read_to_string(plain).expect("text");
        }
        if packed.exists() {
            let mut text = String::new();
            GzDecoder::new(&read(&packed)[..])
                .read_to_string(&mut text)
                .expect("compressed text");
            return text;
        }
    }
    panic!(
        "{} holds no {stem} of {dtype}; set SPEC_REAL_INPUTS",
        Path::new(&inputs).display()
    );
}

/// Names of the files of `FOLDER/weights/DTYPE`, without `.bin`, in order.
fn names(dtype: &str) -> Vec<String> {
    let entries = fs::read_dir(folder().join("weights").join(dtype)).expect("weights");
    let names = entries.map(|e| {
        e.expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    let mut names: Vec<_> = names
        .filter_map(|n| n.strip_suffix(".bin").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn raw(dtype: &str) -> Weights {
    let path = folder().join("weights").join(dtype);
    let one = |n: String| (n.clone(), read(&path.join(n + ".bin")));
    names(dtype).into_iter().map(one).collect()
}

/// A compiled function.
struct Compiled {
    folder: tempfile::TempDir,
    bundle: Bundle,
}

impl Compiled {
    fn new(dtype: &str, tokens: usize, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        fs::write(path("model.mlir"), module(dtype, tokens)).expect("written");
        let list = [
            &["tokens", "position", "k", "v"].map(str::to_owned)[..],
            &names(dtype),
        ]
        .concat();
        fs::write(path("names.txt"), list.join("\n")).expect("written");
        let (model, out, names) = (path("model.mlir"), path("out"), path("names.txt"));
        let args = [
            &[&model, "-o", &out, "-q", "--argument-names", &names],
            options,
        ]
        .concat();
        let ran = run(&spec_compile(), &args, folder.path(), None);
        assert_eq!(ran.code, Some(0), "spec-compile: {}", ran.stderr);
        let bundle = Bundle::load(Path::new(&out)).expect("a bundle");
        Self { folder, bundle }
    }

    fn described(&self) -> &Function {
        &self.bundle.manifest().functions[0]
    }

    /// Its weights, quantised from raw f32 files.
    fn quantised(&self) -> Weights {
        let out = self.folder.path().join("out");
        let raw = folder().join("weights/f32").to_string_lossy().into_owned();
        let manifest = out.join("manifest.json").to_string_lossy().into_owned();
        let args = ["--manifest", &manifest, "--from-raw", &raw, "-q"];
        let tool = spec_compile().with_file_name("spec-weights");
        let ran = run(&tool, &args, &out, None);
        assert_eq!(ran.code, Some(0), "spec-weights: {}", ran.stderr);
        let text = fs::read_to_string(out.join("weights.json")).expect("an index");
        let (index, bytes) = (
            WeightIndex::from_json(&text).expect("an index"),
            read(&out.join("weights.bin")),
        );
        let part = |offset, length| bytes[offset as usize..(offset + length) as usize].to_vec();
        let all = index.weights.iter();
        all.map(|w| (w.name.clone(), part(w.offset, w.bytes)))
            .collect()
    }

    /// What the model answers to `tokens` in calls of its number of tokens: bytes of all logits, and of the caches.
    fn answer(
        &self,
        weights: &Weights,
        tokens: &[i64],
        pool: Option<&Pool>,
    ) -> (Vec<f32>, [Vec<u8>; 2]) {
        let (function, described) = (&self.bundle.functions()[0], self.described());
        let (m, slots) = (described.tokens as usize, function.slots());
        assert_eq!(tokens.len() % m, 0, "a call takes {m} tokens");
        let size = described.arguments[2].dtype.bytes() * HEAD;
        let mut caches = [vec![0; HEADS * CACHE * size], vec![0; HEADS * CACHE * size]];
        let mut workspace = Workspace::new([function]).expect("memory");
        let mut logits = vec![];
        for (i, chunk) in tokens.chunks(m).enumerate() {
            let ids: Vec<u8> = chunk.iter().flat_map(|t| t.to_ne_bytes()).collect();
            let position = ((i * m) as i64).to_ne_bytes();
            let results = slots.iter().filter(|s| s.is_result);
            let mut results: Vec<Vec<u8>> = results.map(|s| vec![0; s.bytes]).collect();
            let weight = |a: &spec_runtime::manifest::Argument| {
                let name = a.name.as_deref().unwrap_or_default();
                Buffer::Read(
                    weights
                        .get(name)
                        .unwrap_or_else(|| panic!("no weight {name}")),
                )
            };
            let first = [&ids[..], &position, &caches[0], &caches[1]].map(Buffer::Read);
            let mut buffers: Vec<_> = first
                .into_iter()
                .chain(described.arguments[4..].iter().map(weight))
                .collect();
            buffers.extend(results.iter_mut().map(|r| Buffer::Write(r)));
            function
                .call(&mut buffers, &mut workspace, pool)
                .expect("a call");
            drop(buffers);
            logits.extend(
                results[0]
                    .chunks_exact(4)
                    .map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]])),
            );
            for (cache, rows) in caches.iter_mut().zip(&results[1..]) {
                for (head, rows) in rows.chunks_exact(m * size).enumerate() {
                    let at = (head * CACHE + i * m) * size;
                    cache[at..at + m * size].copy_from_slice(rows);
                }
            }
        }
        (logits, caches)
    }
}

/// As [`Compiled::answer`], by a GPU: lavapipe, with the validation layers on.
fn answer_of_gpu(dtype: &str, m: usize, weights: &Weights, tokens: &[i64]) -> Vec<f32> {
    let names_file = tempfile::NamedTempFile::new().expect("a file");
    let first = ["tokens", "position", "k", "v"].map(str::to_owned);
    fs::write(&names_file, [&first[..], &names(dtype)].concat().join("\n")).expect("written");
    let path = names_file.path().to_string_lossy().into_owned();
    let options = ["--argument-names", &path];
    let compiled = CompiledGpu::new(&module(dtype, m), &options).expect("compiles");
    let described = compiled.bundle().manifest().functions[0].clone();
    let size = described.arguments[2].dtype.bytes() * HEAD;
    let named = |a: &spec_runtime::manifest::Argument| {
        weights[a.name.as_deref().unwrap_or_default()].clone()
    };
    let mut args = vec![
        vec![],
        vec![],
        vec![0; HEADS * CACHE * size],
        vec![0; HEADS * CACHE * size],
    ];
    args.extend(described.arguments[4..].iter().map(named));
    let mut logits = vec![];
    for (i, chunk) in tokens.chunks(m).enumerate() {
        args[0] = chunk.iter().flat_map(|t| t.to_ne_bytes()).collect();
        args[1] = ((i * m) as i64).to_ne_bytes().into();
        let results = compiled.call_bytes(&described.name, &args).expect("a call");
        let floats = results[0].chunks_exact(4);
        logits.extend(floats.map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]])));
        for (cache, rows) in args[2..4].iter_mut().zip(&results[1..]) {
            for (head, rows) in rows.chunks_exact(m * size).enumerate() {
                let at = (head * CACHE + i * m) * size;
                cache[at..at + m * size].copy_from_slice(rows);
            }
        }
    }
    logits
}

/// The token that each row of logits is largest at.
fn best(logits: &[f32]) -> Vec<usize> {
    let largest = |row: &[f32]| {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(0, |(i, _)| i)
    };
    logits.chunks_exact(VOCABULARY).map(largest).collect()
}

/// A GPU answers with the tokens of the CPU, one token a call and five with the same bits.
fn on_a_gpu(dtype: &str, tolerance: f32) {
    let (weights, tokens) = (raw(dtype), text());
    let (cpu, _) = Compiled::new(dtype, 1, &[]).answer(&weights, &tokens, None);
    let [decode, verify] = [1, 5].map(|m| answer_of_gpu(dtype, m, &weights, &tokens));
    let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert!(
        bits(&decode) == bits(&verify),
        "{dtype}: verify5 has other bits than decode"
    );
    close(
        &format!("{dtype} on a GPU"),
        &decode,
        &floats(&folder().join(format!("reference/{dtype}/logits.f32.bin"))),
        tolerance,
    );
    assert_eq!(
        best(&decode),
        best(&cpu),
        "{dtype}: other tokens than the CPU's"
    );
}

#[test]
fn f32_weights_on_a_gpu() {
    on_a_gpu("f32", 2e-4);
}

#[test]
fn f16_weights_on_a_gpu() {
    on_a_gpu("f16", 0.3);
}

/// Checks that `values` are within `tolerance` of `expected`, and returns the largest difference.
fn close(what: &str, values: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(values.len(), expected.len(), "{what}");
    assert!(
        values.iter().all(|v| v.is_finite()),
        "{what}: infinite or NaN"
    );
    let most = values.iter().zip(expected).map(|(a, b)| (a - b).abs());
    let most = most.fold(0.0_f32, f32::max);
    println!("{what}: largest difference of a logit {most:.2e}, {tolerance:.0e} allowed");
    assert!(most <= tolerance, "{what}: {most}");
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = read(path);
    bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

fn text() -> Vec<i64> {
    let bytes = read(&folder().join("reference/f32/tokens.i64.bin"));
    let all = bytes
        .chunks_exact(8)
        .map(|b| i64::from_le_bytes(b.try_into().expect("8 bytes")));
    let all: Vec<_> = all.collect();
    assert_eq!(all.len(), 45, "install.py writes 45 tokens");
    all
}

/// One token a call and five, one thread and two, give the same bits; returns the logits.
fn same_bits(
    what: &str,
    dtype: &str,
    options: &[&str],
    weights: &dyn Fn(&Compiled) -> Weights,
) -> Vec<f32> {
    let (pool, tokens) = (Pool::new(2).expect("two threads"), text());
    let [decode, verify] = [1, 5].map(|m| Compiled::new(dtype, m, options));
    let weights = weights(&decode);
    let (logits, caches) = decode.answer(&weights, &tokens, None);
    let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    for (name, function, pool) in [
        ("decode, 2 threads", &decode, Some(&pool)),
        ("verify5", &verify, None),
        ("verify5, 2 threads", &verify, Some(&pool)),
    ] {
        let other = function.answer(&weights, &tokens, pool);
        assert!(
            bits(&logits) == bits(&other.0),
            "{what}: {name}: other logits than decode"
        );
        assert!(
            caches == other.1,
            "{what}: {name}: other caches than decode"
        );
    }
    logits
}

#[test]
fn f32_weights() {
    let logits = same_bits("f32", "f32", &[], &|_| raw("f32"));
    close(
        "f32",
        &logits,
        &floats(&folder().join("reference/f32/logits.f32.bin")),
        2e-4,
    );
}

#[test]
fn f16_weights() {
    let logits = same_bits("f16", "f16", &[], &|_| raw("f16"));
    close(
        "f16",
        &logits,
        &floats(&folder().join("reference/f16/logits.f32.bin")),
        0.3,
    );
}

/// Weights as f32, dequantised where `function` wants them quantised.
fn dequantised(function: &Function, weights: &Weights) -> Weights {
    let mut all = Weights::new();
    for argument in function
        .arguments
        .iter()
        .filter(|a| a.kind == ArgumentKind::Weight)
    {
        let name = argument.name.clone().unwrap_or_default();
        let Some(bytes) = weights.get(&name) else {
            panic!("no weight {name}")
        };
        let Some(from) = &argument.quantised_from else {
            all.insert(name, bytes.clone());
            continue;
        };
        let scale = &function.arguments[from.scale_argument];
        assert_eq!((scale.dtype, from.group), (DType::F16, 32), "{name}");
        let scales = &weights[scale.name.as_deref().unwrap_or_default()];
        let scale = |g: usize| f16::from_le_bytes([scales[2 * g], scales[2 * g + 1]]).to_f32();
        let value = |i: usize| match from.format {
            QuantFormat::I8 => bytes[i] as i8,
            QuantFormat::I4 => {
                let (group, i) = (i / 32, i % 32);
                (bytes[16 * group + i % 16] >> (i / 16 * 4) & 15) as i8 - 8
            }
        };
        let count = from.shape.iter().product::<u64>() as usize;
        let wide = (0..count).flat_map(|i| (f32::from(value(i)) * scale(i / 32)).to_ne_bytes());
        all.insert(name, wide.collect());
    }
    all
}

fn quantised(format: &str) {
    let options = ["--quantize", &format!("all={format}")];
    let logits = same_bits(format, "f32", &options, &Compiled::quantised);
    let function = Compiled::new("f32", 1, &options);
    let exact = dequantised(function.described(), &function.quantised());
    let (expected, _) = Compiled::new("f32", 1, &[]).answer(&exact, &text(), None);
    close(format, &logits, &expected, 2e-4);
}

#[test]
fn i8_weights() {
    quantised("i8g32");
}

#[test]
fn i4_weights() {
    quantised("i4g32");
}
