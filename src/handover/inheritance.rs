//! What a process gets of its predecessor when it starts: the sockets, all of them or an error.

use std::env;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::channel::{Channel, Next, within};
use super::program::{VARIABLE, inode};
use super::protocol::{MOST_SOCKETS, ToPredecessor, ToSuccessor, Unreadable, VERSION};
use super::steps::{HandoverStep, reached};
use super::successor::{FromPredecessor, Predecessor};
use crate::base::ThreadError;
use crate::report::HandoverError;
use crate::server::listen::passing::{self, SocketName};

/// How long the sockets may take to come.
const RECEIVE: Duration = Duration::from_secs(5);

/// What a process was handed by its predecessor, which waits for word of it.
#[derive(Debug)]
pub(crate) struct Inheritance {
    channel: Channel,
    generation: u64,
    predecessor: u32,
}

/// Whether it was asked for. Whoever asks meanwhile waits, so that the sockets are there for all.
static TAKEN: Mutex<bool> = Mutex::new(false);

impl Inheritance {
    /// What this process was handed, for the first who asks; `None` where it has no predecessor. Its sockets are where servers bind from
    /// here on. Takes at most five seconds.
    ///
    /// # Errors
    /// Where not all of it came: nothing of this process could serve.
    pub(crate) fn of_process() -> Result<Option<Self>, HandoverError> {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *taken, true) {
            return Ok(None);
        }
        let Some(channel) = channel_of_process()? else { return Ok(None) };
        let limit = within(RECEIVE);
        match ask(&channel, limit) {
            Ok((generation, predecessor)) => Ok(Some(Self { channel, generation, predecessor })),
            Err(error) => {
                // It may be gone.
                let _ = channel.send_until(&ToPredecessor::failed(&error.to_string()).encode(), limit);
                Err(error)
            }
        }
    }

    /// Which process in a row this is; the first is 1.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The predecessor's number.
    pub(crate) fn predecessor(&self) -> u32 {
        self.predecessor
    }

    /// Listens to the predecessor from here on, on a thread of its own.
    ///
    /// # Errors
    /// Where the thread cannot be had.
    pub(crate) fn watch(
        self,
        tell: impl Fn(FromPredecessor) + Send + 'static,
    ) -> Result<Predecessor, ThreadError> {
        Predecessor::watch(self.channel, self.predecessor, tell)
    }
}

/// The channel that this process was started with, if it was. Nobody finds it at stdin any more.
fn channel_of_process() -> Result<Option<Channel>, HandoverError> {
    let failed = |error: io::Error| {
        untaken(format!("its channel cannot be used: {error}"), "raise the limit of open files: ulimit -n")
    };
    let told = env::var(VARIABLE).ok();
    let Some(told) = told.as_deref().and_then(number_of) else { return Ok(None) };
    let end = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), FIRST_FREE);
    let end: OwnedFd = end.map_err(|error| failed(error.into()))?;
    // The variable of a program that has started this one, which has another stdin.
    if inode(&end).map_err(failed)? != told {
        return Ok(None);
    }
    let Some(channel) = Channel::of(end) else { return Ok(None) };
    let nothing = OpenOptions::new().read(true).open("/dev/null").map_err(failed)?;
    rustix::stdio::dup2_stdin(nothing).map_err(|error| failed(error.into()))?;
    Ok(Some(channel))
}

/// After stdin, stdout and stderr.
const FIRST_FREE: i32 = 3;

/// `VERSION:INODE`. The version is told by the predecessor, too.
fn number_of(told: &str) -> Option<u64> {
    let (version, inode) = told.split_once(':')?;
    version.parse::<u32>().ok()?;
    inode.parse().ok()
}

/// Asks for the sockets, and has them served at. The generation, and the predecessor's number.
fn ask(channel: &Channel, limit: Instant) -> Result<(u64, u32), HandoverError> {
    reached(HandoverStep::Asking);
    // One that is gone shows by its end.
    let _ = channel.send_until(&ToPredecessor::HELLO.encode(), limit);
    let hello = match next(channel, limit, 0)? {
        (ToSuccessor::Hello { generation, process, .. }, None) => (generation, process),
        (other, _) => return Err(nonsense(format!("{other:?} before a hello"))),
    };
    let mut all: Vec<(SocketName, OwnedFd)> = Vec::new();
    loop {
        match next(channel, limit, all.len())? {
            (ToSuccessor::Socket(socket), Some(descriptor)) if all.len() < MOST_SOCKETS => {
                all.push((socket.into_name().map_err(unreadable)?, descriptor));
                reached(HandoverStep::SocketReceived);
            }
            (ToSuccessor::Complete { count }, None) if count == all.len() => break,
            (other, descriptor) => {
                let with = if descriptor.is_some() { "with" } else { "without" };
                return Err(nonsense(format!("{other:?} {with} a descriptor, after {} sockets", all.len())));
            }
        }
    }
    passing::receive(all).map_err(|(name, reason)| {
        let what = format!("the one of {} (number {}) {reason}", name.address, name.index);
        untaken(what, "hand over between processes that serve by Majordomo")
    })?;
    reached(HandoverStep::AllReceived);
    Ok(hello)
}

fn next(
    channel: &Channel,
    limit: Instant,
    received: usize,
) -> Result<(ToSuccessor, Option<OwnedFd>), HandoverError> {
    match channel.receive_until(limit) {
        Ok(Next::Message(bytes, descriptor)) => {
            Ok((ToSuccessor::decode(&bytes).map_err(unreadable)?, descriptor))
        }
        Ok(Next::End) => Err(HandoverError::Incomplete { received }),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            let what = format!("not all had come within {RECEIVE:?}, only {received}");
            Err(untaken(what, "see what holds the predecessor up, and hand over again"))
        }
        Err(error) => {
            Err(untaken(format!("{error}, after {received}"), "raise the limit of open files: ulimit -n"))
        }
    }
}

