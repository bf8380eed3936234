//! One connection of the load.

use std::rc::Rc;

use mio::net::TcpStream;

use super::super::spec::Refused;
use super::super::wire::{COMPARED, Connection, Moment, Rest, Wire};
use super::answers::Answers;
use super::frames::{
    ACK, DATA, DEFAULT_WINDOW, END_HEADERS, END_STREAM, GOAWAY, HEADER, HEADERS, Head, INITIAL_WINDOW_SIZE,
    NO_ERROR, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, push, push_opening, push_window, setting,
};
use super::requests::{Kind, Requests};
use super::streams::Streams;

/// How much a server may send; given back when half of it is used.
const WINDOW: u32 = 1 << 30;

/// PADDED and PRIORITY, which no server here sends.
const UNKNOWN: u8 = 0x8 | 0x20;

/// A frame of DATA that has not come whole yet.
#[derive(Debug, Clone, Copy)]
struct Within {
    stream: u32,
    missing: usize,
    is_last: bool,
}

pub(in super::super) struct Http2 {
    wire: Wire,
    /// The usual ones, and the heavy ones.
    requests: Rc<[Requests; 2]>,
    answers: Answers,
    streams: Streams,
    in_flight: usize,
    rest: Rest,
    within: Option<Within>,
    /// Calls that could be sent: usual ones, and heavy ones.
    due: [usize; 2],
    /// Streams that could take another message.
    waiting: Vec<u32>,
    /// What the server lets be sent; the initial window of each stream.
    window: i64,
    stream_window: u32,
    /// What the server has sent since it was given its window.
    used: u32,
    calls: u64,
    greeted: bool,
    begun: bool,
}

impl Http2 {
    pub(in super::super) fn new(socket: TcpStream, in_flight: usize, requests: Rc<[Requests; 2]>) -> Self {
        let mut wire = Wire::new(socket);
        push_opening(&mut wire.out, WINDOW);
        Self {
            wire,
            requests,
            answers: Answers::new(),
            streams: Streams::new(in_flight),
            in_flight,
            rest: Rest::default(),
            within: None,
            due: [1, 0],
            waiting: Vec::new(),
            window: i64::from(DEFAULT_WINDOW),
            stream_window: DEFAULT_WINDOW,
            used: 0,
            calls: 0,
            greeted: false,
            begun: false,
        }
    }

    fn kind(&self) -> Kind {
        self.requests[0].kind
    }

    /// Appends as many of the calls that are due as the server's window has room for.
    fn send(&mut self, now: u64) -> Result<(), Refused> {
        if !self.greeted {
            return Ok(());
        }
        self.send_messages(now);
        for (kind, requests) in self.requests.iter().enumerate() {
            let message = requests.data;
            if message > self.stream_window as usize {
                return Err(Refused::Window { window: self.stream_window, message });
            }
            while self.due[kind] > 0 && self.window >= message as i64 {
                let credit = i64::from(self.stream_window) - message as i64;
                let stream = self.streams.open(now, credit, kind == 1);
                requests.push(&mut self.wire.out, stream, !self.begun);
                self.begun = true;
                self.due[kind] -= 1;
                self.window -= message as i64;
            }
        }
        Ok(())
    }

