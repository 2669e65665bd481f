//! Bundles with a model in C: what is damaged or called wrongly is an error before compiled code runs.

use super::*;
use crate::manifest::{Argument, ArgumentKind, DType, FunctionResult, ManifestError, Role};
use std::process::Command;
use std::sync::OnceLock;

/// y = 2 x + sum of the units computed so far in this call; `status` is what the token says; the cache counts calls.
const MODEL: &str = r#"
#include "spec_abi.h"
static void twice(void *const *args, int64_t lo, int64_t hi) {
  const float *x = args[2];
  float *y = args[3];
  for (int64_t i = lo; i < hi; i++) y[i] = 2 * x[i];
}
int32_t spec_twice(void *const *args, void *workspace, const spec_pool *pool) {
  for (int i = 0; i < 200; i++) ((unsigned char *)workspace)[i] = 0xff;
  *(int32_t *)args[1] += 1;
  if (pool) pool->run(pool->context, twice, args, 1000, 16);
  else twice(args, 0, 1000);
  return (int32_t)*(const int64_t *)args[0];
}
"#;

/// The library, compiled once: with a C compiler, `cc` or what `CC` names.
fn library() -> &'static [u8] {
    static LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a folder");
        let (source, output) = (dir.path().join("m.c"), dir.path().join("m.so"));
        std::fs::write(&source, MODEL).expect("written");
        let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
        let cc = std::env::var_os("CC").unwrap_or("cc".into());
        let ran = Command::new(&cc)
            .args(["-O1", "-shared", "-fPIC", "-I"])
            .args([&include, &source, Path::new("-o"), &output])
            .output()
            .unwrap_or_else(|e| panic!("cannot start {}: {e}; run scripts/setup.sh", cc.display()));
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        std::fs::read(&output).expect("compiled")
    })
}

fn target(manifest: &mut Manifest) -> &mut manifest::Target {
    manifest.target.as_mut().expect("a target")
}

fn file(manifest: &mut Manifest) -> &mut manifest::File {
    manifest.library.as_mut().expect("a library")
}

fn manifest() -> Manifest {
    let argument = |kind, dtype, shape: &[u64], updated_in_place| Argument {
        name: None,
        kind,
        dtype,
        shape: shape.to_vec(),
        layout: None,
        updated_in_place,
        quantised_from: None,
    };
    let result = |dtype, shape: &[u64], aliases_argument| FunctionResult {
        kind: None,
        dtype,
        shape: shape.to_vec(),
        aliases_argument,
    };
    let mut manifest = crate::manifest::tests::example();
    let target = target(&mut manifest);
    target.triple = format!(
        "{}-unknown-{}-gnu",
        std::env::consts::ARCH,
        std::env::consts::OS
    );
    target.features.clear();
    manifest.library = Some(manifest::File::of("model.so", library()));
    manifest.weights.clear();
    manifest.functions = vec![Described {
        name: "twice".to_owned(),
        symbol: Some("spec_twice".to_owned()),
        role: Role::None,
        tokens: 1,
        workspace_bytes: 200,
        arguments: vec![
            argument(ArgumentKind::Tokens, DType::I64, &[1], false),
            argument(ArgumentKind::Cache, DType::I32, &[], true),
            argument(ArgumentKind::Other, DType::F32, &[10, 100], false),
        ],
        results: vec![
            result(DType::I32, &[], Some(1)),
            result(DType::F32, &[1000], None),
        ],
        gpu: None,
    }];
    manifest
}

/// Writes a bundle, after `change` changed its manifest, and loads it.
fn load(change: impl FnOnce(&mut Manifest)) -> Result<Bundle, BundleError> {
    let dir = tempfile::tempdir().expect("a folder");
    let mut manifest = manifest();
    change(&mut manifest);
    std::fs::write(dir.path().join("model.so"), library()).expect("written");
    let text = serde_json::to_string(&manifest).expect("JSON");
    std::fs::write(dir.path().join(manifest::FILE_NAME), text).expect("written");
    Bundle::load(dir.path())
}

fn error(change: impl FnOnce(&mut Manifest)) -> BundleError {
    load(change).expect_err("it is refused")
}

/// Bytes at a multiple of 8.
fn bytes_of(memory: &mut Memory, values: &[f32]) {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
    memory.bytes_mut()[..bytes.len()].copy_from_slice(&bytes);
}

