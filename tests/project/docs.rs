//! The documentation names the tests that hold each guarantee, and those that it names exist. The guide to the gRPC
//! server leaves out no option and no field of the log. No link is broken, no page is left out of the summary, and no block
//! of Rust is left uncompiled.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::markdown::Page;

type Files = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(of).filter(|path| path.extension().is_some_and(|kind| kind == "rs")).collect()
}

/// By guarantee, the files with tests that are named after it; those of the rules count for themselves.
fn tested() -> Files {
    let mut files = Files::new();
    for source in
        ["src", "tests", "crates"].map(|folder| root().join(folder)).iter().flat_map(|folder| sources(folder))
    {
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
    let missing: Vec<_> = tested.keys().filter(|guarantee| !documented.contains_key(*guarantee)).collect();
    assert!(missing.is_empty(), "a section for each guarantee: {missing:?}");
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
    let source = read("src/grpc/options.rs") + &read("src/grpc/options/server.rs");
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

/// Every page, by its path from the root.
fn pages() -> BTreeMap<PathBuf, Page> {
    let folders = ["", "docs", "benches", "tests/outsiders"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let pages = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    let pages = pages.map(|path| {
        let page = Page::parse(&fs::read_to_string(&path).unwrap());
        (path.strip_prefix(root()).unwrap().to_owned(), page)
    });
    pages.collect()
}

/// Where a relative link on a page leads, from the root.
fn followed(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().unwrap().to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => {
                assert!(path.pop(), "{} links out of the repository: {link}", page.display())
            }
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    path
}

/// What is wrong with a link, if anything is. Of those that lead elsewhere only the shape is known.
fn broken(pages: &BTreeMap<PathBuf, Page>, page: &Path, link: &str) -> Option<String> {
    if let Some((scheme, rest)) = link.split_once("://") {
        let host = rest.split(['/', '#']).next().unwrap_or_default();
        let sound = scheme == "https" && host.contains('.') && !rest.contains(char::is_whitespace);
        return (!sound).then(|| "it is no URL of the kind https://host/path".to_owned());
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { page.to_owned() } else { followed(page, file) };
    if !root().join(&target).exists() {
        return Some(format!("there is no {}", target.display()));
    }
    match pages.get(&target) {
        _ if anchor.is_empty() => None,
        Some(target) if target.anchors.iter().any(|known| known == anchor) => None,
        Some(target) => Some(format!("its headings are {:?}", target.anchors)),
        None => Some("only pages have headings".to_owned()),
    }
}

#[test]
fn no_link_is_broken() {
    let pages = pages();
    let links = pages.iter().flat_map(|(path, page)| page.links.iter().map(move |link| (path, link)));
    let links: Vec<_> = links.collect();
    assert!(links.len() > 100, "links are written differently by now: {links:?}");
    let wrong = links.iter().filter_map(|(path, (line, link))| {
        Some(format!("{}:{line}: {link}: {}", path.display(), broken(&pages, path, link)?))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_broken_link_is_found() {
    let pages = pages();
    let page = Path::new("docs/concepts.md");
    for link in [
        "nowhere.md",
        "guarantees.md#g99",
        "#nowhere",
        "http://docs.rs/a",
        "https://nowhere",
        "../src/lib.rs#a",
    ] {
        assert!(broken(&pages, page, link).is_some(), "{link}");
    }
    for link in [
        "guarantees.md",
        "guarantees.md#g1-identity",
        "#one-deadline",
        "../src/lib.rs",
        "https://docs.rs/a#b",
    ] {
        assert_eq!(broken(&pages, page, link), None, "{link}");
    }
}

#[test]
fn the_summary_has_every_page() {
    let pages = pages();
    let summary = &pages[Path::new("docs/SUMMARY.md")];
    let listed: Vec<_> =
        summary.links.iter().map(|(_, link)| followed(Path::new("docs/SUMMARY.md"), link)).collect();
    let there = pages.keys().filter(|path| path.starts_with("docs") && !path.ends_with("SUMMARY.md"));
    let mut sorted = listed.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        there.cloned().collect::<Vec<_>>(),
        "left, what docs/SUMMARY.md lists; right, what there is"
    );
}

#[test]
fn every_block_of_rust_is_compiled() {
    let (library, guide) = (read("src/lib.rs"), read("src/guide.rs"));
    // Of a page whose blocks use one of these it compiles them; `tests/recipes` compares those of a page with its files, too.
    let crates = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let crates = crates.chain([root().join("tests/recipes")]);
    // A program has no blocks of its own.
    let crates: String = crates.filter_map(|path| fs::read_to_string(path.join("src/lib.rs")).ok()).collect();
    for (path, page) in pages() {
        let path = path.display().to_string();
        for (line, fence) in &page.fences {
            let (language, how) = fence.split_once(',').unwrap_or((fence, ""));
            assert!(
                language != "rs" && !how.contains("ignore"),
                "{path}:{line}: {fence:?} would not be compiled"
            );
            if language == "rust" {
                let compiled = match path.strip_prefix("docs/") {
                    Some(page) => {
                        let elsewhere = format!(
                            "#[cfg(not(doctest))]\n    {} = ",
                            page.replace('-', "_").trim_end_matches(".md")
                        );
                        guide.contains(&format!("= \"{page}\";"))
                            && (!guide.contains(&elsewhere)
                                || crates.contains(&format!("include_str!(\"../../../{path}\")")))
                    }
                    None => library.contains(&format!("include_str!(\"../{path}\")")),
                };
                assert!(
                    compiled,
                    "{path}:{line} has a block of Rust: name the page among `pages!` in src/guide.rs"
                );
            }
        }
    }
}
