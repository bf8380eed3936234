//! The bytes of a connection on their way past: whether the peer has spoken, whether it reads.
//!
//! ```text
//!   reading --a write has to wait, and much waits with it--> held back --less waits--> reading
//! ```
//!
//! A wire that is held back reads nothing: a peer that does not take its answers gives no more calls. HTTP/2 does not
//! see to that: h2 encodes headers into a buffer that doubles, and takes room in that buffer for leave to encode more.
//! Measured with 30,000 calls of 12 bytes of one long path, which the answer repeats, by a peer that never reads: bare
//! hyper 1.12 with h2 0.4.20 handled all of them, and held 29,700 answers, where the path has 3,720 to 3,840 bytes;
//! 1,000 to 4,400 where it is a little shorter or longer. Held back it takes what one connection may have open, and as
//! many again. DATA waits for the peer's windows and needs none of this: a bulk answer that fills the socket now and then
//! stops no reading.
//!
//! A wire that ends is half closed first, and read until its peer has closed it, too, or its [`Patience`](crate::server::drain::Patience) is over. What a peer
//! sends to a closed socket (leave to send more, mostly) is answered by a reset, and a reset takes with it what was
//! written and has not arrived: RFC 9112, section 9.6.
//!
//! Where the rest of a request's head is [not waited for any longer](crate::server::connection::arrival), the wire says so itself, and
//! ends: hyper, which would have nothing to say, reads the end.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::server::connection::arrival::Arrival;
use crate::server::connection::late_head::LateHead;
use crate::server::connection::late_streams::LateStreams;
use crate::server::connection::state::Connection;

/// From so many bytes on that wait to be written nothing is read. More than HTTP/2 has waiting when all is well: one
/// frame of DATA, and a few of control.
const MUCH: usize = 64 * 1024;

/// How many bytes are read of a connection that has ended: what a peer may have sent before it heard, its windows full. Whoever
/// sends more is not listening, and is reset.
const MOST_AFTER_THE_END: usize = 1024 * 1024;

/// A stream of bytes that tells its connection of what passes.
#[derive(Debug)]
pub(crate) struct IoObserver<I> {
    io: I,
    connection: Arc<Connection>,
    /// Whether nothing is read until more has been written.
    held_back: bool,
    /// Whether a read was asked for in the meantime.
    wanted: bool,
    /// Until when its peer may close it, once it is half closed.
    lingering: Option<Pin<Box<Sleep>>>,
    /// How much was read since.
    dropped: usize,
    /// What is said to who sent half a head.
    late: LateHead,
    late_streams: LateStreams,
    /// Resolves when what may go on for ever is to end; once it speaks something else than HTTP.
    ending: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Whether it was, and is counted.
    ended: bool,
    /// The worker does not end before its bytes are gone, whoever has them.
    _token: TaskTrackerToken,
}

impl<I> IoObserver<I> {
    pub(crate) fn new(io: I, connection: Arc<Connection>) -> Self {
        let _token = connection.worker.tasks.token();
        Self {
            io,
            connection,
            held_back: false,
            wanted: false,
            lingering: None,
            dropped: 0,
            late: LateHead::default(),
            late_streams: LateStreams::default(),
            ending: None,
            ended: false,
            _token,
        }
    }

