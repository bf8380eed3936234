//! Requests as bytes, made once.
//!
//! The first of a connection says its headers in full and has the server remember them; each later one says
//! them in six bytes, as a client of HPACK's would.

use prost::Message;

use super::frames::{DATA, END_HEADERS, END_STREAM, HEADER, HEADERS, push};
use super::spec::{LoadSpec, Method};
use crate::grpc::pb::{Payload, Work};

/// `:method: POST` and `:scheme: http` of HPACK's static table.
const FIXED: [u8; 2] = [0x83, 0x86];

/// Where HPACK's dynamic table begins; what was remembered last stands there.
const DYNAMIC: u8 = 62;

/// The requests of one run. They differ in their stream alone.
#[derive(Debug)]
pub(super) struct Requests {
    /// Whether a stream takes one message after the other.
    pub(super) streaming: bool,
    /// Whether these are heavy ones that are to be sent at all.
    pub(super) heavy: bool,
    first: Vec<u8>,
    later: Vec<u8>,
    /// Where the DATA frame begins in each.
    data_of_first: usize,
    data_of_later: usize,
    /// The message that is sent, as gRPC frames it.
    sent: usize,
    /// The data of the answer.
    pub(super) answer: Vec<u8>,
}

impl Requests {
    /// The usual ones, and the heavy ones.
    pub(super) fn both(spec: &LoadSpec) -> [Self; 2] {
        [Self::new(spec, spec.method), Self::new(spec, Method::Burn(spec.heavy_us))]
    }

    fn new(spec: &LoadSpec, method: Method) -> Self {
        let body: Vec<u8> = (0..spec.payload).map(|at| (at * 31 + 7) as u8).collect();
        let answer = framed(&Payload { body: body.clone().into() });
        let message = match method {
            Method::Echo | Method::EchoStream => answer.clone(),
            Method::Burn(micros) => framed(&Work { body: body.into(), micros }),
        };
        let authority = spec.address.to_string();
        let last = if method == Method::EchoStream { 0 } else { END_STREAM };
        let (first, data_of_first) = request(&in_full(method.path(), &authority), &message, last);
        // A heavy call has headers of its own only where it is of another method; then it says them in full.
        let again =
            if method.path() == spec.method.path() { in_short() } else { in_full(method.path(), &authority) };
        let (later, data_of_later) = request(&again, &message, last);
        let heavy = spec.heavy_us > 0 && method == Method::Burn(spec.heavy_us);
        Self {
            streaming: method == Method::EchoStream,
            heavy,
            first,
            later,
            data_of_first,
            data_of_later,
            sent: message.len(),
            answer,
        }
    }

    /// Bytes of data that one costs of the server's window.
    pub(super) fn data(&self) -> usize {
        self.sent
    }

    /// Appends another message of a stream.
    pub(super) fn push_message(&self, out: &mut Vec<u8>, stream: u32) {
        let at = out.len();
        out.extend_from_slice(&self.later[self.data_of_later..]);
        out[at + 5..at + HEADER].copy_from_slice(&stream.to_be_bytes());
    }

    /// Appends one.
    pub(super) fn push(&self, out: &mut Vec<u8>, stream: u32, first: bool) {
        let at = out.len();
        let (bytes, data) =
            if first { (&self.first, self.data_of_first) } else { (&self.later, self.data_of_later) };
        out.extend_from_slice(bytes);
        for frame in [at, at + data] {
            out[frame + 5..frame + HEADER].copy_from_slice(&stream.to_be_bytes());
        }
    }
}

/// A message as gRPC frames it: not compressed, its length, itself.
fn framed(message: &impl Message) -> Vec<u8> {
    let length = message.encoded_len() as u32;
    let mut framed = vec![0];
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(&message.encode_to_vec());
    framed
}

/// HEADERS and DATA, and where the latter begins.
fn request(block: &[u8], message: &[u8], last: u8) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    push(&mut bytes, HEADERS, END_HEADERS, 0, block);
    let data = bytes.len();
    push(&mut bytes, DATA, last, 0, message);
    (bytes, data)
}

/// What is remembered, in this order: the name as an index of the static table, or 0 and the name.
fn in_full(path: &str, authority: &str) -> Vec<u8> {
    let mut block = FIXED.to_vec();
    for (index, name, value) in
        [(4, "", path), (1, "", authority), (31, "", "application/grpc"), (0, "te", "trailers")]
    {
        block.push(0x40 | index);
        if index == 0 {
            push_text(&mut block, name);
        }
        push_text(&mut block, value);
    }
    block
}

/// A text of less than 127 bytes, as it is.
fn push_text(block: &mut Vec<u8>, text: &str) {
    block.push(text.len() as u8);
    block.extend_from_slice(text.as_bytes());
}

fn in_short() -> Vec<u8> {
    // In the order of what they refer to: names with a colon come first.
    FIXED.into_iter().chain((DYNAMIC..DYNAMIC + 4).rev().map(|index| 0x80 | index)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_headers_say_what_those_in_full_said() {
        let mut decoder = loona_hpack::Decoder::new();
        let full = decoder.decode(&in_full("/a.B/C", "127.0.0.1:1")).unwrap();
        let short = in_short();
        assert_eq!(short.len(), 6);
        let again = decoder.decode(&short).unwrap();
        assert_eq!(full, again);
    }

    #[test]
    fn a_request_has_its_stream_in_both_frames() {
        let address = "127.0.0.1:1".parse().unwrap();
        let spec = LoadSpec {
            address,
            server: 0,
            method: Method::Burn(5),
            payload: 3,
            connections: 1,
            in_flight: 1,
            heavy_us: 0,
            warm_up_ms: 0,
            measured_ms: 1,
            calls: None,
        };
        let [requests, _] = Requests::both(&spec);
        let mut out = Vec::new();
        requests.push(&mut out, 0x0102_0305, false);
        let head = super::super::frames::Head::read(&out).unwrap();
        let data = super::super::frames::Head::read(&out[HEADER + head.length..]).unwrap();
        assert_eq!((head.stream, data.stream), (0x0102_0305, 0x0102_0305));
        assert_eq!((head.kind, data.kind, data.length), (HEADERS, DATA, requests.data()));
        assert_eq!(requests.answer, [0, 0, 0, 0, 5, 10, 3, 7, 38, 69]);
    }
}
