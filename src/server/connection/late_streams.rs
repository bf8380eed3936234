//! Streams that a peer opens after it has acknowledged that its connection ends.
//!
//! ```text
//!   preface --> frames --the PING of the end, acknowledged--> frames; WINDOW_UPDATE of late streams is made harmless
//!      |
//!      +-- anything else --> not followed: it is HTTP/1.1
//! ```
//!
//! HTTP/2 ends in two steps: a GOAWAY that names no stream, with a PING; and, once that is acknowledged, one that names the last stream
//! that was taken. A peer may have begun a stream and write its acknowledgement first, as some do: what comes of that stream is to be ignored
//! (RFC 9113, section 6.8), and the peer asks elsewhere. h2 0.4.20 ignores all of it but WINDOW_UPDATE, which it takes for one of an idle stream: it
//! ends the connection with PROTOCOL_ERROR, and with it all calls that are open there. So such a frame gets a type that nobody knows on
//! its way past, and is ignored (section 5.5).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The length of what each frame begins with.
const HEAD: usize = 9;
/// Where the type of a frame is in that.
const TYPE: usize = 3;

const HEADERS: u8 = 1;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
/// Of a PING.
const ACK: u8 = 1;
const NOBODY_KNOWS: u8 = 0xfe;

/// What h2's PING says with which it ends a connection.
const END: [u8; 8] = [0x0b, 0x7b, 0xa2, 0xf0, 0x8b, 0x9b, 0xfe, 0x54];

/// Follows the frames of one connection.
#[derive(Debug, Default)]
pub(crate) struct LateStreams {
    /// How much of the preface has come.
    preface: usize,
    is_http1: bool,
    head: [u8; HEAD],
    /// How much of a frame's head has come.
    of_head: usize,
    /// How much of its payload is still to come.
    to_come: usize,
    /// How much of that of an acknowledged PING was as in [`END`].
    of_ping: Option<usize>,
    acknowledged: bool,
    /// The last stream that was opened before that.
    last: u32,
    /// The beginning of a head that is not passed on until all of it is there, and how much that is.
    kept: ([u8; HEAD], usize),
}

