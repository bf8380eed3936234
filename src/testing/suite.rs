//! A manager for the time of a test.
//!
//! ```text
//!   start ----> runs and serves ----> the test ----> shutdown().await --> report
//!     |                                    \
//!     +--> panics: why it doesn't           +------> dropped: shut down, and asserted to be clean
//! ```

use std::time::Duration;

use actix::Addr;
use tonic::transport::Channel;

use super::blocking_ask::{ask, block_on};
use super::clean::unclean;
use super::failing::Failing;
use super::manager_testing::ManagerTesting;
use super::recorder::Recorder;
use crate::api_errors::ErrorClient;
use crate::manager::{
    ForceShutdown, GetStatus, Manager, ManagerStatus, StartShutdown, WaitForShutdown, WaitUntilRunning,
};
use crate::report::{ManagerError, ShutdownReport};

/// How long a manager may take to run.
const START: Duration = Duration::from_secs(30);
/// How long a shutdown may take that has no limit of its own.
const NO_LIMIT: Duration = Duration::from_secs(60);
/// How much later than its deadline a manager may end; it promises much less.
const GRACE: Duration = Duration::from_secs(5);

/// A manager for the time of a test: it runs and serves when the test begins, and has stopped cleanly when the test is over,
/// or the test fails and tells who held on.
///
/// ```
/// use majordomo::testing::ManagerSuite;
/// use majordomo::ping::PingClient;
/// use majordomo::{Manager, ManagerOptions};
///
/// # #[actix::main] // as in an #[actix::test]
/// # async fn main() {
/// let suite = ManagerSuite::start(Manager::new(ManagerOptions::new())).await;
/// PingClient::new(suite.channel()).ping(()).await.unwrap();
/// let report = suite.shutdown().await;
/// assert_eq!(report.cause.unwrap().to_string(), "StartShutdown");
/// # }
/// ```
///
/// # Dropping it
/// Without [`shutdown`](Self::shutdown) or [`ended`](Self::ended) the drop shuts the manager down, blocks until that has
/// stopped, and panics unless that was clean. While the test panics already, it prints what was not clean and panics no second time.
#[derive(Debug)]
pub struct ManagerSuite {
    testing: ManagerTesting,
    recorder: Recorder,
    /// How long the end is waited for.
    limit: Duration,
    /// Whether the end has been seen to.
    over: bool,
}

impl ManagerSuite {
    /// Starts a manager, and waits until every service runs and the gRPC server, where there is one, accepts calls.
    ///
    /// Where the options give no address, the server listens at `127.0.0.1:0` and not at
    /// [`DEFAULT_GRPC_ADDRESS`](crate::DEFAULT_GRPC_ADDRESS), so that tests may run side by side.
    ///
    /// # Panics
    /// When the manager does not run within 30 s, with what it says of that; outside of an actix system
    /// (`#[actix::test]`).
    pub async fn start(manager: Manager) -> Self {
        let mut suite = Self::launch(manager);
        suite.until_running().await;
        suite
    }

    /// The same without sockets, whatever address the options give: the server is reached by the channels of this suite alone.
    ///
    /// # Panics
    /// As [`start`](Self::start) does.
    pub async fn start_in_memory(manager: Manager) -> Self {
        Self::start(manager.in_memory_alone()).await
    }

    /// Starts a manager and does not wait: for tests of what happens before it runs.
    ///
    /// # Panics
    /// Outside of an actix system.
    pub fn launch(manager: Manager) -> Self {
        let recorder = Recorder::new();
        let manager = manager.at_a_port_of_its_own().observed_by(recorder.observer());
        let limit = manager.given().shutdown.map_or(NO_LIMIT, |limit| limit.saturating_add(GRACE));
        Self { testing: ManagerTesting::new(&manager.start()), recorder, limit, over: false }
    }

    /// Waits until every service runs and the gRPC server accepts calls.
    ///
    /// # Panics
    /// When that does not come to pass within 30 s, with what the manager says of it.
    pub async fn until_running(&mut self) {
        let expected = format!("the manager runs within {START:?}");
        let running = tokio::time::timeout(START, self.manager().send(WaitUntilRunning)).await;
        match running {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => {
                // It has ended, or is about to; there is nothing more to assert.
                self.over = self.has_ended().await;
                self.recorder.fail(expected, error.to_string())
            }
            Ok(Err(error)) => self.recorder.fail(expected, format!("the manager is gone: {error}")),
            Err(_) => {
                let status = self.status().await;
                self.recorder.fail(expected, format!("it does not yet:\n{status}"))
            }
        }
    }

