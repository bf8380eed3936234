//! Playing the cases, one after the other.

use std::thread;
use std::time::{Duration, Instant};

use super::Rehearse;
use super::cases::{Case, Known};
use super::checks::{Violation, violations};
use super::history::History;
use super::replay::Replay;
use super::run::{Played, Times, play};
use super::summary::{self, RehearsalError, Rehearsed};
use crate::events::LifecycleEvent;
use crate::manager::Manager;

/// How often a case is played whose moment did not come, or that may have failed by chance.
const TRIES: usize = 3;

impl<F: FnMut() -> Manager + Send> Rehearse<F> {
    /// The run in which nothing goes wrong.
    pub(super) fn undisturbed(&mut self) -> Result<(Known, History), RehearsalError> {
        let (known, played, broken) = self.play(None)?;
        if broken.is_empty() {
            return Ok((known, played.history));
        }
        Err(RehearsalError {
            summary: "the rehearsal cannot begin: the manager failed with nothing going wrong".to_owned(),
            failed: vec![summary::failed(None, &broken, &played.history, None)],
        })
    }

    /// Plays them all.
    pub(super) fn all(&mut self, cases: &[Case]) -> Result<Rehearsed, RehearsalError> {
        let began = Instant::now();
        let mut rehearsed = self.nothing_yet();
        let mut failed = Vec::new();
        for case in cases {
            let (known, played, broken) = self.play(Some(case))?;
            rehearsed.within = known.whole;
            rehearsed.count(case, &played);
            if !broken.is_empty() {
                let line = Replay::line(case, self.seed, thread::current().name());
                failed.push(summary::failed(Some(case), &broken, &played.history, Some(&line)));
            }
        }
        rehearsed.took = began.elapsed();
        if failed.is_empty() {
            return Ok(rehearsed);
        }
        let summary = format!("{} of {} rehearsed cases failed", failed.len(), cases.len());
        Err(RehearsalError { summary, failed })
    }

    /// Plays one again, and prints all that happens.
    pub(super) fn again(&mut self, replay: &Replay, all: &[Case]) -> Result<Rehearsed, RehearsalError> {
        let Some(case) = all.iter().find(|case| case.to_string() == replay.case) else {
            let mut text = format!("there is no case {:?} here; there are:", replay.case);
            all.iter().for_each(|case| text.push_str(&format!("\n  {case}")));
            return Err(RehearsalError::not_begun(text));
        };
        eprintln!("{case}, seed {}: {:?}", self.seed, case.flaw);
        let began = Instant::now();
        let (known, played, broken) = self.play(Some(case))?;
        for event in &played.history.0 {
            eprintln!("  {event}");
        }
        match &played.ended {
            Some(Ok(())) => eprintln!("the end: Ok"),
            Some(Err(error)) => eprintln!("the end: {error}\n{}", error.report()),
            None => {}
        }
        if !broken.is_empty() {
            return Err(RehearsalError {
                summary: "the case failed again".to_owned(),
                failed: vec![summary::failed(Some(case), &broken, &played.history, None)],
            });
        }
        let mut rehearsed = Rehearsed { within: known.whole, took: began.elapsed(), ..self.nothing_yet() };
        rehearsed.count(case, &played);
        Ok(rehearsed)
    }

    fn nothing_yet(&self) -> Rehearsed {
        Rehearsed {
            cases: 0,
            mended: 0,
            missed: Vec::new(),
            slowest: Duration::ZERO,
            within: self.within,
            took: Duration::ZERO,
            seed: self.seed,
        }
    }

    /// One case, or none: what came of it, and what it did not keep.
    fn play(&mut self, case: Option<&Case>) -> Result<(Known, Played, Vec<Violation>), RehearsalError> {
        let times = Times { within: self.within, runs_for: self.runs_for };
        let mut tries = 0;
        loop {
            tries += 1;
            let (known, played) = play(&mut self.factory, case, times).map_err(|error| {
                RehearsalError::not_begun(format!("the manager cannot be rehearsed: {error}"))
            })?;
            let broken = violations(case, &known, &played);
            let missed = case.is_some() && !played.struck;
            let by_chance = !broken.is_empty() && broken.iter().all(|violation| violation.may_be_chance);
            if tries == TRIES || !(missed && broken.is_empty() || by_chance) {
                return Ok((known, played, broken));
            }
        }
    }
}

impl Rehearsed {
    fn count(&mut self, case: &Case, played: &Played) {
        self.cases += 1;
        self.slowest = self.slowest.max(played.took.unwrap_or_default());
        if !played.struck {
            self.missed.push(case.to_string());
            return;
        }
        let restarts = |event: &LifecycleEvent| matches!(event, LifecycleEvent::RestartStarted { service, .. } if service == case.place.service());
        let struck = played.history.struck(&case.place).unwrap_or_default();
        self.mended += usize::from(played.history.events().skip(struck).any(restarts));
    }
}
