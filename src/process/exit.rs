//! The exit code of `main`.

use std::error::Error;
use std::fmt::{self, Display};
use std::future::pending;
use std::io;
use std::process::{ExitCode, Termination};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::ending::{Text, end};
use crate::base::BoxError;
use crate::base::spawn;
use crate::report::ManagerError;

/// How long a runtime may take to be dropped, once that has begun.
const PATIENCE: Duration = Duration::from_millis(100);

/// Ends the process with the result's exit code, even if a blocked thread would keep it alive. An error is
/// printed to stderr first.
///
/// What has become of stdout and stderr changes neither the end nor the code: a text that stderr does not take within
/// 100 ms is given up, and so is what stdout still buffers.
///
/// Call it before the actix system is dropped, such as at the end of an `#[actix::main]`: a runtime waits
/// for its blocking tasks when it is dropped, for as long as they take. A `main` that returns an [`Exit`] does the same
/// without a call.
pub fn exit(result: Result<(), ManagerError>) -> ! {
    let (code, error) = parts(result);
    end(code, error.map(|error| Box::new(move || error.to_string()) as Text))
}

/// What a `main` returns to end as [`exit`] does: with the right exit code, and at once.
///
/// ```no_run
/// use majordomo::{Exit, Manager, ManagerOptions};
///
/// #[actix::main]
/// async fn main() -> Exit {
///     Manager::new(ManagerOptions::new()).run().await.into()
/// }
/// ```
///
/// A `main` with more to do has that in a function of its own, where `?` works:
///
/// ```no_run
/// use majordomo::{Exit, Manager, ManagerError, ManagerOptions, WaitForShutdown, WaitUntilRunning};
///
/// #[actix::main]
/// async fn main() -> Exit {
///     run().await.into()
/// }
///
/// async fn run() -> Result<(), ManagerError> {
///     let manager = Manager::new(ManagerOptions::new()).start();
///     manager.send(WaitUntilRunning).await??;
///     manager.send(WaitForShutdown).await?
/// }
/// ```
///
/// The result of that function may also be a `Result<(), BoxError>`: an error that is not a [`ManagerError`], nor
/// comes from one, has the code 1.
///
/// A runtime that is dropped while `main` returns, as under `#[actix::main]` and `#[tokio::main]`, waits for its
/// blocking tasks. It does so for at most 100 ms where an `Exit` is on its way out; make the `Exit` inside of it, as
/// above.
#[must_use = "it is what `main` returns"]
pub struct Exit {
    end: Arc<End>,
    guard: Option<AbortHandle>,
}

struct End {
    code: i32,
    error: Option<BoxError>,
    /// Whether it is still on its way out.
    pending: AtomicBool,
}

impl End {
    /// The first caller ends the process.
    fn take(&self) -> bool {
        self.pending.swap(false, Ordering::AcqRel)
    }

    fn perform(self: Arc<Self>) -> ! {
        let code = self.code;
        let text = move || self.error.as_ref().map(ToString::to_string).unwrap_or_default();
        end(code, (code != 0).then(|| Box::new(text) as Text))
    }
}

/// Lives in a task, and so is dropped when the runtime begins to be.
struct Leaving(Arc<End>);

impl Drop for Leaving {
    fn drop(&mut self) {
        if !self.0.pending.load(Ordering::Acquire) {
            return;
        }
        let end = Arc::clone(&self.0);
        let watch = move || {
            thread::sleep(PATIENCE);
            if end.take() {
                end.perform()
            }
        };
        let watched = spawn("the end of main", "majordomo-leaving".to_owned(), watch);
        // Nothing could end it later.
        if watched.is_err() && self.0.take() {
            Arc::clone(&self.0).perform()
        }
    }
}

impl Exit {
    fn new((code, error): (i32, Option<BoxError>)) -> Self {
        let end = Arc::new(End { code, error, pending: AtomicBool::new(true) });
        let guard = Handle::try_current().ok().map(|runtime| {
            let leaving = Leaving(Arc::clone(&end));
            let guarded = async move {
                let _leaving = leaving;
                pending::<()>().await;
            };
            runtime.spawn(guarded).abort_handle()
        });
        Self { end, guard }
    }

    /// The exit code: see [`ManagerError::exit_code`].
    pub fn code(&self) -> i32 {
        self.end.code
    }
}

impl From<Result<(), ManagerError>> for Exit {
    fn from(result: Result<(), ManagerError>) -> Self {
        Self::new(parts(result))
    }
}

impl From<Result<(), BoxError>> for Exit {
    fn from(result: Result<(), BoxError>) -> Self {
        Self::new(match result {
            Ok(()) => (0, None),
            Err(error) => (code_of(&*error), Some(error)),
        })
    }
}

impl Termination for Exit {
    /// Ends the process; does not return.
    fn report(self) -> ExitCode {
        if self.end.take() {
            Arc::clone(&self.end).perform()
        }
        // The end has begun elsewhere.
        loop {
            thread::park();
        }
    }
}

impl Drop for Exit {
    /// One that `main` does not return ends nothing.
    fn drop(&mut self) {
        self.end.take();
        if let Some(guard) = &self.guard {
            guard.abort();
        }
    }
}

impl fmt::Debug for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.end.error.as_ref().map(|error| error as &dyn Display);
        f.debug_struct("Exit")
            .field("code", &self.end.code)
            .field("error", &error.map(ToString::to_string))
            .finish()
    }
}

fn parts(result: Result<(), ManagerError>) -> (i32, Option<BoxError>) {
    match result {
        Ok(()) => (0, None),
        Err(error) => (error.exit_code(), Some(error.into())),
    }
}

/// The code of the manager's error that this is or comes from; else 1.
fn code_of(error: &(dyn Error + 'static)) -> i32 {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(failed) = error.downcast_ref::<ManagerError>() {
            return failed.exit_code();
        }
        // What an I/O error was made of is not its source.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as _).or_else(|| error.source());
    }
    1
}
