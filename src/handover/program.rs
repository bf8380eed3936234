//! A program that was started as a successor: its start with one end of a channel as its stdin, and its end.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::channel::{Channel, Watched};
use super::protocol::VERSION;
use crate::report::{HandoverError, SuccessorEnd};

/// Tells a successor of its channel: the version of the protocol, and the inode of the socket that is its stdin. Programs that it starts see
/// the variable, too, but have another stdin.
pub(crate) const VARIABLE: &str = "MAJORDOMO_HANDOVER";

/// How often it is looked whether the program has ended, for as long as a hand-over lasts: its end mostly shows at the channel.
const LOOK: Duration = Duration::from_millis(100);

/// The same where it is about to end.
const LOOK_OFTEN: Duration = Duration::from_millis(2);

/// How long a program that was killed may take to be gone, before it is not waited for any more.
const KILLED: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    gone: bool,
}

impl Program {
    /// Starts it, for the current runtime.
    ///
    /// # Errors
    /// Where the operating system refuses it, or the channel.
    pub(super) fn start(mut command: Command) -> Result<(Self, Watched), HandoverError> {
        let refused = |what: String| move |source| HandoverError::Refused { what, source: Arc::new(source) };
        let no_channel = || refused("there is no channel for it".to_owned());
        let (ours, theirs) = Channel::pair().map_err(no_channel())?;
        let inode = inode(&theirs).map_err(no_channel())?;
        let channel = Watched::new(ours).map_err(no_channel())?;
        command.env(VARIABLE, format!("{VERSION}:{inode}")).stdin(Stdio::from(theirs));
        let child = command.spawn().map_err(|error| not_started(command.get_program(), error))?;
        // The command has the other end, too.
        drop(command);
        Ok((Self { child, gone: false }, channel))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resolves when it has ended. Nothing is lost where the future is dropped.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        self.ended_looking(LOOK).await
    }

    pub(super) async fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        tokio::time::timeout(limit, self.ended_looking(LOOK_OFTEN)).await.ok()
    }

    async fn ended_looking(&mut self, pause: Duration) -> ExitStatus {
        loop {
            if let Some(status) = self.status() {
                return status;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// How it ended, if it has.
    pub(super) fn status(&mut self) -> Option<ExitStatus> {
        // It cannot fail for a child that was not waited for.
        let status = self.child.try_wait().ok().flatten();
        self.gone |= status.is_some();
        status
    }

    /// Ends it, and waits a moment until it is gone.
    pub(super) async fn kill(&mut self) {
        // One that has ended by now is as good.
        let _ = self.child.kill();
        self.ended_within(KILLED).await;
    }

    /// Waits for one that was killed and has not gone, as it may be where a disk hangs, so that nothing is left of it.
    pub(super) fn reap(&mut self) {
        if !self.gone {
            let _ = self.child.wait();
        }
    }

    /// It lives on.
    pub(super) fn let_go(&mut self) {
        self.gone = true;
    }
}

/// How a child of this process ended, if it has. It stays to be waited for.
pub(super) fn end_of(pid: u32) -> Option<SuccessorEnd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(pid), look) {
        Ok(None) => None,
        Ok(Some(status)) => {
            // As wait(2) has it.
            let code = status.exit_status().map(|code| code << 8);
            let signal = status.terminating_signal();
            Some(SuccessorEnd::Exited(ExitStatus::from_raw(code.or(signal).unwrap_or_default())))
        }
        // One that was waited for is no child any more.
        Err(_) => Some(SuccessorEnd::Closed),
    }
}

/// It is the program's fault, unless the operating system is at its limits.
fn not_started(program: &OsStr, error: io::Error) -> HandoverError {
    match Errno::from_io_error(&error) {
        Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE) => {
            let what = format!("the program {program:?} could not be started");
            HandoverError::Refused { what, source: Arc::new(error) }
        }
        _ => HandoverError::Program { program: program.into(), reason: error.to_string() },
    }
}

/// The number by which both processes know the same end.
pub(super) fn inode(end: &OwnedFd) -> io::Result<u64> {
    Ok(File::from(end.try_clone()?).metadata()?.ino())
}
