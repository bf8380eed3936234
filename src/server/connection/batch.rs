//! What is written in one poll of a connection, sent together at its end.
//!
//! ```text
//!   poll of hyper: answer, answer, answer .. --small ones wait--> end of the poll --one write--> socket
//!                        large ones take along what waits ----------------------------------------^
//! ```
//!
//! Left to themselves, hyper writes each answer to requests of HTTP/1.1 that came together, and h2 each frame of data, by a call of
//! the system of its own, which costs more than all else about a small answer. Nothing waits longer than for the end of the poll that made
//! it, whatever handlers do. Where the socket takes no more, nothing is added: who writes has to wait then, as it would without this.
//!
//! Once a connection speaks something else than HTTP, nobody sees its polls end, and everything is written at once.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use smallvec::SmallVec;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::server::connection::protocol::HttpConnection;
use crate::server::connection::state::Connection;

/// A write of more is not copied.
const SMALL: usize = 4 * 1024;

/// No more than this waits.
const MOST: usize = 32 * 1024;

/// Memory that is kept for the next poll.
const KEPT: usize = 4 * 1024;

/// A stream of bytes, shared by who writes and who sends.
#[derive(Debug)]
pub(crate) struct Batch<I> {
    inner: Arc<Mutex<Inner<I>>>,
    connection: Arc<Connection>,
}

#[derive(Debug)]
struct Inner<I> {
    io: I,
    /// What waits, from `sent` on.
    waiting: Vec<u8>,
    sent: usize,
    /// Whether the socket did not take all when it was asked last, or failed: it is to be asked again before anything is added.
    blocked: bool,
    /// Whether who writes waits for it.
    refused: bool,
    /// Whether something was written that was not flushed.
    unflushed: bool,
}

impl<I> Clone for Batch<I> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), connection: Arc::clone(&self.connection) }
    }
}

impl<I> Batch<I> {
    pub(crate) fn new(io: I, connection: Arc<Connection>) -> Self {
        let inner =
            Inner { io, waiting: Vec::new(), sent: 0, blocked: false, refused: false, unflushed: false };
        Self { inner: Arc::new(Mutex::new(inner)), connection }
    }

    /// One task reads, writes and sends: it never waits here.
    fn lock(&self) -> MutexGuard<'_, Inner<I>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody sends what is left waiting.
    fn is_alone(&self) -> bool {
        self.connection.is_upgraded()
    }
}

impl<I: AsyncWrite + Unpin> Batch<I> {
    /// Sends what waits.
    fn send(&self, cx: &mut Context<'_>) {
        let mut inner = self.lock();
        if !inner.unflushed {
            return;
        }
        let sent = inner.poll_flush(cx);
        if let Poll::Ready(Err(_)) = sent {
            // hyper hears of it by what it does next.
            inner.blocked = true;
            cx.waker().wake_by_ref();
        }
        // Who has to wait was told of already.
        if !inner.refused {
            self.connection.wrote(sent.is_pending());
        }
    }
}

impl<I: AsyncWrite + Unpin> Inner<I> {
    fn waits(&self) -> usize {
        self.waiting.len() - self.sent
    }

    /// So many bytes of what waits are sent.
    fn sent(&mut self, count: usize) {
        self.sent += count;
        if self.waits() == 0 {
            self.sent = 0;
            self.waiting.clear();
            if self.waiting.capacity() > KEPT {
                self.waiting = Vec::new();
            }
        }
    }

    /// Sends all that waits.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.waits() > 0 {
            let polled = Pin::new(&mut self.io).poll_write(cx, &self.waiting[self.sent..]);
            self.blocked = polled.is_pending();
            match ready!(polled)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent(count),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        let polled = Pin::new(&mut self.io).poll_flush(cx);
        self.blocked = polled.is_pending();
        ready!(polled)?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        at_once: bool,
    ) -> Poll<io::Result<usize>> {
        let polled = self.poll_take(cx, slices, at_once);
        self.refused = polled.is_pending();
        polled
    }

    /// Takes what is small and has room; sends the rest, and what waits before it.
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        at_once: bool,
    ) -> Poll<io::Result<usize>> {
        if self.blocked || at_once {
            ready!(self.poll_send(cx))?;
        }
        let count = slices.iter().map(|slice| slice.len()).sum::<usize>();
        if !at_once && count <= SMALL {
            if self.waits() + count > MOST {
                ready!(self.poll_send(cx))?;
            }
            slices.iter().for_each(|slice| self.waiting.extend_from_slice(slice));
            self.unflushed = true;
            return Poll::Ready(Ok(count));
        }
        self.unflushed = true;
        loop {
            let waits = self.waits();
            let polled = {
                let before = IoSlice::new(&self.waiting[self.sent..]);
                let all: SmallVec<[_; 16]> =
                    Some(before).filter(|_| waits > 0).into_iter().chain(slices.iter().copied()).collect();
                Pin::new(&mut self.io).poll_write_vectored(cx, &all)
            };
            self.blocked = polled.is_pending();
            let written = ready!(polled)?;
            self.sent(written.min(waits));
            // None of the caller's bytes is none written, which would be an error.
            if written > waits || written == 0 {
                return Poll::Ready(Ok(written.saturating_sub(waits)));
            }
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Batch<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().io).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Batch<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lock().poll_write(cx, &[IoSlice::new(bytes)], self.is_alone())
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.lock().poll_write(cx, slices, self.is_alone())
    }

    fn is_write_vectored(&self) -> bool {
        self.lock().io.is_write_vectored()
    }

    /// Left to the end of the poll, where the socket takes what there is.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        if inner.blocked || self.is_alone() { inner.poll_flush(cx) } else { Poll::Ready(Ok(())) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        ready!(inner.poll_flush(cx))?;
        Pin::new(&mut inner.io).poll_shutdown(cx)
    }
}

