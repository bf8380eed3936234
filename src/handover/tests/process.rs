//! A predecessor, from outside.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, fs};

/// Which of the roles a process of the tests has.
pub(super) const ROLE: &str = "MAJORDOMO_TEST_ROLE";

/// Where both are to listen, separated by blanks.
pub(super) const ADDRESSES: &str = "MAJORDOMO_TEST_ADDRESSES";

/// What happens at a step, `Step=kill` or `Step=stall`.
pub(super) const FAULT: &str = "MAJORDOMO_TEST_FAULT";

/// Only a hang takes so long.
const HANG: Duration = Duration::from_secs(60);

/// A process of these tests. Killed when it is dropped; what it has started ends when nobody reads it any more.
pub(super) struct Process {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    seen: Vec<String>,
}

impl Process {
    /// One that listens at these addresses.
    pub(super) fn predecessor(addresses: &str) -> Self {
        Self::predecessor_with(addresses, &[])
    }

    pub(super) fn predecessor_with(addresses: &str, env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.env(ADDRESSES, addresses).envs(env.iter().copied());
        Self::start(command)
    }

    /// The test program as a predecessor, by a command that passes its arguments on.
    pub(super) fn start(mut command: Command) -> Self {
        command
            .args(["--exact", "handover::tests::roles::program", "--nocapture", "--test-threads=1"])
            .env(ROLE, "predecessor")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut process = Self { child, out, seen: Vec::new() };
        process.wait_for("old: listens");
        process
    }

    /// Has it do something.
    pub(super) fn order(&mut self, order: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{order}").unwrap();
    }

    /// The same, until it has said this.
    pub(super) fn order_until(&mut self, order: &str, said: &str) -> String {
        self.order(order);
        self.wait_for(said)
    }

    /// Waits until it, or what it has started, has said a line that begins so; what follows.
    pub(super) fn wait_for(&mut self, begin: &str) -> String {
        for line in self.out.by_ref() {
            let line = line.unwrap();
            if let Some(rest) = line.strip_prefix(begin) {
                let rest = rest.trim().to_owned();
                self.seen.push(line);
                return rest;
            }
            self.seen.push(line);
        }
        panic!("ended without {begin:?}: {:#?}", self.seen)
    }

    /// Waits until all of these lines have been said, in any order.
    pub(super) fn wait_for_all(&mut self, lines: &[&str]) {
        let mut open = lines.to_vec();
        while !open.is_empty() {
            let line = self.out.next().unwrap_or_else(|| panic!("ended without {open:?}")).unwrap();
            open.retain(|one| *one != line);
            self.seen.push(line);
        }
    }

    /// All that is said until all of them have ended.
    pub(super) fn rest(&mut self) -> Vec<String> {
        self.out.by_ref().map(Result::unwrap).collect()
    }

    /// What was said so far.
    pub(super) fn seen(&self) -> &[String] {
        &self.seen
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends the predecessor alone.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Who serves at an address, by what it says until it closes the connection.
pub(super) fn who_serves(address: &str) -> String {
    match address.split_once(':') {
        Some(("unix", path)) => all_of(UnixStream::connect(path).unwrap()),
        Some(("unix-abstract", name)) => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
            all_of(UnixStream::connect_addr(&address).unwrap())
        }
        _ => all_of(TcpStream::connect(address).unwrap()),
    }
}

fn all_of(stream: impl Into<OwnedFd>) -> String {
    let stream = socket2::Socket::from(stream.into());
    stream.set_read_timeout(Some(HANG)).unwrap();
    let mut said = String::new();
    BufReader::new(stream).read_to_string(&mut said).unwrap();
    said.trim().to_owned()
}

/// A folder of its own, which goes with it.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("majordomo-handover-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
