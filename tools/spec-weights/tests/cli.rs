//! Runs the tool on small bundles: what is written, what is said, and what is refused.

use half::{bf16, f16};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use spec_runtime::manifest::{DType, QuantFormat};
use spec_runtime::quantize::{Scheme, WeightIndex, dequantise};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const WIDTH: usize = 64;
const ROWS: usize = 48;

/// The elements of a weight, which look random.
fn values(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn le(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// A bundle of one function: a norm, a table in i4, and a stack of two exchanged matrices in i8.
fn manifest() -> Value {
    let argument = |kind: &str, name: Option<&str>, dtype: &str, shape: &[usize]| {
        let mut a = json!({"kind": kind, "dtype": dtype, "shape": shape});
        if let Some(name) = name {
            a["name"] = json!(name);
        }
        a
    };
    let mut table = argument("weight", Some("table"), "i8", &[ROWS, WIDTH / 2]);
    table["quantised_from"] = json!({"dtype": "f16", "shape": [ROWS, WIDTH], "format": "i4", "group": 32, "scale_argument": 4});
    let mut stack = argument("weight", Some("stack"), "i8", &[2, ROWS, WIDTH]);
    stack["quantised_from"] = json!({"dtype": "f32", "shape": [2, WIDTH, 6, 8], "format": "i8", "group": 0, "scale_argument": 5});
    stack["layout"] = json!("transposed");
    let arguments = vec![
        argument("tokens", None, "i64", &[1]),
        argument("weight", Some("norm"), "f32", &[WIDTH]),
        table,
        stack,
        argument("weight", Some("table.scale"), "f16", &[ROWS, 2]),
        argument("weight", Some("stack.scale"), "f32", &[2, ROWS]),
    ];
    let weights: Vec<Value> = arguments[1..]
        .iter()
        .map(|a| {
            let mut w = json!({"name": a["name"], "dtype": a["dtype"], "shape": a["shape"]});
            if let Some(layout) = a.get("layout") {
                w["layout"] = layout.clone();
            }
            w
        })
        .collect();
    json!({
        "format_version": 1, "tool": "test", "soc": "host",
        "target": {"triple": "x86_64-unknown-linux-gnu", "cpu": "generic"},
        "library": {"file": "model.so", "bytes": 0, "crc32": 0},
        "functions": [{"name": "decode", "symbol": "decode", "role": "target", "tokens": 1, "workspace_bytes": 0,
                       "arguments": arguments, "results": []}],
        "weights": weights,
    })
}

/// A folder with a manifest and the tensors.
struct Bundle {
    folder: TempDir,
}

type Named = (&'static str, Dtype, Vec<usize>, Vec<u8>);

/// norm in bf16, table in f32 (exported as f16), stack in f32.
fn tensors() -> Vec<Named> {
    let norm = values(WIDTH, 1)
        .iter()
        .flat_map(|v| bf16::from_f32(*v).to_le_bytes())
        .collect();
    vec![
        ("norm", Dtype::BF16, vec![WIDTH], norm),
        (
            "table",
            Dtype::F32,
            vec![ROWS, WIDTH],
            le(&values(ROWS * WIDTH, 2)),
        ),
        (
            "stack",
            Dtype::F32,
            vec![2, WIDTH, 6, 8],
            le(&values(2 * ROWS * WIDTH, 3)),
        ),
    ]
}

impl Bundle {
    fn new(manifest: &Value, tensors: &[Named]) -> Self {
        let bundle = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        std::fs::write(bundle.path("manifest.json"), manifest.to_string()).expect("written");
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (
                *name,
                TensorView::new(*dtype, shape.clone(), bytes).expect("sizes agree"),
            )
        });
        let bytes = safetensors::serialize(views, None).expect("serialised");
        std::fs::write(bundle.path("model.safetensors"), bytes).expect("written");
        bundle
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Exit code, standard output, standard error.
    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spec-weights"));
        command
            .current_dir(self.folder.path())
            .args(["--manifest", "manifest.json"])
            .args(args);
        let out = command.output().expect("it starts");
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    }

    fn ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args);
        assert_eq!((code, err.as_str()), (Some(0), ""));
        out
    }

    /// Fails with a message, and leaves no file.
    fn refused(&self, args: &[&str], message: &str) {
        let (code, out, err) = self.run(args);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
        assert!(
            err.starts_with("error: ") && err.contains(message),
            "{message}: {err}"
        );
        let left: Vec<String> = std::fs::read_dir(self.folder.path())
            .expect("there")
            .map(|f| f.expect("there").file_name().to_string_lossy().into_owned())
            .filter(|f| f.starts_with("weights") || f.starts_with(".tmp"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }

    fn index(&self) -> WeightIndex {
        let text = std::fs::read_to_string(self.path("weights.json")).expect("there");
        WeightIndex::from_json(&text).expect("it agrees with itself")
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        let all = std::fs::read(self.path("weights.bin")).expect("there");
        let index = self.index();
        let w = index.get(name).expect("it is there");
        all[w.offset as usize..][..w.bytes as usize].to_vec()
    }
}

const FROM: &[&str] = &["--from", "model.safetensors"];

fn usual() -> Bundle {
    Bundle::new(&manifest(), &tensors())
}

#[test]
fn weights_are_written_as_the_manifest_says() {
    let bundle = usual();
    bundle.ok(FROM);
    let index = bundle.index();
    let names: Vec<&str> = index.weights.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(
        names,
        ["norm", "table", "table.scale", "stack", "stack.scale"]
    );
    assert!(index.weights.iter().all(|w| w.offset % 64 == 0));
    let file = std::fs::read(bundle.path("weights.bin")).expect("there");
    assert_eq!(file.len() as u64, index.bytes);
    assert_eq!(crc32fast::hash(&file), index.crc32);

    let norm: Vec<f32> = values(WIDTH, 1)
        .iter()
        .map(|v| bf16::from_f32(*v).to_f32())
        .collect();
    assert_eq!(bundle.bytes("norm"), le(&norm));

    let mut back = vec![0.0; ROWS * WIDTH];
    let i4 = Scheme::new(QuantFormat::I4, 32, DType::F16).expect("a format");
    dequantise(
        i4,
        WIDTH,
        &bundle.bytes("table"),
        &bundle.bytes("table.scale"),
        &mut back,
    )
    .expect("sizes agree");
    let near =
        |a: &[f32], b: &[f32], error: f32| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= error);
    assert!(near(&back, &values(ROWS * WIDTH, 2), 0.2));

    // each matrix of the stack was [in, out], and is [out, in]
    let mut back = vec![0.0; 2 * ROWS * WIDTH];
    let i8 = Scheme::new(QuantFormat::I8, 0, DType::F32).expect("a format");
    dequantise(
        i8,
        WIDTH,
        &bundle.bytes("stack"),
        &bundle.bytes("stack.scale"),
        &mut back,
    )
    .expect("sizes agree");
    let exported = values(2 * ROWS * WIDTH, 3);
    let exchanged: Vec<f32> = (0..2 * ROWS * WIDTH)
        .map(|i| {
            let (matrix, row, column) = (i / (ROWS * WIDTH), i / WIDTH % ROWS, i % WIDTH);
            exported[matrix * ROWS * WIDTH + column * ROWS + row]
        })
        .collect();
    assert!(near(&back, &exchanged, 0.5 / 127.0 + 1e-6));
}

