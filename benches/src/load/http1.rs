//! One connection of the load over HTTP/1.1: requests without bodies, so many at once, answered in their order.
//!
//! A head is read in full where it is not the very bytes that were read in full before.

use std::collections::VecDeque;
use std::rc::Rc;

use mio::net::TcpStream;

use super::spec::{LoadSpec, Refused};
use super::wire::{COMPARED, Connection, Moment, Rest, Wire};

/// No head here is longer.
const LONGEST_HEAD: usize = 4096;

const END: &[u8] = b"\r\n\r\n";

/// The one request of a run, and the body of its answer.
#[derive(Debug)]
pub(super) struct Get {
    request: Vec<u8>,
    body: Vec<u8>,
}

impl Get {
    pub(super) fn new(spec: &LoadSpec) -> Self {
        let request = format!("GET {} HTTP/1.1\r\nhost: {}\r\n\r\n", spec.method.path(), spec.address);
        Self { request: request.into(), body: spec.method.answer() }
    }
}

pub(super) struct Http1 {
    wire: Wire,
    get: Rc<Get>,
    in_flight: usize,
    /// When those were sent that are on their way.
    sent: VecDeque<u64>,
    rest: Rest,
    /// The last head that was read in full.
    head: Vec<u8>,
    /// Bytes that have come of a body, once its head has.
    got: Option<usize>,
    calls: u64,
}

impl Http1 {
    pub(super) fn new(socket: TcpStream, in_flight: usize, get: Rc<Get>) -> Self {
        let (sent, rest, head) = Default::default();
        let mut new = Self { wire: Wire::new(socket), get, in_flight, sent, rest, head, got: None, calls: 0 };
        new.send(0);
        new
    }

    fn send(&mut self, now: u64) {
        self.wire.out.extend_from_slice(&self.get.request);
        self.sent.push_back(now);
    }

    /// The length of a head, if all of it is there.
    fn head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refused> {
        if !self.head.is_empty() && bytes.starts_with(&self.head) {
            return Ok(Some(self.head.len()));
        }
        let Some(end) = bytes.windows(END.len()).position(|window| window == END) else {
            return if bytes.len() < LONGEST_HEAD { Ok(None) } else { Err(Refused::Head(text(bytes))) };
        };
        let head = &bytes[..end + END.len()];
        examine(&text(head), self.get.body.len())?;
        self.head = head.to_vec();
        Ok(Some(head.len()))
    }
}

/// Whether a head is that of an answer 200 with so many bytes, after which its connection stays open.
fn examine(head: &str, expected: usize) -> Result<(), Refused> {
    let refused = || Refused::Head(head.to_owned());
    let mut lines = head.split_terminator("\r\n");
    if lines.next().is_none_or(|status| !status.starts_with("HTTP/1.1 200 ")) {
        return Err(Refused::Response(head.to_owned()));
    }
    let mut length = None;
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(refused)?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" if length.is_none() => {
                length = Some(value.trim().parse().map_err(|_| refused())?);
            }
            "content-length" | "connection" | "transfer-encoding" => return Err(refused()),
            _ => {}
        }
    }
    match length.ok_or_else(refused)? {
        got if got == expected => Ok(()),
        got => Err(Refused::Length { got, expected }),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Connection for Http1 {
    fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    fn calls(&self) -> u64 {
        self.calls
    }

    fn take(&mut self, read: &[u8], moment: Moment<'_>) -> Result<(), Refused> {
        let joined = self.rest.joined(read);
        let mut bytes = &joined[..];
        while !bytes.is_empty() {
            let got = match self.got {
                Some(got) => got,
                None => {
                    let Some(head) = self.head(bytes)? else { break };
                    bytes = &bytes[head..];
                    0
                }
            };
            let expected = &self.get.body[got..];
            let (data, more) = bytes.split_at(bytes.len().min(expected.len()));
            if self.calls < COMPARED && !expected.starts_with(data) {
                return Err(Refused::Bytes);
            }
            bytes = more;
            if data.len() < expected.len() {
                self.got = Some(got + data.len());
                break;
            }
            self.got = None;
            let sent = self.sent.pop_front().ok_or(Refused::Unasked)?;
            moment.tally.calls += 1;
            moment.tally.latencies.saturating_record(moment.now - sent);
            self.calls += 1;
            // The first answer was read in full: now the others may come.
            let next = if self.calls == 1 { self.in_flight } else { 1 };
            (0..next).for_each(|_| self.send(moment.now));
        }
        self.rest.keep(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::super::wire::Tally;
    use super::*;

    fn taken(parts: &[&[u8]]) -> (Result<(), Refused>, u64) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let get = Rc::new(Get { request: b"GET".to_vec(), body: b"hello".to_vec() });
        let (mut connection, mut tally) = (Http1::new(socket, 1, get), Tally::new());
        let all =
            parts.iter().try_for_each(|part| connection.take(part, Moment { now: 1, tally: &mut tally }));
        (all, tally.calls)
    }

    #[test]
    fn answers_are_read_however_they_are_cut() {
        let both = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhello";
        for cut in 0..both.len() {
            let (all, calls) = taken(&[&both[..cut], &both[cut..]]);
            assert!(all.is_ok(), "{cut}: {all:?}");
            assert_eq!(calls, 2, "{cut}");
        }
    }

    #[test]
    fn what_is_not_200_with_the_right_bytes_is_refused() {
        for wrong in [
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 5\r\n\r\nhello",
            "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhell",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhallo",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello",
        ] {
            let (all, calls) = taken(&[wrong.as_bytes()]);
            assert!(all.is_err() && calls == 0, "{wrong:?}");
        }
    }
}