    async fn has_ended(&self) -> bool {
        tokio::time::timeout(self.limit, self.manager().send(WaitForShutdown)).await.is_ok()
    }

    /// The manager.
    pub fn manager(&self) -> &Addr<Manager> {
        self.testing.manager()
    }

    /// What a test may ask of the manager, and do to it.
    pub fn testing(&self) -> &ManagerTesting {
        &self.testing
    }

    /// The record of all that has happened, from the start on.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// A channel to the gRPC server: [`ManagerTesting::grpc_channel`].
    ///
    /// # Panics
    /// As that does.
    #[track_caller]
    pub fn channel(&self) -> Channel {
        self.testing.grpc_channel()
    }

    /// A channel that adds its frame to rich errors: [`ManagerTesting::grpc_error_channel`].
    ///
    /// # Panics
    /// As that does.
    #[track_caller]
    pub fn error_channel(&self) -> ErrorClient<Channel> {
        self.testing.grpc_error_channel()
    }

    /// What every service and resource is doing.
    ///
    /// # Panics
    /// When the manager is gone, as its actix system was stopped.
    pub async fn status(&self) -> ManagerStatus {
        self.manager().send(GetStatus).await.expect("a manager answers until its actix system is stopped")
    }

    /// Shuts the manager down, asserts that it stopped cleanly (see [`assert_stopped_clean`](super::assert_stopped_clean)), and
    /// gives its report.
    ///
    /// # Panics
    /// When the end was not clean, or took 5 s longer than
    /// [`max_shutdown_duration`](crate::ManagerOptions::max_shutdown_duration); a minute, where that has no limit.
    pub async fn shutdown(mut self) -> ShutdownReport {
        self.manager().do_send(StartShutdown);
        let result = self.wait().await;
        self.judge(&result);
        let report = self.status().await.report.unwrap_or_default();
        self.judge(&report);
        report
    }

    /// Waits for the manager's end, which the test itself or a failure brings about, and gives its result without judging it: for
    /// tests that expect an error.
    ///
    /// # Panics
    /// When it does not come, as with [`shutdown`](Self::shutdown).
    pub async fn ended(mut self) -> Result<(), ManagerError> {
        self.wait().await
    }

    async fn wait(&mut self) -> Result<(), ManagerError> {
        let ended = tokio::time::timeout(self.limit, self.manager().send(WaitForShutdown)).await;
        match ended {
            Ok(ended) => {
                self.over = true;
                ended.unwrap_or_else(|error| Err(error.into()))
            }
            Err(_) => {
                let status = self.status().await;
                self.recorder.fail(self.expected_end(), format!("it has not yet:\n{status}"))
            }
        }
    }

    fn expected_end(&self) -> String {
        format!("the manager has stopped within {:?}", self.limit)
    }

    #[track_caller]
    fn judge(&self, end: &impl super::clean::Ending) {
        if let Some(why) = unclean(end) {
            self.recorder.fail("a clean stop".to_owned(), why);
        }
    }

    /// Ends the manager on a thread that may do nothing else meanwhile.
    fn end(&self) -> Option<Failing> {
        let failing =
            |expected, happened| Some(Failing { expected, happened, events: self.recorder.events() });
        self.manager().do_send(StartShutdown);
        let result = match block_on(self.manager().send(WaitForShutdown), self.limit) {
            Some(Ok(result)) => result,
            Some(Err(gone)) => Err(gone.into()),
            None => {
                let status = ask(self.manager(), Manager::status_text);
                self.manager().do_send(ForceShutdown);
                block_on(self.manager().send(WaitForShutdown), GRACE);
                return failing(self.expected_end(), format!("it has not, and was forced:\n{status}"));
            }
        };
        failing("a clean stop".to_owned(), unclean(&result)?)
    }
}

impl Drop for ManagerSuite {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let Some(failing) = self.end() else { return };
        if std::thread::panicking() {
            eprintln!("the manager of a test that failed did not stop cleanly either:\n{failing}");
        } else {
            panic!("{failing}");
        }
    }
}
