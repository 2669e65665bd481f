//! The page `docs/cost-model.md` shows real output: every `$ spec-cost ...` block is run, every golden table is the test's.

use std::process::Command;

const PAGE: &str = include_str!("../../../docs/cost-model.md");

/// The indented lines that follow a command, up to a blank or unindented line.
fn blocks() -> Vec<(String, Vec<String>)> {
    let lines: Vec<&str> = PAGE.lines().collect();
    let starts = (0..lines.len()).filter(|i| lines[*i].starts_with("    $ spec-cost "));
    starts
        .map(|i| {
            let shown = lines[i + 1..].iter().map_while(|l| l.strip_prefix("    "));
            (
                lines[i]["    $ spec-cost ".len()..].to_string(),
                shown.map(|l| l.trim_end().to_string()).collect(),
            )
        })
        .collect()
}

#[test]
fn commands_of_the_page_print_what_it_shows() {
    let blocks = blocks();
    assert_eq!(blocks.len(), 4);
    for (command, shown) in blocks {
        let output = Command::new(env!("CARGO_BIN_EXE_spec-cost"))
            .args(command.split_whitespace())
            .output();
        let text = String::from_utf8(output.expect("the tool starts").stdout).expect("UTF-8");
        let real: Vec<String> = text.lines().map(|l| l.trim_end().to_string()).collect();
        assert_eq!(
            shown, real,
            "{command}: run it and paste its output into docs/cost-model.md"
        );
    }
}

#[test]
fn tables_of_the_page_are_the_goldens() {
    for golden in [
        include_str!("../../../cost/tests/snapshots/paper__where_1_68_lies.snap"),
        include_str!("../../../cost/tests/snapshots/host__host_smollm2.snap"),
    ] {
        let table = golden.rsplit("---\n").next().unwrap_or("");
        for line in table.lines().filter(|l| !l.is_empty()) {
            assert!(
                PAGE.contains(&format!("    {line}\n")),
                "not in docs/cost-model.md: {line}"
            );
        }
    }
}
