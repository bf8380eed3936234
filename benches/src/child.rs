//! The processes of a run: this very program, with another part to play. None outlives its owner here, which
//! ends its own children alone, and by their handles. One that is left when this process is killed ends by
//! itself, as its standard input does.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

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

fn start(role: &str, arguments: &[&str]) -> Result<(Owned, BufReader<ChildStdout>), ChildError> {
    let failed = |source| ChildError::Start { role: role.to_owned(), source };
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Owned(command.spawn().map_err(failed)?);
    let out = child.0.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
    Ok((child, BufReader::new(out)))
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
        let role = format!("server {contender}");
        let (child, mut out) = start(&role, &["server", contender])?;
        let mut said = String::new();
        out.read_line(&mut said).map_err(|source| ChildError::Hear { role: role.clone(), source })?;
        let address = said.trim().parse().map_err(|_| ChildError::Said { role, said })?;
        Ok(Self { child, address, _out: out })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }
}

/// Puts the load on a server from a process of its own, and waits for what came of it.
pub(crate) fn load(spec: &LoadSpec) -> Result<Figures, ChildError> {
    let role = format!("load on {}", spec.address);
    let told = serde_json::to_string(spec).unwrap_or_default();
    let (child, mut out) = start(&role, &["load", &told])?;
    let mut said = String::new();
    out.read_to_string(&mut said).map_err(|source| ChildError::Hear { role: role.clone(), source })?;
    drop(child);
    serde_json::from_str(&said).map_err(|_| ChildError::Said { role, said })
}
