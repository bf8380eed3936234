//! The sorting hat in processes of its own: a server, and clients that ask it.

mod postgres;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

pub(crate) use postgres::Schema;

/// The program with these arguments, whatever this process is told by its environment.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sorting-hat"));
    command
        .args(args)
        .env_remove("DATABASE_URL")
        .env("RUST_LOG", "warn,majordomo::grpc=off")
        .stdin(Stdio::null());
    command
}

/// How a client ended.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs it to its end.
pub(crate) fn output(command: &mut Command) -> Answered {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answered { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// Runs the program with these arguments to its end.
pub(crate) fn ask(args: &[&str]) -> Answered {
    output(&mut command(args))
}

/// A server that serves. Killed when it is dropped.
pub(crate) struct Hat {
    child: Child,
    address: String,
    err: Option<BufReader<std::process::ChildStderr>>,
}

impl Hat {
    /// Serves on a port of its own.
    pub(crate) fn serve(database: &str) -> Self {
        Self::of(&mut command(&["serve", "127.0.0.1:0", database]))
    }

    /// Waits until the command serves.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let err = child.stderr.take().map(BufReader::new);
        let mut hat = Self { child, address: String::new(), err };
        let address = line.strip_prefix("serving at ").and_then(|line| line.strip_suffix('\n'));
        hat.address = address.unwrap_or_else(|| panic!("it does not serve: {line:?}")).to_owned();
        hat
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn sort(&self, name: &str) -> Answered {
        ask(&["sort", &self.address, name])
    }

    pub(crate) fn find(&self, name: &str) -> Answered {
        ask(&["find", &self.address, name])
    }

    /// Waits for a line on its stderr, which must be a pipe.
    pub(crate) fn wait_for(&mut self, what: &str) -> String {
        let err = self.err.as_mut().expect("a pipe");
        let mut seen = String::new();
        loop {
            let before = seen.len();
            assert_ne!(err.read_line(&mut seen).unwrap(), 0, "no {what:?} on stderr: {seen}");
            if seen[before..].contains(what) {
                return seen[before..].to_owned();
            }
        }
    }

    /// Tells it to end, and makes sure that it ends well.
    pub(crate) fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Hat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
