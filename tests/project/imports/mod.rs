//! Which file of the crate uses which, by reading its sources.
//!
//! A name is followed through re-exports to the file that defines it. What is there for tests alone is left out.

mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use tokens::tokens;

type Module = Vec<String>;

/// By file, below `src`, the files that it uses.
pub type Imports = BTreeMap<String, BTreeSet<String>>;

/// A name that a file uses, as a path from the crate's root.
struct Use {
    path: Module,
    re_exported: bool,
}

struct Source {
    file: String,
    uses: Vec<Use>,
    /// Modules of files that are declared for tests alone.
    test_modules: Vec<Module>,
}

/// Reads all of a crate.
pub fn imports(src: &Path) -> Imports {
    let mut files = BTreeMap::new();
    find(src, src, &mut files);
    let known: BTreeSet<Module> = files.keys().cloned().collect();
    let mut sources: BTreeMap<Module, Source> = files
        .into_iter()
        .map(|(module, file)| {
            let text = fs::read_to_string(src.join(&file)).expect("it can be read");
            let source = read(&module, file, &text, &known);
            (module, source)
        })
        .collect();
    let tests: Vec<Module> = sources.values().flat_map(|source| source.test_modules.clone()).collect();
    sources.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
    let mut imports = Imports::new();
    for source in sources.values() {
        let used = source.uses.iter().filter(|one| !(one.re_exported && is_parent(&source.file)));
        let used = used.filter_map(|one| resolve(&one.path, &sources, 0));
        let others = used.filter(|file| **file != source.file).cloned().collect();
        imports.insert(source.file.clone(), others);
    }
    imports
}

/// Whether a file may be there only to declare and re-export others.
fn is_parent(file: &str) -> bool {
    file == "lib.rs" || file.ends_with("mod.rs")
}

fn find(src: &Path, folder: &Path, files: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).expect("it is a folder") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            find(src, &path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let file = path.strip_prefix(src).expect("it is below").to_str().expect("it is text").to_owned();
            let mut module: Module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if module.last().is_some_and(|last| last == "mod" || last == "lib") {
                module.pop();
            }
            files.insert(module, file);
        }
    }
}

