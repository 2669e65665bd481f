//! Rules about code.

use super::Violations;
use super::tree::{Keep, Tree, base, has_word, strip};

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

/// Tests, benchmarks, examples and build scripts: code that no user runs.
fn is_support(path: &str) -> bool {
    path.split('/').any(|c| {
        matches!(
            c,
            "tests" | "benches" | "examples" | "build.rs" | "tests.rs"
        )
    })
}

/// Line numbers (from 1) of the lines that `wrong` chooses.
fn lines<'a>(
    path: &'a str,
    text: &'a str,
    wrong: impl Fn(&str) -> bool + 'a,
    what: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let found = text.lines().enumerate().filter(move |(_, l)| wrong(l));
    found.map(move |(i, l)| format!("{path}:{}: {what}: {}", i + 1, l.trim()))
}

pub(crate) fn unsafe_outside_ffi(tree: &Tree) -> Violations {
    let wrong = |l: &str| has_word(l, "unsafe") || has_word(l, "unsafe_code");
    let files = tree.texts(|p| is_rust(p) && base(p) != "ffi.rs");
    files
        .flat_map(|(path, text)| {
            lines(path, &strip(text, Keep::Code), wrong, "belongs into ffi.rs").collect::<Vec<_>>()
        })
        .collect()
}

pub(crate) fn prints(tree: &Tree) -> Violations {
    let wrong = |l: &str| {
        let macros = ["print!", "println!", "eprint!", "eprintln!", "dbg!"];
        macros.iter().any(|m| has_word(l, m)) || l.contains("process::exit")
    };
    let files = tree.texts(|p| is_rust(p) && !p.starts_with("tools/") && !is_support(p));
    files
        .flat_map(|(path, text)| {
            lines(
                path,
                &strip(text, Keep::Code),
                wrong,
                "only tools print or exit",
            )
            .collect::<Vec<_>>()
        })
        .collect()
}

pub(crate) fn unfinished(tree: &Tree) -> Violations {
    // put together, so that this file does not hold them
    let marks = [["TO", "DO"], ["FIX", "ME"], ["X", "XX"]].map(|m| m.concat());
    let macros = [["todo", "!"], ["unimplemented", "!"]].map(|m| m.concat());
    let wrong =
        |l: &str| marks.iter().any(|m| has_word(l, m)) || macros.iter().any(|m| l.contains(m));
    let files = tree.texts(|p| {
        [".rs", ".cpp", ".h", ".td", ".sh", ".md"]
            .iter()
            .any(|e| p.ends_with(e))
    });
    files
        .flat_map(|(path, text)| lines(path, text, wrong, "unfinished").collect::<Vec<_>>())
        .collect()
}

const LONGEST: usize = 600;

pub(crate) fn long_files(tree: &Tree) -> Violations {
    let is_code = |p: &str| [".rs", ".cpp", ".h", ".td"].iter().any(|e| p.ends_with(e));
    tree.texts(is_code)
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, n)| *n > LONGEST)
        .map(|(path, n)| format!("{path}: {n} lines; split it (at most {LONGEST})"))
        .collect()
}

pub(crate) fn machine_paths(tree: &Tree) -> Violations {
    let roots = ["work", "tmp", "root", "home"].map(|r| format!("/{r}/"));
    // at the start of a path only
    let wrong = |l: &str| {
        roots.iter().any(|r| {
            l.match_indices(r.as_str()).any(|(i, _)| {
                !l[..i].ends_with(|c: char| c.is_alphanumeric() || "._-})$".contains(c))
            })
        })
    };
    tree.texts(|_| true)
        .flat_map(|(path, text)| lines(path, text, wrong, "path of a machine").collect::<Vec<_>>())
        .collect()
}

/// Crates and what their manifests must not name.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "cost",
        &[
            "spec-dialect",
            "spec-passes",
            "spec-codegen",
            "mlir-sys",
            "melior",
        ],
    ),
    (
        "runtime",
        &[
            "spec-dialect",
            "spec-passes",
            "spec-codegen",
            "spec-cost",
            "mlir-sys",
            "melior",
        ],
    ),
    (
        "runtime/capi",
        &["spec-dialect", "spec-passes", "spec-codegen", "spec-cost"],
    ),
    (
        "tools/spec-import",
        &["spec-dialect", "spec-passes", "spec-codegen", "mlir-sys"],
    ),
    ("dialect", &["spec-passes", "spec-codegen", "spec-cost"]),
    ("passes", &["spec-codegen", "mlir-sys"]),
    ("codegen", &["spec-passes", "spec-cost"]),
];

