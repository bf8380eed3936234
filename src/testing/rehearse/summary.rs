//! What a rehearsal came to.

use std::fmt::{self, Write};
use std::time::Duration;

use super::checks::Violation;
use super::run::Run;
use crate::base::seconds;
use crate::report::ConfigError;

/// A rehearsal in which every run kept what a manager promises.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rehearsed {
    /// How many things went wrong, each in a run of its own.
    pub cases: usize,
    /// How many of them in [paused time](crate::testing::paused()), the others in real time.
    pub in_paused_time: usize,
    /// Where the manager could be tried in paused time, with nothing going wrong, and did not work there: what it did not keep.
    pub not_paused: Option<String>,
    /// How many of them a restart saw to.
    pub mended: usize,
    /// Those whose moment never came, though it came in the run in which nothing went wrong. They show nothing.
    pub missed: Vec<String>,
    /// How many runs were played again, three times at most: they may have failed since the machine was busy with something else,
    /// or their moment did not come.
    pub again: usize,
    /// The longest that any shutdown took in real time, from its begin to the answer.
    pub slowest: Duration,
    /// How long the rehearsal took.
    pub took: Duration,
    /// What it can be repeated by.
    pub seed: u64,
}

impl fmt::Display for Rehearsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cases, in_paused_time, mended, seed, .. } = self;
        write!(f, "rehearsed {cases} cases in {} (seed {seed}), ", seconds(self.took))?;
        write!(
            f,
            "{in_paused_time} in paused time; in real time the slowest end took {}",
            seconds(self.slowest)
        )?;
        if *mended > 0 {
            write!(f, "; {mended} were mended by a restart")?;
        }
        if self.again > 0 {
            write!(f, "; {} runs were played again, since this machine may have been busy", self.again)?;
        }
        if let Some(why) = &self.not_paused {
            write!(f, "\n  say `real_time()`: undisturbed, in paused time, {why}")?;
        }
        for missed in &self.missed {
            write!(f, "\n  missed, its moment never came: {missed}")?;
        }
        Ok(())
    }
}

/// A rehearsal in which a run did not keep what a manager promises, or that could not begin.
#[derive(Debug, Clone)]
pub struct RehearsalError {
    pub(super) summary: String,
    pub(super) failed: Vec<String>,
}

impl RehearsalError {
    /// It could not begin.
    pub(super) fn not_begun(why: impl Into<String>) -> Self {
        Self { summary: why.into(), failed: Vec::new() }
    }

    pub(super) fn refused(error: &ConfigError) -> Self {
        Self::not_begun(format!("the manager cannot be rehearsed: {error}"))
    }

    /// The cases that failed, each with what was expected, what happened, the latest events, and the line that plays it
    /// again.
    pub fn failed(&self) -> &[String] {
        &self.failed
    }
}

impl fmt::Display for RehearsalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)?;
        self.failed.iter().try_for_each(|failed| write!(f, "\n\n{failed}"))
    }
}

impl std::error::Error for RehearsalError {}

/// How a failed run is reported. `replay`: the line that plays it again.
pub(super) fn failed(run: &Run, violations: &[Violation], replay: Option<&str>) -> String {
    let history = &run.played.history;
    let mut text = run.case.as_ref().map_or_else(|| "nothing at all".to_owned(), ToString::to_string);
    for violation in violations {
        let _ = write!(text, "\n  {}", violation.to_string().replace('\n', "\n    "));
    }
    if violations.iter().any(|violation| violation.to_string().contains("in use")) {
        text.push_str(
            "\n  the address is in use: each run binds it anew, so nobody else may have it. Have the rehearsed manager \
             listen at port 0, or in memory",
        );
    }
    let _ =
        write!(text, "\n  latest events:\n    {}", history.to_string().trim_end().replace('\n', "\n    "));
    if let Some(replay) = replay {
        let _ = write!(text, "\n  to play it again: {replay}");
    }
    text
}
