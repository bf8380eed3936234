//! A manager whose events are recorded, from its start to its end.

use std::time::Duration;

use actix::Addr;
use majordomo::testing::start_paused;
use majordomo::{
    ForceShutdown, GetStatus, Manager, ManagerError, ManagerOptions, ManagerStatus, ResourceReport,
    ServiceReport, ServicesErrors, ShutdownReport, StageError, StartShutdown, WaitForShutdown,
    WaitUntilRunning,
};
use tokio::time::Instant;

use super::pace::Pace;
use super::{Events, HANG, ms};

/// A manager that was started and is observed.
pub struct Observed {
    pub manager: Addr<Manager>,
    events: Events,
    asked: Option<Instant>,
    /// Longer takes only what hangs.
    patience: Duration,
    /// In real time: how late this machine is.
    pace: Option<Pace>,
}

/// A manager that has ended.
pub struct Ended {
    pub manager: Addr<Manager>,
    pub result: Result<(), ManagerError>,
    pub events: Events,
    pub status: ManagerStatus,
    /// From just before the shutdown was asked by [`Observed::shut_down`] or [`Observed::force`] to the answer.
    pub took: Option<Duration>,
    /// How late this machine was meanwhile.
    pub allowance: Duration,
}

/// Starts a manager of these services.
pub fn observe(options: ManagerOptions, services: impl FnOnce(Manager) -> Manager) -> Observed {
    let events = Events::new();
    let manager = services(Manager::new(options.observe(events.observer()))).start();
    Observed { manager, events, asked: None, patience: HANG, pace: Some(Pace::watch()) }
}

/// The same in paused time, where whoever waits has a hundred days.
pub fn observe_paused(options: ManagerOptions, services: impl FnOnce(Manager) -> Manager) -> Observed {
    let events = Events::new();
    let manager = start_paused(services(Manager::new(options.observe(events.observer()))));
    let patience = Duration::from_secs(100 * 24 * 60 * 60);
    Observed { manager, events, asked: None, patience, pace: None }
}

impl Observed {
    pub async fn running(&self) {
        let answer = self.within("running", self.manager.send(WaitUntilRunning)).await;
        answer.expect("a manager answers").expect("it should have come to run");
    }

    pub fn shut_down(&mut self) {
        self.asked.get_or_insert_with(Instant::now);
        self.manager.do_send(StartShutdown);
    }

    pub fn force(&mut self) {
        self.asked = Some(Instant::now());
        self.manager.do_send(ForceShutdown);
    }

    pub async fn status(&self) -> ManagerStatus {
        self.within("the status", self.manager.send(GetStatus)).await.expect("a manager answers")
    }

    async fn within<T>(&self, what: &str, future: impl Future<Output = T>) -> T {
        let answer = tokio::time::timeout(self.patience, future).await;
        answer.unwrap_or_else(|_| panic!("{what} did not come in {:?}", self.patience))
    }

    /// Waits until this has happened, if it hasn't.
    pub async fn seen(&mut self, pattern: &str) {
        self.seen_times(pattern, 1).await;
    }

    /// Waits until this has happened so often.
    pub async fn seen_times(&mut self, pattern: &str, times: usize) {
        self.events.wait_within(self.patience, pattern, times).await;
    }

    /// What has happened so far.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Waits for the end.
    pub async fn ended(self) -> Ended {
        let result = tokio::time::timeout(self.patience, self.manager.send(WaitForShutdown)).await;
        let took = self.asked.map(|asked| asked.elapsed());
        let Ok(result) = result else { panic!("no end in {:?}:\n{}", self.patience, self.events) };
        let result = result.expect("a manager answers");
        let allowance = self.pace.as_ref().map_or(Duration::ZERO, Pace::allowance);
        let status = self.status().await;
        Ended { manager: self.manager, result, events: self.events, status, took, allowance }
    }
}

impl Ended {
    #[track_caller]
    pub fn assert_ok(&self) {
        if let Err(error) = &self.result {
            panic!("expected a clean end, got: {error}\n{}", self.events);
        }
    }

    #[track_caller]
    pub fn error(&self) -> &ManagerError {
        match &self.result {
            Ok(()) => panic!("expected an error in:\n{}", self.events),
            Err(error) => error,
        }
    }

    #[track_caller]
    pub fn assert_exit_code(&self, code: i32) {
        let error = self.error();
        assert_eq!(error.exit_code(), code, "{error}\n{}", self.events);
    }

    #[track_caller]
    pub fn setup_errors(&self) -> &ServicesErrors {
        self.services_errors("set-up", self.error().setup())
    }

    #[track_caller]
    pub fn run_errors(&self) -> &ServicesErrors {
        self.services_errors("run", self.error().run())
    }

    #[track_caller]
    pub fn shutdown_errors(&self) -> &ServicesErrors {
        self.services_errors("shutdown", self.error().shutdown())
    }

    #[track_caller]
    fn services_errors<'a>(&self, stage: &str, error: Option<&'a StageError>) -> &'a ServicesErrors {
        match error {
            Some(StageError::Services(errors)) => errors,
            other => panic!(
                "expected errors of services in {stage}, got {other:?}; {:?}\n{}",
                self.result, self.events
            ),
        }
    }

    /// The report of an end that went well or not.
    pub fn report(&self) -> &ShutdownReport {
        self.status.report.as_ref().expect("a manager that was stopped has a report")
    }

    #[track_caller]
    pub fn service(&self, id: &str) -> &ServiceReport {
        let found = self.report().services.iter().find(|service| &*service.id == id);
        found.unwrap_or_else(|| panic!("no {id} in the report: {:?}", self.report()))
    }

    #[track_caller]
    pub fn resource(&self, id: &str, name: &str) -> &ResourceReport {
        let of = self.service(id).resources.iter().filter(|resource| &*resource.name == name);
        match of.collect::<Vec<_>>()[..] {
            [one] => one,
            ref all => panic!("{id}/{name} is {} times in the report: {:?}", all.len(), self.report()),
        }
    }

    pub fn cause(&self) -> String {
        self.report().cause.as_ref().expect("there is a cause").to_string()
    }

    /// G8: the answer came within 100 ms of the deadline.
    #[track_caller]
    pub fn assert_in_time(&self, limit: Duration) {
        let took = self.took.expect("the shutdown was asked through `Observed`");
        // Shown by `--nocapture`: how much of the 100 ms is used.
        match took.checked_sub(limit) {
            Some(late) => println!("LATENESS {:>4} ms", late.as_millis()),
            None => println!("LATENESS none, {:?} left", limit - took),
        }
        assert!(
            took <= limit + self.soon(),
            "the answer came {took:?} after shutdown was asked, the limit is {limit:?} + {:?}:\n{}",
            self.soon(),
            self.events
        );
    }

    /// 100 ms, on a machine that gives each thread its turn.
    pub fn soon(&self) -> Duration {
        ms(100) + self.allowance
    }
}