#[test]
fn the_report_says_what_is_lost() {
    let bundle = usual();
    let table = bundle.ok(FROM);
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert_eq!(lines.len(), 7, "{table}");
    assert_eq!(
        lines[1][..6],
        ["table", "f32", "to", "i4g32,", "f16", "scales"],
        "{table}"
    );
    assert!(table.contains("weights.bin: 5 weights, "), "{table}");
    let report: Value =
        serde_json::from_str(&bundle.ok(&[FROM, &["--json"]].concat())).expect("JSON");
    let of = |i: usize, key: &str| report["weights"][i][key].clone();
    assert_eq!(
        (of(0, "name"), of(0, "snr_db"), of(0, "max_abs")),
        (json!("norm"), Value::Null, json!(0.0))
    );
    let snr = |i| of(i, "snr_db").as_f64().expect("a number");
    // uniform numbers: 20 log10 of the integers' range, nearly
    assert!((22.0..27.0).contains(&snr(1)), "{report}");
    assert!((46.0..50.0).contains(&snr(2)), "{report}");
    assert_eq!(bundle.ok(&[FROM, &["--quiet"]].concat()), "");
}

#[test]
fn raw_files_give_the_same_as_safetensors() {
    let mut manifest = manifest();
    manifest["functions"][0]["arguments"][2]["quantised_from"]["dtype"] = json!("f32");
    let mut tensors = tensors();
    tensors[0].1 = Dtype::F32;
    tensors[0].3 = le(&values(WIDTH, 1));
    let bundle = Bundle::new(&manifest, &tensors);
    bundle.ok(FROM);
    let first = std::fs::read(bundle.path("weights.bin")).expect("there");
    std::fs::create_dir(bundle.path("raw")).expect("made");
    for (name, _, _, bytes) in &tensors {
        std::fs::write(bundle.path(&format!("raw/{name}.bin")), bytes).expect("written");
    }
    bundle.ok(&["--from-raw", "raw", "--threads", "3", "-o", "other.bin"]);
    assert!(first == std::fs::read(bundle.path("other.bin")).expect("there"));
    assert!(bundle.path("other.json").exists());
}

