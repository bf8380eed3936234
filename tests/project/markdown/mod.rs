//! What pages written in Markdown link to, what can be linked to in them, and their blocks of code.

/// One page, as far as tests ask.
#[derive(Debug, Default)]
pub struct Page {
    /// Where its links lead, and on which lines they are.
    pub links: Vec<(usize, String)>,
    /// What may follow a `#` to lead into it, as GitHub and mdBook make it of headings.
    pub anchors: Vec<String>,
    /// What is written behind the backticks that begin a block of code, and on which lines.
    pub fences: Vec<(usize, String)>,
}

impl Page {
    pub fn parse(text: &str) -> Self {
        let (mut page, mut in_code) = (Self::default(), false);
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(info) = line.trim_start().strip_prefix("```") {
                if !in_code {
                    page.fences.push((number, info.to_owned()));
                }
                in_code = !in_code;
            } else if !in_code {
                page.links.extend(links(line).map(|link| (number, link)));
                page.add_heading(line);
            }
        }
        assert!(!in_code, "a block of code is not closed");
        page
    }

    fn add_heading(&mut self, line: &str) {
        let text = line.trim_start_matches('#');
        if !line.starts_with('#') || !text.starts_with(' ') {
            return;
        }
        let keep = |c: char| c.is_alphanumeric() || "-_ ".contains(c);
        let slug =
            text.trim().to_lowercase().chars().filter(|c| keep(*c)).collect::<String>().replace(' ', "-");
        let same = |anchor: &&String| **anchor == slug || anchor.starts_with(&format!("{slug}-"));
        let numbered = match self.anchors.iter().filter(same).count() {
            0 => slug,
            count => format!("{slug}-{count}"),
        };
        self.anchors.push(numbered);
    }
}

/// Where the links of a line lead, those within `code` left out.
fn links(line: &str) -> impl Iterator<Item = String> {
    let prose = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target.to_owned()).collect::<Vec<_>>();
    targets.into_iter()
}
