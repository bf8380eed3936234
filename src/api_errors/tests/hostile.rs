//! Whatever peers send: nothing panics, and the status itself stays.

use fastrand::Rng;
use http::{HeaderMap, HeaderValue};
use prost::Message;
use tonic::Code;

use crate::api_errors::body::Side;
use crate::api_errors::details::{Details, packed};
use crate::api_errors::wire::{cereal, pkerr, rpc};
use crate::api_errors::{ApiError, ErrorGenerator, headers};

/// A status that fails, with these details.
fn trailers(details: &[u8]) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("5"));
    trailers.insert("grpc-message", HeaderValue::from_static("gone"));
    trailers.insert("grpc-status-details-bin", HeaderValue::from_bytes(details).unwrap());
    trailers
}

/// Both layers see it, as does who asks for the error. Returns what the caller gets.
fn survived(mut trailers: HeaderMap) -> Option<ApiError> {
    let generator = ErrorGenerator::new("survivor");
    generator.client_layer().change(&mut trailers);
    let status = headers::status(&mut trailers).unwrap();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "gone"));
    let error = ApiError::from_status(&status);
    let passed = generator.enrich(status, None);
    assert_eq!(passed.code(), Code::NotFound);
    assert!(ApiError::from_status(&passed).is_some());
    assert!(passed.details().len() <= 8 * 1024);
    error
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut headers = HeaderMap::new();
    headers::put_details(&mut headers, bytes);
    headers["grpc-status-details-bin"].as_bytes().to_vec()
}

fn details(error: pkerr::Error) -> Vec<u8> {
    Details { error, status: rpc::Status { code: 5, message: "gone".into(), ..Default::default() } }.encode()
}

fn error() -> pkerr::Error {
    let frame = pkerr::TraceInfo { app_name: "far".into(), ..Default::default() };
    pkerr::Error {
        issuer: "elsewhere".into(),
        code: 7,
        grpc_code: 5,
        trace: vec![frame],
        ..Default::default()
    }
}

#[test]
fn an_id_of_the_wrong_size_is_no_id_of_an_error() {
    for size in [0, 1, 15, 17, 10_000] {
        let id = Some(cereal::Uuid { bin: vec![7; size] });
        assert!(survived(trailers(&base64(&details(pkerr::Error { id, ..error() })))).is_none(), "{size}");
    }
    assert!(survived(trailers(&base64(&details(error())))).is_some_and(|error| error.id().is_none()));
}

#[test]
fn ten_thousand_frames_are_read_as_few() {
    let trace = (0..10_000).map(|at| pkerr::TraceInfo { app_name: at.to_string(), ..Default::default() });
    let error =
        survived(trailers(&base64(&details(pkerr::Error { trace: trace.collect(), ..error() })))).unwrap();
    let names: Vec<_> = error.trace().iter().map(|frame| &*frame.app_name).collect();
    assert_eq!(names.len(), 128);
    assert_eq!((names[0], names[126], names[127]), ("0", "9999", "survivor"));
}

#[test]
fn codes_that_nobody_knows_are_unknown_and_success_is_none() {
    for (sent, code) in [(0, Code::Unknown), (99, Code::Unknown), (-1, Code::Unknown), (5, Code::NotFound)] {
        let read = pkerr::Error { grpc_code: sent, ..error() };
        let status = tonic::Status::with_details(code, "gone", details(read).into());
        let error = ApiError::from_status(&status).unwrap();
        assert_eq!(tonic::Status::from(error).code(), code);
    }
}

#[test]
fn an_error_within_an_error_is_a_detail_like_any() {
    let nested = (0..500).fold(error(), |inner, _| pkerr::Error { details: vec![packed(&inner)], ..error() });
    assert!(survived(trailers(&base64(&details(nested)))).is_some());
}

/// So many times, each with other choices; the same in each run.
fn repeated(times: usize, check: impl Fn(&mut Rng)) {
    let mut random = Rng::with_seed(times as u64);
    (0..times).for_each(|_| check(&mut random));
}

fn bytes(random: &mut Rng, most: usize, of: impl Fn(&mut Rng) -> u8) -> Vec<u8> {
    let length = random.usize(0..most);
    (0..length).map(|_| of(random)).collect()
}

#[test]
fn any_header_is_survived() {
    repeated(2_000, |random| {
        let details = bytes(random, 200, |random| random.u8(0x20..=0xff));
        let details: Vec<_> = details.into_iter().filter(|byte| *byte != 0x7f).collect();
        survived(trailers(&details));
    });
}

#[test]
fn any_bytes_are_survived() {
    repeated(2_000, |random| {
        survived(trailers(&base64(&bytes(random, 300, |random| random.u8(..)))));
    });
}

#[test]
fn a_truncated_error_is_survived_wherever_it_ends() {
    for with_id in [false, true] {
        let id = with_id.then(|| cereal::Uuid { bin: vec![7; 16] });
        let error = pkerr::Error { id, details: vec![packed(&"mine".to_owned())], ..error() };
        let whole = details(error);
        for at in 0..whole.len() {
            survived(trailers(&base64(&whole[..at])));
        }
    }
}

#[test]
fn a_garbled_error_is_survived() {
    repeated(2_000, |random| {
        let mut bytes = details(pkerr::Error { id: Some(cereal::Uuid { bin: vec![7; 16] }), ..error() });
        for _ in 0..random.usize(1..8) {
            let at = random.usize(0..bytes.len());
            bytes[at] = random.u8(..);
        }
        survived(trailers(&base64(&bytes)));
    });
}

#[test]
fn what_is_sent_is_what_is_read() {
    repeated(2_000, |random| {
        let length = random.usize(0..300);
        let text: String = (0..length).map(|_| random.char(' '..)).collect();
        let frames = random.usize(1..20);
        let trace = vec![pkerr::TraceInfo { stack_trace: text.clone(), ..Default::default() }; frames];
        let time =
            random.bool().then(|| prost_types::Timestamp { seconds: random.i64(..), nanos: random.i32(..) });
        let code = random.u32(..);
        let error = pkerr::Error { message: text.clone(), name: text, code, trace, time, ..error() };
        let decoded = Details::decode(&details(error.clone())).unwrap();
        assert_eq!(decoded.error, error);
        assert!(pkerr::Error::decode(&*error.encode_to_vec()).is_ok());
        survived(trailers(&base64(&details(error))));
    });
}
