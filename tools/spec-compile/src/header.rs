//! The C header of a bundle: one prototype a function, indices of its pointers, the size of its workspace.

use crate::regions::word;
use spec_runtime::ABI_HEADER;
use spec_runtime::manifest::{ArgumentKind, DType, Function, ResultKind};
use std::collections::HashSet;
use std::fmt::Write;

/// A function and its symbol.
pub type Entry<'a> = (&'a str, &'a Function);

/// The header's text. `title` says what was compiled, for what.
pub fn header(title: &str, entries: &[Entry<'_>]) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "/* {}\n\n   Every function takes an array of pointers, one for each enumerator below, to contiguous memory, aligned to its elements;\n   a workspace of at least FUNCTION_WORKSPACE bytes, aligned to 64, whose contents do not matter; and a pool of cores, or NULL.\n   It returns SPEC_OK, SPEC_BAD_TOKEN or SPEC_ASSERTION_FAILED, allocates nothing, and keeps nothing: calls with different\n   workspaces and results may run at the same time. */",
        comment(title)
    );
    out.push_str("#ifndef SPEC_MODEL_H\n#define SPEC_MODEL_H\n\n");
    out.push_str(ABI_HEADER.trim_end());
    out.push_str("\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    for entry in entries {
        function(&mut out, *entry);
    }
    out.push_str("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    let guard = guard(entries);
    out.replace("SPEC_MODEL_H", &guard)
}

/// A guard of the bundle's own, so that headers of several models can be included together.
fn guard(entries: &[Entry<'_>]) -> String {
    let names: Vec<&str> = entries.iter().map(|(symbol, _)| *symbol).collect();
    format!(
        "SPEC_MODEL_{:08X}_H",
        crc32fast::hash(names.join(" ").as_bytes())
    )
}

/// Text that ends no comment and stays on its line.
fn comment(text: &str) -> String {
    let one_line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    one_line.replace("*/", "* /").replace("/*", "/ *")
}

fn function(out: &mut String, (s, f): Entry<'_>) {
    let tokens = if f.tokens == 1 { "token" } else { "tokens" };
    let role = serde_json::to_value(f.role).ok();
    let role = role
        .as_ref()
        .and_then(|r| r.as_str())
        .filter(|r| *r != "none");
    let role = role.map_or(String::new(), |r| format!("{r}, "));
    let _ = writeln!(
        out,
        "\n/* @{}: {role}{} {tokens} a call. */",
        comment(&f.name),
        f.tokens
    );
    let _ = writeln!(
        out,
        "int32_t {s}(void *const *args, void *workspace, const spec_pool *pool);"
    );
    let _ = writeln!(out, "#define {s}_WORKSPACE INT64_C({})", f.workspace_bytes);
    let pointers = pointers(f);
    let _ = writeln!(out, "enum {{");
    let width = pointers.iter().map(|p| p.name.len()).max().unwrap_or(0);
    for (i, p) in pointers.iter().enumerate() {
        let _ = writeln!(
            out,
            "  {s}_ARG_{:width$} = {i}, /* {} */",
            p.name,
            comment(&p.about)
        );
    }
    let _ = writeln!(out, "  {s}_ARGS = {} /* how many */", pointers.len());
    out.push_str("};\n");
}

struct Pointer {
    name: String,
    about: String,
}

/// What stands in the array of pointers: arguments, then results with a place of their own.
fn pointers(f: &Function) -> Vec<Pointer> {
    let mut taken = HashSet::new();
    let mut unique = |base: String| {
        let base = word(&base);
        let numbered = (2..).map(|i| format!("{base}_{i}"));
        let free = std::iter::once(base.clone())
            .chain(numbered)
            .find(|n| !taken.contains(n));
        let name = free.unwrap_or(base);
        taken.insert(name.clone());
        name
    };
    let mut out = vec![];
    for (i, a) in f.arguments.iter().enumerate() {
        let kind = match a.kind {
            ArgumentKind::Tokens => "tokens",
            ArgumentKind::Position => "position",
            ArgumentKind::Cache => "cache",
            ArgumentKind::Weight => "weight",
            ArgumentKind::Other => "other",
        };
        let name = a.name.clone().unwrap_or_else(|| match a.kind {
            ArgumentKind::Cache => format!("cache_{i}"),
            ArgumentKind::Other => format!("argument_{i}"),
            _ => kind.to_owned(),
        });
        let result = f.results.iter().position(|r| r.aliases_argument == Some(i));
        let access = match result {
            Some(r) => format!(", read and written: result {r}"),
            None if a.updated_in_place => ", read and written".into(),
            None => String::new(),
        };
        let about = format!("{kind}: {}{access}", memory(a.dtype, &a.shape));
        out.push(Pointer {
            name: unique(name),
            about,
        });
    }
    for (i, r) in f.results.iter().enumerate() {
        if r.aliases_argument.is_some() {
            continue;
        }
        let name = match r.kind {
            Some(ResultKind::Logits) => "out_logits".to_owned(),
            Some(ResultKind::Tokens) => "out_tokens".to_owned(),
            Some(ResultKind::Cache) => "out_cache".to_owned(),
            Some(ResultKind::Rows) => "out_rows".to_owned(),
            None => format!("result_{i}"),
        };
        let about = format!("written: {}, result {i}", memory(r.dtype, &r.shape));
        out.push(Pointer {
            name: unique(name),
            about,
        });
    }
    out
}

/// `f32 [1, 49152], 196608 bytes`.
fn memory(dtype: DType, shape: &[u64]) -> String {
    let name = serde_json::to_value(dtype).ok();
    let name = name
        .as_ref()
        .and_then(|n| n.as_str())
        .unwrap_or("?")
        .to_owned();
    let bytes = shape
        .iter()
        .fold(dtype.bytes() as u64, |n, d| n.saturating_mul(*d));
    format!("{name} {shape:?}, {bytes} bytes")
}