pub(crate) fn dependencies(tree: &Tree) -> Violations {
    let mut wrong = vec![];
    for (krate, forbidden) in FORBIDDEN {
        let path = format!("{krate}/Cargo.toml");
        let keys: Vec<&str> = tree
            .text(&path)
            .lines()
            .filter_map(|l| l.split(['=', '.', ' ']).next())
            .collect();
        if keys.is_empty() {
            wrong.push(format!("{path}: is not there"));
        }
        wrong.extend(
            forbidden
                .iter()
                .filter(|f| keys.contains(f))
                .map(|f| format!("{path}: {krate} must not depend on {f}")),
        );
    }
    wrong
}

pub(crate) fn lints(tree: &Tree) -> Violations {
    let manifests = tree.texts(|p| p.ends_with("/Cargo.toml"));
    let without = manifests.filter(|(_, text)| !text.contains("[lints]\nworkspace = true"));
    without
        .map(|(path, _)| format!("{path}: lacks [lints] workspace = true"))
        .collect()
}

/// Words that only a device file may know; the names of all device files are added.
const DEVICE_WORDS: &[&str] = &[
    "adreno",
    "apple",
    "cortex",
    "exynos",
    "hexagon",
    "imx",
    "mali",
    "nxp",
    "qualcomm",
    "raspberry",
    "rockchip",
    "snapdragon",
    "tensor-g",
    "videocore",
    "vulkan",
    "opencl",
    "cuda",
    "avx",
    "avx2",
    "neon",
    "aarch64",
    "x86_64",
    "x86-64",
];

/// File names of device files that are common words.
const COMMON: &[&str] = &["unit", "host"];

/// Stems of the device files.
pub(crate) fn devices(tree: &Tree) -> Vec<&str> {
    let files = tree
        .files
        .keys()
        .filter_map(|p| p.strip_prefix("cost/devices/")?.strip_suffix(".toml"));
    files.collect()
}

pub(crate) fn device_names(tree: &Tree) -> Violations {
    let words: Vec<&str> = devices(tree)
        .into_iter()
        .filter(|d| !COMMON.contains(d))
        .chain(DEVICE_WORDS.iter().copied())
        .collect();
    let known = |l: &str| {
        let l = l.to_lowercase();
        words
            .iter()
            .any(|w| has_word(&l, w) || (w.ends_with("-g") && l.contains(w)))
    };
    let files = tree.texts(|p| {
        (p.starts_with("passes/src/") || p.starts_with("dialect/"))
            && (is_rust(p) || p.ends_with(".cpp") || p.ends_with(".td"))
    });
    files
        .flat_map(|(path, text)| {
            let code = without_default_soc(&strip(text, Keep::CodeAndStrings));
            lines(path, &code, known, "names a device or its make").collect::<Vec<_>>()
        })
        .collect()
}

/// The default of the option `soc` is the one name that a pass may hold.
fn without_default_soc(code: &str) -> String {
    let default = |code: &str| {
        let option = code.find("\"soc\",")?;
        let kind =
            option + code[option..].find("OptionKind::String,")? + "OptionKind::String,".len();
        let start = kind + code[kind..].find('"')? + 1;
        let end = start + code[start..].find('"')?;
        (start - option < 250).then_some(start..end)
    };
    let mut code = code.to_owned();
    if let Some(range) = default(&code) {
        code.replace_range(range, "");
    }
    code
}

