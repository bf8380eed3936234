//! The rehearsal: a user's own manager, run again and again, each time with one thing that goes wrong.
//!
//! ```text
//!   one run in which nothing goes wrong --> its steps --> cases: each step by each way to fail it, in an order drawn from the random seed
//!                                                           |
//!                                    for each: a new manager, a run, one fault --> what every run must keep
//! ```
//!
//! | file | |
//! |---|---|
//! | `cases.rs` | what can go wrong |
//! | `playing.rs` | all cases, or one again |
//! | `run.rs`, `history.rs` | one run, and what happened in it |
//! | `checks/` | what every run must keep: the end, the order, the blame |
//! | `replay.rs`, `summary.rs` | one case again, and what all came to |

mod cases;
mod checks;
mod history;
mod playing;
mod replay;
mod run;
mod summary;

use std::time::Duration;

pub use summary::{RehearsalError, Rehearsed};

use self::cases::{Case, cases};
use self::checks::usual;
use self::replay::Replay;
use crate::events::Name;
use crate::manager::Manager;

/// Rehearses failures of the manager that `factory` makes, with its real services: it is run once undisturbed, which must end
/// without an error, and then once for each thing that can go wrong: each step of each service and each release of a
/// resource, by each way to fail.
///
/// | at a step, a release | |
/// |---|---|
/// | `error` | the answer is an error, and the handler is not called |
/// | `late_error` | the handler does its work, and the answer is an error |
/// | `panic`, `async_panic` | the handler panics, and its actor dies of it; its future panics, and the actor lives |
/// | `hang` | the handler does its work, and the answer never comes |
/// | `slow`, `block` | the answer comes later; the handler first blocks its thread: for at most a tenth of the shutdown's time |
/// | `block past the deadline` | the thread is blocked for longer than the manager waits |
/// | `end` | the actor stops itself without an answer |
/// | `StartShutdown`, `ForceShutdown` | the manager is told to stop as the step begins, or a few milliseconds later |
/// | `SIGINT`, `SIGTERM`, each also `twice` | the same by signals, where the manager heeds them; no real signal is sent |
///
/// An actor also dies by itself, by a `panic` or an `end`: each resource as it starts, and, once all run, each resource and service
/// that is needed until the shutdown.
///
/// Every run must end within its deadline, and with an honest report: what went wrong is told of whom it went wrong with, in the
/// right stage and by its kind, or is mended by a restart where the policy says so; nobody else is blamed who did nothing wrong;
/// nothing runs before all is set up, nothing is released under a service that runs, every resource has one ending; whoever
/// waits for the manager is answered; its addresses are given back. So it finds services that ignore the shutdown, that are
/// not released in every end, or that don't survive what others do to them.
///
/// ```
/// use majordomo::{Manager, ManagerOptions, service_fn, testing::rehearse};
///
/// fn manager() -> Manager {
///     let patient = service_fn("patient", |run| async move {
///         run.shutdown.requested().await;
///         Ok(())
///     });
///     Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(patient)
/// }
///
/// // In a test of yours: #[test] fn every_failure_ends_well()
/// # use std::time::Duration;
/// rehearse(manager).shutdown_within(Duration::from_millis(200)).run();
/// ```
///
/// Where a case fails, the line that plays it alone is printed with it. A manager is made for every run: it should listen at port 0
/// or [in memory](crate::ManagerOptions::grpc_in_memory), and find its files and databases as it left them, even where a
/// resource could not be released.
pub fn rehearse<F: FnMut() -> Manager + Send>(factory: F) -> Rehearse<F> {
    Rehearse {
        factory,
        seed: 0,
        real_time: false,
        not_paused: None,
        usual: Vec::new(),
        again: 0,
        within: None,
        runs_for: None,
        most: None,
        except: Vec::new(),
    }
}

/// A rehearsal that has not begun, by [`rehearse`].
#[derive(Debug, Clone)]
#[must_use = "nothing is rehearsed before `run`"]
pub struct Rehearse<F> {
    factory: F,
    seed: u64,
    real_time: bool,
    /// Why it does not work in paused time.
    not_paused: Option<String>,
    /// What goes wrong by itself, and is mended: of whom, and as what.
    usual: Vec<(Name, String)>,
    /// How many runs were played again.
    again: usize,
    within: Option<Duration>,
    runs_for: Option<Duration>,
    most: Option<usize>,
    except: Vec<String>,
}

impl<F: FnMut() -> Manager + Send> Rehearse<F> {
    /// What the order of cases, their times, and their choice where not all are played, are drawn by. Default: 0.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Rehearses all in real time: for services that work on threads of their own or wait for sockets and files, whose
    /// timers a [paused clock](crate::testing::paused()) would let run out meanwhile. Without it that is so for managers
    /// that fail in paused time with nothing going wrong, and for the cases that block a thread. In paused time servers are reached in memory alone.
    pub fn real_time(self) -> Self {
        Self { real_time: true, ..self }
    }

    /// How long a shutdown may take. The manager's own limits are shortened to it in proportion; never lengthened. Default: 1 s in real
    /// time, where a case in which something hangs takes as long; else the manager's own, or 30 s.
    pub fn shutdown_within(self, limit: Duration) -> Self {
        Self { within: Some(limit), ..self }
    }

    /// How long the manager runs before it is asked to stop, once all run or something has gone wrong. Default: 20 ms in real time,
    /// else 1 s.
    pub fn runs_for(self, time: Duration) -> Self {
        Self { runs_for: Some(time), ..self }
    }

    /// Plays no more than so many cases, chosen by the random seed. Default: all.
    pub fn at_most(self, cases: usize) -> Self {
        Self { most: Some(cases), ..self }
    }

    /// Leaves out the cases whose names contain this, such as `run of importer: block`. May be called several times.
    pub fn except(mut self, part: impl Into<String>) -> Self {
        self.except.push(part.into());
        self
    }

    /// Rehearses, and prints what it came to. Waits for it on the calling thread.
    ///
    /// # Panics
    /// With all cases that failed, or when the undisturbed run did.
    pub fn run(self) -> Rehearsed {
        match self.try_run() {
            Ok(rehearsed) => {
                println!("{rehearsed}");
                rehearsed
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// The same without a panic.
    ///
    /// # Errors
    /// With all cases that failed, or when the undisturbed run did.
    pub fn try_run(mut self) -> Result<Rehearsed, RehearsalError> {
        let replay = Replay::asked();
        if let Some(replay) = &replay {
            self.seed = replay.seed;
        }
        let undisturbed = self.undisturbed()?;
        self.usual = usual(&undisturbed.played.history);
        let all = cases(&undisturbed.played.history, undisturbed.known.signals);
        match replay {
            Some(replay) => self.one_again(&replay, &all),
            None => {
                let chosen = self.choose(all);
                self.all(&chosen)
            }
        }
    }

    fn choose(&self, mut all: Vec<Case>) -> Vec<Case> {
        all.retain(|case| !self.except.iter().any(|part| case.to_string().contains(part)));
        fastrand::Rng::with_seed(self.seed).shuffle(&mut all);
        all.truncate(self.most.unwrap_or(usize::MAX));
        all
    }
}
