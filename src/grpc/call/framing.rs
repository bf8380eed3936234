//! The frames of gRPC's messages, found in the bytes that pass. Nothing is kept back.
//!
//! ```text
//!   | compressed? 1 byte | length 4 bytes | message | compressed? | length | message ...
//! ```
//!
//! [`FrameParser`] is the only parser of them. [`Messages`] holds messages to a length: tonic's services have limits too,
//! yet each its own, and answer OUT_OF_RANGE; this one holds for all, and answers as grpc-go does.

use tonic::Status;

const HEADER: u8 = 5;

/// Follows the frames of one direction of a call, however they are cut.
#[derive(Debug, Default)]
pub(crate) struct FrameParser {
    /// How many bytes of a header have passed, and what they say so far.
    passed: u8,
    header: u64,
    /// How much of a message is to come.
    left: u32,
}

/// A part of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Its header is whole.
    Header { compressed: bool, length: u32 },
    /// So many bytes of its message; `last`: the message is whole with them.
    Message { bytes: usize, last: bool },
}

impl FrameParser {
    /// Takes the next part off the front of these bytes; `None` when they are used up.
    #[inline]
    pub(crate) fn next(&mut self, rest: &mut &[u8]) -> Option<Part> {
        if self.passed == HEADER {
            if rest.is_empty() && self.left > 0 {
                return None;
            }
            let bytes = (self.left as usize).min(rest.len());
            *rest = &rest[bytes..];
            self.left -= bytes as u32;
            let last = self.left == 0;
            if last {
                (self.passed, self.header) = (0, 0);
            }
            return Some(Part::Message { bytes, last });
        }
        while self.passed < HEADER {
            let (byte, after) = rest.split_first()?;
            self.header = self.header << 8 | u64::from(*byte);
            self.passed += 1;
            *rest = after;
        }
        // The first byte tells of compression, the others are the length.
        self.left = self.header as u32;
        Some(Part::Header { compressed: self.header >> 32 != 0, length: self.left })
    }
}

/// Holds the messages of one direction of a call to a length.
#[derive(Debug)]
pub(crate) struct Messages {
    limit: u32,
    frames: FrameParser,
    /// How many have begun since that was asked.
    begun: u64,
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
        Self { limit, frames: FrameParser::default(), begun: 0 }
    }

    /// Looks at the bytes that pass next.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let mut rest = bytes;
        loop {
            let at = bytes.len() - rest.len();
            match self.frames.next(&mut rest) {
                None => return Ok(()),
                Some(Part::Header { length, .. }) if length > self.limit => {
                    return Err(TooLong { at, length, limit: self.limit });
                }
                Some(Part::Header { .. }) => self.begun += 1,
                Some(Part::Message { .. }) => {}
            }
        }
    }

    /// How many messages have begun since this was last asked.
    pub(crate) fn take_begun(&mut self) -> u64 {
        std::mem::take(&mut self.begun)
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
            assert_eq!((messages.take_begun(), messages.take_begun()), (4, 0));
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
