//! Prints lines without standing in anybody's way. To be copied into a program of yours.
//!
//! `println!` panics when stdout is closed, and blocks as long as nobody reads it; a logger that writes to stderr blocks, too. In
//! a service the first is a failure, the second a blocked thread, and in `main` either changes how the program ends. Here
//! a thread for each of the two writes. A line that finds 1,024 others waiting is dropped.

#![allow(dead_code)] // each example uses a part of it

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::LazyLock;
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

/// How many lines wait at most.
const MOST: usize = 1024;
/// How long the end waits for each of the two.
const PATIENCE: Duration = Duration::from_millis(100);

static STDOUT: LazyLock<SyncSender<Job>> = LazyLock::new(|| start("stdout", io::stdout()));
static STDERR: LazyLock<SyncSender<Job>> = LazyLock::new(|| start("stderr", io::stderr()));

enum Job {
    Write(Vec<u8>),
    /// All before it has been written.
    Tell(SyncSender<()>),
}

fn start(name: &str, mut to: impl Write + Send + 'static) -> SyncSender<Job> {
    let (sender, jobs) = mpsc::sync_channel(MOST);
    let write = move || {
        for job in jobs {
            match job {
                // Whoever reads may have gone.
                Job::Write(text) => drop(to.write_all(&text).and_then(|()| to.flush())),
                Job::Tell(written) => drop(written.try_send(())),
            }
        }
    };
    // Without a thread nothing is printed.
    let _ = thread::Builder::new().name(name.to_owned()).spawn(write);
    sender
}

/// Prints a line to stdout.
pub(crate) fn say(line: impl Display) {
    let _ = STDOUT.try_send(Job::Write(format!("{line}\n").into_bytes()));
}

/// Prints a line to stderr.
pub(crate) fn complain(line: impl Display) {
    let _ = STDERR.try_send(Job::Write(format!("{line}\n").into_bytes()));
}

/// For loggers: `tracing_subscriber::fmt().with_writer(printer::stderr)`.
pub(crate) fn stderr() -> impl Write {
    Text(Vec::new())
}

/// Is printed as a whole when it is complete.
struct Text(Vec<u8>);

impl Write for Text {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        let _ = STDERR.try_send(Job::Write(std::mem::take(&mut self.0)));
    }
}

/// Waits until all of it has been written, but not for ever. The last thing before the end of the process.
pub(crate) fn finish() {
    for printer in [&STDOUT, &STDERR] {
        let (tell, written) = mpsc::sync_channel(1);
        if printer.try_send(Job::Tell(tell)).is_ok() {
            let _ = written.recv_timeout(PATIENCE);
        }
    }
}