fn read(module: &Module, file: String, text: &str, known: &BTreeSet<Module>) -> Source {
    let all = tokens(text);
    let mut source = Source { file, uses: Vec::new(), test_modules: Vec::new() };
    let mut at = 0;
    while at < all.len() {
        if let Some(end) = test_attribute(&all, at) {
            let end = item(&all, end);
            // A module of its own file: `mod tests;`
            if let Some(mod_at) = all[at..end].iter().rposition(|token| *token == "mod") {
                let name = all[at + mod_at + 1].to_owned();
                source.test_modules.push(module.iter().cloned().chain([name]).collect());
            }
            at = end;
        } else if all[at] == "use" {
            let re_exported = at > 0 && (all[at - 1] == "pub" || all[at - 1] == ")");
            let mut paths = Vec::new();
            at = tree(&all, at + 1, &[], &mut paths);
            let absolute = paths.iter().filter_map(|path| absolute(module, path, known));
            source.uses.extend(absolute.map(|path| Use { path, re_exported }));
        } else if begins_path(&all, at) {
            let mut path = vec![all[at]];
            while all.get(at + 1) == Some(&"::") && all.get(at + 2).is_some_and(|next| is_name(next)) {
                path.push(all[at + 2]);
                at += 2;
            }
            source.uses.extend(absolute(module, &path, known).map(|path| Use { path, re_exported: false }));
            at += 1;
        } else {
            at += 1;
        }
    }
    source
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Whether a path begins here: `crate::..`, `super::..`, or one into a module of this file, which [`absolute`] knows.
fn begins_path(all: &[&str], at: usize) -> bool {
    let is_first = at == 0 || all[at - 1] != "::";
    is_first && is_name(all[at]) && all.get(at + 1) == Some(&"::") && !is_scope(all, at)
}

/// `pub(in crate::grpc)` uses nothing.
fn is_scope(all: &[&str], at: usize) -> bool {
    at > 0 && all[at - 1] == "in" || at > 1 && all[at - 1] == "(" && all[at - 2] == "pub"
}

/// Where an attribute `#[cfg(test)]`, or one of the kind, ends.
fn test_attribute(all: &[&str], at: usize) -> Option<usize> {
    if all[at..].first_chunk() != Some(&["#", "[", "cfg", "("]) {
        return None;
    }
    let end = at + all[at..].iter().position(|token| *token == "]")?;
    let inside = &all[at..end];
    (inside.contains(&"test") && !inside.contains(&"any") && !inside.contains(&"not")).then_some(end + 1)
}

/// Where the item that begins here ends.
fn item(all: &[&str], begin: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in all.iter().enumerate().skip(begin) {
        match *token {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(*token, ";" | "}") {
            return at + 1;
        }
    }
    all.len()
}

/// Reads the paths of a `use`; where it ends.
fn tree<'a>(all: &[&'a str], begin: usize, prefix: &[&'a str], paths: &mut Vec<Vec<&'a str>>) -> usize {
    let (mut at, mut path) = (begin, prefix.to_vec());
    while let Some(token) = all.get(at) {
        match *token {
            "::" => {}
            "{" => {
                at = tree(all, at + 1, &path, paths);
                while all.get(at) == Some(&",") {
                    at = tree(all, at + 1, &path, paths);
                }
                // The closing brace. What was in it has been taken.
                return at + 1;
            }
            "as" => at += 1,
            "," | "}" | ";" => break,
            word => path.push(word),
        }
        at += 1;
    }
    if path.len() > prefix.len() {
        paths.push(path);
    }
    at
}

/// A path from the crate's root; `None`: it leads out of the crate.
fn absolute(module: &Module, path: &[&str], known: &BTreeSet<Module>) -> Option<Module> {
    let (mut base, mut rest) = (module.clone(), path);
    match *path.first()? {
        "crate" => (base, rest) = (Vec::new(), &path[1..]),
        "self" => rest = &path[1..],
        "super" => {
            while rest.first() == Some(&"super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        child => {
            let is_child =
                known.contains(&module.iter().cloned().chain([child.to_owned()]).collect::<Module>());
            is_child.then_some(())?;
        }
    }
    Some(base.into_iter().chain(rest.iter().map(|part| (*part).to_owned())).collect())
}

/// The file that defines what a path leads to.
fn resolve<'a>(path: &Module, sources: &'a BTreeMap<Module, Source>, depth: usize) -> Option<&'a String> {
    let length = (0..=path.len()).rev().find(|length| sources.contains_key(&path[..*length]))?;
    let source = &sources[&path[..length]];
    let Some(name) = path.get(length).filter(|_| depth < 10) else { return Some(&source.file) };
    let exported = source.uses.iter().filter(|one| one.re_exported);
    for Use { path: to, .. } in exported {
        let rest = path[length + 1..].iter().cloned();
        if to.last() == Some(name) && to.len() > 1 {
            return resolve(&to.iter().cloned().chain(rest).collect(), sources, depth + 1);
        }
    }
    Some(&source.file)
}

#[test]
fn a_use_is_read_with_all_its_branches() {
    let (text, known) = ("use crate::a::{b, c::{self, d as e}}; use super::f;", BTreeSet::new());
    let source = read(&vec!["g".to_owned(), "h".to_owned()], "g/h.rs".to_owned(), text, &known);
    let paths: Vec<String> = source.uses.iter().map(|one| one.path.join("::")).collect();
    assert_eq!(paths, ["a::b", "a::c::self", "a::c::d", "g::f"]);
}

#[test]
fn what_is_for_tests_alone_is_left_out() {
    let text =
        "#[cfg(test)] mod tests { use crate::a; } #[cfg(any(test, x))] use crate::b; #[cfg(test)] mod rig;";
    let source = read(&vec!["m".to_owned()], "m.rs".to_owned(), text, &BTreeSet::new());
    let paths: Vec<String> = source.uses.iter().map(|one| one.path.join("::")).collect();
    assert_eq!(paths, ["b"]);
    assert!(source.test_modules.contains(&vec!["m".to_owned(), "rig".to_owned()]));
}