#[test]
fn a_function_is_called_with_and_without_a_pool() {
    let bundle = load(|_| ()).expect("sound");
    let function = bundle.function("twice").expect("there").clone();
    drop(bundle); // the function keeps the library
    let mut workspace = Workspace::new([&function]).expect("small");
    let mut x = Memory::new(4000).expect("small");
    let values: Vec<f32> = (0..1000u16).map(f32::from).collect();
    bytes_of(&mut x, &values);
    let (mut calls, mut y) = (
        Memory::new(4).expect("small"),
        Memory::new(4000).expect("small"),
    );
    let mut token = Memory::new(8).expect("small");
    let pool = Pool::new(2).expect("threads start");
    for (round, status) in [0, 0, 1, 2, 7].into_iter().enumerate() {
        token.bytes_mut()[0] = status;
        y.bytes_mut().fill(0);
        let mut buffers = [
            Buffer::Read(token.bytes()),
            Buffer::Write(calls.bytes_mut()),
            Buffer::Read(x.bytes()),
            Buffer::Write(y.bytes_mut()),
        ];
        let pool = (round % 2 == 0).then_some(&pool);
        let result = function.call(&mut buffers, &mut workspace, pool);
        let name = || "twice".to_owned();
        let wanted = match status {
            0 => Ok(()),
            1 => Err(CallError::BadToken { function: name() }),
            2 => Err(CallError::Assertion { function: name() }),
            _ => Err(CallError::Status {
                function: name(),
                status: 7,
            }),
        };
        assert_eq!(result, wanted);
        let found = y.bytes().chunks_exact(4);
        let found: Vec<f32> = found
            .map(|b| f32::from_ne_bytes(b.try_into().expect("4")))
            .collect();
        assert_eq!(found, values.iter().map(|v| 2.0 * v).collect::<Vec<_>>());
        assert_eq!(usize::from(calls.bytes()[0]), round + 1);
    }
}

#[test]
fn wrong_buffers_are_refused() {
    let bundle = load(|_| ()).expect("sound");
    let function = bundle.function("twice").expect("there");
    let mut workspace = Workspace::new(bundle.functions()).expect("small");
    let mut small = Workspace(Memory::new(199).expect("small"));
    let x = Memory::new(8000).expect("small");
    let mut y = Memory::new(4000).expect("small");
    let mut calls = Memory::new(8).expect("small");
    // bytes of x from where; cache written; which workspace; expected words
    let cases = [
        (0..4000, true, true, None),
        (
            0..3999,
            true,
            true,
            Some("argument 2 has 4000 bytes, the buffer has 3999"),
        ),
        (
            0..4001,
            true,
            true,
            Some("argument 2 has 4000 bytes, the buffer has 4001"),
        ),
        (
            2..4002,
            true,
            true,
            Some("argument 2 must start at a multiple of 4"),
        ),
        (0..4000, false, true, Some("writes to argument 1")),
        (
            0..4000,
            true,
            false,
            Some("needs a workspace of 200 bytes, not 199"),
        ),
    ];
    for (range, writable, large, wanted) in cases {
        let cache = calls.bytes_mut()[..4].as_mut();
        let mut buffers = [
            Buffer::Read(&x.bytes()[..8]),
            if writable {
                Buffer::Write(cache)
            } else {
                Buffer::Read(cache)
            },
            Buffer::Read(&x.bytes()[range]),
            Buffer::Write(y.bytes_mut()),
        ];
        let workspace = if large { &mut workspace } else { &mut small };
        let result = function.call(&mut buffers, workspace, None);
        let message = result.err().map(|e| e.to_string());
        match (&message, wanted) {
            (None, None) => {}
            (Some(found), Some(wanted)) => assert!(found.contains(wanted), "{found}"),
            other => panic!("{other:?}"),
        }
        let few = function.call(&mut buffers[..3], workspace, None);
        if large {
            assert!(matches!(
                few,
                Err(CallError::Count {
                    expected: 4,
                    found: 3,
                    ..
                })
            ));
        }
    }
    assert_eq!(calls.bytes()[0], 1, "a refused call ran");
}

#[test]
fn bundles_for_others_are_refused() {
    let other = if cfg!(target_arch = "x86_64") {
        "aarch64"
    } else {
        "x86_64"
    };
    let e = error(|m| target(m).triple = format!("{other}-unknown-linux-gnu"));
    assert!(matches!(e, BundleError::Triple { .. }), "{e}");
    let e = error(|m| target(m).triple = format!("{}-apple-darwin", std::env::consts::ARCH));
    assert!(matches!(e, BundleError::Triple { .. }), "{e}");
    let host = CpuFeatures::host().expect("fork works");
    let unusable = host
        .broken
        .first()
        .map(|b| b.name)
        .or(host.absent.first().copied());
    if let Some(feature) = unusable {
        let e = error(|m| target(m).features = vec![feature.to_owned()]);
        assert!(
            matches!(&e, BundleError::Feature { feature: f, .. } if f == feature),
            "{e}"
        );
    }
    load(|m| target(m).features = host.usable.iter().map(|f| (*f).to_owned()).collect())
        .expect("usable features are no obstacle");
}

