//! The wire, byte for byte, as clients and servers in Go have it.

use http::HeaderMap;
use tonic::{Code, Status};

use crate::api_errors::details::Details;
use crate::api_errors::wire::{cereal, pkerr, rpc};
use crate::api_errors::{ApiError, ERR_ALREADY_EXISTS, ERR_NOT_FOUND, headers};

/// As a client in Go decodes it: an `ErrNotFound` of one frame.
const VECTOR: &str = "CAUSPyhSZXNvdXJjZUV4aXN0cyB8IEdSUEVBS0VDIHwgMTAwMSkgcmVxdWVzdGVkIHJlc291cmNlIG5vdCBmb3VuZBqQAQofdHlw\
ZS5nb29nbGVhcGlzLmNvbS9wa2Vyci5FcnJvchJtChIKEAABAgMEBQYHCAkKCwwNDg8SCEdSUEVBS0VDGOkHIAUqDlJlc291cmNlRXhpc3RzMhxyZXF1ZX\
N0ZWQgcmVzb3VyY2Ugbm90IGZvdW5kSggIgOLPqgYQBVoQCgpTb3J0aW5nSGF0EgJoMQ";

const MESSAGE: &str = "(ResourceExists | GRPEAKEC | 1001) requested resource not found";

fn trailers() -> HeaderMap {
    let all = [
        ("grpc-status", "5"),
        ("grpc-message", "(ResourceExists%20|%20GRPEAKEC%20|%201001)%20requested%20resource%20not%20found"),
        ("grpc-status-details-bin", VECTOR),
    ];
    all.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

#[test]
fn an_error_from_go_is_read_whole() {
    let status = headers::status(&mut trailers()).unwrap();
    let error = ApiError::from_status(&status).unwrap();
    assert!(error.is(&ERR_NOT_FOUND) && !error.is(&ERR_ALREADY_EXISTS));
    assert!(error.is_code(Code::NotFound) && status.code() == Code::NotFound);
    assert_eq!(error.id().unwrap().as_bytes(), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    assert_eq!((error.issuer(), error.code(), error.name()), ("GRPEAKEC", 1001, "ResourceExists"));
    assert_eq!(error.message_text(), "requested resource not found");
    let time = error.time().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!((time.as_secs(), time.subsec_nanos()), (1_700_000_000, 5));
    let [frame] = error.trace() else { panic!("{:?}", error.trace()) };
    assert_eq!((&*frame.app_name, &*frame.app_host), ("SortingHat", "h1"));
    assert_eq!((error.source_text(), error.source_type()), (None, None));
    assert_eq!(error.to_string(), MESSAGE);
    assert_eq!(status.message(), MESSAGE);
}

#[test]
fn an_error_for_go_is_written_so() {
    let frame =
        pkerr::TraceInfo { app_name: "SortingHat".into(), app_host: "h1".into(), ..Default::default() };
    let error = pkerr::Error {
        id: Some(cereal::Uuid { bin: (0..16).collect() }),
        issuer: "GRPEAKEC".into(),
        code: 1001,
        grpc_code: 5,
        name: "ResourceExists".into(),
        message: "requested resource not found".into(),
        time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 5 }),
        trace: vec![frame],
        ..Default::default()
    };
    let status = rpc::Status { code: 5, message: MESSAGE.into(), ..Default::default() };
    let mut written = HeaderMap::new();
    headers::put_details(&mut written, &Details { error, status }.encode());
    assert_eq!(written["grpc-status-details-bin"], VECTOR);
}

#[test]
fn what_was_read_is_written_as_it_was() {
    let status = headers::status(&mut trailers()).unwrap();
    let again = Status::from(ApiError::from_status(&status).unwrap());
    let mut written = HeaderMap::new();
    headers::put(&mut written, &again);
    assert_eq!(written, trailers());
}
