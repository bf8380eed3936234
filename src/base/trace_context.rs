//! The trace that a request belongs to, as its header `traceparent` tells (W3C Trace Context).
//!
//! ```text
//!   00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
//!   version       trace id                 parent id     flags
//! ```
//!
//! Source: <https://www.w3.org/TR/trace-context/#traceparent-header>. What is not as it says tells of no trace: such a request is as
//! good as one without the header.

use std::num::NonZero;

use http::{HeaderMap, HeaderName};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Where each field ends: version, trace id, parent id, flags.
const ENDS: [usize; 4] = [2, 35, 52, 55];

/// A trace, and the span in it that made the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceContext<'a> {
    /// 32 hexadecimal digits in lower case, not all of them zero.
    pub(crate) trace_id: &'a str,
    /// 16 of them.
    pub(crate) parent_id: &'a str,
}

/// The id of a trace, kept by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceId(NonZero<u128>);

impl<'a> TraceContext<'a> {
    /// What these headers tell. `None`: nothing, nothing valid, or two things.
    pub(crate) fn of(headers: &'a HeaderMap) -> Option<Self> {
        // Of a few headers a look at each is faster than the map's own way.
        let mut all = headers.iter().filter(|(name, _)| **name == TRACEPARENT).map(|(_, value)| value);
        let first = all.next()?;
        if all.next().is_some() {
            return None;
        }
        Self::parse(first.to_str().ok()?.trim_matches([' ', '\t']))
    }

    /// Reads the value of the header.
    fn parse(text: &'a str) -> Option<Self> {
        let (known, more) = text.split_at_checked(ENDS[3])?;
        let [version, trace_id, parent_id, flags] = [
            known.get(..ENDS[0])?,
            known.get(ENDS[0] + 1..ENDS[1])?,
            known.get(ENDS[1] + 1..ENDS[2])?,
            known.get(ENDS[2] + 1..)?,
        ];
        let dashes = ENDS[..3].iter().all(|&end| known.as_bytes()[end] == b'-');
        let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
        // Of later versions more may follow, after a dash.
        let ends = more.is_empty() || (version != "00" && more.starts_with('-'));
        let is_valid = dashes
            && ends
            && [version, trace_id, parent_id, flags].into_iter().all(is_hex)
            && version != "ff"
            && !is_zero(trace_id)
            && !is_zero(parent_id);
        is_valid.then_some(Self { trace_id, parent_id })
    }

    /// The id of the trace, which outlasts the headers.
    pub(crate) fn id(&self) -> Option<TraceId> {
        u128::from_str_radix(self.trace_id, 16).ok().and_then(NonZero::new).map(TraceId)
    }
}

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";

    fn valid(text: &str) -> bool {
        let context = TraceContext::parse(text);
        let expected = TraceContext { trace_id: TRACE, parent_id: PARENT };
        assert!(context.is_none_or(|context| context == expected), "{text}");
        context.is_some()
    }

    #[test]
    fn version_00_is_four_fields_and_nothing_more() {
        for flags in ["00", "01", "ff", "09"] {
            assert!(valid(&format!("00-{TRACE}-{PARENT}-{flags}")));
        }
        for more in ["-", "-what", ".", "0", " "] {
            assert!(!valid(&format!("00-{TRACE}-{PARENT}-01{more}")), "{more:?}");
        }
    }

    #[test]
    fn of_a_later_version_more_may_follow_after_a_dash() {
        for version in ["01", "cc", "fe"] {
            for more in ["", "-", "-what-the-future-will-be-like"] {
                assert!(valid(&format!("{version}-{TRACE}-{PARENT}-01{more}")), "{version} {more:?}");
            }
            for more in [".what", "0", "what"] {
                assert!(!valid(&format!("{version}-{TRACE}-{PARENT}-01{more}")), "{version} {more:?}");
            }
        }
    }

    #[test]
    fn what_is_not_as_the_specification_says_tells_of_no_trace() {
        let zero = "0".repeat(32);
        for text in [
            String::new(),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("FF-{TRACE}-{PARENT}-01"),
            format!("0-{TRACE}-{PARENT}-01"),
            format!("000-{TRACE}-{PARENT}-01"),
            format!(".0-{TRACE}-{PARENT}-01"),
            format!("00-{zero}-{PARENT}-01"),
            format!("00-{TRACE}-{}-01", &zero[..16]),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", PARENT.to_uppercase()),
            format!("00-{TRACE}-{PARENT}-0A"),
            format!("00-{TRACE}-{PARENT}-.0"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{TRACE}-{PARENT}"),
            format!("00-{TRACE}-{PARENT}-"),
            format!("00-{}-{PARENT}-01", &TRACE[1..]),
            format!("00-{TRACE}0-{PARENT}-01"),
            format!("00-{TRACE}-{}-01", &PARENT[1..]),
            format!("00-{}g-{PARENT}-01", &TRACE[1..]),
            format!("00_{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}_{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}_01"),
            format!("00-{}\u{e9}-{PARENT}-01", &TRACE[2..]),
            "\u{e9}".repeat(28),
        ] {
            assert!(!valid(&text), "{text}");
        }
    }

    #[test]
    fn of_headers_there_must_be_one_and_spaces_around_it_are_none_of_it() {
        let of = |values: &[&str]| {
            let headers: HeaderMap =
                values.iter().map(|value| (TRACEPARENT, value.parse().unwrap())).collect();
            TraceContext::of(&headers).and_then(|context| context.id()).map(|id| id.to_string())
        };
        let value = format!("00-{TRACE}-{PARENT}-01");
        assert_eq!(of(&[&value]), Some(TRACE.to_owned()));
        assert_eq!(of(&[&format!(" \t{value} ")]), Some(TRACE.to_owned()));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[""]), None);
        assert_eq!(of(&[&format!("{value},{value}")]), None);
        let mut twice = HeaderMap::new();
        twice.append(TRACEPARENT, value.parse().unwrap());
        twice.append(TRACEPARENT, value.parse().unwrap());
        assert_eq!(TraceContext::of(&twice), None);
        let mut binary = HeaderMap::new();
        binary.insert(TRACEPARENT, http::HeaderValue::from_bytes(&[0xff; 55]).unwrap());
        assert_eq!(TraceContext::of(&binary), None);
    }
}