#[test]
fn names_are_by_argument_or_by_weight() {
    let mut tensors = tensors();
    for (t, name) in tensors
        .iter_mut()
        .zip(["model.norm", "model.table", "model.stack"])
    {
        t.0 = name;
    }
    let bundle = Bundle::new(&manifest(), &tensors);
    let write = |name: &str, text: &str| std::fs::write(bundle.path(name), text).expect("written");
    write(
        "all.txt",
        "tokens i64 [1]\nmodel.norm [64] f32\nmodel.table\n\nmodel.stack\n",
    );
    write("w.txt", "model.norm\nmodel.table\nmodel.stack\n");
    write("two.txt", "model.norm\nmodel.table\n");
    for bad in ["two.txt", "decode=two.txt"] {
        let message = "2 names fit no function (decode has 4 arguments, 3 of them weights)";
        bundle.refused(&[FROM, &["--names", bad]].concat(), message);
    }
    bundle.refused(
        &[FROM, &["--names", "verify=w.txt"]].concat(),
        "no function \"verify\"; the bundle has decode",
    );
    bundle.refused(FROM, "no tensor \"norm\" for \"norm\"; model.safetensors has 3 tensors, such as model.norm, model.stack");
    bundle.ok(&[FROM, &["--names", "all.txt"]].concat());
    let first = std::fs::read(bundle.path("weights.bin")).expect("there");
    bundle.ok(&[FROM, &["--names", "decode=w.txt"]].concat());
    assert!(first == std::fs::read(bundle.path("weights.bin")).expect("there"));
}

#[test]
fn roles_have_files_of_their_own() {
    let bundle = usual();
    bundle.refused(
        &["--from", "drafter=model.safetensors"],
        "no file was given for this role",
    );
    bundle.ok(&["--from", "target=model.safetensors"]);
}

#[test]
fn wrong_tensors_are_refused() {
    let with = |change: &dyn Fn(&mut Vec<Named>), message: &str| {
        let mut tensors = tensors();
        change(&mut tensors);
        Bundle::new(&manifest(), &tensors).refused(FROM, message);
    };
    with(&|t| _ = t.remove(1), "no tensor \"table\"");
    with(
        &|t| t[1].2 = vec![WIDTH, ROWS],
        "\"table\" is [64, 48], the model has [48, 64]",
    );
    with(
        &|t| (t[0].1, t[0].3) = (Dtype::I16, vec![0; 2 * WIDTH]),
        "\"norm\" holds I16, which cannot become F32",
    );
    with(
        &|t| t[1].3[4 * 70..][..4].copy_from_slice(&f32::NAN.to_le_bytes()),
        "table: element [1, 6] is NaN",
    );
    with(
        &|t| t[2].3[4 * (ROWS * WIDTH + 5)..][..4].copy_from_slice(&f32::INFINITY.to_le_bytes()),
        "stack[1]: element [5, 0] is inf",
    );
    with(
        &|t| t[1].3[..4].copy_from_slice(&1e9_f32.to_le_bytes()),
        "table: row 0 has a weight of 1e9, too large for F16",
    );
}

