//! A manager's life: it begins, is told things, and ends.

use std::time::{Duration, Instant};

use super::running::Ended;
use crate::lifecycle::{Input, Stage};
use crate::manager::Manager;
use crate::manager::api::status::ManagerStatus;
use crate::manager::observe::event_log::Detail;
use crate::report::{ManagerError, ShutdownReport, StageError};

impl Manager {
    pub(crate) fn begin(&mut self) {
        self.feed(Input::Start);
    }

    pub(crate) fn feed(&mut self, input: Input) {
        if let Some(running) = &mut self.running {
            running.shell.feed(input, Detail::None);
        }
        self.answer_running();
    }

    /// One that was held back goes on.
    pub(crate) fn let_run(&mut self) {
        self.feed(Input::RunAllowed);
    }

    /// Begins the shutdown, which is to be over at that time at the latest.
    pub(crate) fn shut_down_within(&mut self, at: Option<Instant>) {
        if let (Some(running), Some(at)) = (&mut self.running, at) {
            running.shell.tighten(at);
        }
        self.feed(Input::ShutdownAsked);
    }

    /// Answers those who wait until all is set up, or runs, while it is so.
    pub(crate) fn answer_running(&mut self) {
        let Some(running) = &self.running else { return };
        for (waiters, now) in [
            (&self.set_up_waiters, running.shell.is_set_up()),
            (&self.running_waiters, running.shell.is_ready()),
        ] {
            if now {
                waiters.answer(Ok(()));
            } else {
                waiters.withdraw();
            }
        }
    }

    pub(crate) fn end(&mut self, ended: Ended) {
        let not_running = || {
            let error = Some(StageError::NotRunning);
            ManagerError::new(error, None, None, ended.status.report.clone().unwrap_or_default())
        };
        let running = ended.result.clone().and_then(|()| Err(not_running()));
        self.set_up_waiters.answer(running.clone());
        self.running_waiters.answer(running);
        self.stopped_waiters.answer(ended.result.clone());
        self.ended = Some(ended);
        self.running = None;
        self.kept_alive = None;
    }

    pub(crate) fn conclude(&mut self) {
        if let Some(running) = &mut self.running {
            let result = running.shell.event_log.report_mut().result();
            // Once the end is told, signals are handled no more.
            drop(running.shell.signals.take());
            // The end is told before the status is written and before everything is dropped.
            self.stopped_waiters.answer(result.clone());
            let status = running.status();
            self.end(Ended { result, status });
        }
    }

    pub(crate) fn status(&mut self) -> ManagerStatus {
        match (&mut self.running, &self.ended) {
            (Some(running), _) => running.status(),
            (None, Some(ended)) => ended.status.clone(),
            (None, None) => {
                ManagerStatus::new(Stage::Created, Duration::ZERO, Vec::new(), &ShutdownReport::default())
            }
        }
    }
}