    /// Whether what it speaks instead of HTTP is to end.
    fn is_to_end(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.connection.is_upgraded() {
            return false;
        }
        self.held_back = false;
        let token = &self.connection.worker.streams_off;
        let ending = self.ending.get_or_insert_with(|| Box::pin(token.clone().cancelled_owned()));
        if ending.as_mut().poll(cx).is_pending() {
            return false;
        }
        if !std::mem::replace(&mut self.ended, true) {
            self.connection.worker.streams_ended.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// Fails where it speaks something else than HTTP, and its server has ended: whoever has it is no task of the server's.
    fn refuse_the_dead(&self) -> io::Result<()> {
        if self.connection.is_upgraded() && self.connection.worker.killed.is_cancelled() {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the server has ended"));
        }
        Ok(())
    }

    /// Takes note of an attempt to write as many bytes as that.
    fn wrote(
        &mut self,
        cx: &Context<'_>,
        poll: Poll<io::Result<usize>>,
        offered: impl Fn() -> usize,
    ) -> Poll<io::Result<usize>> {
        self.connection.wrote(poll.is_pending());
        match &poll {
            Poll::Pending => self.held_back = offered() >= MUCH,
            Poll::Ready(written) if self.held_back => {
                let written = *written.as_ref().unwrap_or(&usize::MAX);
                self.held_back = offered().saturating_sub(written) >= MUCH;
            }
            Poll::Ready(_) => {}
        }
        if self.wanted && !self.held_back {
            self.wanted = false;
            // One task reads and writes.
            cx.waker().wake_by_ref();
        }
        poll
    }
}

impl<I: AsyncRead + Unpin> IoObserver<I> {
    /// Reads to the end, or as much as may still come, and drops what it reads.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut dropped = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut dropped);
            match ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() && self.dropped < MOST_AFTER_THE_END => {
                    self.dropped += buffer.filled().len();
                }
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> IoObserver<I> {
    /// Says that half a head came too late, and ends.
    fn poll_give_up(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.late.rest() {
            let said = ready!(Pin::new(&mut *self).poll_write(cx, &rest))?;
            self.late.said(said);
        }
        Pin::new(self).poll_shutdown(cx)
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for IoObserver<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_to_end(cx) {
            return Poll::Ready(Ok(()));
        }
        if self.connection.http1().is_some_and(Arrival::is_given_up) {
            return self.poll_give_up(cx);
        }
        if self.held_back {
            // The write that waits wakes the task.
            self.wanted = true;
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let this = &mut *self;
        let poll = this.late_streams.poll_read(Pin::new(&mut this.io), cx, buffer);
        self.connection.read(&buffer.filled()[before..]);
        poll
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for IoObserver<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.refuse_the_dead()?;
        let poll = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.wrote(cx, poll, || bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.refuse_the_dead()?;
        let poll = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        // What h2 has encoded comes first; what may follow is of one frame of DATA.
        self.wrote(cx, poll, || slices.first().map_or(0, |encoded| encoded.len()))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS takes bytes before the socket does.
        let poll = Pin::new(&mut self.io).poll_flush(cx);
        self.connection.wrote(poll.is_pending());
        poll
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.connection.half_closed();
            this.lingering = Some(Box::pin(sleep(this.connection.worker.patience().in_transit)));
        }
        if this.poll_end(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        this.lingering.as_mut().map_or(Poll::Ready(()), |linger| linger.as_mut().poll(cx)).map(Ok)
    }
}

impl<I> Drop for IoObserver<I> {
    fn drop(&mut self) {
        self.connection.gone();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::net::{TcpListener, TcpSocket};
    use tokio::time::Instant;

    use super::*;
    use crate::server::drain::Timetable;
    use crate::server::options::EngineOptions;
    use crate::server::state::WorkerState;

    fn observed<I>(io: I) -> IoObserver<I> {
        IoObserver::new(io, Connection::new(Arc::default()))
    }

    #[tokio::test]
    async fn a_worker_is_told_of_what_connections_read_whose_server_may_be_looked_for() {
        for busy_polling in [true, false] {
            let options = EngineOptions { busy_polling, ..EngineOptions::default() };
            let worker = WorkerState::new(options, Arc::default());
            let (mut peer, io) = duplex(64);
            let mut io = IoObserver::new(io, Connection::new(Arc::new(worker)));
            let mut bytes = [0; 5];
            for read in [5, 10] {
                peer.write_all(b"bytes").await.unwrap();
                io.read_exact(&mut bytes).await.unwrap();
                let told = if busy_polling { read } else { 0 };
                assert_eq!(io.connection.worker.thread.idle.bytes_read(), told);
            }
        }
    }

    #[tokio::test]
    async fn g08_what_was_written_arrives_though_the_peer_goes_on_sending() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpSocket::new_v4().unwrap();
        // What is written does not all fit there.
        peer.set_recv_buffer_size(4096).unwrap();
        let mut peer = peer.connect(listener.local_addr().unwrap()).await.unwrap();
        let (io, _) = listener.accept().await.unwrap();
        let (mut io, mut written) = (observed(io), 0);
        while let Ok(bytes) = io.io.try_write(&[7; 4096]) {
            written += bytes;
        }
        peer.write_all(b"leave to send more").await.unwrap();
        io.io.readable().await.unwrap();
        let ended = tokio::spawn(async move {
            io.shutdown().await.unwrap();
            drop(io);
        });
        let (mut read, mut chunk) = (0, [0; 4096]);
        loop {
            match peer.read(&mut chunk).await.unwrap() {
                0 => break,
                bytes => read += bytes,
            }
            let _ = peer.write_all(b"and more").await;
        }
        assert_eq!(read, written);
        drop(peer);
        ended.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn g17_a_peer_that_floods_a_connection_that_has_ended_is_reset_at_once() {
        let (mut peer, io) = duplex(4096);
        let mut io = observed(io);
        let began = Instant::now();
        let flood = tokio::spawn(async move {
            let mut sent = 0;
            while peer.write_all(&[0; 4096]).await.is_ok() {
                sent += 4096;
            }
            sent
        });
        io.shutdown().await.unwrap();
        drop(io);
        let sent = flood.await.unwrap();
        assert!((MOST_AFTER_THE_END..MOST_AFTER_THE_END + 64 * 1024).contains(&sent), "{sent}");
        assert_eq!(began.elapsed().as_millis(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn g08_a_peer_that_does_not_close_is_waited_for_as_long_as_its_patience() {
        for (drain, wanted) in [(None, 1000), (Some(Duration::from_secs(2)), 250)] {
            let (mut peer, io) = duplex(64);
            let mut io = observed(io);
            let now = Instant::now();
            if let Some(whole) = drain {
                let times = Timetable::new(now.into_std(), (now + whole).into_std());
                io.connection.worker.drain(Some(times));
            }
            let sending = tokio::spawn(async move {
                while peer.write_all(&[1; 16]).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(10)).await
                }
            });
            io.shutdown().await.unwrap();
            assert_eq!(now.elapsed().as_millis(), wanted);
            drop(io);
            sending.await.unwrap();
        }
    }
}
