//! Paused time: hours pass in milliseconds.
//!
//! ```text
//!   one thread   |- test, manager, services, resources: whoever has something to do -|      |- ... -|
//!   its clock     stands still                                                        jumps  stands still
//!                                                                                     to the next timer
//! ```
//!
//! tokio's clock can be paused for one runtime, and so for one thread: a manager in paused time lives on the thread of
//! its test, and with it all its services, its resources, and the managers nested in it. As one thread does one thing after
//! the other, and the clock moves only by timers, a test that is run again sees the same events at the same times.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::{Duration, Instant};

use actix::{Addr, WeakAddr};
use actix_rt::{Arbiter, System};
use futures_util::FutureExt;
use tokio::runtime::{Builder, Handle};

use crate::base::clock;
use crate::manager::{ForceShutdown, Manager, WaitForShutdown};

/// When a test that is still waiting waits for nothing: it has no other timer.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What random choices begin with: they are the same in every run.
const SEED: u64 = 7;

thread_local! {
    /// The managers that this thread's test has started.
    static STARTED: RefCell<Vec<WeakAddr<Manager>>> = const { RefCell::new(Vec::new()) };
}

/// Runs a test in paused time, in an actix system of its own: for a plain `#[test]`. Managers are started there by
/// [`start_paused`].
///
/// The clock stands still while anybody on the thread has something to do, and jumps to the next timer when nobody has:
/// tokio's [`sleep`](tokio::time::sleep), actix's `run_later`, a manager's deadline. So a test takes as long as what it
/// computes, and the times that it sees are exact. What runs in it reads the time by [`tokio::time::Instant::now`];
/// std's `Instant` and `SystemTime` go on as ever.
///
/// A manager that still runs when the test ends or panics is forced, so that nothing of it is left.
///
/// ```
/// use std::time::Duration;
/// use majordomo::{Manager, ManagerOptions, StartShutdown, WaitForShutdown, WaitUntilRunning, service_fn, testing};
///
/// testing::paused(|| async {
///     // It never looks at its signal, so that it must be forced when the reserve of the resources begins.
///     let deaf = service_fn("deaf", |_| std::future::pending());
///     let options = ManagerOptions::new().grpc_ping_service(false).max_shutdown_duration(Duration::from_secs(30));
///     let manager = testing::start_paused(Manager::new(options).service(deaf));
///     manager.send(WaitUntilRunning).await.unwrap().unwrap();
///
///     let asked = tokio::time::Instant::now();
///     manager.do_send(StartShutdown);
///     let error = manager.send(WaitForShutdown).await.unwrap().unwrap_err();
///     assert_eq!(asked.elapsed(), Duration::from_secs(27));
///     assert_eq!(error.exit_code(), 3);
/// });
/// ```
///
/// # What time does not pass for
/// - A service that blocks its thread (`std::thread::sleep`) blocks all, and the clock with them. Nobody watches for stuck
///   actors, and none is replaced; test that in real time, with [`Manager::start`].
/// - Sockets: a server at one is [refused](crate::ConfigError::PausedSocket); in memory it works on this thread, by
///   [`grpc_in_memory`](crate::ManagerOptions::grpc_in_memory) and
///   [`HttpServerOptions::in_memory`](crate::http::HttpServerOptions::in_memory). Signals, which
///   are left alone. The clock waits for `tokio::task::spawn_blocking`, but for no other thread.
/// - A task that a service gave to `tokio::spawn` lives as long as the test, not as long as the thread of its service.
///
/// # Panics
/// As the test does; within another runtime; and when the test waits for something that no timer is left to bring about, which
/// in real time would hang.
pub fn paused<F: Future>(test: impl FnOnce() -> F) -> F::Output {
    assert!(
        Handle::try_current().is_err(),
        "testing::paused makes a runtime and cannot be called within another: call it from a plain #[test]; or stay \
         within that one, pause tokio's time there, and start managers with testing::start_paused"
    );
    let runtime = || {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.expect("a runtime of one thread can be made")
    };
    fastrand::seed(SEED);
    System::with_tokio_rt(runtime).block_on(async {
        let test = AssertUnwindSafe(async { tokio::time::timeout(FOR_EVER, test()).await });
        let result = test.catch_unwind().await;
        force_what_runs().await;
        match result {
            Ok(Ok(output)) => output,
            Ok(Err(_)) => panic!(
                "the test waits for something that never comes: a year has passed in paused time, and no timer that is left \
                 brings it about"
            ),
            Err(panic) => resume_unwind(panic),
        }
    })
}

