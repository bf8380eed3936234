//! What services and resources may be called. Names are in every line that is logged, printed or reported.

use std::sync::Arc;

/// The id of a service, or the name of a resource.
pub type Name = Arc<str>;

/// How long a name may be, in bytes.
const LONGEST: usize = 256;

/// How much of one that is refused is shown, in characters.
const SHOWN: usize = 64;

/// A name that nobody may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnfitName {
    /// It, or its beginning, as it may be shown.
    pub(crate) shown: String,
    /// What is wrong with it.
    pub(crate) reason: &'static str,
}

/// Whether a name can be shown as it is.
pub(crate) fn check_name(name: &str) -> Result<(), UnfitName> {
    let reason = if name.len() > LONGEST {
        "which is longer than 256 bytes"
    } else if name.chars().any(is_invisible) {
        "which has control characters in it"
    } else {
        return Ok(());
    };
    let beginning: String = name.chars().take(SHOWN).collect();
    let more = if beginning.len() < name.len() { "..." } else { "" };
    Err(UnfitName { shown: format!("{beginning:?}{more}"), reason })
}

/// Characters that act on a terminal or a log in place of being shown: controls, and what breaks lines or turns the direction
/// of writing.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g01_names_that_cannot_be_shown_are_refused_and_shown_escaped() {
        let long = "\u{fc}".repeat(128);
        for fit in ["api", "\u{fc}ber uns", "\u{65e5}\u{672c}", "a\u{200d}b", &*long] {
            assert_eq!(check_name(fit), Ok(()), "{fit:?}");
        }
        for (unfit, shown) in [
            ("a\nb", r#""a\nb""#),
            ("\u{1b}[2J", r#""\u{1b}[2J""#),
            ("\u{9b}2J", r#""\u{9b}2J""#),
            ("a\u{202e}b", r#""a\u{202e}b""#),
        ] {
            let refused = check_name(unfit).expect_err(unfit);
            assert_eq!((&*refused.shown, refused.reason), (shown, "which has control characters in it"));
        }
        let refused = check_name(&"a".repeat(257)).expect_err("too long");
        assert_eq!(refused.shown, format!("\"{}\"...", "a".repeat(64)));
    }
}
