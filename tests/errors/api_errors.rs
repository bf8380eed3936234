//! Rich errors between a server and its clients: whatever a handler fails by, of every kind of method.

use crate::failing::{Case, ERR_LOST, Failing, KINDS, Kind, Raw, When, call};
use base64::Engine;
use http::HeaderValue;
use majordomo::ManagerOptions;
use majordomo::api_errors::{ApiError, ERR_NOT_FOUND, ERR_UNKNOWN, ErrorGenerator, SentinelError, find};
use majordomo::testing::ManagerTesting;
use support::{Observed, Registers, connect, observe, serving, within};
use tonic::{Code, Status};
use tower::Layer;

/// Everything may be seen.
fn open(name: &str) -> ErrorGenerator {
    ErrorGenerator::new(name).add_host(true).add_stack_trace(true).send_context(true).send_source(true)
}

fn serve(options: ManagerOptions, failing: Failing) -> Observed {
    let register = move |server: &majordomo::GrpcRegistrar| server.add_service(failing.clone());
    observe(options, |manager| manager.grpc_service(Registers::new("failing", register)))
}

async fn end(mut observed: Observed) {
    observed.shut_down();
    observed.ended().await.assert_ok();
}

/// What the caller is to see: the sentinel, its gRPC code, the message, and what it was wrapped in.
type Expected = (&'static SentinelError, Code, &'static str, &'static str);

const LOST: &str = "data was lost: on purpose";

fn expected(case: Case, when: When) -> Expected {
    let lost = |message, context| (&ERR_LOST, Code::DataLoss, message, context);
    let unknown = |code, message| (&ERR_UNKNOWN, code, message, "");
    match case {
        Case::Rich => lost(LOST, ""),
        // tonic sends a status of a stream without its source: there is but the text.
        Case::WrappedByTonic if when == When::InMidStream => unknown(
            Code::Unknown,
            "an unknown error occurred: outer text: (DataLost | failing tests | 2000) data was lost: on purpose | from: \
             the disk is gone",
        ),
        Case::Wrapped | Case::WrappedByTonic => lost(LOST, "outer text: [error]"),
        Case::Sentinel => lost("data was lost", ""),
        Case::WrappedSentinel => lost("data was lost", "outer text: [error]"),
        Case::Other => unknown(Code::Unknown, "an unknown error occurred: its text"),
        Case::Plain => unknown(Code::FailedPrecondition, "an unknown error occurred: its text"),
        Case::PanicRich => lost(LOST, "panic recovered: [error]"),
        Case::PanicWrapped => lost(LOST, "panic recovered: outer text: [error]"),
        Case::PanicSentinel => lost("data was lost", "panic recovered: [error]"),
        Case::PanicWrappedSentinel => lost("data was lost", "panic recovered: outer text: [error]"),
        Case::PanicOther | Case::PanicText => {
            unknown(Code::Unknown, "an unknown error occurred: panic recovered: its text")
        }
        Case::PanicNumber => unknown(Code::Unknown, "an unknown error occurred: panic recovered: 11"),
        Case::Nothing => unreachable!("no error"),
    }
}

const CASES: [Case; 14] = [
    Case::Rich,
    Case::Wrapped,
    Case::WrappedByTonic,
    Case::Sentinel,
    Case::WrappedSentinel,
    Case::Other,
    Case::Plain,
    Case::PanicRich,
    Case::PanicWrapped,
    Case::PanicSentinel,
    Case::PanicWrappedSentinel,
    Case::PanicOther,
    Case::PanicText,
    Case::PanicNumber,
];

/// All cases of all kinds, with everything to be seen or nothing.
async fn matrix(generator: fn(&str) -> ErrorGenerator, check: fn(&str, &Status, &ApiError, Expected)) {
    for case in CASES {
        for when in [When::AtOnce, When::InMidStream] {
            let failing = Failing { errors: generator("server"), case, when };
            let observed = serve(serving().error_generator(generator("server")), failing);
            let channel = generator("client").client_layer().layer(connect(&observed).await);
            for kind in KINDS {
                let at = format!("{case:?} {when:?} {kind:?}");
                let is_stream = [Kind::ServerStream, Kind::Bidi].contains(&kind);
                let in_mid_stream = is_stream && when == When::InMidStream;
                let (messages, ended) = within(&at, call(channel.clone(), kind)).await;
                let status = ended.unwrap_err();
                assert_eq!(messages, if in_mid_stream { vec!["first"] } else { vec![] }, "{at}");
                let error = ApiError::from_status(&status).unwrap_or_else(|| panic!("{at}: {status:?}"));
                let when = if in_mid_stream { When::InMidStream } else { When::AtOnce };
                let expected = expected(case, when);
                let (sentinel, code, message, _) = expected;
                assert!(error.is(sentinel) && error == *sentinel, "{at}: {error}");
                assert_eq!((error.grpc_code(), status.code()), (code, code), "{at}");
                assert_eq!(error.message_text(), message, "{at}");
                assert_eq!(error.to_string(), status.message(), "{at}");
                assert!(error.id().is_some() && error.time().is_some(), "{at}");
                check(&at, &status, &error, expected);
            }
            end(observed).await;
        }
    }
}

#[actix::test]
async fn callers_see_every_error_with_both_frames_and_all_that_is_allowed() {
    matrix(open, |at, _, error, (.., context)| {
        let [server, client] = error.trace() else { panic!("{at}: {} frames", error.trace().len()) };
        assert_eq!((&*server.app_name, &*client.app_name), ("server", "client"), "{at}");
        for frame in [server, client] {
            assert!(!frame.app_host.is_empty(), "{at}");
        }
        // The server's may have been cut to the size that is allowed, never left out.
        assert!(server.stack_trace.contains("0:") && client.stack_trace.contains("0:"), "{at}");
        assert_eq!((&*server.additional_context, &*client.additional_context), (context, ""), "{at}");
        if error.message_text() == LOST {
            assert_eq!(error.source_text(), Some("the disk is gone"), "{at}");
            assert_eq!(error.source_type(), Some("std::io::error::Error"), "{at}");
            assert_eq!(error.detail_of::<String>().as_deref(), Some("a detail"), "{at}");
        }
    })
    .await;
}

#[actix::test]
async fn what_is_not_allowed_does_not_leave_the_process() {
    matrix(
        |name| ErrorGenerator::new(name),
        |at, status, error, (sentinel, ..)| {
            let [server, client] = error.trace() else { panic!("{at}: {} frames", error.trace().len()) };
            for frame in [server, client] {
                assert_eq!(
                    (&*frame.app_host, &*frame.stack_trace, &*frame.additional_context),
                    ("", "", ""),
                    "{at}"
                );
            }
            assert_eq!((error.source_text(), error.source_type()), (None, None), "{at}");
            if *sentinel == ERR_LOST {
                assert!(
                    !status.message().contains("disk") && !status.message().contains("outer"),
                    "{at}: {status}"
                );
            }
        },
    )
    .await;
}

#[actix::test]
async fn nothing_is_not_found_where_the_middleware_is_on_and_an_empty_message_elsewhere() {
    let failing = Failing { errors: open("server"), case: Case::Nothing, when: When::AtOnce };
    for (options, is_on, is_rich) in [
        (serving(), false, false),
        (serving().error_generator(open("server")), false, true),
        (serving().err_not_found_middleware(), true, false),
        (serving().err_not_found_middleware().error_generator(open("server")), true, true),
    ] {
        let observed = serve(options, failing.clone());
        let (messages, ended) = call(connect(&observed).await, Kind::Unary).await;
        assert_eq!(ended.is_err(), is_on);
        if let Err(status) = ended {
            let error = ApiError::from_status(&status).unwrap();
            assert!(error.is(&ERR_NOT_FOUND) && status.code() == Code::NotFound);
            assert_eq!(error.trace().len(), usize::from(is_rich));
        } else {
            assert_eq!(messages, [""]);
        }
        end(observed).await;
    }
}

#[actix::test]
async fn without_a_generator_errors_are_answered_as_they_are() {
    for (case, code, message) in [
        (Case::Plain, Code::FailedPrecondition, "its text"),
        (Case::PanicText, Code::Internal, "the handler panicked"),
        (Case::Sentinel, Code::DataLoss, "(DataLost | failing tests | 2000) data was lost"),
    ] {
        let observed = serve(serving(), Failing { errors: open("server"), case, when: When::AtOnce });
        let (_, ended) = call(connect(&observed).await, Kind::Unary).await;
        let status = ended.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, message));
        end(observed).await;
    }
}