pub(crate) fn scripts(tree: &Tree) -> Violations {
    let is_script = |p: &str| p == ".ci/run" || (p.starts_with("scripts/") && p.ends_with(".sh"));
    let mut wrong = vec![];
    for (path, text) in tree.texts(is_script) {
        if !text.starts_with("#!/usr/bin/env bash\n") || !text.contains("\nset -euo pipefail\n") {
            wrong.push(format!("{path}: must be bash with set -euo pipefail"));
        }
        if !tree.files.get(path).is_some_and(|f| f.executable) {
            wrong.push(format!("{path}: is not executable"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of violations in a tree of one file.
    fn count(rule: fn(&Tree) -> Violations, path: &str, text: &str) -> usize {
        rule(&Tree::made_up(&[(path, text)])).len()
    }

    #[test]
    fn unsafe_is_found() {
        let text = "#![allow(unsafe_code)]\nfn f() { unsafe { g() } }\n// unsafe\nlet s = \"unsafe\";\n#[unsafe(no_mangle)]";
        assert_eq!(count(unsafe_outside_ffi, "passes/src/a.rs", text), 3);
        assert_eq!(count(unsafe_outside_ffi, "passes/src/ffi.rs", text), 0);
    }

    #[test]
    fn prints_are_found() {
        let text = "fn f() { eprintln!(\"a\"); std::process::exit(1) }\nfn g() { print!(\"\") }\nfn h() { reprint!(); print(); }\n";
        assert_eq!(count(prints, "passes/src/a.rs", text), 2);
        for fine in ["tools/x/src/main.rs", "cost/tests/a.rs", "dialect/build.rs"] {
            assert_eq!(count(prints, fine, text), 0);
        }
    }

    #[test]
    fn unfinished_work_is_found() {
        let text = format!(
            "//! {}{}: later\nfn f() {{ {}{}() }}\nlet todos = 1;",
            "TO", "DO", "todo", "!"
        );
        assert_eq!(count(unfinished, "a/src/lib.rs", &text), 2);
    }

    #[test]
    fn long_files_are_found() {
        assert_eq!(
            count(long_files, "a/src/lib.rs", &"x\n".repeat(LONGEST + 1)),
            1
        );
        assert_eq!(count(long_files, "a/src/lib.rs", &"x\n".repeat(LONGEST)), 0);
    }

    #[test]
    fn machine_paths_are_found() {
        let t = "tmp";
        let text = format!("open(\"/{t}/x\")\n{{dir}}/{t}/x a/{t}/b $HOME/{t}/c\n/{t}\n");
        assert_eq!(count(machine_paths, "a.md", &text), 1);
    }

    #[test]
    fn dependencies_are_found() {
        let one = |text: &str| {
            dependencies(&Tree::made_up(&[("cost/Cargo.toml", text)]))
                .iter()
                .filter(|v| v.contains("must not"))
                .count()
        };
        assert_eq!(
            one(
                "[dependencies]\nmlir-sys.workspace = true\nspec-dialect = { path = \"../dialect\" }"
            ),
            2
        );
        assert_eq!(
            one("[package]\nname = \"spec-cost\"\ndescription = \"knows no mlir-sys\""),
            0
        );
        assert_eq!(
            dependencies(&Tree::made_up(&[])).len(),
            FORBIDDEN.len(),
            "manifests that are not there"
        );
    }

    #[test]
    fn missing_lints_are_found() {
        assert_eq!(count(lints, "a/Cargo.toml", "[package]"), 1);
        assert_eq!(
            count(
                lints,
                "a/Cargo.toml",
                "[package]\n[lints]\nworkspace = true\n"
            ),
            0
        );
    }

    #[test]
    fn device_names_are_found() {
        let tree = |text: &str| {
            Tree::made_up(&[
                ("cost/devices/boardx.toml", ""),
                ("cost/devices/unit.toml", ""),
                ("passes/src/a.rs", text),
            ])
        };
        let n = |text: &str| device_names(&tree(text)).len();
        assert_eq!(
            n("if soc == \"boardx\" {}\nlet Mali = 1;\nf(\"tensor-g2\")"),
            3
        );
        assert_eq!(n("// like boardx\nlet unit = normalise(x);"), 0);
        let default = "option(\n \"soc\",\n \"device: a name (x) or file\",\n OptionKind::String,\n \"boardx\",\n)";
        assert_eq!(n(default), 0);
        assert_eq!(n(&format!("{default}, \"boardx\"")), 1);
    }

    #[test]
    fn scripts_are_checked() {
        assert_eq!(count(scripts, "scripts/a.sh", "echo"), 2);
        let mut tree = Tree::made_up(&[(".ci/run", "#!/usr/bin/env bash\nset -euo pipefail\n")]);
        tree.files.values_mut().for_each(|f| f.executable = true);
        assert_eq!(scripts(&tree), Vec::<String>::new());
    }
}
