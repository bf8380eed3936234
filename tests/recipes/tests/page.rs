//! The page shows the very files that are compiled, and all of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The blocks of the page, each with what is written behind its backticks.
fn blocks() -> Vec<(&'static str, String)> {
    let (mut blocks, mut lines) = (Vec::new(), recipes::PAGE.lines());
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let inner = lines.by_ref().take_while(|line| !line.starts_with("```"));
            blocks.push((language, inner.map(|line| format!("{line}\n")).collect()));
        }
    }
    blocks
}

fn of(language: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for (_, block) in blocks().into_iter().filter(|(of, _)| *of == language) {
        assert!(seen.insert(block), "a block stands twice");
    }
    seen
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Without the lines that say what the file is.
fn body(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
    lines.by_ref().map(|line| format!("{line}\n")).collect()
}

#[test]
fn each_block_of_rust_is_a_file_that_is_compiled_and_each_file_is_a_block() {
    let files = fs::read_dir(root().join("src")).unwrap().map(|file| file.unwrap().path());
    let recipes = files.filter(|file| !file.ends_with("lib.rs"));
    let files: BTreeSet<_> = recipes.chain([root().join("build.rs")]).map(|file| body(&file)).collect();
    let shown = of("rust");
    let only_shown: Vec<_> = shown.difference(&files).collect();
    assert!(
        only_shown.is_empty(),
        "no file of tests/recipes is as these blocks of docs/recipes.md: {only_shown:#?}"
    );
    let only_there: Vec<_> = files.difference(&shown).collect();
    assert!(only_there.is_empty(), "docs/recipes.md does not show these files as they are: {only_there:#?}");
}

#[test]
fn what_the_page_writes_into_other_files_stands_there() {
    let proto = fs::read_to_string(root().join("proto/greeter.proto")).unwrap();
    assert_eq!(of("proto"), BTreeSet::from([proto]));
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for line in of("toml").iter().flat_map(|block| block.lines()) {
        assert!(
            manifest.lines().any(|there| there.starts_with(line)),
            "tests/recipes/Cargo.toml has no {line}"
        );
    }
    let known = ["rust", "proto", "toml"];
    assert!(blocks().iter().all(|(language, _)| known.contains(language)), "nothing compares other blocks");
}
