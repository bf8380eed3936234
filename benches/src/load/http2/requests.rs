//! Requests as bytes, made once.
//!
//! The first of a connection says its headers in full and has the server remember them; each later one says
//! them in six bytes, as a client of HPACK's would.

use prost::Message;

use super::super::spec::{LoadSpec, Method};
use super::frames::{DATA, END_HEADERS, END_STREAM, HEADER, HEADERS, push};
use crate::grpc::pb::{Payload, Work};

/// `:method: GET`, `:method: POST` and `:scheme: http` of HPACK's static table.
const GET: u8 = 0x82;
const POST: u8 = 0x83;
const SCHEME: u8 = 0x86;

/// Where HPACK's dynamic table begins; what was remembered last stands there.
const DYNAMIC: u8 = 62;

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One message and its answer, which ends by its trailers.
    Unary,
    /// One message after the other.
    Streaming,
    /// A request without a body, whose answer has no trailers.
    Get,
}

impl Kind {
    fn of(method: Method) -> Self {
        match method {
            Method::Echo | Method::Burn(_) => Self::Unary,
            Method::EchoStream => Self::Streaming,
            Method::Http1(_) | Method::Http2(_) => Self::Get,
        }
    }
}

/// HEADERS, and DATA where there is any.
#[derive(Debug)]
struct Frames {
    bytes: Vec<u8>,
    data: Option<usize>,
}

impl Frames {
    fn new(kind: Kind, block: &[u8], message: &[u8]) -> Self {
        let mut bytes = Vec::new();
        if kind == Kind::Get {
            push(&mut bytes, HEADERS, END_HEADERS | END_STREAM, 0, block);
            return Self { bytes, data: None };
        }
        push(&mut bytes, HEADERS, END_HEADERS, 0, block);
        let data = bytes.len();
        push(&mut bytes, DATA, if kind == Kind::Unary { END_STREAM } else { 0 }, 0, message);
        Self { bytes, data: Some(data) }
    }

    /// Appends those from `from` on, for a stream.
    fn push(&self, out: &mut Vec<u8>, stream: u32, from: usize) {
        let at = out.len();
        out.extend_from_slice(&self.bytes[from..]);
        for frame in [Some(from), self.data.filter(|data| *data > from)].into_iter().flatten() {
            let at = at + frame - from;
            out[at + 5..at + HEADER].copy_from_slice(&stream.to_be_bytes());
        }
    }
}

/// The requests of one run. They differ in their stream alone.
#[derive(Debug)]
pub(in super::super) struct Requests {
    pub(super) kind: Kind,
    /// Whether these are heavy ones that are to be sent at all.
    pub(super) heavy: bool,
    first: Frames,
    later: Frames,
    /// Bytes of data that one costs of the server's window: the message, as gRPC frames it.
    pub(super) data: usize,
    /// The data of the answer.
    pub(super) answer: Vec<u8>,
}

impl Requests {
    /// The usual ones, and the heavy ones.
    pub(in super::super) fn both(spec: &LoadSpec) -> [Self; 2] {
        [Self::new(spec, spec.method), Self::new(spec, Method::Burn(spec.heavy_us))]
    }

    fn new(spec: &LoadSpec, method: Method) -> Self {
        let kind = Kind::of(method);
        let body: Vec<u8> = (0..spec.payload).map(|at| (at * 31 + 7) as u8).collect();
        let (message, answer) = match method {
            Method::Http1(_) | Method::Http2(_) => (Vec::new(), method.answer()),
            Method::Echo | Method::EchoStream => {
                let echo = framed(&Payload { body: body.into() });
                (echo.clone(), echo)
            }
            Method::Burn(micros) => {
                (framed(&Work { body: body.clone().into(), micros }), framed(&Payload { body: body.into() }))
            }
        };
        let in_full = in_full(kind, method.path(), &spec.address.to_string());
        // A heavy call has headers of its own only where it is of another method; then it says them in full.
        let again = if method.path() == spec.method.path() { in_short(kind) } else { in_full.clone() };
        Self {
            kind,
            heavy: spec.heavy_us > 0 && method == Method::Burn(spec.heavy_us),
            first: Frames::new(kind, &in_full, &message),
            later: Frames::new(kind, &again, &message),
            data: message.len(),
            answer,
        }
    }

    /// Appends another message of a stream.
    pub(super) fn push_message(&self, out: &mut Vec<u8>, stream: u32) {
        self.later.push(out, stream, self.later.data.unwrap_or(0));
    }

    /// Appends one.
    pub(super) fn push(&self, out: &mut Vec<u8>, stream: u32, first: bool) {
        if first { &self.first } else { &self.later }.push(out, stream, 0);
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

/// What does not change, by the static table.
fn fixed(kind: Kind) -> [u8; 2] {
    [if kind == Kind::Get { GET } else { POST }, SCHEME]
}

/// What is remembered, in this order: the name as an index of the static table, or 0 and the name.
fn remembered<'a>(kind: Kind, path: &'a str, authority: &'a str) -> Vec<(u8, &'a str, &'a str)> {
    let mut headers = vec![(4, "", path), (1, "", authority)];
    if kind != Kind::Get {
        headers.extend([(31, "", "application/grpc"), (0, "te", "trailers")]);
    }
    headers
}

fn in_full(kind: Kind, path: &str, authority: &str) -> Vec<u8> {
    let mut block = fixed(kind).to_vec();
    for (index, name, value) in remembered(kind, path, authority) {
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

fn in_short(kind: Kind) -> Vec<u8> {
    // In the order of what they refer to: names with a colon come first.
    let last = DYNAMIC + remembered(kind, "", "").len() as u8;
    fixed(kind).into_iter().chain((DYNAMIC..last).rev().map(|index| 0x80 | index)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_headers_say_what_those_in_full_said() {
        for (kind, length) in [(Kind::Unary, 6), (Kind::Get, 4)] {
            let mut decoder = loona_hpack::Decoder::new();
            let full = decoder.decode(&in_full(kind, "/a.B/C", "127.0.0.1:1")).unwrap();
            let short = in_short(kind);
            assert_eq!(short.len(), length);
            let again = decoder.decode(&short).unwrap();
            assert_eq!(full, again);
        }
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
        let head = crate::load::http2::frames::Head::read(&out).unwrap();
        let data = crate::load::http2::frames::Head::read(&out[HEADER + head.length..]).unwrap();
        assert_eq!((head.stream, data.stream), (0x0102_0305, 0x0102_0305));
        assert_eq!((head.kind, data.kind, data.length), (HEADERS, DATA, requests.data));
        assert_eq!(requests.answer, [0, 0, 0, 0, 5, 10, 3, 7, 38, 69]);
    }
}
