//! What is cut of errors that are too large.

use prost::Message;
use tonic::{Code, Status};

use crate::api_errors::wire::{pkerr, rpc};
use crate::api_errors::{ApiError, ERR_NOT_FOUND, ErrorGenerator, SentinelError, SentinelIssuer, headers};

static BIG: SentinelIssuer = SentinelIssuer::new("size tests", false);
static ERR_BIG: SentinelError = BIG.sentinel("Big", 1, Code::Aborted, "too much");

/// An error with this much of everything.
struct Much {
    stack: usize,
    context: usize,
    source: usize,
    details: usize,
    frames: usize,
    message: usize,
}

const NONE: Much = Much { stack: 0, context: 0, source: 0, details: 0, frames: 1, message: 0 };

impl Much {
    fn status(&self, limit: usize) -> Status {
        let generator = ErrorGenerator::new("app").send_source(true).max_details_size(limit);
        let mut error = generator.error(&ERR_BIG).message("m".repeat(self.message));
        if self.source > 0 {
            error = error.source("s".repeat(self.source));
        }
        for _ in 0..self.details {
            error = error.detail(&"d".repeat(500));
        }
        let frame = pkerr::TraceInfo {
            app_name: "app".into(),
            stack_trace: "t".repeat(self.stack),
            additional_context: "c".repeat(self.context),
            ..Default::default()
        };
        error.with_trace(vec![frame; self.frames]).into()
    }
}

/// As it is sent: how long, and what of it arrives.
fn sent(status: &Status) -> (usize, ApiError) {
    let mut trailers = http::HeaderMap::new();
    headers::put(&mut trailers, status);
    let details = rpc::Status::decode(status.details()).unwrap();
    assert_eq!((details.code, &*details.message), (Code::Aborted as i32, status.message()));
    let error = ApiError::from_status(status).unwrap();
    assert!(error.is(&ERR_BIG) && error.is_code(Code::Aborted) && error.name() == "Big");
    assert!(error.id().is_some() && error.time().is_some());
    (trailers["grpc-status-details-bin"].len(), error)
}

#[test]
fn what_fits_is_sent_whole() {
    let much = Much { stack: 1_000, context: 500, source: 300, details: 2, frames: 2, message: 100 };
    let (size, error) = sent(&much.status(8 * 1024));
    assert!(size <= 8 * 1024);
    assert_eq!(error.trace()[1].stack_trace.len(), 1_000);
    assert_eq!(error.trace()[1].additional_context.len(), 500);
    assert_eq!((error.source_text().unwrap().len(), error.wire().details.len()), (300, 2));
}

#[test]
fn stack_traces_are_cut_first_then_contexts_then_the_source() {
    let much = Much { stack: 20_000, context: 1_000, source: 500, ..NONE };
    let (size, error) = sent(&much.status(8 * 1024));
    assert!((7_000..=8 * 1024).contains(&size), "{size} bytes: more was cut than had to be");
    let frame = &error.trace()[0];
    assert!(frame.stack_trace.ends_with("... (cut)") && frame.stack_trace.len() > 3_000);
    assert_eq!((frame.additional_context.len(), error.source_text().unwrap().len()), (1_000, 500));

    let much = Much { stack: 20_000, context: 20_000, source: 500, ..NONE };
    let (size, error) = sent(&much.status(8 * 1024));
    assert!((7_000..=8 * 1024).contains(&size), "{size}");
    let frame = &error.trace()[0];
    assert_eq!(frame.stack_trace, "");
    assert!(frame.additional_context.ends_with("... (cut)") && frame.additional_context.len() > 3_000);
    assert_eq!(error.source_text().unwrap().len(), 500);

    let much = Much { stack: 20_000, context: 20_000, source: 20_000, ..NONE };
    let (size, error) = sent(&much.status(8 * 1024));
    assert!(size <= 8 * 1024, "{size}");
    assert_eq!(error.trace()[0].additional_context, "");
    assert!(error.source_text().unwrap().ends_with("... (cut)"));
}

#[test]
fn then_details_then_frames_then_the_message_and_never_what_identifies_it() {
    let (size, error) = sent(&Much { details: 40, ..NONE }.status(8 * 1024));
    assert!(size <= 8 * 1024 && error.wire().details.len() > 8, "{size}, {}", error.wire().details.len());
    let (size, error) = sent(&Much { frames: 2_000, details: 3, ..NONE }.status(8 * 1024));
    assert!(size <= 8 * 1024 && error.wire().details.is_empty() && error.trace().len() > 100, "{size}");
    let (size, error) = sent(&Much { message: 50_000, ..NONE }.status(8 * 1024));
    assert!(size <= 8 * 1024 && error.message_text().ends_with("... (cut)"), "{size}");
    let (_, error) =
        sent(&Much { stack: 99, context: 99, source: 99, details: 1, frames: 9, message: 99 }.status(0));
    assert_eq!((error.message_text(), error.trace().len(), error.source_text()), ("", 2, None));
}

#[test]
fn text_is_cut_between_characters_and_its_message_fits_too() {
    let generator = ErrorGenerator::new("app");
    for text in ["\u{1f9d9}", "\u{e9}", "%"] {
        let status = Status::from(generator.error(&ERR_BIG).message(text.repeat(9_000)));
        let (size, _) = sent(&status);
        let mut trailers = http::HeaderMap::new();
        headers::put(&mut trailers, &status);
        let message = trailers["grpc-message"].len();
        assert!(size <= 4 * 1024 && message <= 2 * 1024, "{text}: {size}, {message}");
        assert!(message > 1_900, "{text}: {message}: more was cut than had to be");
    }
}

#[test]
fn the_largest_error_is_one_that_every_client_takes() {
    for text in ["\u{e9}", "e"] {
        let much = text.repeat(40_000);
        let generator = ErrorGenerator::new("app").send_source(true);
        let error = generator.error(&ERR_BIG).message(&much).source(much.clone()).detail(&much);
        let mut trailers = http::HeaderMap::new();
        headers::put(&mut trailers, &error.into());
        // As HTTP/2 counts them; some clients refuse more than 8 KiB of all headers.
        let size: usize = trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        assert!((3_500..6_500).contains(&size), "{size}");
    }
}

#[test]
fn what_was_received_too_large_is_passed_on_in_size() {
    let large = Much { stack: 30_000, ..NONE }.status(1 << 20);
    let passed = ErrorGenerator::new("middle").enrich(large, None);
    let (size, error) = sent(&passed);
    assert!(size <= 8 * 1024 && !error.is(&ERR_NOT_FOUND), "{size}");
}
