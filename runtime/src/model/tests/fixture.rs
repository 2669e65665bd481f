//! A bundle with a model in C, and what the model computes.

use super::super::{LoadError, LoadOptions, Loaded};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};

pub(super) const VOCABULARY: usize = 11;
pub(super) const CONTEXT: usize = 16;
const WIDTH: usize = 4;

/// Rows of the caches are rows of the table, the second cache those plus a bias; logit j of a token is j plus the sum of all
/// rows up to its own. Tokens 9 and 10 end with a status.
const MODEL: &str = r#"
#include "spec_abi.h"
#include <string.h>
static void put32(void *to, int at, float value) { ((float *)to)[at] = value; }
static void put16(void *to, int at, float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  ((uint16_t *)to)[at] = bits >> 16;
}
struct call { const float *k, *v; void *logits; int64_t position; void (*put)(void *, int, float); };
static void rows(void *const *args, int64_t lo, int64_t hi) {
  const struct call *c = args[0];
  for (int64_t i = lo; i < hi; i++) {
    float sum = 0;
    for (int64_t r = 0; r <= c->position + i; r++)
      for (int j = 0; j < 4; j++) sum += c->k[r * 4 + j] + c->v[r * 4 + j];
    for (int j = 0; j < 11; j++) c->put(c->logits, (int)i * 11 + j, sum + j);
  }
}
#define FUNCTION(name, width, type, put)                                                                    \
  int32_t name(void *const *args, void *workspace, const spec_pool *pool) {                                 \
    const type *tokens = args[0];                                                                           \
    const type position = *(const type *)args[1];                                                           \
    float *k = args[2], *v = args[3];                                                                       \
    const float *table = args[4], *bias = args[5];                                                          \
    if (position < 0 || position + width > 16) return SPEC_ASSERTION_FAILED;                                \
    memset(workspace, 0xff, 64);                                                                            \
    for (int i = 0; i < width; i++) {                                                                       \
      if (tokens[i] < 0 || tokens[i] >= 9) return tokens[i] == 10 ? SPEC_ASSERTION_FAILED : SPEC_BAD_TOKEN; \
      for (int j = 0; j < 4; j++) {                                                                         \
        k[(position + i) * 4 + j] = table[tokens[i] * 4 + j];                                               \
        v[(position + i) * 4 + j] = table[tokens[i] * 4 + j] + bias[j];                                     \
      }                                                                                                     \
    }                                                                                                       \
    struct call c = {k, v, args[6], position, put};                                                         \
    void *const job[] = {&c};                                                                               \
    if (pool) pool->run(pool->context, rows, job, width, 1);                                                \
    else rows(job, 0, width);                                                                               \
    return SPEC_OK;                                                                                         \
  }
FUNCTION(target1, 1, int64_t, put32)
FUNCTION(target3, 3, int64_t, put32)
FUNCTION(drafter1, 1, int32_t, put16)
FUNCTION(drafter2, 2, int32_t, put16)
"#;

fn table(token: usize, column: usize) -> f32 {
    ((token * 5 + column * 3) % 3) as f32
}

const BIAS: [f32; WIDTH] = [0.0, 0.0, 0.0, 1.0];

/// What the model computes; small enough for bfloat16.
pub(super) fn reference(tokens: &[u32]) -> Vec<f32> {
    let mut sum = 0.0;
    let mut logits = vec![];
    for token in tokens {
        for (column, bias) in BIAS.iter().enumerate() {
            sum += 2.0 * table(*token as usize, column) + bias;
        }
        logits.extend((0..VOCABULARY).map(|j| sum + j as f32));
    }
    let exact = |v: &f32| half::bf16::from_f32(*v).to_f32() == *v;
    assert!(logits.iter().all(exact), "{logits:?}");
    logits
}

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
        let errors = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{errors}");
        std::fs::read(&output).expect("compiled")
    })
}

