//! Rules of the house that a program can check. Each rule is a function from the tree of files to a list of violations, and
//! has a test of its own on a made-up tree that breaks it.

#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/docs.rs"]
mod docs;
#[path = "tidy/passes.rs"]
mod passes;
#[path = "tidy/snapshots.rs"]
mod snapshots;
#[path = "tidy/tree.rs"]
mod tree;

use tree::Tree;

/// What is wrong, one line each, starting with the file.
type Violations = Vec<String>;

fn check(rule: fn(&Tree) -> Violations) {
    let tree = Tree::of_repository();
    assert!(tree.files.len() > 100, "the repository is not found");
    let violations = rule(&tree);
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

macro_rules! rules {
    ($($name:ident: $rule:path;)*) => {
        $(#[test]
        fn $name() {
            check($rule);
        })*
    };
}

rules! {
    unsafe_code_is_in_ffi_files_only: code::unsafe_outside_ffi;
    only_tools_print_or_exit: code::prints;
    nothing_is_left_to_do: code::unfinished;
    files_are_short: code::long_files;
    no_paths_of_a_machine: code::machine_paths;
    crates_know_only_what_they_may: code::dependencies;
    crates_use_the_lints_of_the_workspace: code::lints;
    passes_know_no_device: code::device_names;
    scripts_are_strict_and_executable: code::scripts;
    paths_in_documents_exist: docs::missing_paths;
    devices_are_documented: docs::undocumented_devices;
    the_changelog_has_the_version: docs::changelog;
    every_golden_has_an_owner: snapshots::orphans;
    no_pending_goldens: snapshots::pending;
    passes_have_one_name_in_three_spellings: passes::names;
    passes_have_tests: passes::without_tests;
    passes_have_a_complete_header: passes::headers;
}