#[test]
fn damaged_files_are_refused() {
    let bundle = usual();
    let whole = std::fs::read(bundle.path("model.safetensors")).expect("there");
    for n in [0, 7, 20, whole.len() / 2, whole.len() - 1] {
        std::fs::write(bundle.path("model.safetensors"), &whole[..n]).expect("written");
        bundle.refused(FROM, "not a whole safetensors file");
    }
    bundle.refused(&["--from", "nothing"], "cannot read nothing");
    bundle.refused(&["--from-raw", "manifest.json"], "not a directory");
    std::fs::create_dir(bundle.path("raw")).expect("made");
    bundle.refused(&["--from-raw", "raw"], "raw has no such file");
    std::fs::write(bundle.path("raw/norm.bin"), [0; 255]).expect("written");
    bundle.refused(
        &["--from-raw", "raw"],
        "255 bytes, where [64] of F32 are 256: truncated",
    );
}

#[test]
fn a_raw_file_is_of_the_exported_type() {
    let mut tensors = tensors();
    let (_, _, _, table) = tensors.remove(1);
    let bundle = Bundle::new(&manifest(), &tensors);
    std::fs::create_dir(bundle.path("raw")).expect("made");
    let both = [FROM, &["--from-raw", "raw"]].concat();
    std::fs::write(bundle.path("raw/table.bin"), table).expect("written");
    bundle.refused(
        &both,
        "12288 bytes, where [48, 64] of F16 are 6144: truncated, or of another type",
    );
    let halves = values(ROWS * WIDTH, 2).into_iter().map(f16::from_f32);
    let halves: Vec<u8> = halves.flat_map(f16::to_le_bytes).collect();
    std::fs::write(bundle.path("raw/table.bin"), halves).expect("written");
    let table = bundle.ok(&both);
    assert!(table.contains("f16 to i4g32"), "{table}");
}

#[test]
fn manifests_that_contradict_themselves_are_refused() {
    let with = |place: &str, value: Value, message: &str| {
        let mut manifest = manifest();
        *manifest.pointer_mut(place).expect("there") = value;
        Bundle::new(&manifest, &tensors()).refused(FROM, message);
    };
    let argument = |i: usize, key: &str| format!("/functions/0/arguments/{i}/{key}");
    with(
        &argument(2, "quantised_from/shape"),
        json!([ROWS, 32]),
        "has not as many elements",
    );
    with(
        &argument(2, "quantised_from/group"),
        json!(64),
        "its scales have another shape",
    );
    with(
        &argument(2, "quantised_from/group"),
        json!(16),
        "no format: I4 in groups of 16",
    );
    with(
        &argument(3, "layout"),
        json!("as_is"),
        "rows and columns are not exchanged",
    );
    with("/format_version", json!(2), "format_version 2");
    let mut twice = manifest();
    let mut second = twice["functions"][0].clone();
    second["name"] = json!("verify");
    second["symbol"] = json!("verify");
    twice["functions"]
        .as_array_mut()
        .expect("a list")
        .push(second.clone());
    twice["functions"][1]["role"] = json!("drafter");
    Bundle::new(&twice, &tensors()).ok(FROM);
    twice["functions"][1]["arguments"][3]["quantised_from"]["shape"] = json!([2, WIDTH, ROWS]);
    Bundle::new(&twice, &tensors()).refused(FROM, "functions want \"stack\" in different forms");
    let mut lost = manifest();
    lost["weights"]
        .as_array_mut()
        .expect("a list")
        .push(json!({"name": "x", "dtype": "f32", "shape": [1]}));
    Bundle::new(&lost, &tensors()).refused(FROM, "no function takes \"x\"");
}

#[test]
fn other_files_are_not_replaced() {
    let bundle = usual();
    let before = std::fs::read(bundle.path("manifest.json")).expect("there");
    for output in ["manifest.bin", "./manifest.json"] {
        bundle.refused(
            &[FROM, &["-o", output]].concat(),
            "would replace the manifest",
        );
    }
    bundle.refused(
        &[FROM, &["-o", "w.json"]].concat(),
        "is where the index goes",
    );
    bundle.refused(&[FROM, &["-o", ".."]].concat(), "is no file name");
    bundle.refused(
        &[FROM, &["-o", "no/folder/w.bin"]].concat(),
        "cannot write no/folder/w.bin",
    );
    assert!(before == std::fs::read(bundle.path("manifest.json")).expect("there"));
    assert!(Path::new(&bundle.path("manifest.json")).exists());
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    let bundle = usual();
    for args in [
        vec![],
        vec!["--from", "x", "--threads", "0"],
        vec!["--from", "x", "--json", "--quiet"],
    ] {
        assert_eq!(bundle.run(&args).0, Some(2), "{args:?}");
    }
}
