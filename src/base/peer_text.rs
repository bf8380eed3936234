//! Text that a peer chose, as it may be shown: short, and without characters that a terminal obeys.
//!
//! Paths, metadata, names in requests, encodings and statuses of others go through here before they are logged,
//! counted, printed or sent back. What is not printable is written as Rust writes it (`\u{9b}`), a backslash is doubled, and
//! what is longer than [`LONGEST`] bytes then is cut, which three dots at the end tell.

use std::borrow::Cow;

/// How many bytes are shown at most.
pub(crate) const LONGEST: usize = 256;

const CUT: &str = "...";

/// The text as it may be shown, at most [`LONGEST`] bytes. Costs no allocation where it may be shown as it is.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    shown_within(text, LONGEST)
}

/// The same of bytes that should be text.
pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    // An invalid byte becomes three: what is cut off here would not be shown either.
    let some = &bytes[..bytes.len().min(LONGEST + 1)];
    shown(&String::from_utf8_lossy(some)).into_owned()
}

/// The same with another limit, for what is not a peer's alone.
pub(crate) fn shown_within(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len().min(longest));
    // Where the dots have their place if there is more than fits.
    let mut end = 0;
    for char in text.chars() {
        push(&mut written, char);
        if written.len() + CUT.len() <= longest {
            end = written.len();
        }
        if written.len() > longest {
            written.truncate(end);
            written.push_str(&CUT[..CUT.len().min(longest)]);
            break;
        }
    }
    Cow::Owned(written)
}

/// Whether a character is to be escaped wherever it is shown: it is not printable, or changes how its neighbours look.
pub(crate) fn is_hidden(char: char) -> bool {
    !char.is_ascii_graphic() && char != ' ' && char.escape_debug().len() > 1
}

fn is_plain(byte: u8) -> bool {
    (byte.is_ascii_graphic() || byte == b' ') && byte != b'\\'
}

fn push(written: &mut String, char: char) {
    match char {
        '\\' => written.push_str("\\\\"),
        _ if is_hidden(char) => written.extend(char.escape_debug()),
        _ => written.push(char),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g17_plain_text_is_shown_as_it_is() {
        for text in ["", "/pkping.Ping/Ping", "it's \"quoted\"", &"a".repeat(LONGEST)] {
            assert!(matches!(shown(text), Cow::Borrowed(_)), "{text}");
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("für Ж 字"), "für Ж 字");
    }

    #[test]
    fn g17_what_a_terminal_obeys_is_escaped() {
        assert_eq!(shown("/a\u{9b}31m\u{202e}x"), r"/a\u{9b}31m\u{202e}x");
        assert_eq!(shown("\x1b[2J\r\n\t\0\x7f"), r"\u{1b}[2J\r\n\t\0\u{7f}");
        assert_eq!(
            shown("\u{2028}\u{feff}\u{200b}\u{2066}e\u{301}"),
            r"\u{2028}\u{feff}\u{200b}\u{2066}e\u{301}"
        );
        assert_eq!(shown(r"\u{9b}"), r"\\u{9b}");
        assert_eq!(shown_bytes(b"a\x9bb"), "a\u{fffd}b");
    }

    #[test]
    fn g17_what_is_too_long_is_cut_and_says_so() {
        let long = shown(&"x".repeat(LONGEST + 1)).into_owned();
        assert_eq!((long.len(), long.ends_with("x...")), (LONGEST, true));
        assert!(shown(&"ü".repeat(200)).ends_with("ü..."));
        assert!(shown_bytes(&vec![0xff; 20_000]).len() <= LONGEST);
        assert_eq!(shown_within("abcdef", 5), "ab...");
        assert_eq!(shown_within("abcdef", 2), "..");
    }

    #[test]
    fn g17_whatever_it_is_it_is_short_and_printable() {
        let mut random = fastrand::Rng::with_seed(17);
        for _ in 0..1_000 {
            let length = random.usize(0..600);
            // Half of it from where the hidden characters are.
            let mut char = || if random.bool() { random.char('\0'..'\u{2100}') } else { random.char(..) };
            let text: String = (0..length).map(|_| char()).collect();
            let limit = random.usize(0..40);
            for (shown, limit) in [(shown(&text), LONGEST), (shown_within(&text, limit), limit)] {
                assert!(shown.len() <= limit, "{text:?}");
                assert!(!shown.chars().any(|char| is_hidden(char) || char.is_control()), "{text:?}");
            }
        }
    }
}
