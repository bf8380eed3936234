//! Starting a thread: the one place where the crate does it.
//!
//! The operating system may refuse a thread, or what its runtime needs. Then nothing of it is left, and the error says for what it was.

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

/// Why a thread was not started. Nothing of it was.
#[derive(Debug, thiserror::Error)]
#[error("could not start a thread for {whom} ({source}): raise the limits of the process")]
pub(crate) struct ThreadError {
    /// What it was to be for.
    whom: String,
    /// What the operating system says.
    source: io::Error,
}

impl ThreadError {
    pub(crate) fn new(whom: impl Into<String>, source: io::Error) -> Self {
        Self { whom: whom.into(), source }
    }

    /// What it was to be for, and what the operating system says.
    pub(crate) fn into_parts(self) -> (String, io::Error) {
        (self.whom, self.source)
    }
}

/// Starts a thread, by the name that the operating system shows.
///
/// # Errors
/// When the operating system refuses it: `run` is dropped.
pub(crate) fn spawn<T: Send + 'static>(
    whom: &str,
    name: String,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, ThreadError> {
    thread::Builder::new().name(name).spawn(run).map_err(|source| ThreadError::new(whom, source))
}

/// The same, with something that is made there first, such as a runtime: one that is dropped where others are at work panics.
///
/// # Errors
/// Also when `make` fails; the thread has ended then.
pub(crate) fn spawn_with<M, T: Send + 'static>(
    whom: &str,
    name: String,
    make: impl FnOnce() -> io::Result<M> + Send + 'static,
    run: impl FnOnce(M) -> T + Send + 'static,
) -> Result<JoinHandle<Option<T>>, ThreadError> {
    let (tell, told) = mpsc::sync_channel(1);
    let thread = spawn(whom, name, move || match make() {
        Ok(made) => {
            let _ = tell.send(Ok(()));
            Some(run(made))
        }
        Err(error) => {
            let _ = tell.send(Err(error));
            None
        }
    })?;
    let made = told.recv().unwrap_or_else(|_| Err(io::Error::other("it panicked at its start")));
    match made {
        Ok(()) => Ok(thread),
        Err(source) => {
            // It has nothing left to do.
            let _ = thread.join();
            Err(ThreadError::new(whom, source))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g18_a_thread_that_cannot_have_what_it_needs_is_refused_by_its_purpose() {
        let refused = || -> io::Result<()> { Err(io::Error::other("too many open files")) };
        let error = spawn_with("the tests", "test".to_owned(), refused, |()| ()).unwrap_err();
        let text =
            "could not start a thread for the tests (too many open files): raise the limits of the process";
        assert_eq!(error.to_string(), text);
        let panics = || -> io::Result<()> { panic!("rehearsed") };
        let error = spawn_with("the tests", "test".to_owned(), panics, |()| ()).unwrap_err();
        assert!(error.to_string().contains("it panicked at its start"), "{error}");
    }

    #[test]
    fn a_thread_has_its_name_and_what_was_made_there() {
        let name = || Ok(thread::current().name().unwrap_or_default().to_owned());
        let thread = spawn_with("the tests", "named".to_owned(), name, |name| name).unwrap();
        assert_eq!(thread.join().unwrap().unwrap(), "named");
    }
}