fn unreadable(unreadable: Unreadable) -> HandoverError {
    match unreadable {
        Unreadable::Version(predecessor) => HandoverError::Version { successor: VERSION, predecessor },
        Unreadable::Nonsense(what) => nonsense(what),
    }
}

fn nonsense(what: String) -> HandoverError {
    HandoverError::Protocol { from: "predecessor", what }
}

fn untaken(what: String, mend: &'static str) -> HandoverError {
    HandoverError::Untaken { what, mend }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    /// What comes of a predecessor that says this, the last of it with a descriptor.
    fn asked(said: &[ToSuccessor], with: &[OwnedFd]) -> String {
        let said: Vec<Vec<u8>> = said.iter().map(ToSuccessor::encode).collect();
        asked_by(&said, with)
    }

    fn asked_by(said: &[Vec<u8>], with: &[OwnedFd]) -> String {
        let (ours, theirs) = Channel::pair().unwrap();
        let end = Channel::of(theirs).unwrap();
        let first = said.len() - with.len();
        for (at, message) in said.iter().enumerate() {
            let descriptor = at.checked_sub(first).map(|at| with[at].as_fd());
            ours.try_send(message, descriptor).unwrap();
        }
        drop(ours);
        ask(&end, within(Duration::from_secs(30))).unwrap_err().to_string()
    }

    fn hello() -> ToSuccessor {
        ToSuccessor::Hello { version: VERSION, generation: 2, process: 7 }
    }

    fn socket(address: &str) -> ToSuccessor {
        ToSuccessor::socket(&SocketName { address: address.to_owned(), index: 0, file: None })
    }

    #[test]
    fn g24_whatever_a_predecessor_should_not_say_is_an_error_that_says_what_to_do() {
        let same = "use the same version of Majordomo in both";
        for (said, words) in [
            (vec![ToSuccessor::InCharge {}], ["InCharge", same]),
            (vec![hello(), hello()], ["Hello", same]),
            (vec![hello(), socket("a:1")], ["without a descriptor, after 0 sockets", same]),
            (vec![hello(), ToSuccessor::Complete { count: 1 }], ["count: 1", same]),
            (vec![hello(), ToSuccessor::Released {}], ["Released", same]),
            (vec![hello()], ["went after 0 sockets", "start this process by itself"]),
        ] {
            let text = asked(&said, &[]);
            for word in words {
                assert!(text.contains(word), "{word:?} is not in: {text}");
            }
        }
        let text = asked_by(&[br#"{"message":"hello","version":9,"x":1}"#.to_vec()], &[]);
        assert!(text.contains("the successor speaks version 1") && text.contains("version 9"), "{text}");
        let text = asked_by(&[b"\x1b[2J".to_vec()], &[]);
        assert!(text.contains(r"\u{1b}[2J") && text.contains(same), "{text}");
    }

    #[test]
    fn g24_a_socket_that_cannot_serve_is_refused_by_its_address() {
        let datagram = || OwnedFd::from(std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
        let file = || OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let bound = || {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            OwnedFd::from(socket)
        };
        for (descriptor, reason) in [
            (datagram(), "is no stream socket"),
            (file(), "cannot be examined"),
            (bound(), "does not listen"),
        ] {
            let said = [hello(), socket("192.0.2.1:80")];
            let with = [descriptor];
            let (ours, theirs) = Channel::pair().unwrap();
            let end = Channel::of(theirs).unwrap();
            ours.try_send(&said[0].encode(), None).unwrap();
            ours.try_send(&said[1].encode(), Some(with[0].as_fd())).unwrap();
            ours.try_send(&ToSuccessor::Complete { count: 1 }.encode(), None).unwrap();
            let text = ask(&end, within(Duration::from_secs(30))).unwrap_err().to_string();
            assert!(text.contains("192.0.2.1:80 (number 0)") && text.contains(reason), "{text}");
        }
    }

    #[test]
    fn g24_a_descriptor_with_anything_but_a_socket_is_an_error() {
        let text = asked(&[hello()], &[OwnedFd::from(std::fs::File::open("/dev/null").unwrap())]);
        assert!(text.contains("Hello") && text.contains("before a hello"), "{text}");
    }

    #[test]
    fn g24_no_more_sockets_are_taken_than_a_hand_over_has() {
        let (ours, theirs) = Channel::pair().unwrap();
        let end = Channel::of(theirs).unwrap();
        let sender = std::thread::spawn(move || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let limit = within(Duration::from_secs(30));
            ours.send_until(&hello().encode(), limit).unwrap();
            for _ in 0..=MOST_SOCKETS {
                // The other side closes when it has enough.
                if ours.send_with_until(&socket("a:1").encode(), Some(listener.as_fd()), limit).is_err() {
                    break;
                }
            }
        });
        let text = ask(&end, within(Duration::from_secs(30))).unwrap_err().to_string();
        drop(end);
        sender.join().unwrap();
        assert!(text.contains("after 1024 sockets"), "{text}");
    }

    #[test]
    fn g24_the_variable_is_read_with_care() {
        for (told, number) in [
            ("1:7", Some(7)),
            ("2:7", Some(7)),
            ("", None),
            ("1", None),
            ("1:", None),
            (":7", None),
            ("one:7", None),
            ("1:7:7", None),
            ("1:-7", None),
        ] {
            assert_eq!(number_of(told), number, "{told:?}");
        }
    }
}
