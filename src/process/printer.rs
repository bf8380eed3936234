//! Statuses on their way to stderr.
//!
//! ```text
//!   managers --> the latest status of each --> one thread --> stderr
//! ```
//!
//! Printing may block for as long as nobody reads. So one thread prints, and what waits for it is bounded: a status of a
//! manager replaces the one of the same manager that still waits, and of more than [`MOST`] managers the one that has waited
//! longest is dropped. The thread is made when there is something to print, and ends when there is nothing more;
//! nobody waits for it.

use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use super::ending::write_line;
use crate::base::spawn;

/// Made into text by whoever prints it: that of thousands of services takes its time.
type Text = Box<dyn Display + Send>;

/// How many managers' statuses wait at most.
const MOST: usize = 16;

static PRINTER: Mutex<Printer> = Mutex::new(Printer { waiting: VecDeque::new(), printing: false });

struct Printer {
    /// By the thread of the manager, of which each has its own.
    waiting: VecDeque<(ThreadId, Text)>,
    printing: bool,
}

impl Printer {
    fn put(&mut self, manager: ThreadId, status: Text) {
        match self.waiting.iter_mut().find(|(of, _)| *of == manager) {
            Some((_, waiting)) => *waiting = status,
            None => {
                if self.waiting.len() == MOST {
                    self.waiting.pop_front();
                }
                self.waiting.push_back((manager, status));
            }
        }
    }

    /// The next one to print; when there is none, the thread is done.
    fn next(&mut self) -> Option<Text> {
        let next = self.waiting.pop_front();
        self.printing = next.is_some();
        Some(next?.1)
    }
}

fn printer() -> MutexGuard<'static, Printer> {
    PRINTER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the status of the manager that lives on this thread printed to stderr, sooner or later.
pub(crate) fn print_status(status: impl Display + Send + 'static) {
    let mut waiting = printer();
    waiting.put(thread::current().id(), Box::new(status));
    if !waiting.printing {
        let print = || {
            while let Some(status) = { printer().next() } {
                write_line(&status.to_string())
            }
        };
        waiting.printing = spawn("statuses", "majordomo-printer".to_owned(), print).is_ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many threads' ids.
    fn managers(count: usize) -> Vec<ThreadId> {
        (0..count).map(|_| thread::spawn(|| thread::current().id()).join().unwrap()).collect()
    }

    #[test]
    fn g18_of_what_waits_to_be_printed_the_latest_of_each_manager_is_kept() {
        let mut printer = Printer { waiting: VecDeque::new(), printing: true };
        let managers = managers(MOST + 2);
        for round in 0..1000 {
            printer.put(managers[0], Box::new(format!("first, {round}")));
            printer.put(managers[1], Box::new(format!("second, {round}")));
        }
        assert_eq!(printer.next().unwrap().to_string(), "first, 999");
        assert_eq!(printer.next().unwrap().to_string(), "second, 999");
        assert!(printer.printing);
        assert!(printer.next().is_none());
        assert!(!printer.printing, "the next status makes a thread again");
        for (number, manager) in managers.iter().enumerate() {
            printer.put(*manager, Box::new(number));
        }
        assert_eq!((printer.waiting.len(), printer.next().unwrap().to_string()), (MOST, "2".to_owned()));
    }
}
