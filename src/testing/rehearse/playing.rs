//! Playing the cases, one after the other.

use std::thread;
use std::time::{Duration, Instant};

use super::Rehearse;
use super::cases::Case;
use super::checks::{Violation, violations};
use super::replay::Replay;
use super::run::{Clock, Run, StopMode, play};
use super::summary::{self, RehearsalError, Rehearsed};
use crate::events::LifecycleEvent;
use crate::manager::Manager;

/// How often a case is played whose moment did not come, or that may have failed by chance.
const TRIES: usize = 3;

impl<F: FnMut() -> Manager + Send> Rehearse<F> {
    /// The run in which nothing goes wrong: in paused time, where the manager works there.
    pub(super) fn undisturbed(&mut self) -> Result<Run, RehearsalError> {
        if !self.real_time {
            let manner = self.manner(Clock::Paused);
            match play(&mut self.factory, None, manner) {
                Ok(run) => match broken(&run).first() {
                    None => return Ok(run),
                    Some(broken) => self.not_paused = Some(broken.to_string()),
                },
                Err(error) => return Err(RehearsalError::refused(&error)),
            }
            self.real_time = true;
        }
        let (run, broken) = self.play(None)?;
        if broken.is_empty() {
            return Ok(run);
        }
        let summary = "the rehearsal cannot begin: the manager failed with nothing going wrong";
        let failed = vec![summary::failed(&run, &broken, None)];
        Err(RehearsalError { summary: summary.to_owned(), failed })
    }

    /// Plays them all.
    pub(super) fn all(&mut self, cases: &[Case]) -> Result<Rehearsed, RehearsalError> {
        let began = Instant::now();
        let mut rehearsed = self.nothing_yet();
        let mut failed = Vec::new();
        for case in cases {
            let (run, broken) = self.play(Some(case))?;
            rehearsed.count(&run, self.clock(Some(case)));
            if !broken.is_empty() {
                let line = Replay::line(case, self.seed, thread::current().name());
                failed.push(summary::failed(&run, &broken, Some(&line)));
            }
        }
        (rehearsed.took, rehearsed.again) = (began.elapsed(), self.again);
        if failed.is_empty() {
            return Ok(rehearsed);
        }
        let summary = format!("{} of {} rehearsed cases failed", failed.len(), cases.len());
        Err(RehearsalError { summary, failed })
    }

    /// Plays one again, and prints all that happens.
    pub(super) fn one_again(&mut self, replay: &Replay, all: &[Case]) -> Result<Rehearsed, RehearsalError> {
        let Some(case) = all.iter().find(|case| case.to_string() == replay.case) else {
            let names: Vec<_> = all.iter().map(|case| format!("\n  {case}")).collect();
            let why = format!("there is no case {:?} here; there are:{}", replay.case, names.concat());
            return Err(RehearsalError::not_begun(why));
        };
        let began = Instant::now();
        let (run, broken) = self.play(Some(case))?;
        eprintln!("{case}, seed {}: {:?}", self.seed, run.case.as_ref().map(|case| case.kind));
        for event in &run.played.history.0 {
            eprintln!("  {event}");
        }
        match &run.played.ended {
            Some(Ok(())) => eprintln!("the end: Ok"),
            Some(Err(error)) => eprintln!("the end: {error}\n{}", error.report()),
            None => eprintln!("there was no end"),
        }
        if !broken.is_empty() {
            let failed = vec![summary::failed(&run, &broken, None)];
            return Err(RehearsalError { summary: "the case failed again".to_owned(), failed });
        }
        let mut rehearsed = self.nothing_yet();
        rehearsed.count(&run, self.clock(Some(case)));
        rehearsed.took = began.elapsed();
        Ok(rehearsed)
    }

    fn nothing_yet(&self) -> Rehearsed {
        Rehearsed {
            cases: 0,
            in_paused_time: 0,
            not_paused: self.not_paused.clone(),
            mended: 0,
            missed: Vec::new(),
            again: 0,
            slowest: Duration::ZERO,
            took: Duration::ZERO,
            seed: self.seed,
        }
    }

    /// A blocked thread is no matter of a paused clock.
    fn clock(&self, case: Option<&Case>) -> Clock {
        if self.real_time || case.is_some_and(Case::blocks) { Clock::Real } else { Clock::Paused }
    }

    fn manner(&self, clock: Clock) -> StopMode {
        StopMode { clock, seed: self.seed, within: self.within, runs_for: self.runs_for }
    }

    /// One case, or none: what came of it, and what it did not keep.
    fn play(&mut self, case: Option<&Case>) -> Result<(Run, Vec<Violation>), RehearsalError> {
        let manner = self.manner(self.clock(case));
        let mut tries = 0;
        loop {
            tries += 1;
            let run = match play(&mut self.factory, case, manner) {
                Ok(mut run) => {
                    run.known.usual.clone_from(&self.usual);
                    run
                }
                Err(error) => return Err(RehearsalError::refused(&error)),
            };
            let broken = broken(&run);
            let missed = case.is_some() && !run.played.struck && broken.is_empty();
            let real = manner.clock == Clock::Real;
            let by_chance = real && broken.iter().any(|violation| violation.may_be_chance);
            if tries == TRIES || !(missed || by_chance) {
                return Ok((run, broken));
            }
            self.again += 1;
        }
    }
}

fn broken(run: &Run) -> Vec<Violation> {
    violations(run.case.as_ref(), &run.known, &run.played)
}

impl Rehearsed {
    fn count(&mut self, run: &Run, clock: Clock) {
        let Some(case) = &run.case else { return };
        self.cases += 1;
        match clock {
            Clock::Paused => self.in_paused_time += 1,
            Clock::Real => self.slowest = self.slowest.max(run.played.took.unwrap_or_default()),
        }
        if !run.played.struck {
            self.missed.push(case.to_string());
            return;
        }
        let service = case.point.service();
        let restarts = |event: &LifecycleEvent| {
            use LifecycleEvent as E;
            matches!(event, E::RestartStarted { service: of, .. } | E::SetupRetried { service: of, .. } if of == service)
        };
        let history = &run.played.history;
        self.mended +=
            usize::from(history.events().skip(history.struck(&case.point).unwrap_or(0)).any(restarts));
    }
}
