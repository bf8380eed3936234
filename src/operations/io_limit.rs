//! A connection that is given up when its peer does not read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::bounds::UNREAD_TIME;

/// Fails once what is to be written has waited for [`UNREAD_TIME`] without all of it being taken at once. There is a timer only
/// while something waits.
#[derive(Debug)]
pub(super) struct LimitedIo<S> {
    stream: S,
    behind: Option<Pin<Box<Sleep>>>,
}

impl<S> LimitedIo<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, behind: None }
    }

    pub(super) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LimitedIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LimitedIo<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if matches!(written, Poll::Ready(Ok(count)) if count == bytes.len()) {
            self.behind = None;
            return written;
        }
        let behind = self.behind.get_or_insert_with(|| Box::pin(sleep(UNREAD_TIME)));
        match (behind.as_mut().poll(cx), written) {
            (Poll::Ready(()), _) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            (Poll::Pending, written) => written,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn g17_who_reads_nothing_is_given_up_in_time() {
        let (ours, _theirs) = duplex(64);
        let (mut ours, began) = (LimitedIo::new(ours), Instant::now());
        let error = ours.write_all(&[0; 65]).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, UNREAD_TIME));
    }

    #[tokio::test(start_paused = true)]
    async fn g17_who_reads_too_little_is_given_up_as_well() {
        let (ours, mut theirs) = duplex(64);
        let drop_by_drop = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if theirs.read_u8().await.is_err() {
                    return;
                }
            }
        });
        let (mut ours, began) = (LimitedIo::new(ours), Instant::now());
        let error = ours.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() <= UNREAD_TIME + Duration::from_secs(1), "{:?}", began.elapsed());
        drop_by_drop.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn who_catches_up_is_kept() {
        let (ours, mut theirs) = duplex(64);
        let mut ours = LimitedIo::new(ours);
        for _ in 0..100 {
            let write = ours.write_all(&[0; 100]);
            let read = async {
                tokio::time::sleep(UNREAD_TIME / 2).await;
                theirs.read_exact(&mut [0; 100]).await
            };
            let (written, read) = tokio::join!(write, read);
            written.unwrap();
            read.unwrap();
        }
    }
}
