//! The files of the repository, in memory.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::{fs, iter};

/// A file: text, unless it is not UTF-8.
#[derive(Clone, Default)]
pub(crate) struct File {
    pub(crate) text: Option<String>,
    pub(crate) executable: bool,
}

/// All files by path from the root, with `/` between folders.
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, File>,
}

impl Tree {
    /// The repository without `.git`, build outputs, and what the first level of `.gitignore` names by path.
    pub(crate) fn of_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let ignored = fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
        let mut skip: Vec<&str> = ignored
            .lines()
            .filter_map(|l| l.strip_prefix('/'))
            .collect();
        skip.push(".git");
        let mut files = BTreeMap::new();
        read(&root, "", &skip, &mut files);
        Tree { files }
    }

    /// A made-up tree for tests.
    pub(crate) fn made_up(files: &[(&str, &str)]) -> Self {
        let file = |text: &str| File {
            text: Some(text.to_owned()),
            executable: false,
        };
        Tree {
            files: files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), file(text)))
                .collect(),
        }
    }

    /// Path and text of all text files that `wanted` chooses.
    pub(crate) fn texts(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (&str, &str)> {
        let all = self
            .files
            .iter()
            .filter_map(|(path, f)| Some((path.as_str(), f.text.as_deref()?)));
        all.filter(move |(path, _)| wanted(path))
    }

    /// The text of a file, or nothing.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.files
            .get(path)
            .and_then(|f| f.text.as_deref())
            .unwrap_or_default()
    }

    /// Whether a file or folder is there.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.files.contains_key(path)
            || self
                .files
                .range(folder.clone()..)
                .next()
                .is_some_and(|(p, _)| p.starts_with(&folder))
    }

    /// First components of all paths.
    pub(crate) fn top_level(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .files
            .keys()
            .filter_map(|p| p.split('/').next())
            .collect();
        names.dedup();
        names
    }
}

fn read(root: &Path, folder: &str, skip: &[&str], files: &mut BTreeMap<String, File>) {
    for entry in fs::read_dir(root.join(folder)).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        let kind = entry.file_type().expect("has a type");
        if skip.contains(&path.as_str()) || entry.path().join("CACHEDIR.TAG").exists() {
            continue;
        }
        if kind.is_dir() {
            read(root, &path, skip, files);
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap_or_default(); // gone in the meantime
            let executable = entry
                .metadata()
                .is_ok_and(|m| m.permissions().mode() & 0o111 != 0);
            files.insert(
                path,
                File {
                    text: String::from_utf8(bytes).ok(),
                    executable,
                },
            );
        }
    }
}

/// File name without folders.
pub(crate) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What to blank out of Rust text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Neither comments nor strings.
    Code,
    /// No comments.
    CodeAndStrings,
}

/// Rust text of the same lines, with comments (and strings) replaced by spaces.
pub(crate) fn strip(text: &str, keep: Keep) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (length, kind) = token(rest, c, out.chars().next_back());
        let (piece, tail) = rest.split_at(length);
        let blank = match kind {
            Token::Other => false,
            Token::Comment => true,
            Token::Str => keep == Keep::Code,
        };
        if blank {
            out.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            out.push_str(piece);
        }
        rest = tail;
    }
    out
}

enum Token {
    Other,
    Comment,
    Str,
}

/// Length in bytes and kind of what `rest` starts with.
fn token(rest: &str, first: char, before: Option<char>) -> (usize, Token) {
    let until = |end: &str, from: usize| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |i| from + i + end.len())
    };
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), Token::Comment);
    }
    if rest.starts_with("/*") {
        return (until("*/", 2), Token::Comment);
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if let Some(raw) = rest
        .strip_prefix('r')
        .filter(|_| !in_word || before == Some('b'))
    {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end: String = iter::once('"').chain(iter::repeat_n('#', hashes)).collect();
            return (until(&end, hashes + 2), Token::Str);
        }
    }
    match first {
        '"' => (string_end(rest), Token::Str),
        // a character that could be taken for the start of something else
        '\'' if rest.starts_with("'\"'") => (3, Token::Str),
        '\'' if rest.starts_with("'\\") => (until("'", 3), Token::Str),
        c => (c.len_utf8(), Token::Other),
    }
}

fn string_end(rest: &str) -> usize {
    let mut escaped = true; // the opening quote
    for (i, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return i + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Whether `text` holds `word` with no letter, digit or underscore at either side.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(i, _)| !text[..i].ends_with(joins) && !text[i + word.len()..].starts_with(joins))
}

#[test]
fn strings_and_comments_are_stripped() {
    let text = "a(\"unsafe \\\" // x\"); // unsafe\nb('\"', r#\"c \" d\"#, '\\'', '\\u{22}'); /* e\nZ */ let l: &'static str;";
    let code = strip(text, Keep::Code);
    assert_eq!(
        code.split_whitespace().collect::<String>(),
        "a();b(,,,);letl:&'staticstr;"
    );
    assert_eq!(code.lines().count(), text.lines().count());
    let strings = strip(text, Keep::CodeAndStrings);
    assert!(
        strings.contains("\"unsafe \\\" // x\"")
            && strings.contains("c \" d")
            && !strings.contains('Z')
    );
}

#[test]
fn words_are_whole() {
    assert!(has_word("x unsafe{", "unsafe") && !has_word("unsafe_code, notunsafe", "unsafe"));
}

#[test]
fn folders_exist() {
    let tree = Tree::made_up(&[("a/b/c.rs", ""), ("a/b.rs", "")]);
    assert!(
        tree.exists("a/b")
            && tree.exists("a/b/")
            && tree.exists("a/b.rs")
            && !tree.exists("a/c")
            && !tree.exists("a/b/c")
    );
    assert_eq!(tree.top_level(), ["a"]);
}