    /// Sends another message on each stream that waits for it, has room for it.
    fn send_messages(&mut self, now: u64) {
        let requests = &self.requests[0];
        let message = requests.data as i64;
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|&stream| {
            let open = self.streams.get(stream).filter(|open| open.credit >= message);
            let Some(open) = open.filter(|_| self.window >= message) else { return true };
            open.credit -= message;
            open.sent = now;
            self.window -= message;
            requests.push_message(&mut self.wire.out, stream);
            false
        });
        self.waiting = waiting;
    }

    fn read(&mut self, mut bytes: &[u8], moment: &mut Moment<'_>) -> Result<(), Refused> {
        loop {
            if let Some(within) = self.within {
                let (data, more) = bytes.split_at(within.missing.min(bytes.len()));
                self.data(within.stream, data, moment)?;
                bytes = more;
                let missing = within.missing - data.len();
                if missing > 0 {
                    self.within = Some(Within { missing, ..within });
                    break;
                }
                self.within = None;
                if within.is_last {
                    self.answered(within.stream, moment)?;
                }
            }
            let Some(head) = Head::read(bytes) else { break };
            if head.kind == DATA {
                let is_last = head.has(END_STREAM);
                if head.has(UNKNOWN) || is_last && self.kind() != Kind::Get {
                    // An answer of gRPC ends by its trailers.
                    return Err(Refused::Frame { kind: head.kind, flags: head.flags });
                }
                bytes = &bytes[HEADER..];
                self.window_used(head.length);
                self.within = Some(Within { stream: head.stream, missing: head.length, is_last });
                continue;
            }
            let end = HEADER + head.length;
            if bytes.len() < end {
                break;
            }
            self.frame(head, &bytes[HEADER..end], moment)?;
            bytes = &bytes[end..];
        }
        self.rest.keep(bytes);
        Ok(())
    }

    fn window_used(&mut self, bytes: usize) {
        self.used += bytes as u32;
        if self.used > WINDOW / 2 {
            push_window(&mut self.wire.out, self.used);
            self.used = 0;
        }
    }

    fn data(&mut self, stream: u32, data: &[u8], moment: &mut Moment<'_>) -> Result<(), Refused> {
        let requests = &self.requests[0];
        let open = self.streams.get(stream).ok_or(Refused::Stream(stream))?;
        let begin = open.got as usize;
        let end = begin + data.len();
        open.got = end as u32;
        if self.calls < COMPARED {
            let Some(expected) = requests.answer.get(begin..end) else {
                return Err(Refused::Length { got: end, expected: requests.answer.len() });
            };
            if expected != data {
                return Err(Refused::Bytes);
            }
        }
        if requests.kind == Kind::Streaming {
            self.message(stream, data.len(), moment)?;
        }
        Ok(())
    }

    /// Part of a message has come on a stream that stays open.
    fn message(&mut self, stream: u32, length: usize, moment: &mut Moment<'_>) -> Result<(), Refused> {
        let expected = self.requests[0].answer.len();
        let open = self.streams.get(stream).ok_or(Refused::Stream(stream))?;
        open.used += length as u32;
        let used = open.used;
        if used > WINDOW / 2 {
            open.used = 0;
            push(&mut self.wire.out, WINDOW_UPDATE, 0, stream, &used.to_be_bytes());
        }
        let got = open.got as usize;
        if got > expected || !open.answered {
            return Err(Refused::Length { got, expected });
        }
        if got == expected {
            open.got = 0;
            let sent = open.sent;
            self.waiting.push(stream);
            let first = self.ended(sent, false, moment);
            self.due[0] += if first { self.in_flight - 1 } else { 0 };
        }
        Ok(())
    }

    /// A call has been answered; whether it was the first.
    fn ended(&mut self, sent: u64, heavy: bool, moment: &mut Moment<'_>) -> bool {
        moment.tally.calls += 1;
        if !heavy {
            moment.tally.latencies.saturating_record(moment.now - sent);
        }
        self.calls += 1;
        self.calls == 1
    }

    fn frame(&mut self, head: Head, payload: &[u8], moment: &mut Moment<'_>) -> Result<(), Refused> {
        match head.kind {
            HEADERS if head.has(END_HEADERS) && !head.has(UNKNOWN) => self.headers(head, payload, moment),
            SETTINGS if head.has(ACK) => Ok(()),
            SETTINGS => {
                if let Some(window) = setting(payload, INITIAL_WINDOW_SIZE) {
                    self.stream_window = window;
                }
                self.greeted = true;
                push(&mut self.wire.out, SETTINGS, ACK, 0, &[]);
                Ok(())
            }
            PING if head.has(ACK) => Ok(()),
            PING => {
                push(&mut self.wire.out, PING, ACK, 0, payload);
                Ok(())
            }
            WINDOW_UPDATE => {
                let more = payload.first_chunk().map_or(0, |more| u32::from_be_bytes(*more) & 0x7fff_ffff);
                match self.streams.get(head.stream) {
                    _ if head.stream == 0 => self.window += i64::from(more),
                    Some(open) => open.credit += i64::from(more),
                    // It has ended.
                    None => {}
                }
                Ok(())
            }
            RST_STREAM => {
                let code = payload.first_chunk().map_or(0, |code| u32::from_be_bytes(*code));
                // RFC 9113, section 8.1: who has answered in full may say so before it has seen the request's end.
                if code == NO_ERROR && self.streams.get(head.stream).is_none() {
                    return Ok(());
                }
                Err(Refused::Reset { stream: head.stream, code })
            }
            GOAWAY => Err(Refused::GoAway),
            _ => Err(Refused::Frame { kind: head.kind, flags: head.flags }),
        }
    }

    fn headers(&mut self, head: Head, block: &[u8], moment: &mut Moment<'_>) -> Result<(), Refused> {
        let open = self.streams.get(head.stream).ok_or(Refused::Stream(head.stream))?;
        if !head.has(END_STREAM) {
            open.answered = true;
            return self.answers.response(block);
        }
        match self.kind() {
            Kind::Get => return Err(Refused::Frame { kind: head.kind, flags: head.flags }),
            Kind::Streaming => {
                self.answers.trailers(block)?;
                return Err(Refused::Ended);
            }
            Kind::Unary => self.answers.trailers(block)?,
        }
        self.answered(head.stream, moment)
    }

    /// All of an answer has come.
    fn answered(&mut self, stream: u32, moment: &mut Moment<'_>) -> Result<(), Refused> {
        let open = self.streams.close(stream).ok_or(Refused::Stream(stream))?;
        let (got, expected) = (open.got as usize, self.requests[0].answer.len());
        if !open.answered || got != expected {
            return Err(Refused::Length { got, expected });
        }
        // The first answer was read in full: now the others may come.
        if self.ended(open.sent, open.heavy, moment) {
            // Half of the calls are heavy ones, where there are any.
            let half = if self.requests[1].heavy { self.in_flight / 2 } else { 0 };
            self.due = [self.in_flight - half, half];
        } else {
            self.due[usize::from(open.heavy)] += 1;
        }
        Ok(())
    }
}

impl Connection for Http2 {
    fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    fn calls(&self) -> u64 {
        self.calls
    }

    fn take(&mut self, read: &[u8], mut moment: Moment<'_>) -> Result<(), Refused> {
        let bytes = self.rest.joined(read);
        self.read(&bytes, &mut moment)?;
        self.send(moment.now)
    }
}