#[test]
fn damaged_bundles_are_refused() {
    let e = error(|m| file(m).bytes += 1);
    assert!(matches!(e, BundleError::Checksum { .. }), "{e}");
    let e = error(|m| file(m).crc32 ^= 1);
    assert!(matches!(e, BundleError::Checksum { .. }), "{e}");
    let e = error(|m| m.functions[0].symbol = Some("gone".to_owned()));
    assert!(
        matches!(&e, BundleError::Symbol { symbol, .. } if symbol == "gone"),
        "{e}"
    );
    let e = error(|m| m.format_version = 2);
    let version = ManifestError::Version("2".to_owned()).to_string();
    assert!(e.to_string().ends_with(&version), "{e}");
    let e = error(|m| file(m).file = "other.so".to_owned());
    assert!(matches!(e, BundleError::Read { .. }), "{e}");
    let e = Bundle::load(Path::new("no such folder")).expect_err("nothing there");
    assert!(matches!(e, BundleError::Read { .. }), "{e}");
    let e = load(|_| ())
        .expect("sound")
        .function("thrice")
        .expect_err("not there")
        .to_string();
    assert!(
        e.contains("\"thrice\" for a CPU; it has twice (CPU)"),
        "{e}"
    );
}

/// Also with a checksum that fits, a file of another kind is not given to the loader.
#[test]
fn files_that_are_no_library_are_refused() {
    let other = if cfg!(target_arch = "x86_64") {
        0xb7
    } else {
        0x3e
    };
    let mut foreign = library().to_vec();
    foreign[18] = other;
    let mut unresolved = library().to_vec();
    let name = b"spec_twice\0"; // the loader's tables do not match it any more
    let at = unresolved
        .windows(name.len())
        .position(|w| w == name)
        .expect("a symbol");
    unresolved[at] = b'S';
    for (bytes, words) in [
        (b"not a library".to_vec(), "not a 64-bit ELF file"),
        (foreign, "it is for"),
        (unresolved, "no symbol spec_twice"),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let mut manifest = manifest();
        manifest.library = Some(manifest::File::of("model.so", &bytes));
        std::fs::write(dir.path().join("model.so"), &bytes).expect("written");
        let text = manifest.to_json().expect("it agrees with itself");
        std::fs::write(dir.path().join(manifest::FILE_NAME), text).expect("written");
        let e = Bundle::load(dir.path())
            .expect_err("it is refused")
            .to_string();
        assert!(e.contains(words), "{e}");
    }
}

/// A bundle that is all GPU needs no library; its files are checked.
#[test]
fn gpu_functions_come_with_their_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut manifest = manifest();
    manifest.library = None;
    manifest.target = None;
    manifest.functions = vec![crate::manifest::tests::gpu_function()];
    let text = manifest.to_json().expect("it agrees with itself");
    std::fs::write(dir.path().join(manifest::FILE_NAME), text).expect("written");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(dir.path().join(name), bytes).expect("written");
    };
    let refused = |part: &str| {
        let error = Bundle::load(dir.path()).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    };
    write("kernels.spv", &[0; 64]);
    refused("constants.bin: No such file");
    write("constants.bin", &[1; 16]);
    refused("constants.bin has 16 bytes and CRC-32");
    write("constants.bin", &[0; 16]);
    write("kernels.spv", &[0; 60]);
    refused("kernels.spv has 60 bytes");
    write("kernels.spv", &[0; 64]);
    let bundle = Bundle::load(dir.path()).expect("sound");
    assert!(bundle.functions().is_empty());
    let draft = bundle.gpu_function("draft").expect("there");
    assert_eq!(
        (draft.spirv(), draft.constants()),
        (&[0; 64][..], &[0; 16][..])
    );
    assert_eq!(draft.schedule().dispatches.len(), 2);
    assert_eq!(draft.slots().len(), 2);
    let error = bundle
        .function("draft")
        .expect_err("not on a CPU")
        .to_string();
    assert!(
        error.contains("no function \"draft\" for a CPU; it has draft (GPU)"),
        "{error}"
    );
}