pin_project! {
    /// A connection of hyper's, and who sends at the end of each of its polls.
    pub(crate) struct Sending<H, I> {
        #[pin]
        http: H,
        batch: Batch<I>,
    }
}

impl<H, I> Sending<H, I> {
    pub(crate) fn new(http: H, batch: Batch<I>) -> Self {
        Self { http, batch }
    }
}

impl<H: Future, I: AsyncWrite + Unpin> Future for Sending<H, I> {
    type Output = H::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.http.poll(cx);
        this.batch.send(cx);
        polled
    }
}

impl<H: HttpConnection, I: AsyncWrite + Unpin> HttpConnection for Sending<H, I> {
    fn graceful_shutdown(self: Pin<&mut Self>) {
        self.project().http.graceful_shutdown();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn batch(room: usize) -> (Batch<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(room);
        (Batch::new(near, Connection::new(Arc::default())), far)
    }

    async fn send(batch: &Batch<DuplexStream>) {
        poll_fn(|cx| {
            batch.send(cx);
            Poll::Ready(())
        })
        .await;
    }

    /// What has arrived.
    async fn arrived(far: &mut DuplexStream) -> usize {
        let mut bytes = [0; 128 * 1024];
        tokio::select! {
            biased;
            count = far.read(&mut bytes) => count.unwrap(),
            () = std::future::ready(()) => 0,
        }
    }

    #[tokio::test]
    async fn small_writes_wait_for_the_end_of_the_poll_and_a_large_one_takes_them_along() {
        let (mut batch, mut far) = batch(128 * 1024);
        for _ in 0..3 {
            batch.write_all(&[1; 100]).await.unwrap();
            batch.flush().await.unwrap();
        }
        assert_eq!(arrived(&mut far).await, 0);
        send(&batch).await;
        assert_eq!(arrived(&mut far).await, 300);
        batch.write_all(&[1; 100]).await.unwrap();
        batch.write_all(&[2; SMALL + 1]).await.unwrap();
        assert_eq!(arrived(&mut far).await, 100 + SMALL + 1);
        batch.write_all(&[1; 100]).await.unwrap();
        batch.shutdown().await.unwrap();
        assert_eq!(arrived(&mut far).await, 100, "an end leaves nothing behind");
    }

    #[tokio::test]
    async fn g17_no_more_is_taken_while_the_socket_takes_nothing() {
        let (mut batch, mut far) = batch(64);
        batch.write_all(&[1; 100]).await.unwrap();
        send(&batch).await;
        assert!(batch.connection.carries(), "36 bytes wait for the peer");
        let mut more = write(&mut batch, &[2; 10]).await;
        assert!(more.is_pending());
        send(&batch).await;
        assert!(batch.connection.carries());
        assert_eq!(arrived(&mut far).await, 64);
        more = write(&mut batch, &[2; 10]).await;
        assert!(more.is_ready());
        assert_eq!(arrived(&mut far).await, 36);
        send(&batch).await;
        assert!(!batch.connection.carries());
        assert_eq!(arrived(&mut far).await, 10);
    }

    async fn write(batch: &mut Batch<DuplexStream>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        poll_fn(|cx| Poll::Ready(Pin::new(&mut *batch).poll_write(cx, bytes))).await
    }

    #[tokio::test]
    async fn what_speaks_no_http_any_more_is_written_at_once() {
        let (mut batch, mut far) = batch(64);
        batch.connection.upgrade(());
        batch.write_all(&[1; 10]).await.unwrap();
        assert_eq!(arrived(&mut far).await, 10);
    }

    #[tokio::test]
    async fn a_socket_that_fails_is_told_of_by_the_next_flush() {
        let (mut batch, far) = batch(64);
        batch.write_all(&[1; 10]).await.unwrap();
        drop(far);
        send(&batch).await;
        assert!(batch.flush().await.is_err());
    }
}
