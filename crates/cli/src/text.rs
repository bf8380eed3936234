//! Words, for people.

/// A text from elsewhere on one line, with nothing in it that a terminal would obey.
pub(crate) fn plain(text: &str) -> String {
    escaped(text, |_| false)
}

/// The same of several lines.
pub(crate) fn plain_lines(text: &str) -> String {
    escaped(text, |character| character == '\n')
}

fn escaped(text: &str, keeps: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            kept if keeps(kept) => out.push(kept),
            '\n' => out.push(' '),
            odd if odd.is_control() || is_bidi(odd) => out.extend(odd.escape_default()),
            other => out.push(other),
        }
    }
    out
}

/// Whether it changes the direction of a text, and so what it seems to say.
fn is_bidi(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How long something lasted: `0.4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub(crate) fn lasted(ms: f64) -> String {
    let seconds = (ms / 1000.0).max(0.0);
    let whole = seconds as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => two(whole / 60, "min", whole % 60, "s"),
        3600..86400 => two(whole / 3600, "h", whole % 3600 / 60, "min"),
        _ => two(whole / 86400, "d", whole % 86400 / 3600, "h"),
    }
}

fn two(large: u64, unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {unit}") } else { format!("{large} {unit} {small} {small_unit}") }
}

/// `1 call`, `2 calls`.
pub(crate) fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// `once`, `5 times`.
pub(crate) fn times(number: u64) -> String {
    if number == 1 { "once".to_owned() } else { count(number, "time") }
}

/// The first of them, and how many more: `a, b, c and 4 more`.
pub(crate) fn some_of(names: &[String]) -> String {
    const NAMED: usize = 3;
    let named = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// The text cut to so many characters; `..` says that it was.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(2)).chain("..".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_would_obey_is_left_in_a_text() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc\u{202e}d\u{9b}"), "a\\u{1b}[2Jb\\r c\\u{202e}d\\u{9b}");
        assert_eq!(plain_lines("a\nb\u{7}é字"), "a\nb\\u{7}é字");
    }

    #[test]
    fn times_are_told_in_two_units_at_most() {
        for (ms, wanted) in [
            (-5.0, "0.0 s"),
            (449.0, "0.4 s"),
            (59_940.0, "59.9 s"),
            (60_000.0, "1 min"),
            (200_000.0, "3 min 20 s"),
            (7_500_000.0, "2 h 5 min"),
            (273_600_000.0, "3 d 4 h"),
        ] {
            assert_eq!(lasted(ms), wanted, "{ms}");
        }
    }

    #[test]
    fn of_many_names_the_first_are_told_and_the_others_counted() {
        let names = |count: usize| (0..count).map(|at| at.to_string()).collect::<Vec<_>>();
        assert_eq!(some_of(&names(3)), "0, 1, 2");
        assert_eq!(some_of(&names(5)), "0, 1, 2 and 2 more");
        assert_eq!((cut("abcdef", 6), cut("abcdefg", 6)), ("abcdef".into(), "abcd..".into()));
    }
}
