//! A message as JSON, as far as it is shown.

use std::io::{self, Write};

use hyper::body::Bytes;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde::Serialize;

/// What is shown of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) json: String,
    /// Whether there is more.
    pub(super) cut: bool,
}

/// # Errors
/// Why it is no such message, or cannot be shown.
pub(super) fn show(message: Bytes, descriptor: &MessageDescriptor, longest: usize) -> Result<Shown, String> {
    let message = DynamicMessage::decode(descriptor.clone(), message).map_err(|error| error.to_string())?;
    let mut written = Limited { written: Vec::new(), longest, cut: false };
    let ended = message.serialize(&mut serde_json::Serializer::new(&mut written));
    match ended {
        Err(error) if !written.cut => Err(error.to_string()),
        _ => Ok(Shown { json: text(written.written), cut: written.cut }),
    }
}

/// Takes so many bytes and refuses the rest, so that what is not shown is not written either.
struct Limited {
    written: Vec<u8>,
    longest: usize,
    cut: bool,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.longest - self.written.len();
        if room == 0 && !bytes.is_empty() {
            self.cut = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = room.min(bytes.len());
        self.written.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where it was cut within a character, that is left out.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::health::{FILE_DESCRIPTOR_SET, HealthCheckRequest};
    use prost::Message;
    use prost_reflect::DescriptorPool;

    fn shown(message: Vec<u8>, longest: usize) -> Result<Shown, String> {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
        let descriptor = pool.get_message_by_name("grpc.health.v1.HealthCheckRequest").unwrap();
        show(message.into(), &descriptor, longest)
    }

    fn request(service: &str) -> Vec<u8> {
        HealthCheckRequest { service: service.to_owned() }.encode_to_vec()
    }

    #[test]
    fn a_message_is_shown_whole_or_cut_between_characters() {
        let whole = r#"{"service":"für"}"#;
        let cut = |longest| shown(request("für"), longest).unwrap();
        assert_eq!(cut(whole.len()), Shown { json: whole.to_owned(), cut: false });
        assert_eq!(cut(whole.len() - 1), Shown { json: whole[..whole.len() - 1].to_owned(), cut: true });
        assert_eq!(cut(14), Shown { json: r#"{"service":"f"#.to_owned(), cut: true });
        assert_eq!(cut(1), Shown { json: "{".to_owned(), cut: true });
    }

    #[test]
    fn what_is_no_such_message_is_told() {
        assert!(shown(b"\x0a\x7f too short".to_vec(), 100).is_err());
    }
}