impl LateStreams {
    /// Reads, and makes harmless what is.
    pub(crate) fn poll_read(
        &mut self,
        mut io: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.is_http1 {
            return io.poll_read(cx, buffer);
        }
        loop {
            let (kept, count) = self.kept;
            // There is room for more than that but in the oddest buffers.
            let fits = count.min(buffer.remaining());
            buffer.put_slice(&kept[..fits]);
            if fits == count {
                let poll = io.as_mut().poll_read(cx, buffer);
                if !matches!(poll, Poll::Ready(Ok(()))) {
                    buffer.set_filled(before);
                    return poll;
                }
            }
            let came = buffer.filled().len() - before;
            let is_all = came == fits;
            self.kept = ([0; HEAD], count - fits);
            self.kept.0[..count - fits].copy_from_slice(&kept[fits..count]);
            let keep = self.follow(&mut buffer.filled_mut()[before..], !is_all);
            buffer.set_filled(before + came - keep);
            if is_all || came > keep {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Follows what has come. Returns how much at its end is to be kept until more comes, if it may be.
    fn follow(&mut self, bytes: &mut [u8], may_keep: bool) -> usize {
        let mut at = self.skip_preface(bytes);
        while at < bytes.len() && !self.is_http1 {
            if self.to_come > 0 {
                let passed = self.to_come.min(bytes.len() - at);
                self.pass_payload(&bytes[at..at + passed]);
                at += passed;
                continue;
            }
            let taken = (HEAD - self.of_head).min(bytes.len() - at);
            self.head[self.of_head..self.of_head + taken].copy_from_slice(&bytes[at..at + taken]);
            self.of_head += taken;
            at += taken;
            if self.of_head < HEAD {
                // What has been passed on cannot be kept.
                if !self.acknowledged || !may_keep || taken < self.of_head {
                    return 0;
                }
                let keep = std::mem::take(&mut self.of_head);
                self.kept = (self.head, keep);
                return keep;
            }
            self.of_head = 0;
            if self.begins_late_update()
                && let Some(begin) = at.checked_sub(HEAD)
            {
                bytes[begin + TYPE] = NOBODY_KNOWS;
            }
        }
        0
    }

    /// Returns how much of it is preface.
    fn skip_preface(&mut self, bytes: &[u8]) -> usize {
        let wanted = &PREFACE[self.preface..];
        let looked = bytes.len().min(wanted.len());
        self.is_http1 = bytes[..looked] != wanted[..looked];
        self.preface += looked;
        looked
    }

    /// A head is whole: whether it is that of a WINDOW_UPDATE of a late stream.
    fn begins_late_update(&mut self) -> bool {
        let [a, b, c, kind, flags, id @ ..] = self.head;
        self.to_come = u32::from_be_bytes([0, a, b, c]) as usize;
        let stream = u32::from_be_bytes(id) & 0x7fff_ffff;
        match kind {
            HEADERS if !self.acknowledged => self.last = self.last.max(stream),
            PING if flags & ACK != 0 && self.to_come == END.len() => self.of_ping = Some(0),
            _ => {}
        }
        kind == WINDOW_UPDATE && self.acknowledged && stream > self.last
    }

    fn pass_payload(&mut self, bytes: &[u8]) {
        self.to_come -= bytes.len();
        if let Some(matched) = self.of_ping {
            let is_end = END[matched..].starts_with(bytes);
            self.of_ping = (is_end && self.to_come > 0).then_some(matched + bytes.len());
            self.acknowledged |= is_end && self.to_come == 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use tokio::io::AsyncReadExt;

    use super::*;

    /// Bytes that come one piece after the other.
    struct Pieces(VecDeque<Vec<u8>>);

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if let Some(mut piece) = self.0.pop_front() {
                let rest = piece.split_off(piece.len().min(buffer.remaining()));
                buffer.put_slice(&piece);
                if !rest.is_empty() {
                    self.0.push_front(rest);
                }
            }
            Poll::Ready(Ok(()))
        }
    }

    struct Followed(Pieces, LateStreams);

    impl AsyncRead for Followed {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let Self(io, streams) = &mut *self;
            streams.poll_read(Pin::new(io), cx, buffer)
        }
    }

    /// What is passed on of what comes in two pieces, to who reads so many bytes at most at a time.
    async fn passed(bytes: &[u8], split: usize, room: usize) -> Vec<u8> {
        let (first, second) = bytes.split_at(split);
        let pieces = [first, second].into_iter().filter(|piece| !piece.is_empty()).map(<[u8]>::to_vec);
        let mut followed = Followed(Pieces(pieces.collect()), LateStreams::default());
        let (mut all, mut buffer) = (Vec::new(), vec![0; room]);
        loop {
            match followed.read(&mut buffer).await.unwrap() {
                0 => return all,
                count => all.extend_from_slice(&buffer[..count]),
            }
        }
    }

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        [&head, payload].concat()
    }

    fn update(stream: u32) -> Vec<u8> {
        frame(WINDOW_UPDATE, 0, stream, &[0, 0, 1, 0])
    }

    /// Until the end is acknowledged: two streams, and an update before the stream that it is of.
    fn before() -> Vec<u8> {
        let another_ping = frame(PING, ACK, 0, &[7; 8]);
        let (first, third) = (frame(HEADERS, 4, 1, b"head"), frame(HEADERS, 4, 3, b"head"));
        let end = frame(PING, ACK, 0, &END);
        let all =
            [PREFACE, &frame(4, 0, 0, &[]), &another_ping, &first, &update(3), &third, &update(3), &end];
        all.concat()
    }

    #[tokio::test]
    async fn g08_an_update_of_a_stream_that_came_too_late_is_made_harmless_however_it_comes() {
        let late = [
            update(1),
            frame(HEADERS, 4, 5, b"head"),
            update(5),
            frame(0, 1, 5, b"data"),
            update(3),
            update(5),
        ];
        let all = [before(), late.concat()].concat();
        let mut harmless = late.clone();
        harmless[2][TYPE] = NOBODY_KNOWS;
        harmless[5][TYPE] = NOBODY_KNOWS;
        let wanted = [before(), harmless.concat()].concat();
        for split in 0..=all.len() {
            assert_eq!(
                passed(&all, split, 4096).await,
                wanted,
                "in two pieces, of {split} bytes and the rest"
            );
        }
        for room in HEAD + 1..40 {
            assert_eq!(passed(&all, 0, room).await, wanted, "in pieces of {room} bytes");
        }
    }

    #[tokio::test]
    async fn g08_nothing_else_is_changed_nor_kept_back() {
        let half = [before(), update(5)[..5].to_vec()].concat();
        let without_end = before()[..before().len() - 1].to_vec();
        let mut not_acknowledged = before();
        // Another PING.
        *not_acknowledged.last_mut().unwrap() ^= 1;
        not_acknowledged.extend(update(5));
        let http1 = [b"PUT / HTTP/1.1\r\n\r\n".to_vec(), before(), update(5)].concat();
        for all in [half, without_end, not_acknowledged, http1] {
            for split in 0..=all.len() {
                for room in [1, 8, 4096] {
                    assert_eq!(passed(&all, split, room).await, all);
                }
            }
        }
    }
}
