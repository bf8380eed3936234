//! One connection of the load.

use std::io::{self, Read, Write};

use hdrhistogram::Histogram;
use mio::net::TcpStream;

use super::answers::Answers;
use super::frames::{
    self, ACK, DATA, DEFAULT_WINDOW, END_HEADERS, END_STREAM, GOAWAY, HEADER, HEADERS, Head,
    INITIAL_WINDOW_SIZE, NO_ERROR, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, push, push_opening,
    push_window, setting,
};
use super::requests::Requests;
use super::spec::Refused;
use super::streams::Streams;

/// How much a server may send; given back when half of it is used.
const WINDOW: u32 = 1 << 30;

/// PADDED and PRIORITY, which no server here sends.
const UNKNOWN: u8 = 0x8 | 0x20;

/// How many answers are compared byte by byte: the first.
const COMPARED: u64 = 100;

/// What a connection tells of.
pub(super) struct Tally {
    pub(super) latencies: Histogram<u64>,
    pub(super) calls: u64,
}

/// What there is at the moment in which something is read.
struct Moment<'a> {
    now: u64,
    requests: &'a [Requests; 2],
    tally: &'a mut Tally,
}

impl Moment<'_> {
    /// Whether half of the calls are heavy ones.
    fn mixed(&self) -> bool {
        self.requests[1].heavy
    }
}

