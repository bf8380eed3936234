//! The documentation names the tests that hold each guarantee, and those that it names exist. The guide to the gRPC
//! server leaves out no option and no field of the log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Files = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(of).filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect()
}

/// By guarantee, the files with tests that are named after it; those of the rules count for themselves.
fn tested() -> Files {
    let mut files = Files::new();
    for source in [root().join("src"), root().join("tests")].iter().flat_map(|folder| sources(folder)) {
        let name = source.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        if name.contains("lifecycle/checks/") {
            continue;
        }
        for line in fs::read_to_string(&source).unwrap().lines() {
            let test = line.trim_start().trim_start_matches("async ").strip_prefix("fn g");
            let number = test.and_then(|test| test.split('_').next()?.parse::<u8>().ok());
            if let Some(number) = number {
                files.entry(format!("G{number}")).or_default().insert(name.clone());
            }
        }
    }
    files
}

/// By guarantee, the files that the page names.
fn documented() -> Files {
    let page = fs::read_to_string(root().join("docs/guarantees.md")).unwrap();
    let mut files = Files::new();
    for section in page.split("\n## ").skip(1) {
        let guarantee = section.split(' ').next().unwrap().to_owned();
        let tests = section.split("Tests:").nth(1).unwrap_or_default();
        let named = tests.split('`').skip(1).step_by(2).map(ToOwned::to_owned);
        files.insert(guarantee, named.collect());
    }
    files
}

#[test]
fn every_guarantee_names_the_files_with_its_tests() {
    let (tested, documented) = (tested(), documented());
    assert_eq!(documented.len(), 15, "a section for each guarantee: {:?}", documented.keys());
    for (guarantee, named) in &documented {
        let found = tested.get(guarantee).cloned().unwrap_or_default();
        assert_eq!(*named, found, "{guarantee}: left, what docs/guarantees.md names; right, what there is");
        assert!(!found.is_empty(), "{guarantee} has no test");
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// What the first cells of tables hold, where lines of tables begin so.
fn rows(text: &str, begin: &str) -> BTreeSet<String> {
    let cells = text.lines().filter_map(|line| line.trim_start().strip_prefix(begin)?.split('|').next());
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(ToOwned::to_owned).collect()
}

#[test]
fn the_guide_to_the_grpc_server_has_every_option_and_every_field_of_the_log() {
    let guide = rows(&read("docs/grpc.md"), "|");
    let source = read("src/grpc/options.rs");
    let options = source.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("    pub fn ")?.split_once('(')?;
        (name != "new").then(|| name.to_owned())
    });
    let fields = rows(&read("src/grpc/logging/mod.rs"), "//! |");
    let wanted: BTreeSet<_> = options.chain(fields).collect();
    assert!(wanted.len() > 30, "the sources are written differently by now: {wanted:?}");
    let missing: Vec<_> = wanted.difference(&guide).collect();
    assert!(missing.is_empty(), "docs/grpc.md has no row for {missing:?}");
}
