//! The status in headers and trailers.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::metadata::{KeyRef, MetadataMap};
use tonic::{Code, Status};

static STATUS: HeaderName = HeaderName::from_static("grpc-status");
static MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
static DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Marks what a client layer has received, for the server layer of the same process, which takes it off.
const RECEIVED: &str = "majordomo-received";

/// Of so few it is faster to look at each than to look one up.
const FEW: usize = 8;

/// Binary headers come with padding or without, and are sent without: gRPC over HTTP/2, "Custom-Metadata".
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether they tell the status of a call, and that it failed.
pub(super) fn tell_an_error(headers: &HeaderMap) -> bool {
    let status = if headers.len() <= FEW {
        headers.iter().find_map(|(name, value)| (*name == STATUS).then_some(value))
    } else {
        headers.get(&STATUS)
    };
    status.is_some_and(|status| status != "0")
}

/// Marks them as received from another service.
pub(super) fn mark_as_received(headers: &mut HeaderMap) {
    headers.insert(HeaderName::from_static(RECEIVED), HeaderValue::from_static("1"));
}

/// Whether a status is marked so.
pub(super) fn is_received(status: &Status) -> bool {
    status.metadata().contains_key(RECEIVED)
}

/// The same, and takes the mark off.
pub(super) fn take_received(status: &mut Status) -> bool {
    is_received(status) && status.metadata_mut().remove(RECEIVED).is_some()
}

/// The status that they tell.
pub(super) fn status(headers: &mut HeaderMap) -> Option<Status> {
    take_off_broken(headers);
    Status::from_header_map(headers)
}

/// Puts another status in place of theirs.
pub(super) fn put(headers: &mut HeaderMap, status: &Status) {
    for name in [&STATUS, &MESSAGE, &DETAILS] {
        headers.remove(name);
    }
    if status.add_header(headers).is_err() {
        headers.insert(&STATUS, HeaderValue::from(Code::Unknown as i32));
    }
}

/// Takes the metadata of a status off that another in its place has not.
pub(super) fn take_off_metadata(headers: &mut HeaderMap, was: &MetadataMap, is: &MetadataMap) {
    for key in was.keys() {
        let name = match key {
            KeyRef::Ascii(key) => key.as_str(),
            KeyRef::Binary(key) => key.as_str(),
        };
        // Of an answer that is nothing but a status tonic reads all headers as metadata.
        if name != CONTENT_TYPE.as_str() && !is.contains_key(name) {
            headers.remove(name);
        }
    }
}

/// The details that they tell, which are taken off where they are not even base64: tonic panics at those.
pub(super) fn details(headers: &mut HeaderMap) -> Option<Vec<u8>> {
    take_off_broken(headers);
    headers.get(&DETAILS).and_then(|details| BASE64.decode(details).ok())
}

/// Puts other details in place of theirs.
pub(super) fn put_details(headers: &mut HeaderMap, details: &[u8]) {
    if let Ok(details) = HeaderValue::try_from(BASE64.encode(details)) {
        headers.insert(&DETAILS, details);
    }
}

fn take_off_broken(headers: &mut HeaderMap) {
    let is_broken = |details: &HeaderValue| BASE64.decode(details).is_err();
    if headers.get_all(&DETAILS).iter().any(is_broken) {
        headers.remove(&DETAILS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(details: &'static str) -> HeaderMap {
        let mine = HeaderName::from_static("x-mine");
        let all = [(&STATUS, "5"), (&MESSAGE, "not%20there"), (&DETAILS, details), (&mine, "kept")];
        all.into_iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn details_are_read_with_padding_and_without_and_written_without() {
        for text in ["CAU", "CAU="] {
            assert_eq!(details(&mut headers(text)), Some(vec![8, 5]), "{text}");
        }
        let mut written = HeaderMap::new();
        put_details(&mut written, &[8, 5]);
        assert_eq!(written[&DETAILS], "CAU");
    }

    #[test]
    fn what_is_no_base64_is_taken_off_and_the_status_stays() {
        for text in ["%", "CAU=,CAU=", "CA=U", "C", "\u{fc}"] {
            let mut headers = headers("CAU");
            headers.insert(&DETAILS, HeaderValue::from_bytes(text.as_bytes()).unwrap());
            let status = status(&mut headers).unwrap();
            assert_eq!(
                (status.code(), status.message(), status.details()),
                (Code::NotFound, "not there", &[][..])
            );
            assert_eq!(status.metadata().get("x-mine").unwrap(), "kept");
            assert!(details(&mut headers).is_none());
        }
    }

    #[test]
    fn success_and_no_status_at_all_are_no_errors() {
        assert!(!tell_an_error(&HeaderMap::new()));
        let mut success = headers("");
        success.insert(&STATUS, HeaderValue::from_static("0"));
        assert!(!tell_an_error(&success));
        let mut failure = headers("");
        for other in 0..2 * FEW {
            assert!(tell_an_error(&failure), "{failure:?}");
            failure
                .insert(format!("x-{other}").parse::<HeaderName>().unwrap(), HeaderValue::from_static("1"));
        }
    }
}
