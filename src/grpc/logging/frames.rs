//! The messages of one direction of a call, put together from the bytes that pass, however they are cut.

use hyper::body::Bytes;

use crate::grpc::call::framing::{FrameParser, Part};

/// How long a message may be to be put together; of a longer one its size alone is known. Bounds what logging may
/// keep of a call.
pub(crate) const LONGEST: usize = 256 * 1024;

/// A message that has passed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Framed {
    pub(crate) compressed: bool,
    /// As it was sent, in bytes.
    pub(crate) size: u32,
    /// `None` where it is longer than [`LONGEST`].
    pub(crate) bytes: Option<Bytes>,
}

/// Follows one direction of a call.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    parser: FrameParser,
    /// What the header of the current message says.
    compressed: bool,
    size: u32,
    /// What has come of the message so far, where it did not come at once.
    gathered: Vec<u8>,
    /// Whether any of it has passed.
    begun: bool,
}

impl Frames {
    /// Looks at the bytes that pass next.
    pub(crate) fn pass(&mut self, bytes: Bytes, mut found: impl FnMut(Framed)) {
        let mut rest = &bytes[..];
        loop {
            let at = bytes.len() - rest.len();
            let (length, last) = match self.parser.next(&mut rest) {
                None => return,
                Some(Part::Header { compressed, length }) => {
                    (self.compressed, self.size) = (compressed, length);
                    continue;
                }
                Some(Part::Message { bytes, last }) => (bytes, last),
            };
            let part = bytes.slice(at..at + length);
            let at_once = last && !self.begun;
            self.begun |= length > 0;
            let shown = self.size as usize <= LONGEST;
            if shown && !at_once {
                self.gathered.extend_from_slice(&part);
            }
            if !last {
                continue;
            }
            let gathered = std::mem::take(&mut self.gathered);
            let message = if at_once { part } else { gathered.into() };
            self.begun = false;
            let (compressed, size) = (self.compressed, self.size);
            found(Framed { compressed, size, bytes: shown.then_some(message) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(compressed: u8, message: &[u8]) -> Vec<u8> {
        [&[compressed], &(message.len() as u32).to_be_bytes()[..], message].concat()
    }

    fn found(parts: impl Iterator<Item = Bytes>) -> Vec<Framed> {
        let (mut frames, mut all) = (Frames::default(), Vec::new());
        for part in parts {
            frames.pass(part, |framed| all.push(framed));
        }
        all
    }

    #[test]
    fn messages_are_found_however_they_are_cut() {
        let messages = [&b"first"[..], b"", b"third, which is longer"];
        let bytes =
            Bytes::from([framed(0, messages[0]), framed(1, messages[1]), framed(0, messages[2])].concat());
        for size in 1..=bytes.len() {
            let parts =
                (0..bytes.len()).step_by(size).map(|at| bytes.slice(at..(at + size).min(bytes.len())));
            let found = found(parts);
            let shown: Vec<_> = found.iter().map(|framed| framed.bytes.as_deref().unwrap()).collect();
            assert_eq!(shown, messages, "parts of {size}");
            assert_eq!(
                found.iter().map(|framed| framed.compressed).collect::<Vec<_>>(),
                [false, true, false]
            );
        }
    }

    #[test]
    fn of_a_message_that_is_too_long_nothing_is_kept_but_its_size() {
        let bytes = Bytes::from([framed(0, &vec![7; LONGEST + 1]), framed(0, b"next")].concat());
        let mut frames = Frames::default();
        let mut sizes = Vec::new();
        for at in (0..bytes.len()).step_by(1000) {
            let part = bytes.slice(at..(at + 1000).min(bytes.len()));
            frames.pass(part, |framed| {
                sizes.push((framed.size as usize, framed.bytes.map(|bytes| bytes.len())))
            });
            assert!(frames.gathered.len() <= 4);
        }
        assert_eq!(sizes, [(LONGEST + 1, None), (4, Some(4))]);
    }
}
