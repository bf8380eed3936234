//! How the messages of one direction of a call are compressed.

use std::io::Read;

use flate2::read::{GzDecoder, ZlibDecoder};
use http::HeaderMap;
use hyper::body::Bytes;

use crate::base::peer_text;
use crate::grpc::logging::frames::LONGEST;

/// What `grpc-encoding` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
    /// None that could be undone here, by its name.
    Other(Box<str>),
}

/// Why a message is not shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotInflated {
    /// What it is compressed by is not known here.
    Unknown(Box<str>),
    /// It is not compressed as it says.
    Malformed(String),
    /// It is longer than [`LONGEST`] when inflated.
    TooLong,
}

impl Encoding {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match headers.get("grpc-encoding").map(|value| value.as_bytes()) {
            Some(b"gzip") => Self::Gzip,
            Some(b"deflate") => Self::Deflate,
            Some(other) => Self::Other(peer_text::shown_bytes(other).into()),
            None => Self::Other("nothing that was named".into()),
        }
    }

    pub(crate) fn inflate(&self, message: &Bytes) -> Result<Bytes, NotInflated> {
        match self {
            Self::Gzip => read(GzDecoder::new(&**message)),
            Self::Deflate => read(ZlibDecoder::new(&**message)),
            Self::Other(name) => Err(NotInflated::Unknown(name.clone())),
        }
    }
}

/// No more than is shown, however much a few bytes inflate to.
fn read(inflated: impl Read) -> Result<Bytes, NotInflated> {
    let mut message = Vec::new();
    let read = inflated.take(LONGEST as u64 + 1).read_to_end(&mut message);
    match read {
        Ok(_) if message.len() > LONGEST => Err(NotInflated::TooLong),
        Ok(_) => Ok(message.into()),
        Err(error) => Err(NotInflated::Malformed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::read::{GzEncoder, ZlibEncoder};

    fn all(mut from: impl Read) -> Bytes {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes.into()
    }

    fn of(name: &str) -> Encoding {
        Encoding::of(&HeaderMap::from_iter([("grpc-encoding".parse().unwrap(), name.parse().unwrap())]))
    }

    #[test]
    fn messages_are_inflated_up_to_a_limit() {
        let gzip = |bytes: &[u8]| all(GzEncoder::new(bytes, Compression::fast()));
        assert_eq!(of("gzip").inflate(&gzip(b"text")).unwrap(), "text");
        assert_eq!(of("gzip").inflate(&gzip(&vec![0; LONGEST])).unwrap().len(), LONGEST);
        assert_eq!(of("gzip").inflate(&gzip(&vec![0; 100 * LONGEST])), Err(NotInflated::TooLong));
        let deflated = all(ZlibEncoder::new(&b"text"[..], Compression::fast()));
        assert_eq!(of("deflate").inflate(&deflated).unwrap(), "text");
    }

    #[test]
    fn what_cannot_be_inflated_is_told() {
        let message = Bytes::from_static(b"no gzip");
        assert!(matches!(of("gzip").inflate(&message), Err(NotInflated::Malformed(_))));
        assert_eq!(of("zstd").inflate(&message), Err(NotInflated::Unknown("zstd".into())));
    }
}
