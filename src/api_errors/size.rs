//! How large an error may be on the wire: headers have limits, and what exceeds those is a call without any status.
//!
//! ```text
//!   too large?  stack traces, then contexts, then the source, then the details that somebody gave along, then frames
//!               in the middle of the trace, then the message: each only as far as it must
//! ```
//!
//! The error's identity (issuer, code, name, gRPC code, id, time) is never cut.

use super::details::Details;
use super::wire::pkerr;

/// How many bytes the details may have in base64 unless told otherwise. All trailers together should stay below 8 KiB:
/// clients in Java take no more, those built on gRPC's C core (Python, C++, Ruby) refuse more at random, and tonic's take
/// 16 KiB. The message is sent a second time by itself, and somebody may add metadata.
pub(super) const DEFAULT_MAX_DETAILS_SIZE: usize = 4 * 1024;

/// Stands where something was cut.
const CUT: &str = " ... (cut)";

/// Less of a text than this is not worth keeping.
const WORTH_KEEPING: usize = 32;

/// Details that have at most this many bytes in base64, with a message that has at most half of it as it is sent.
pub(super) fn fitted(mut details: Details, limit: usize) -> Details {
    details.status.message = text(&details.error);
    let message_limit = limit / 2;
    let excess_of_all = |details: &Details| details.encoded_len().saturating_sub(before_base64(limit));
    let excess_of_message = |details: &Details| beyond(&details.status.message, message_limit);

    cut(&mut details, excess_of_all, |error| frames(error, |frame| &mut frame.stack_trace));
    cut(&mut details, excess_of_all, |error| frames(error, |frame| &mut frame.additional_context));
    // These are sent twice: by themselves and in the message.
    let excess = |details: &Details| excess_of_all(details).div_ceil(2).max(excess_of_message(details));
    cut(&mut details, excess, |error| vec![&mut error.source_error]);
    while excess_of_all(&details) > 0
        && details.error.details.pop().or_else(|| details.status.details.pop()).is_some()
    {}
    while excess_of_all(&details) > 0 && details.error.trace.len() > 2 {
        let middle = details.error.trace.len() / 2;
        details.error.trace.remove(middle);
    }
    cut(&mut details, excess, |error| vec![&mut error.message]);
    details
}

/// `(Name | Issuer | Code) message`, then what led to it.
pub(super) fn text(error: &pkerr::Error) -> String {
    let pkerr::Error { name, issuer, code, message, source_error, .. } = error;
    let space = if message.is_empty() { "" } else { " " };
    let from = if source_error.is_empty() { "" } else { " | from: " };
    format!("({name} | {issuer} | {code}){space}{message}{from}{source_error}")
}

fn frames(error: &mut pkerr::Error, text: fn(&mut pkerr::TraceInfo) -> &mut String) -> Vec<&mut String> {
    error.trace.iter_mut().map(text).collect()
}

/// Cuts these texts, the longest first, until nothing is too much.
fn cut(
    details: &mut Details,
    excess: impl Fn(&Details) -> usize,
    texts: impl Fn(&mut pkerr::Error) -> Vec<&mut String>,
) {
    loop {
        let excess = excess(details);
        let longest = texts(&mut details.error).into_iter().max_by_key(|text| text.len());
        let Some(longest) = longest.filter(|text| excess > 0 && !text.is_empty()) else { return };
        shorten(longest, excess);
        details.status.message = text(&details.error);
    }
}

/// Takes at least this much off a text, or all of it.
fn shorten(text: &mut String, by: usize) {
    let mut kept = text.len().saturating_sub(by + CUT.len());
    while !text.is_char_boundary(kept) {
        kept -= 1;
    }
    text.truncate(kept);
    if kept < WORTH_KEEPING { text.clear() } else { text.push_str(CUT) }
}

/// How many bytes become at most this many in base64 without padding.
pub(super) fn before_base64(bytes: usize) -> usize {
    bytes * 3 / 4
}

/// How many bytes at the end of a text are too many for a `grpc-message` that has at most this many: whoever
/// percent-encodes more than gRPC asks for does so with these.
fn beyond(text: &str, limit: usize) -> usize {
    let is_itself = |byte: u8| byte.is_ascii_graphic() && !b"%\"#<>`?{}".contains(&byte);
    let mut encoded = 0;
    let fits = text.bytes().take_while(|byte| {
        encoded += if is_itself(*byte) { 1 } else { 3 };
        encoded <= limit
    });
    text.len() - fits.count()
}
