//! Names of buffers in the text of a kernel.

/// `text` with a name for each argument of the kernel, for debuggers: `%b0: memref<?xf32>` becomes `%b0: memref<?xf32> loc("x")`. Arguments
/// beyond `names` (the push constants) are called `offsets`.
pub fn with_names(text: &str, names: &[&str]) -> String {
    let Some(((before, args), after)) = (text.split_once("@KERNEL(")).and_then(|(before, rest)| {
        let end = closing(rest)?;
        Some(((before, &rest[..end]), &rest[end..]))
    }) else {
        return text.to_owned();
    };
    let named: Vec<String> = split(args)
        .into_iter()
        .enumerate()
        .map(|(i, arg)| match arg.trim() {
            "" => arg.to_owned(),
            arg if arg.contains("loc(") => arg.to_owned(),
            arg => format!("{arg} loc(\"{}\")", names.get(i).unwrap_or(&"offsets")),
        })
        .collect();
    format!("{before}@KERNEL({}{after}", named.join(", "))
}

/// Change of nesting by a character of a type.
fn step(c: char) -> i32 {
    match c {
        '(' | '<' | '[' | '{' => 1,
        ')' | '>' | ']' | '}' => -1,
        _ => 0,
    }
}

/// Where the list ends that `text` is inside of.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(i, c)| {
        depth += step(c);
        (depth < 0).then_some(i)
    })
}

/// At commas that are not inside of a type.
fn split(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, vec![]);
    for (i, c) in list.char_indices() {
        depth += step(c);
        if c == ',' && depth == 0 {
            parts.push(&list[start..i]);
            start = i + 1;
        }
    }
    parts.push(&list[start..]);
    parts
}