#[actix::test]
async fn an_error_of_two_hops_has_the_frames_of_three_services_in_order() {
    let failing = Failing { errors: open("last"), case: Case::Wrapped, when: When::AtOnce };
    let last = serve(serving().error_generator(open("last")), failing);
    let middle = open("middle").client_layer().layer(connect(&last).await);
    let (_, ended) = call(middle, Kind::Unary).await;
    let first = ApiError::from_status(ended.as_ref().unwrap_err()).unwrap();

    // As a service in the middle passes it on: by `?`, or within an error of its own.
    #[derive(Debug, thiserror::Error)]
    #[error("asking the last")]
    struct Asking(#[source] Status);
    let passed = open("middle").status(Asking(ended.unwrap_err()));
    let error = ApiError::from_status(&passed).unwrap();
    assert_eq!(error.id(), first.id());
    assert_eq!(error.detail_of::<String>().as_deref(), Some("a detail"));
    let frames: Vec<_> =
        error.trace().iter().map(|frame| (&*frame.app_name, &*frame.additional_context)).collect();
    assert_eq!(frames, [("last", "outer text: [error]"), ("middle", "asking the last: [error]")]);
    assert!(find(&passed).is_some_and(|found| found.is(&ERR_LOST)));
    end(last).await;
}

#[actix::test]
async fn details_of_14_kb_reach_a_client_that_takes_more_than_by_default() {
    let far = open("far").max_details_size(1 << 20);
    let sent = Status::from(far.error(&ERR_LOST).detail(&"d".repeat(14 * 1024)));
    let details: HeaderValue =
        base64::engine::general_purpose::STANDARD.encode(sent.details()).parse().unwrap();
    for late in [false, true] {
        let raw = Raw { details: details.clone(), late };
        let register = move |server: &majordomo::GrpcRegistrar| server.add_service(raw.clone());
        let observed = observe(serving(), |manager| manager.grpc_service(Registers::new("raw", register)));
        let testing = ManagerTesting::new(&observed.manager);
        observed.running().await;

        // By default the status is lost with its details, or at the end of a stream they alone, without a word.
        let (_, ended) = within("the default", call(testing.grpc_channel(), Kind::Unary)).await;
        let lost = ended.unwrap_err();
        assert_eq!(lost.code(), if late { Code::NotFound } else { Code::Internal }, "{lost}");
        assert_eq!(lost.message().contains("h2 protocol error"), !late, "{lost}");
        assert!(ApiError::from_status(&lost).is_none(), "{lost}");

        let takes_more = testing.grpc_channel_with(|endpoint| endpoint.http2_max_header_list_size(64 * 1024));
        for kind in KINDS {
            let (_, ended) = within("more", call(takes_more.clone(), kind)).await;
            let error = ApiError::from_status(&ended.unwrap_err()).expect("all of it has come");
            assert!(error.is(&ERR_LOST), "{late} {kind:?}");
            assert_eq!(
                error.detail_of::<String>().map(|detail| detail.len()),
                Some(14 * 1024),
                "{late} {kind:?}"
            );
        }
        // Passed on, it has the size that every client takes.
        let (_, ended) = call(takes_more, Kind::Unary).await;
        let passed = ErrorGenerator::new("middle").status(ended.unwrap_err());
        assert!(passed.details().len() < 4 * 1024 && find(&passed).is_some_and(|found| found.is(&ERR_LOST)));
        end(observed).await;
    }
}

/// No base64, no protobuf, and a rich error whose id has one byte.
const HOSTILE: [&str; 5] =
    ["%", "CAU=,CAU=", "____", "CAUSBGdvbmUaKAofdHlwZS5nb29nbGVhcGlzLmNvbS9wa2Vyci5FcnJvchIFCgM", HOSTILE_ID];
const HOSTILE_ID: &str = "CAUSBGdvbmUaKAofdHlwZS5nb29nbGVhcGlzLmNvbS9wa2Vyci5FcnJvchIFCgMKAQc";

#[actix::test]
async fn details_that_cannot_be_read_leave_the_plain_status_to_clients_and_servers() {
    for (details, late) in HOSTILE.into_iter().flat_map(|details| [(details, false), (details, true)]) {
        let raw = Raw { details: HeaderValue::from_static(details), late };
        for options in [serving(), serving().error_generator(open("server"))] {
            let raw = raw.clone();
            let register = move |server: &majordomo::GrpcRegistrar| server.add_service(raw.clone());
            let observed = observe(options, |manager| manager.grpc_service(Registers::new("raw", register)));
            let channel = open("client").client_layer().layer(connect(&observed).await);
            for kind in KINDS {
                let at = format!("{details} {late} {kind:?}");
                let status = within(&at, call(channel.clone(), kind)).await.1.unwrap_err();
                assert_eq!(status.code(), Code::NotFound, "{at}");
                assert!(status.message().ends_with("gone"), "{at}: {status}");
            }
            end(observed).await;
        }
    }
}
