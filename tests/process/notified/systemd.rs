//! What stands in for systemd: a socket that takes its notifications.

use std::io::{self, ErrorKind};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Stdio;
use std::time::{Duration, Instant};

use support::{Folder, child};

use super::PROGRAMS;

/// What no datagram takes that comes at all.
const HANG: Duration = Duration::from_secs(60);

/// Where systemd would listen.
pub(crate) struct Systemd {
    socket: UnixDatagram,
    address: String,
}

impl Systemd {
    fn at(address: SocketAddr, name: String) -> Self {
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        socket.set_read_timeout(Some(HANG)).unwrap();
        Self { socket, address: name }
    }

    pub(crate) fn at_path(folder: &Folder) -> Self {
        let path = folder.path("notify");
        Self::at(SocketAddr::from_pathname(&path).unwrap(), path.to_str().unwrap().to_owned())
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn abstract_address(name: &str) -> Self {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("majordomo-test-{}-{name}", std::process::id());
        Self::at(SocketAddr::from_abstract_name(&name).unwrap(), format!("@{name}"))
    }

    pub(crate) fn start(&self, program: &str, variables: &[(&str, &str)]) -> child::Process {
        let mut command = child::this();
        command.env("NOTIFY_SOCKET", &self.address).envs(variables.iter().copied());
        child::start_by(command, PROGRAMS, program)
    }

    /// One that is told by its standard input what to do.
    pub(crate) fn start_with_input(&self, program: &str, variables: &[(&str, &str)]) -> child::Process {
        let mut command = child::this();
        command.env("NOTIFY_SOCKET", &self.address).envs(variables.iter().copied()).stdin(Stdio::piped());
        child::start_by(command, PROGRAMS, program)
    }

    /// The next datagram, line by line.
    pub(crate) fn next(&self) -> Vec<String> {
        self.receive().unwrap_or_else(|error| panic!("nothing comes: {error}"))
    }

    fn receive(&self) -> io::Result<Vec<String>> {
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes)?;
        let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
        Ok(text.lines().map(ToOwned::to_owned).collect())
    }

    /// The next with a line that begins so, and what came before it.
    pub(crate) fn until(&self, line: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let mut before = Vec::new();
        loop {
            let next = self.receive().unwrap_or_else(|error| panic!("{error}: no {line}, only {before:?}"));
            if next.iter().any(|has| has.starts_with(line)) {
                return (next, before);
            }
            before.push(next);
        }
    }

    /// It is the silence that is looked at: for so long nothing comes that says WATCHDOG=1.
    pub(crate) fn sees_no_sign_of_life_for(&self, time: Duration) {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.socket.set_read_timeout(Some(left)).unwrap();
            let mut bytes = [0; 4096];
            let Ok(length) = self.socket.recv(&mut bytes) else { continue };
            let shows_life = bytes[..length].windows(10).any(|part| part == b"WATCHDOG=1");
            assert!(!shows_life, "it is stuck, and shows life");
        }
        self.socket.set_read_timeout(Some(HANG)).unwrap();
    }

    /// What has come, once whoever sent it has ended.
    pub(crate) fn rest(&self) -> Vec<Vec<String>> {
        self.socket.set_nonblocking(true).unwrap();
        let mut rest = Vec::new();
        loop {
            match self.receive() {
                Ok(lines) => rest.push(lines),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return rest,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The time that a datagram asks for.
pub(crate) fn extended(datagram: &[String]) -> Option<Duration> {
    let time = datagram.iter().find_map(|line| line.strip_prefix("EXTEND_TIMEOUT_USEC="))?;
    Some(Duration::from_micros(time.parse().unwrap()))
}
