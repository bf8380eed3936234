//! The plan of the house holds: every import points down the list of rooms, and files do not use each other in circles.
//!
//! What is there for tests alone may use everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::docs::sources;
use crate::imports::{Imports, imports};

/// From the top down. A room uses those below it. `lib.rs` is above all.
const ROOMS: [&str; 21] = [
    "guide",
    "testing",
    "manager",
    "operations",
    "handover",
    "notify",
    "clients",
    "ping",
    "grpc",
    "http",
    "sockets",
    "server",
    "metrics",
    "service",
    "supervision",
    "process",
    "report",
    "events",
    "api_errors",
    "lifecycle",
    "base",
];

/// Files that use each other, and why they still may.
const CIRCLES: [(&str, &[&str]); 1] = [(
    "A generator makes errors, and an error remembers its generator.",
    &["api_errors/api_error.rs", "api_errors/generator.rs"],
)];

fn read() -> Imports {
    let mut all = imports(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../src"));
    // Included where it is used.
    all.retain(|file, _| !file.starts_with("generated/"));
    all
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

fn height(file: &str) -> Option<usize> {
    ROOMS.iter().rev().position(|name| *name == room(file))
}

#[test]
fn every_file_is_in_a_room() {
    let homeless: Vec<_> =
        read().into_keys().filter(|file| file != "lib.rs" && height(file).is_none()).collect();
    assert!(homeless.is_empty(), "give these a place in ROOMS: {homeless:?}");
}

#[test]
fn imports_point_down() {
    let imports = read();
    let links = imports.iter().flat_map(|(file, used)| used.iter().map(move |used| (file, used)));
    let up: Vec<_> = links.filter(|(file, used)| *file != "lib.rs" && height(used) > height(file)).collect();
    assert!(up.is_empty(), "a room uses only those below it: {up:#?}");
}

/// What each file leads to, over however many others.
fn reached<'a>(imports: &'a Imports, from: &'a str) -> BTreeSet<&'a str> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        for next in imports.get(file).into_iter().flatten() {
            if reached.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    reached
}

#[test]
fn files_do_not_use_each_other_in_circles() {
    let imports = read();
    let all: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|file| (file.as_str(), reached(&imports, file))).collect();
    let in_circle: BTreeSet<&str> =
        all.iter().filter(|(file, to)| to.contains(*file)).map(|(file, _)| *file).collect();
    let allowed: BTreeSet<&str> = CIRCLES.iter().flat_map(|(_, files)| files.iter().copied()).collect();
    let new: Vec<_> = in_circle.difference(&allowed).collect();
    assert!(new.is_empty(), "these use each other in a circle: {new:#?}");
    let over: Vec<_> = allowed.difference(&in_circle).collect();
    assert!(over.is_empty(), "these are in no circle any more: take them out of CIRCLES: {over:#?}");
}

/// How many lines a file of the crate has at most: one concept, read in one go.
const LONGEST: usize = 350;

#[test]
fn no_file_is_too_long() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let src = root.join("src");
    let of_crates = sources(&root.join("crates"));
    let files = of_crates.into_iter().chain(read().into_keys().map(|file| src.join(file)));
    let length = |file: &PathBuf| std::fs::read_to_string(file).unwrap().lines().count();
    let long: Vec<_> = files.filter(|file| length(file) > LONGEST).collect();
    assert!(long.is_empty(), "split these: {long:?}");
}
