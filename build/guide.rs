//! The pages of `docs/` as rustdoc takes them: links between them lead to modules of `majordomo::guide`, pictures are part of the page, and
//! what is only in the repository is named.

use std::path::Path;
use std::{fs, io};

/// Writes each page below `out`.
pub fn write(docs: &Path, out: &Path) -> io::Result<()> {
    fs::create_dir_all(out)?;
    for entry in fs::read_dir(docs)? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "md") {
            let page = fs::read_to_string(&path)?;
            fs::write(out.join(path.file_name().unwrap_or_default()), converted(&page, docs)?)?;
        }
    }
    Ok(())
}

fn converted(page: &str, docs: &Path) -> io::Result<String> {
    let (mut text, mut in_code) = (String::new(), false);
    for line in page.lines() {
        match line.strip_prefix("```") {
            // What has no language is Rust to rustdoc.
            Some("") if !in_code => text += "```text",
            Some(_) => text += line,
            None if in_code => text += line,
            None => text += &with_links(line, docs)?,
        }
        in_code ^= line.starts_with("```");
        text.push('\n');
    }
    Ok(text)
}

/// A line of prose, its links converted.
fn with_links(line: &str, docs: &Path) -> io::Result<String> {
    let (mut text, mut rest) = (String::new(), line);
    while let Some((before, after)) = rest.split_once("](") {
        let Some((target, after)) = after.split_once(')') else { break };
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let anchor = if anchor.is_empty() { String::new() } else { format!("#{anchor}") };
        let picture = before.rfind('[').filter(|&at| before[..at].ends_with('!'));
        if let Some(at) = picture
            && file.ends_with(".svg")
        {
            text += &before[..at - 1];
            text += fs::read_to_string(docs.join(file))?.trim();
        } else if let Some(page) = file.strip_suffix(".md").filter(|page| !page.contains('/')) {
            let module = page.replace('-', "_");
            text += &format!("{before}](crate::guide::{module}{anchor})");
        } else if let Some(path) = file.strip_prefix("../") {
            // There is no page for it: its name stays.
            let at = before.rfind('[').unwrap_or(before.len());
            let label = &before[(at + 1).min(before.len())..];
            text += &format!("{}{label} (`{path}` in the repository)", &before[..at]);
        } else {
            text += &format!("{before}]({target})");
        }
        rest = after;
    }
    text += rest;
    Ok(text)
}