/// Why a connection can't go on.
pub(super) enum Broken {
    Io(io::Error),
    Closed,
    Answer(Refused),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Refused> for Broken {
    fn from(refused: Refused) -> Self {
        Self::Answer(refused)
    }
}

pub(super) struct Connection {
    socket: TcpStream,
    answers: Answers,
    streams: Streams,
    in_flight: usize,
    /// Bytes that are to be sent, from `written` on.
    out: Vec<u8>,
    written: usize,
    /// The beginning of a frame whose end has not come yet.
    rest: Vec<u8>,
    /// The stream and the bytes that are missing of a DATA frame.
    within: Option<(u32, usize)>,
    /// Calls that could be sent: usual ones, and heavy ones.
    due: [usize; 2],
    /// Streams that could take another message.
    waiting: Vec<u32>,
    /// What the server lets be sent; the initial window of each stream.
    window: i64,
    stream_window: u32,
    /// What the server has sent since it was given its window.
    used: u32,
    pub(super) calls: u64,
    greeted: bool,
    begun: bool,
}

impl Connection {
    pub(super) fn new(socket: TcpStream, in_flight: usize) -> Self {
        let mut out = Vec::new();
        push_opening(&mut out, WINDOW);
        Self {
            socket,
            answers: Answers::new(),
            streams: Streams::new(in_flight),
            in_flight,
            out,
            written: 0,
            rest: Vec::new(),
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

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// Reads all that is there and sends the calls that follow from it.
    pub(super) fn readable(
        &mut self,
        buffer: &mut [u8],
        now: &impl Fn() -> u64,
        requests: &[Requests; 2],
        tally: &mut Tally,
    ) -> Result<(), Broken> {
        loop {
            let count = match self.socket.read(buffer) {
                Ok(0) => return Err(Broken::Closed),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let now = now();
            self.take(&buffer[..count], &mut Moment { now, requests, tally })?;
            self.send(now, requests)?;
            self.flush()?;
            // Of a stream, a short read says that there is no more; what comes next is told anew.
            if count < buffer.len() {
                break;
            }
        }
        Ok(())
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self) -> Result<(), Broken> {
        while self.written < self.out.len() {
            match self.socket.write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    /// Appends as many of the calls that are due as the server's window has room for.
    fn send(&mut self, now: u64, requests: &[Requests; 2]) -> Result<(), Refused> {
        if !self.greeted {
            return Ok(());
        }
        self.send_messages(now, &requests[0]);
        for (kind, requests) in requests.iter().enumerate() {
            let message = requests.data();
            if message > self.stream_window as usize {
                return Err(Refused::Window { window: self.stream_window, message });
            }
            while self.due[kind] > 0 && self.window >= message as i64 {
                let credit = i64::from(self.stream_window) - message as i64;
                let stream = self.streams.open(now, credit, kind == 1);
                requests.push(&mut self.out, stream, !self.begun);
                self.begun = true;
                self.due[kind] -= 1;
                self.window -= message as i64;
            }
        }
        Ok(())
    }

    /// Sends another message on each stream that waits for it, has room for it.
    fn send_messages(&mut self, now: u64, requests: &Requests) {
        let message = requests.data() as i64;
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|&stream| {
            let open = self.streams.get(stream).filter(|open| open.credit >= message);
            let Some(open) = open.filter(|_| self.window >= message) else { return true };
            open.credit -= message;
            open.sent = now;
            self.window -= message;
            requests.push_message(&mut self.out, stream);
            false
        });
        self.waiting = waiting;
    }

    fn take(&mut self, read: &[u8], moment: &mut Moment<'_>) -> Result<(), Refused> {
        let joined;
        let mut bytes = read;
        if !self.rest.is_empty() {
            let mut rest = std::mem::take(&mut self.rest);
            rest.extend_from_slice(read);
            joined = rest;
            bytes = &joined;
        }
        loop {
            if let Some((stream, missing)) = self.within {
                let (data, more) = bytes.split_at(missing.min(bytes.len()));
                self.data(stream, data, moment)?;
                bytes = more;
                self.within = Some((stream, missing - data.len())).filter(|within| within.1 > 0);
                if self.within.is_some() {
                    break;
                }
            }
            let Some(head) = Head::read(bytes) else { break };
            if head.kind == DATA {
                if head.has(END_STREAM | UNKNOWN) {
                    // An answer of gRPC ends by its trailers.
                    return Err(Refused::Frame { kind: head.kind, flags: head.flags });
                }
                bytes = &bytes[HEADER..];
                self.window_used(head.length);
                self.within = Some((head.stream, head.length)).filter(|within| within.1 > 0);
                continue;
            }
            let end = HEADER + head.length;
            if bytes.len() < end {
                break;
            }
            self.frame(head, &bytes[HEADER..end], moment)?;
            bytes = &bytes[end..];
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }

    fn window_used(&mut self, bytes: usize) {
        self.used += bytes as u32;
        if self.used > WINDOW / 2 {
            push_window(&mut self.out, self.used);
            self.used = 0;
        }
    }

    fn data(&mut self, stream: u32, data: &[u8], moment: &mut Moment<'_>) -> Result<(), Refused> {
        let requests = &moment.requests[0];
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
        if requests.streaming {
            self.message(stream, data.len(), moment)?;
        }
        Ok(())
    }

    /// Part of a message has come on a stream that stays open.
    fn message(&mut self, stream: u32, length: usize, moment: &mut Moment<'_>) -> Result<(), Refused> {
        let expected = moment.requests[0].answer.len();
        let open = self.streams.get(stream).ok_or(Refused::Stream(stream))?;
        open.used += length as u32;
        let used = open.used;
        if used > WINDOW / 2 {
            open.used = 0;
            push(&mut self.out, WINDOW_UPDATE, 0, stream, &used.to_be_bytes());
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
                push(&mut self.out, SETTINGS, ACK, 0, &[]);
                Ok(())
            }
            PING if head.has(ACK) => Ok(()),
            PING => {
                push(&mut self.out, PING, ACK, 0, payload);
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
        if !head.has(frames::END_STREAM) {
            open.answered = true;
            return self.answers.response(block);
        }
        let (answered, got, sent, heavy) = (open.answered, open.got as usize, open.sent, open.heavy);
        self.answers.trailers(block)?;
        if moment.requests[0].streaming {
            return Err(Refused::Ended);
        }
        let expected = moment.requests[0].answer.len();
        if !answered || got != expected {
            return Err(Refused::Length { got, expected });
        }
        self.streams.close(head.stream);
        // The first answer was read in full: now the others may come.
        if self.ended(sent, heavy, moment) {
            let half = if moment.mixed() { self.in_flight / 2 } else { 0 };
            self.due = [self.in_flight - half, half];
        } else {
            self.due[usize::from(heavy)] += 1;
        }
        Ok(())
    }
}
