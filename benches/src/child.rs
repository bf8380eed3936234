//! The processes of a run: this very program, with another part to play. None outlives its owner here, which
//! ends its own children alone, and by their handles. One that is left when this process is killed ends by
//! itself, as its standard input does.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;

use crate::cell::Cell;
use crate::load::{Figures, LoadSpec};

/// Why a process was of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChildError {
    #[error("cannot start the {role} as a process of its own: {source}")]
    Start { role: String, source: io::Error },
    #[error("the {role} ended without a word of use: it said {said:?}; standard error has the cause")]
    Said { role: String, said: String },
    #[error("cannot hear the {role}: {source}")]
    Hear { role: String, source: io::Error },
    #[error("there is no such turn to have")]
    Unknown,
}

/// A child, killed when dropped.
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        // One that has ended needs neither; either way it is waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(role: &str, mut command: Command) -> Result<(Owned, BufReader<ChildStdout>), ChildError> {
    let failed = |source| ChildError::Start { role: role.to_owned(), source };
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Owned(command.spawn().map_err(failed)?);
    let out = child.0.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
    Ok((child, BufReader::new(out)))
}

/// Instructions that a server takes, start and end included, while it answers so many calls.
pub(crate) fn instructions(
    server: &str,
    load_of: impl Fn(SocketAddr) -> LoadSpec,
) -> Result<f64, ChildError> {
    let role = format!("server {server} under callgrind");
    let said = |said: &dyn std::fmt::Display| ChildError::Said { role: role.clone(), said: said.to_string() };
    let out = std::env::temp_dir().join(format!("majordomo-bench-{}.callgrind", std::process::id()));
    let program =
        std::env::current_exe().map_err(|source| ChildError::Start { role: role.clone(), source })?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "-q"]).arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(program).args(["server", server]);
    let mut server = ServerProcess::of(&role, command)?;
    load(&load_of(server.address))?;
    server.end().map_err(|error| said(&error))?;
    let summary = std::fs::read_to_string(&out).map_err(|error| said(&error))?;
    let _ = std::fs::remove_file(&out);
    let line =
        summary.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    line.and_then(|count| count.trim().parse().ok()).ok_or_else(|| said(&"no total of instructions"))
}

/// A server that serves.
pub(crate) struct ServerProcess {
    child: Owned,
    pub(crate) address: SocketAddr,
    /// Held open, so that what it may still say does not fail.
    _out: BufReader<ChildStdout>,
}

impl ServerProcess {
    /// Starts the contender of this name, and waits for its address.
    pub(crate) fn start(contender: &str) -> Result<Self, ChildError> {
        let program = std::env::current_exe();
        let role = format!("server {contender}");
        let program = program.map_err(|source| ChildError::Start { role: role.clone(), source })?;
        let mut command = Command::new(program);
        command.args(["server", contender]);
        Self::of(&role, command)
    }

    fn of(role: &str, command: Command) -> Result<Self, ChildError> {
        let (child, mut out) = start(role, command)?;
        let role = role.to_owned();
        let mut said = String::new();
        out.read_line(&mut said).map_err(|source| ChildError::Hear { role: role.clone(), source })?;
        let address = said.trim().parse().map_err(|_| ChildError::Said { role, said })?;
        Ok(Self { child, address, _out: out })
    }

    /// Has it end by itself, and waits.
    fn end(&mut self) -> io::Result<()> {
        drop(self.child.0.stdin.take());
        self.child.0.wait().map(drop)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }
}

/// Lets a contender have its turn in a process of its own, and waits for what came of it.
pub(crate) fn turn(bench: &str, contender: &str, cell: &Cell) -> Result<Vec<f64>, ChildError> {
    let told = serde_json::to_string(cell).unwrap_or_default();
    answer(format!("{contender}'s turn"), &["turn", bench, contender, &told])
}

/// Puts the load on a server from a process of its own, and waits for what came of it.
pub(crate) fn load(spec: &LoadSpec) -> Result<Figures, ChildError> {
    let role = format!("load on {}", spec.address);
    let told = serde_json::to_string(spec).unwrap_or_default();
    answer(role, &["load", &told])
}

/// What a process says before it ends.
fn answer<T: DeserializeOwned>(role: String, arguments: &[&str]) -> Result<T, ChildError> {
    let program = std::env::current_exe();
    let mut command =
        Command::new(program.map_err(|source| ChildError::Start { role: role.clone(), source })?);
    command.args(arguments);
    let (child, mut out) = start(&role, command)?;
    let mut said = String::new();
    out.read_to_string(&mut said).map_err(|source| ChildError::Hear { role: role.clone(), source })?;
    drop(child);
    serde_json::from_str(&said).map_err(|_| ChildError::Said { role, said })
}
