//! The channel between the two processes: a pair of Unix sockets that keep the bounds of messages (`SOCK_SEQPACKET`).
//!
//! A message has at most one descriptor with it. Whatever comes is closed on exec. The end of the other side is no error: it is
//! [`Next::End`].

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use socket2::{Domain, Socket, Type};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

use super::protocol::LONGEST;

#[cfg(not(target_vendor = "apple"))]
const SEND: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
#[cfg(target_vendor = "apple")]
const SEND: SendFlags = SendFlags::DONTWAIT;

#[cfg(not(target_vendor = "apple"))]
const RECEIVE: RecvFlags = RecvFlags::DONTWAIT.union(RecvFlags::CMSG_CLOEXEC);
#[cfg(target_vendor = "apple")]
const RECEIVE: RecvFlags = RecvFlags::DONTWAIT;

/// Room for some more than are sent, so that they are closed rather than lost.
const DESCRIPTORS: usize = 4;

/// One end.
#[derive(Debug)]
pub(super) struct Channel(OwnedFd);

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    Message(Vec<u8>, Option<OwnedFd>),
    /// The other side is gone.
    End,
}

impl Channel {
    /// Both ends, closed on exec.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None)?;
        Ok((Self(ours.into()), theirs.into()))
    }

    /// An end that another process made, if it is one.
    pub(super) fn of(end: OwnedFd) -> Option<Self> {
        let socket = Socket::from(end);
        let is_one = socket.domain().ok()? == Domain::UNIX && socket.r#type().ok()? == Type::SEQPACKET;
        is_one.then(|| Self(socket.into()))
    }

    /// The same with a descriptor.
    #[cfg(test)]
    pub(super) fn send_with_until(
        &self,
        message: &[u8],
        descriptor: Option<BorrowedFd<'_>>,
        limit: Instant,
    ) -> io::Result<()> {
        self.until(limit, PollFlags::OUT, || try_send(self.0.as_fd(), message, descriptor))
    }

    /// Sends at once, or says that it would block.
    #[cfg(test)]
    pub(super) fn try_send(&self, message: &[u8], descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
        try_send(self.0.as_fd(), message, descriptor)
    }

    /// Receives what is there, or says that it would block.
    #[cfg(test)]
    fn try_receive(&self) -> io::Result<Next> {
        try_receive(self.0.as_fd())
    }

    /// Sends, and waits for room until then.
    pub(super) fn send_until(&self, message: &[u8], limit: Instant) -> io::Result<()> {
        self.until(limit, PollFlags::OUT, || try_send(self.0.as_fd(), message, None))
    }

    /// Receives, and waits for it until then.
    pub(super) fn receive_until(&self, limit: Instant) -> io::Result<Next> {
        self.until(limit, PollFlags::IN, || try_receive(self.0.as_fd()))
    }

    fn until<T>(&self, limit: Instant, flags: PollFlags, act: impl Fn() -> io::Result<T>) -> io::Result<T> {
        loop {
            match act() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
            match poll(&mut [PollFd::new(&self.0, flags)], Some(&left)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Sends at once, or says that it would block.
fn try_send(channel: BorrowedFd<'_>, message: &[u8], descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    if message.len() > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the message is too long"));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors: Vec<_> = descriptor.into_iter().collect();
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let sent = again(|| sendmsg(channel, &[IoSlice::new(message)], &mut control, SEND))?;
    if sent == message.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Receives what is there, or says that it would block.
fn try_receive(channel: BorrowedFd<'_>) -> io::Result<Next> {
    match receive_now(channel) {
        // The other side went without reading all: once an error, then what it had sent before.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => receive_now(channel),
        received => received,
    }
}

fn receive_now(channel: BorrowedFd<'_>) -> io::Result<Next> {
    let mut bytes = vec![0; LONGEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = {
        let mut buffers = [IoSliceMut::new(&mut bytes)];
        again(|| recvmsg(channel, &mut buffers, &mut control, RECEIVE))?
    };
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = message {
            descriptors.extend(some);
        }
    }
    if cfg!(target_vendor = "apple") {
        for descriptor in &descriptors {
            rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
        }
    }
    if received.flags.contains(ReturnFlags::CTRUNC) {
        let text = "a descriptor could not be received: the process has as many as it may";
        return Err(io::Error::other(text));
    }
    if received.flags.contains(ReturnFlags::TRUNC) || descriptors.len() > 1 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is longer than any may be"));
    }
    if received.bytes == 0 {
        return Ok(Next::End);
    }
    bytes.truncate(received.bytes);
    Ok(Next::Message(bytes, descriptors.pop()))
}

fn again<T>(mut act: impl FnMut() -> rustix::io::Result<T>) -> io::Result<T> {
    loop {
        match act() {
            Err(rustix::io::Errno::INTR) => {}
            done => return done.map_err(Into::into),
        }
    }
}

/// One end, watched by the current runtime: tokio's kind of socket is another, which makes no difference to when it is ready.
#[derive(Debug)]
pub(super) struct Watched(UnixDatagram);

impl Watched {
    pub(super) fn new(channel: Channel) -> io::Result<Self> {
        let socket = std::os::unix::net::UnixDatagram::from(channel.0);
        socket.set_nonblocking(true)?;
        Ok(Self(UnixDatagram::from_std(socket)?))
    }

    /// What comes next. Nothing is lost where the future is dropped.
    pub(super) async fn receive(&self) -> io::Result<Next> {
        self.0.async_io(Interest::READABLE, || self.try_receive()).await
    }

    /// Sends whole, or, where the future is dropped, nothing.
    pub(super) async fn send(&self, message: &[u8], descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
        self.0.async_io(Interest::WRITABLE, || try_send(self.0.as_fd(), message, descriptor)).await
    }

    /// Sends if there is room.
    pub(super) fn try_send(&self, message: &[u8]) -> io::Result<()> {
        try_send(self.0.as_fd(), message, None)
    }

    /// What has come by now.
    pub(super) fn try_receive(&self) -> io::Result<Next> {
        try_receive(self.0.as_fd())
    }
}

/// A moment that far from now.
pub(super) fn within(limit: Duration) -> Instant {
    Instant::now() + limit
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use super::*;

    const SOON: Duration = Duration::from_secs(30);

    fn both() -> (Channel, Channel) {
        let (ours, theirs) = Channel::pair().unwrap();
        (ours, Channel::of(theirs).unwrap())
    }

    #[test]
    fn g24_messages_keep_their_bounds_and_descriptors_are_closed_on_exec() {
        let (one, other) = both();
        let (mut reader, writer) = io::pipe().unwrap();
        one.try_send(b"first", Some(writer.as_fd())).unwrap();
        one.try_send(b"second", None).unwrap();
        drop(writer);
        let Next::Message(bytes, Some(descriptor)) = other.receive_until(within(SOON)).unwrap() else {
            panic!("it comes with a descriptor")
        };
        assert_eq!(bytes, b"first");
        assert!(rustix::io::fcntl_getfd(&descriptor).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
        io::Write::write_all(&mut File::from(descriptor), b"through").unwrap();
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "through");
        let Next::Message(bytes, None) = other.try_receive().unwrap() else { panic!("there is no other") };
        assert_eq!(bytes, b"second");
        assert_eq!(other.try_receive().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn g24_the_end_of_the_other_side_comes_after_what_it_said() {
        let (one, other) = both();
        one.try_send(b"last words", None).unwrap();
        // It goes with something unread.
        other.try_send(b"too late", None).unwrap();
        drop(one);
        let Next::Message(bytes, None) = other.receive_until(within(SOON)).unwrap() else {
            panic!("it spoke")
        };
        assert_eq!(bytes, b"last words");
        for _ in 0..2 {
            assert!(matches!(other.receive_until(within(SOON)).unwrap(), Next::End));
        }
        assert_eq!(other.try_send(b"x", None).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn g24_waiting_has_a_limit_in_both_directions() {
        let (one, other) = both();
        let limit = Duration::from_millis(1);
        let error = one.receive_until(within(limit)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let full =
            std::iter::repeat_with(|| one.send_until(&[1; LONGEST], within(limit))).find_map(Result::err);
        assert_eq!(full.unwrap().kind(), io::ErrorKind::TimedOut);
        assert!(matches!(other.try_receive().unwrap(), Next::Message(bytes, None) if bytes.len() == LONGEST));
    }

    #[test]
    fn g24_what_is_too_long_is_neither_sent_nor_taken() {
        let (one, other) = both();
        assert_eq!(one.try_send(&[0; LONGEST + 1], None).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let sent = rustix::net::send(&one.0, &[0; LONGEST + 1], SEND).unwrap();
        assert_eq!(sent, LONGEST + 1);
        assert_eq!(other.try_receive().unwrap_err().kind(), io::ErrorKind::InvalidData);
        // More than one descriptor is no message of ours; none of them is left open.
        let (reader, writer) = io::pipe().unwrap();
        let two = [writer.as_fd(), writer.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&two)));
        sendmsg(&one.0, &[IoSlice::new(b"x")], &mut control, SEND).unwrap();
        assert_eq!(other.try_receive().unwrap_err().kind(), io::ErrorKind::InvalidData);
        drop(writer);
        assert_eq!(io::BufReader::new(reader).read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn g24_another_kind_of_socket_is_no_channel() {
        let stream = std::os::unix::net::UnixStream::pair().unwrap().0;
        assert!(Channel::of(stream.into()).is_none());
        assert!(Channel::of(std::net::UdpSocket::bind("127.0.0.1:0").unwrap().into()).is_none());
        assert!(Channel::of(File::open("/dev/null").unwrap().into()).is_none());
    }
}
