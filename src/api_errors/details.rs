//! The details of a status: a `google.rpc.Status` that holds a rich error among others.
//!
//! Whatever comes from elsewhere may be anything: what cannot be read as a rich error is none, and the status around it
//! stays as it is.

use prost::{Message, Name};
use prost_types::Any;

use super::wire::{pkerr, rpc};

/// How many services' frames are kept of a trace: the first half of these and the last. More than calls are deep.
const MAX_FRAMES: usize = 128;

/// What type URLs begin with, where nothing else is agreed upon.
const TYPE_URLS: &str = "type.googleapis.com/";

/// How many bytes an id has.
const ID_SIZE: usize = 16;

/// The details of a status that tells a rich error.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Details {
    pub(super) error: pkerr::Error,
    /// The status they are of, with the details beside the error.
    pub(super) status: rpc::Status,
}

impl Details {
    /// `None`: they tell no rich error.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut status = rpc::Status::decode(bytes).ok()?;
        let at = status.details.iter().position(is_error)?;
        let error = pkerr::Error::decode(&*status.details.remove(at).value).ok()?;
        let id_is_one = error.id.as_ref().is_none_or(|id| id.bin.len() == ID_SIZE);
        id_is_one.then(|| Self { error: with_few_frames(error), status })
    }

    /// The error comes first.
    pub(super) fn encode(mut self) -> Vec<u8> {
        self.status.details.insert(0, packed(&self.error));
        self.status.encode_to_vec()
    }

    /// How many bytes they have encoded.
    pub(super) fn encoded_len(&self) -> usize {
        let error = self.error.encoded_len();
        let any = 1 + field(TYPE_URLS.len() + pkerr::Error::full_name().len()) + 1 + field(error);
        self.status.encoded_len() + 1 + field(any)
    }
}

/// The length of a field after its tag.
fn field(length: usize) -> usize {
    prost::encoding::encoded_len_varint(length as u64) + length
}

/// The details that a status has when it tells no rich error: nothing of them may be lost.
pub(super) fn others(bytes: &[u8]) -> Vec<Any> {
    match rpc::Status::decode(bytes) {
        Ok(status) => status.details,
        // Somebody's own: as a google.protobuf.BytesValue.
        Err(_) => vec![packed(&bytes.to_vec())],
    }
}

/// A message of any type, as a detail.
pub(super) fn packed<M: Name>(message: &M) -> Any {
    let type_url = format!("{TYPE_URLS}{}", M::full_name());
    Any { type_url, value: message.encode_to_vec() }
}

/// The message that a detail is, where it is of that type.
pub(super) fn unpacked<M: Name + Default>(detail: &Any) -> Option<M> {
    is::<M>(detail).then(|| M::decode(&*detail.value).ok()).flatten()
}

fn is_error(detail: &Any) -> bool {
    is::<pkerr::Error>(detail)
}

/// Only what comes after the last slash is the type's name.
fn is<M: Name>(detail: &Any) -> bool {
    detail.type_url.rsplit_once('/').is_some_and(|(_, name)| name == M::full_name())
}

fn with_few_frames(mut error: pkerr::Error) -> pkerr::Error {
    let half = MAX_FRAMES / 2;
    if error.trace.len() > MAX_FRAMES {
        error.trace.drain(half..error.trace.len() - half);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_known_before_encoding() {
        for length in [0, 1, 100, 127, 128, 200, 16_000, 17_000] {
            let error = pkerr::Error { message: "m".repeat(length), code: 7, ..Default::default() };
            let others = vec![packed(&"detail".to_owned()); length % 3];
            let status = rpc::Status { code: 5, message: "s".repeat(length / 2), details: others };
            let details = Details { error, status };
            assert_eq!(details.encoded_len(), details.encode().len(), "{length}");
        }
    }

    #[test]
    fn what_else_a_status_tells_is_kept() {
        let other = packed(&"mine".to_owned());
        let status = rpc::Status { details: vec![other.clone()], ..Default::default() };
        assert_eq!(others(&status.encode_to_vec()), [other]);
        let own = others(&[0xff, 0xff]);
        assert_eq!(own[0].type_url, "type.googleapis.com/google.protobuf.BytesValue");
        assert_eq!(unpacked::<Vec<u8>>(&own[0]), Some(vec![0xff, 0xff]));
        assert_eq!(unpacked::<String>(&own[0]), None);
    }

    #[test]
    fn a_type_is_known_by_its_name_whatever_serves_it() {
        for type_url in
            ["/pkerr.Error", "type.googleapis.com/pkerr.Error", "errors.example/types/pkerr.Error"]
        {
            assert!(is_error(&Any { type_url: type_url.to_owned(), value: Vec::new() }));
        }
        for type_url in ["", "pkerr.Error", "/mypkerr.Error", "/pkerr.Error/", "/pkerr.TraceInfo"] {
            assert!(!is_error(&Any { type_url: type_url.to_owned(), value: Vec::new() }));
        }
    }
}
