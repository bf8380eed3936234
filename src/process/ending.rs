//! The end of the process, whatever has become of stdout and stderr.
//!
//! ```text
//!   the caller                      threads of its own, which it waits for in vain if it must
//!     |--- majordomo-last-words --->  writes the text to stderr                     at most 100 ms
//!     |--- majordomo-exit --------->  flushes stdout, runs what is registered for   at most 100 ms
//!     |                               the end (`std::process::exit`)
//!     |  _exit: waits for nothing
//! ```
//!
//! A pipe that nobody reads holds a writer for ever, and stdout is flushed on the way out: so neither is done by
//! whoever wants the end. Where no thread can be made, that step is left out.

use std::io::{self, Write};
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::base::spawn;

/// How long a step of the end may take.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long its thread may take to begin: only a machine that is starved needs it.
const STARVED: Duration = Duration::from_secs(1);

/// What is to be written; made on the thread that writes it, since the text of an error is its author's code.
pub(crate) type Text = Box<dyn FnOnce() -> String + Send>;

/// Ends the process with this code; before that writes the text, if there is one, as far as stderr takes it.
pub(crate) fn end(code: i32, text: Option<Text>) -> ! {
    if let Some(text) = text {
        bounded("majordomo-last-words", move || write_line(&text()));
    }
    bounded("majordomo-exit", move || process::exit(code));
    signal_hook::low_level::exit(code)
}

/// The same after that time at the latest, however starved the machine is.
pub(crate) fn end_within(most: Duration, code: i32, text: Text) -> ! {
    if spawn("the end", "majordomo-end".to_owned(), move || {
        end(code, Some(text));
    })
    .is_ok()
    {
        thread::sleep(most);
    }
    signal_hook::low_level::exit(code)
}

/// Writes a line to stderr; what becomes of it changes nothing. May block for ever.
pub(super) fn write_line(text: &str) {
    // Where a program has SIGPIPE kill it, a reader that has gone would end it with that code. A thread that blocks it
    // is told by an error alone.
    let mut broken = SigSet::empty();
    broken.add(Signal::SIGPIPE);
    let _ = broken.thread_block();
    let mut line = String::with_capacity(text.len() + 1);
    line.push_str(text);
    line.push('\n');
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Whether whoever writes to stderr now would have to wait for a reader.
pub(crate) fn stderr_is_stuck() -> bool {
    let stderr = io::stderr();
    let mut waiting = [PollFd::new(&stderr, PollFlags::OUT)];
    // One that fails at once is ready, too.
    poll(&mut waiting, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) == Ok(0)
}

/// Runs this on a thread of its own, and waits for it as long as a step may take.
fn bounded(name: &str, work: impl FnOnce() + Send + 'static) {
    let (tell, told) = mpsc::channel();
    let run = move || {
        let _ = tell.send(());
        work();
        let _ = tell.send(());
    };
    if spawn("the last words", name.to_owned(), run).is_err() {
        return;
    }
    match told.recv_timeout(STARVED) {
        Ok(()) => drop(told.recv_timeout(PATIENCE)),
        // It has panicked over the text of an error, or never began.
        Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
    }
}
