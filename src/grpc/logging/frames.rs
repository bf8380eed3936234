//! The messages of one direction of a call, put together from the bytes that pass, however they are cut.

use hyper::body::Bytes;

/// How long a message may be to be put together; of a longer one its size alone is known. Bounds what logging may
/// keep of a call.
pub(crate) const LONGEST: usize = 256 * 1024;

const HEADER: usize = 5;

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
    header: Vec<u8>,
    /// What has come of a message so far, where it did not come at once.
    gathered: Vec<u8>,
    /// How much of it has passed.
    passed: u32,
}

impl Frames {
    /// Looks at the bytes that pass next.
    pub(crate) fn pass(&mut self, mut bytes: Bytes, mut found: impl FnMut(Framed)) {
        loop {
            let missing = HEADER - self.header.len();
            let part = bytes.split_to(missing.min(bytes.len()));
            self.header.extend_from_slice(&part);
            let &[compressed, a, b, c, d] = &*self.header else { return };
            let size = u32::from_be_bytes([a, b, c, d]);
            let left = (size - self.passed) as usize;
            let part = bytes.split_to(left.min(bytes.len()));
            let (whole, at_once) = (part.len() == left, self.passed == 0);
            self.passed += part.len() as u32;
            let shown = size as usize <= LONGEST;
            if shown && !(whole && at_once) {
                self.gathered.extend_from_slice(&part);
            }
            if !whole {
                return;
            }
            let gathered = std::mem::take(&mut self.gathered);
            let message = if at_once { part } else { gathered.into() };
            found(Framed { compressed: compressed != 0, size, bytes: shown.then_some(message) });
            self.header.clear();
            self.passed = 0;
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