/// The weights, each at a multiple of 64 bytes.
pub(super) fn weights() -> (Vec<u8>, Value) {
    let all: Vec<f32> = (0..VOCABULARY)
        .flat_map(|t| (0..WIDTH).map(move |c| table(t, c)))
        .collect();
    let mut bytes: Vec<u8> = all.iter().flat_map(|v| v.to_ne_bytes()).collect();
    let table_bytes = bytes.len();
    bytes.resize(table_bytes.next_multiple_of(64), 0);
    let offset = bytes.len();
    bytes.extend(BIAS.iter().flat_map(|v| v.to_ne_bytes()));
    let index = json!({
        "format_version": 1,
        "file": "weights.bin",
        "bytes": bytes.len(),
        "crc32": crc32fast::hash(&bytes),
        "weights": [
            {"name": "table", "dtype": "f32", "shape": [VOCABULARY, WIDTH], "offset": 0, "bytes": table_bytes},
            {"name": "drafter:bias", "dtype": "f32", "shape": [WIDTH], "offset": offset, "bytes": 16},
        ],
    });
    (bytes, index)
}

fn function(role: &str, width: usize, integer: &str, float: &str) -> Value {
    let cache = json!({"kind": "cache", "dtype": "f32", "shape": [1, CONTEXT, WIDTH], "updated_in_place": true});
    let weight = |name: &str, shape: &[usize]| json!({"kind": "weight", "name": name, "dtype": "f32", "shape": shape});
    json!({
        "name": format!("{role}{width}"),
        "symbol": format!("{role}{width}"),
        "role": role,
        "tokens": width,
        "workspace_bytes": 64,
        "arguments": [
            {"kind": "tokens", "dtype": integer, "shape": [1, width]},
            {"kind": "position", "dtype": integer, "shape": []},
            cache,
            cache,
            weight("table", &[VOCABULARY, WIDTH]),
            weight("drafter:bias", &[WIDTH]),
        ],
        "results": [
            {"dtype": float, "shape": [width, VOCABULARY]},
            {"dtype": "f32", "shape": [1, CONTEXT, WIDTH], "aliases_argument": 2},
            {"dtype": "f32", "shape": [1, CONTEXT, WIDTH], "aliases_argument": 3},
        ],
    })
}

fn manifest() -> Value {
    json!({
        "format_version": 1,
        "tool": "test",
        "soc": "test",
        "target": {"triple": format!("{}-unknown-linux-gnu", std::env::consts::ARCH), "cpu": "generic"},
        "library": {"file": "model.so", "bytes": library().len(), "crc32": crc32fast::hash(library())},
        "plan": {
            "gamma": 2, "strategy": "sequential", "speed_up": 1.5,
            "placements": [
                {"role": "target", "device": "big", "cores": 2},
                {"role": "drafter", "device": "big", "cores": 1},
            ],
        },
        "functions": [
            function("target", 3, "i64", "f32"),
            function("target", 1, "i64", "f32"),
            function("drafter", 1, "i32", "bf16"),
            function("drafter", 2, "i32", "bf16"),
        ],
        "weights": [
            {"name": "table", "dtype": "f32", "shape": [VOCABULARY, WIDTH]},
            {"name": "drafter:bias", "dtype": "f32", "shape": [WIDTH]},
        ],
    })
}

/// A bundle in a folder of its own.
pub(super) struct Bundled {
    folder: tempfile::TempDir,
}

impl Bundled {
    pub(super) fn new() -> Self {
        Self::changed(|_| ())
    }

    /// With a manifest that `change` changed.
    pub(super) fn changed(change: impl FnOnce(&mut Value)) -> Self {
        let made = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        let mut manifest = manifest();
        change(&mut manifest);
        let (bytes, index) = weights();
        made.write("manifest.json", manifest.to_string().as_bytes());
        made.write("model.so", library());
        made.write("weights.bin", &bytes);
        made.write("weights.json", index.to_string().as_bytes());
        made
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path().join(name)).expect("there")
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path().join(name), bytes).expect("written");
    }

    pub(super) fn open(&self, options: &LoadOptions) -> Result<Arc<Loaded>, LoadError> {
        Loaded::open(self.path(), options)
    }
}
