//! How long messages may be, seen from the bytes that pass. Nothing is kept back.
//!
//! ```text
//!   | compressed? 1 byte | length 4 bytes | message | compressed? | length | message ...
//! ```
//!
//! tonic's services have limits too, yet each its own, and answer OUT_OF_RANGE; this one holds for all, and
//! answers as grpc-go does.

use tonic::Status;

const HEADER: u8 = 5;

/// Follows the messages of one direction of a call.
#[derive(Debug)]
pub(crate) struct Messages {
    limit: u32,
    /// How much of a message's header has passed, and what it says so far.
    header: u8,
    length: u32,
    /// How much of a message is to come.
    left: u32,
}

/// A message is too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong {
    /// Where it begins among the bytes that were looked at.
    pub(crate) at: usize,
    length: u32,
    limit: u32,
}

impl Messages {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, header: 0, length: 0, left: 0 }
    }

    /// Looks at the bytes that pass next.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let mut rest = bytes;
        loop {
            let skipped = (self.left as usize).min(rest.len());
            self.left -= skipped as u32;
            rest = &rest[skipped..];
            let at = bytes.len() - rest.len();
            while self.header < HEADER {
                let Some((byte, after)) = rest.split_first() else { return Ok(()) };
                // The first byte, about compression, is shifted out by the four of the length.
                self.length = self.length << 8 | u32::from(*byte);
                self.header += 1;
                rest = after;
            }
            if self.length > self.limit {
                return Err(TooLong { at, length: self.length, limit: self.limit });
            }
            (self.left, self.header, self.length) = (self.length, 0, 0);
        }
    }
}

impl TooLong {
    pub(crate) fn received(&self) -> Status {
        let Self { length, limit, .. } = self;
        Status::resource_exhausted(format!("received message larger than max ({length} vs. {limit})"))
    }

    pub(crate) fn to_be_sent(&self) -> Status {
        let Self { length, limit, .. } = self;
        Status::resource_exhausted(format!("trying to send message larger than max ({length} vs. {limit})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(compressed: u8, length: u32) -> Vec<u8> {
        let mut bytes = vec![compressed];
        bytes.extend(length.to_be_bytes());
        bytes.resize(bytes.len() + length as usize, 0xff);
        bytes
    }

    #[test]
    fn messages_up_to_the_limit_pass_however_they_are_cut() {
        let bytes = [message(0, 300), message(1, 0), message(1, 7), message(0, 1)].concat();
        for size in 1..=bytes.len() {
            let mut messages = Messages::new(300);
            for part in bytes.chunks(size) {
                assert_eq!(messages.pass(part), Ok(()));
            }
        }
    }

    #[test]
    fn a_message_beyond_the_limit_is_found_by_its_length_alone() {
        let before = [message(0, 7), message(1, 300)].concat();
        let mut bytes = before.clone();
        bytes.extend([1, 0, 0, 1, 45]);
        let too_long = Messages::new(300).pass(&bytes).unwrap_err();
        assert_eq!(too_long, TooLong { at: before.len(), length: 301, limit: 300 });
        assert_eq!(too_long.received().message(), "received message larger than max (301 vs. 300)");

        let mut messages = Messages::new(300);
        let found = bytes.chunks(1).position(|byte| messages.pass(byte).is_err());
        assert_eq!(found, Some(bytes.len() - 1));
    }
}
