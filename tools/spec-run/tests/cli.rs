//! Runs the tool on a bundle of toy models: what is printed, what is measured, what is refused, and how it ends.

mod bundle;

use bundle::Kind;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn made(kind: Kind) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    bundle::write(folder.path(), kind);
    folder
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spec-run"));
    command
        .arg(folder)
        .args(args)
        .arg("--no-pin")
        .stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Exit code, standard output, standard error.
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command(folder, args).output().expect("it starts");
    (status.code(), text(&stdout), text(&stderr))
}

fn refused(folder: &Path, args: &[&str], part: &str) {
    let (code, out, error) = run(folder, args);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{error}");
    assert!(
        error.starts_with("error: ") && error.contains(part),
        "{part}: {error}"
    );
}

/// What the toy target says after a prompt of two tokens.
fn expected(first: u32, second: u32, count: u32) -> Vec<u32> {
    let (mut before, mut last, mut tokens) = (first, second, vec![]);
    for at in 1..=count {
        let next = 97 + (last * 7 + before * 3 + at + 5) % 26;
        (before, last) = (last, next);
        tokens.push(next);
    }
    tokens
}

fn list(tokens: &[u32]) -> String {
    tokens
        .iter()
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

/// A tokenizer of bytes: token b is byte b, for ASCII.
fn add_tokenizer(folder: &Path) {
    let vocabulary: serde_json::Map<String, Value> = (33..127_u8)
        .map(|b| (char::from(b).to_string(), b.into()))
        .collect();
    let special = |id: u32, content: &str| {
        serde_json::json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    };
    let tokenizer = serde_json::json!({"version": "1.0", "added_tokens": [special(256, "<s>"), special(257, "</s>")],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": []}});
    let info = serde_json::json!({"tokenizer": "tokenizer.json", "bos": 256, "add_bos": false, "eos": [257],
        "chat_template": "{% for m in messages %}{{ m['content'] }}{% endfor %}b"});
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).expect("written");
    std::fs::write(folder.join("text.json"), info.to_string()).expect("written");
}

#[test]
fn tokens_come_with_a_table_and_do_not_depend_on_the_draft_length() {
    let folder = made(Kind::default());
    let tokens = list(&expected(97, 98, 20)) + "\n";
    for length in [
        "auto",
        "auto:predicted",
        "plan",
        "0",
        "1",
        "4",
        "adaptive",
        "entropy",
        "entropy:0.2:0.9",
    ] {
        for schedule in ["plan", "overlapped"] {
            let args = [
                "--prompt-tokens",
                "97,98",
                "-n",
                "20",
                "-d",
                length,
                "--schedule",
                schedule,
            ];
            let (code, out, table) = run(folder.path(), &args);
            assert_eq!(
                (code, &out),
                (Some(0), &tokens),
                "{length}, {schedule}: {table}"
            );
            assert!(
                table.contains("\ngenerated") && table.contains("20 tokens in "),
                "{table}"
            );
            // so short that lengths chosen in the run may be 0 throughout
            let auto = length.starts_with("auto");
            assert!(
                auto || table.contains("\nacceptance") == (length != "0"),
                "{length}: {table}"
            );
            assert_eq!(table.contains("\nlengths "), auto, "{length}: {table}");
        }
    }
    let (_, out, table) = run(
        folder.path(),
        &["--prompt-tokens", "97,98", "-n", "20", "-q"],
    );
    assert_eq!((out, table.as_str()), (tokens, ""));
}

#[test]
fn text_goes_through_the_tokenizer_and_ends_at_eos() {
    let folder = made(Kind::default());
    add_tokenizer(folder.path());
    let letters =
        |tokens: &[u32]| -> String { tokens.iter().filter_map(|t| char::from_u32(*t)).collect() };
    let all = letters(&expected(97, 98, 47)) + "\n";
    let (code, out, table) = run(folder.path(), &["-p", "ab"]);
    assert_eq!((code, &out), (Some(0), &all), "{table}");
    assert!(
        table.contains("48 tokens in ") && table.contains("ended by token 257"),
        "{table}"
    );
    assert_eq!(
        run(folder.path(), &["-p", "a", "--chat"]).1,
        all,
        "the template adds a b"
    );
    let file = folder.path().join("prompt.txt");
    std::fs::write(&file, "ab\n").expect("written");
    assert_eq!(
        run(folder.path(), &["-f", file.to_str().expect("UTF-8")]).1,
        all
    );
    let mut child = command(folder.path(), &["-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(b"ab")
        .expect("read");
    assert_eq!(
        text(&child.wait_with_output().expect("it ends").stdout),
        all
    );
}

#[test]
fn json_is_one_document() {
    let folder = made(Kind::default());
    add_tokenizer(folder.path());
    let trace = folder.path().join("trace.json");
    let trace_arg = trace.to_str().expect("UTF-8");
    let (code, out, error) = run(
        folder.path(),
        &[
            "-p",
            "ab",
            "-n",
            "20",
            "-d",
            "plan",
            "--json",
            "--time-line",
            trace_arg,
        ],
    );
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        json["output"]["tokens"],
        serde_json::json!(expected(97, 98, 20))
    );
    assert_eq!(
        (
            &json["output"]["finish"],
            json["output"]["text"].as_str().map(str::len)
        ),
        (&"max_tokens".into(), Some(20))
    );
    assert_eq!(
        (&json["models"][1]["role"], &json["models"][1]["widths"]),
        (&"drafter".into(), &serde_json::json!([1, 2]))
    );
    assert_eq!(
        (&json["plan"]["followed"], &json["settings"]["draft_length"]),
        (&true.into(), &"3".into())
    );
    let decode = &json["decode"];
    let count = |name: &str| -> u64 {
        let positions = decode["acceptance_by_position"].as_array().expect("a list");
        positions.iter().filter_map(|p| p[name].as_u64()).sum()
    };
    assert!(
        count("accepted") < count("reached"),
        "the drafter errs: {decode}"
    );
    assert_eq!(Some(count("accepted")), decode["accepted"].as_u64());
    let trace: Value =
        serde_json::from_slice(&std::fs::read(&trace).expect("written")).expect("JSON");
    let rounds = trace["traceEvents"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|e| e["tid"] == 0 && e["ph"] == "X");
    assert_eq!(
        json["decode"]["rounds"].as_u64(),
        Some(rounds.count() as u64)
    );
}

#[test]
fn a_comparison_measures_both_ways() {
    let folder = made(Kind::default());
    let (code, out, table) = run(
        folder.path(),
        &[
            "--prompt-tokens",
            "97,98",
            "-n",
            "30",
            "-d",
            "plan",
            "--compare=2",
        ],
    );
    assert_eq!(
        (code, out),
        (Some(0), list(&expected(97, 98, 30)) + "\n"),
        "{table}"
    );
    for part in [
        "medians of 2 pairs of runs",
        "the same both ways",
        "predicted 1.500: ",
        "\nverdict",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let (_, out, _) = run(
        folder.path(),
        &[
            "--prompt-tokens",
            "97,98",
            "--compare",
            "--json",
            "-t",
            "1",
            "--seed",
            "4",
        ],
    );
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["compare"]["pairs"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["compare"]["tokens_equal"], Value::Null);
    refused(
        folder.path(),
        &["--prompt-tokens", "97", "--compare", "-d", "0"],
        "nothing to compare",
    );
}

#[test]
fn a_target_that_contradicts_itself_is_found() {
    let folder = made(Kind {
        broken: true,
        ..Kind::default()
    });
    let (code, _, error) = run(
        folder.path(),
        &[
            "--prompt-tokens",
            "97,98",
            "-n",
            "30",
            "-d",
            "plan",
            "--compare=1",
        ],
    );
    assert_eq!(code, Some(3), "{error}");
    assert!(
        error.contains("greedy tokens differ from plain decoding at index "),
        "{error}"
    );
}

#[test]
fn what_is_wrong_is_said() {
    let folder = made(Kind::default());
    let path = folder.path();
    refused(path, &["-p", "ab"], "--prompt-tokens");
    refused(
        path,
        &["--prompt-tokens", "97,300"],
        "token 300 at index 1 of the prompt",
    );
    refused(
        path,
        &["--prompt-tokens", &list(&[97; 64])],
        "the prompt has 64 tokens; a context of 64",
    );
    refused(path, &["--prompt-tokens", "97", "-t", "-1"], "temperature");
    refused(
        path,
        &[
            "--prompt-tokens",
            "97",
            "--cores",
            "0",
            "--threads",
            "2",
            "--time-line",
            "no/such/folder/t",
        ],
        "cannot write no/such/folder/t",
    );
    refused(&path.join("none"), &["-p", "a"], "manifest.json: ");
    add_tokenizer(path);
    refused(path, &["-p", ""], "the prompt is empty");
    let file = path.join("latin1.txt");
    std::fs::write(&file, b"caf\xe9").expect("written");
    refused(
        path,
        &["-f", file.to_str().expect("UTF-8")],
        "latin1.txt is not UTF-8 at byte 3",
    );
    refused(path, &["-f", "no/such/file"], "cannot read no/such/file");
    std::fs::write(path.join("tokenizer.json"), "{}").expect("written");
    refused(path, &["-p", "a"], "cannot use the tokenizer");
    std::fs::remove_file(path.join("tokenizer.json")).expect("removed");
    std::fs::write(path.join("weights.bin"), b"1234").expect("written");
    refused(path, &["--prompt-tokens", "97"], "weights.bin");
    std::fs::remove_file(path.join("weights.json")).expect("removed");
    refused(path, &["--prompt-tokens", "97"], "spec-weights");
    std::fs::write(path.join("manifest.json"), "{").expect("written");
    refused(path, &["--prompt-tokens", "97"], "manifest.json");
    let (code, _, error) = run(path, &["--prompt-tokens", "97", "-p", "a"]);
    assert!(
        code == Some(2) && error.contains("cannot be used with"),
        "{error}"
    );
}

#[test]
fn a_target_alone_decodes_plainly_and_has_no_drafts() {
    let folder = made(Kind {
        alone: true,
        ..Kind::default()
    });
    let (code, out, table) = run(folder.path(), &["--prompt-tokens", "97,98", "-n", "5"]);
    assert_eq!((code, out), (Some(0), list(&expected(97, 98, 5)) + "\n"));
    assert!(table.contains("plain decoding"), "{table}");
    refused(
        folder.path(),
        &["--prompt-tokens", "97", "-d", "2"],
        "has no drafter",
    );
    let (_, _, table) = run(
        folder.path(),
        &["--prompt-tokens", "97", "--vulkan-device", "x"],
    );
    assert!(table.contains("have no effect"), "{table}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let folder = made(Kind::default());
    let mut child = command(folder.path(), &["--prompt-tokens", "97,98"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(
        (output.status.code(), text(&output.stderr).as_str()),
        (Some(0), "")
    );
}

/// The toy generates for ever, one pair after the other, until somebody ends it.
#[test]
fn ctrl_c_ends_it_with_the_table() {
    let folder = made(Kind::default());
    let args = ["--prompt-tokens", "97,98", "--compare=1000", "-n", "40"];
    let mut child = command(folder.path(), &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut first = vec![0];
    let mut out = child.stdout.take().expect("piped");
    out.read_exact(&mut first).expect("a token");
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(kill.success());
    let mut table = String::new();
    let mut lines = BufReader::new(child.stderr.take().expect("piped"));
    while lines.read_line(&mut table).expect("text") > 0 {}
    let code = child.wait().expect("it ends").code();
    // it may have been through before the signal came, but not with 1000 pairs
    assert_eq!(code, Some(130), "{table}");
    assert!(
        table.contains("ended early") || table.contains("ended before there was a pair"),
        "{table}"
    );
}
