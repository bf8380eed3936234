//! How a call ended, in words.

use std::error::Error;

use http::HeaderMap;
use tonic::{Code, Status};

/// Whether such a status of a handler is the server's fault, as middleware for gRPC has it elsewhere; a method
/// that nothing describes may as well be one that only the client believes in.
pub(crate) fn is_fault(code: Code, described: bool) -> bool {
    match code {
        Code::Unknown | Code::Internal | Code::DataLoss => true,
        Code::Unimplemented => described,
        _ => false,
    }
}

/// What the status of a request begins with that broke off.
pub(crate) const BROKE_OFF: &str = "the request broke off: ";

/// What comes before the message of a status that is made rich, and told no rich error before.
const RICH: &str = ") an unknown error occurred: ";

/// Whether such a status is the client's fault, though its code is one of the server's: the codec says so of a request that
/// is none, before any handler has it. It is known by its text alone, which a test holds against the codec's.
pub(crate) fn is_clients(code: Code, message: &str) -> bool {
    const INTERNAL: [&str; 5] = [
        "failed to decode Protobuf message",
        "protocol error: received message with ",
        "Error decompressing: ",
        "Missing request message.",
        "Unexpected EOF decoding stream.",
    ];
    let message = match message.split_once(RICH) {
        Some((issuer, plain)) if issuer.starts_with('(') => plain,
        _ => message,
    };
    let begins = |text: &&str| message.starts_with(*text);
    match code {
        Code::Internal => INTERNAL.iter().any(begins) || begins(&BROKE_OFF),
        Code::Unimplemented => message.starts_with("Content is compressed with `"),
        _ => begins(&BROKE_OFF),
    }
}

/// As gRPC writes it.
pub(crate) fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The status that headers or trailers hold.
pub(crate) fn code(headers: &HeaderMap) -> Option<Code> {
    // Of a few headers a look at each is faster than the map's own way.
    let status = headers.iter().find(|(name, _)| **name == Status::GRPC_STATUS);
    status.map(|(_, code)| Code::from_bytes(code.as_bytes()))
}

/// The message beside it.
pub(crate) fn message(headers: &HeaderMap) -> String {
    // Without the details: tonic panics where those are malformed.
    let keep = [Status::GRPC_STATUS, Status::GRPC_MESSAGE];
    let kept = keep.into_iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
    Status::from_header_map(&kept.collect()).map_or_else(String::new, |status| status.message().to_owned())
}

/// All sources of an error, the nearest first; empty where there is none.
pub(crate) fn sources(error: &dyn Error) -> String {
    let mut text = String::new();
    let mut next = error.source();
    while let Some(source) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_grpc() {
        for code in 0..=16 {
            let code = Code::from_i32(code);
            let plain: String = name(code).split('_').map(str::to_lowercase).collect();
            assert_eq!(plain, format!("{code:?}").to_lowercase());
        }
    }

    #[test]
    fn the_message_is_read_also_beside_malformed_details() {
        let mut headers = HeaderMap::new();
        Status::not_found("für niemand").add_header(&mut headers).unwrap();
        headers.insert(Status::GRPC_STATUS_DETAILS, "?".parse().unwrap());
        assert_eq!(code(&headers), Some(Code::NotFound));
        assert_eq!(message(&headers), "für niemand");
    }

    #[test]
    fn sources_are_told_from_the_nearest_to_the_last() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Layer(&'static str, #[source] Option<Box<Layer>>);
        let error = Layer("top", Some(Box::new(Layer("middle", Some(Box::new(Layer("root", None)))))));
        assert_eq!(sources(&error), "middle: root");
        assert_eq!(sources(&Layer("top", None)), "");
    }
}
