//! What arrives on a connection: which protocol its peer speaks, and whether the head of a request is on its way.
//!
//! ```text
//!   nothing --bytes--> a request's head --whole--> none --bytes, no request being open--> a request's head
//!      |
//!      +-- the preface of HTTP/2 --> frames, which are hyper's to follow
//! ```
//!
//! Whoever has sent half a head waits for an answer, and cannot tell whether its request was understood. So it is neither
//! taken for idle, nor left without a word: it is answered 408 (RFC 9110, section 15.5.9), after which it may repeat the
//! request. Bytes that came while another request was open are not told from its body.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Of [`Arrival::matched`]: what came is no preface.
const HTTP1: usize = usize::MAX;

/// What arrives on a connection that may speak HTTP/1.1.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    /// How much of the preface has come.
    matched: AtomicUsize,
    half_head: AtomicBool,
    given_up: AtomicBool,
}

impl Arrival {
    /// Bytes have come; no request is open, if it is `idle`.
    pub(crate) fn read(&self, bytes: &[u8], idle: bool) {
        let matched = self.matched.load(Ordering::Relaxed);
        if matched < PREFACE.len() {
            let wanted = &PREFACE[matched..];
            let looked = bytes.len().min(wanted.len());
            let is_preface = bytes[..looked] == wanted[..looked];
            self.matched.store(if is_preface { matched + looked } else { HTTP1 }, Ordering::Relaxed);
        }
        if idle && !bytes.is_empty() && !self.speaks_http2() {
            self.half_head.store(true, Ordering::Relaxed);
        }
    }

    /// The head is whole.
    pub(crate) fn request(&self) {
        self.half_head.store(false, Ordering::Relaxed);
    }

    /// Whether the preface has come. Before that nobody knows.
    pub(crate) fn speaks_http2(&self) -> bool {
        self.matched.load(Ordering::Relaxed) == PREFACE.len()
    }

    pub(crate) fn is_half_head(&self) -> bool {
        self.half_head.load(Ordering::Relaxed) && !self.speaks_http2()
    }

    /// The rest of the head is not waited for any longer.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g17_half_a_head_is_told_from_silence_and_from_frames_however_it_is_cut() {
        for cut in 1..PREFACE.len() {
            let arrival = Arrival::default();
            assert!(!arrival.is_half_head());
            arrival.read(&PREFACE[..cut], true);
            assert!(arrival.is_half_head(), "nobody knows what it will be");
            arrival.read(&PREFACE[cut..], true);
            arrival.read(b"frames", true);
            assert!(arrival.speaks_http2() && !arrival.is_half_head(), "{cut}");
        }
        for head in ["POST / HTTP/1.1\r\n", "PRI * HTTP/1.1\r\n", "GET"] {
            for cut in 0..=head.len() {
                let arrival = Arrival::default();
                arrival.read(&head.as_bytes()[..cut], true);
                arrival.read(&head.as_bytes()[cut..], true);
                assert!(arrival.is_half_head() && !arrival.speaks_http2(), "{head:?} {cut}");
                arrival.request();
                arrival.read(b"its body", false);
                assert!(!arrival.is_half_head(), "it is whole");
                arrival.read(b"G", true);
                assert!(arrival.is_half_head(), "the next one");
            }
        }
    }
}