/// Starts a manager in paused time: on this thread, with all that it looks after. Otherwise as [`Manager::start`] does.
///
/// In [`paused`]; or in any other actix system whose tokio time is paused:
///
/// ```
/// # use majordomo::{Manager, ManagerOptions, StartShutdown, WaitForShutdown, service_fn, testing};
/// # /*
/// #[actix::test]
/// # */
/// # #[actix::main]
/// async fn main() {
///     tokio::time::pause();
///     let manager = testing::start_paused(
///         Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(service_fn("patient", |run| async move {
///             run.shutdown.requested().await;
///             Ok(())
///         })),
///     );
///     manager.do_send(StartShutdown);
///     manager.send(WaitForShutdown).await.unwrap().unwrap();
/// }
/// ```
///
/// # Panics
/// Outside of an actix system on a runtime of one thread, or where tokio's time is not paused.
pub fn start_paused(manager: Manager) -> Addr<Manager> {
    let arbiter = Arbiter::try_current().filter(|arbiter| arbiter.spawn_fn(|| ()));
    assert!(
        arbiter.is_some() && Handle::try_current().is_ok(),
        "testing::start_paused was called outside of an actix system: call it within testing::paused, or within #[actix::test] \
         after tokio::time::pause()"
    );
    assert!(
        clock_is_paused(),
        "testing::start_paused was called while tokio's time goes on: call it within testing::paused, or after \
         tokio::time::pause(); in real time, start the manager with Manager::start"
    );
    let manager = manager.start_on_this_thread();
    STARTED.with_borrow_mut(|started| started.push(manager.downgrade()));
    manager
}

/// Whether our clock stands still while the system's goes on.
fn clock_is_paused() -> bool {
    let (before, began) = (clock::now(), Instant::now());
    while Instant::now() == began {}
    clock::now() == before
}

/// Ends the managers that the test left running.
async fn force_what_runs() {
    for manager in STARTED.take() {
        if let Some(manager) = manager.upgrade() {
            manager.do_send(ForceShutdown);
            // One that is gone has ended.
            let _ = manager.send(WaitForShutdown).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::base::PanicError;

    fn panic_of(run: impl FnOnce() + std::panic::UnwindSafe) -> String {
        PanicError::message_of(&*catch_unwind(run).unwrap_err())
    }

    fn manager() -> Manager {
        Manager::new(crate::ManagerOptions::new().grpc_ping_service(false))
    }

    #[test]
    fn a_test_in_paused_time_gives_its_output() {
        assert_eq!(paused(|| async { 7 }), 7);
    }

    #[test]
    fn a_test_that_waits_for_nothing_fails_and_does_not_hang() {
        let message = panic_of(|| paused(std::future::pending::<()>));
        assert!(message.contains("never comes"), "{message}");
    }

    #[actix_rt::test]
    async fn there_is_no_paused_test_within_another_runtime() {
        let message = panic_of(|| paused(|| async {}));
        assert!(message.contains("plain #[test]"), "{message}");
    }

    #[actix_rt::test]
    async fn no_manager_is_started_in_paused_time_where_time_goes_on() {
        let message = panic_of(|| drop(start_paused(manager())));
        assert!(message.contains("tokio::time::pause()"), "{message}");
    }

    #[test]
    fn no_manager_is_started_in_paused_time_without_an_actix_system() {
        let message = panic_of(|| drop(start_paused(manager())));
        assert!(message.contains("outside of an actix system"), "{message}");
        // Nor where there was one.
        paused(|| async {});
        let message = panic_of(|| drop(start_paused(manager())));
        assert!(message.contains("outside of an actix system"), "{message}");
    }
}
