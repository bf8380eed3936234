//! What every connection of the load has, whatever it speaks: a socket, bytes on their way, and what it tells of.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::time::Duration;

use hdrhistogram::Histogram;
use mio::net::TcpStream;

use super::spec::Refused;

/// How many answers of a connection are compared byte by byte: the first.
pub(super) const COMPARED: u64 = 100;

/// What a connection tells of.
pub(super) struct Tally {
    pub(super) latencies: Histogram<u64>,
    pub(super) calls: u64,
}

impl Tally {
    /// Latencies up to a minute, to three digits.
    pub(super) fn new() -> Self {
        let longest = Duration::from_secs(60).as_nanos() as u64;
        let latencies = Histogram::new_with_bounds(1, longest, 3);
        Self { latencies: latencies.expect("bounds that a histogram can have"), calls: 0 }
    }
}

/// What there is at the moment in which something is read.
pub(super) struct Moment<'a> {
    /// In nanoseconds since the run began.
    pub(super) now: u64,
    pub(super) tally: &'a mut Tally,
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

/// A socket, and what is to be sent by it.
pub(super) struct Wire {
    pub(super) socket: TcpStream,
    /// Bytes that are to be sent, from `written` on.
    pub(super) out: Vec<u8>,
    written: usize,
}

impl Wire {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self { socket, out: Vec::new(), written: 0 }
    }

    /// Reads what is there; `None`: nothing is.
    fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Broken> {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return Err(Broken::Closed),
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
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
}

/// The beginning of something whose end has not come yet.
#[derive(Debug, Default)]
pub(super) struct Rest(Vec<u8>);

impl Rest {
    /// What was kept, and what has come now.
    pub(super) fn joined<'a>(&mut self, read: &'a [u8]) -> Cow<'a, [u8]> {
        if self.0.is_empty() {
            return Cow::Borrowed(read);
        }
        let mut joined = std::mem::take(&mut self.0);
        joined.extend_from_slice(read);
        Cow::Owned(joined)
    }

    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// One connection.
pub(super) trait Connection {
    fn wire(&mut self) -> &mut Wire;

    /// How many calls were answered on it.
    fn calls(&self) -> u64;

    /// Takes bytes that were read, and appends the calls that follow from them to what is to be sent.
    fn take(&mut self, read: &[u8], moment: Moment<'_>) -> Result<(), Refused>;

    /// Reads all that is there and sends what follows from it.
    fn readable(
        &mut self,
        buffer: &mut [u8],
        now: &impl Fn() -> u64,
        tally: &mut Tally,
    ) -> Result<(), Broken> {
        while let Some(count) = self.wire().read(buffer)? {
            self.take(&buffer[..count], Moment { now: now(), tally })?;
            self.wire().flush()?;
            // Of a stream, a short read says that there is no more; what comes next is told anew.
            if count < buffer.len() {
                break;
            }
        }
        Ok(())
    }
}
