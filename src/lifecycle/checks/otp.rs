//! Behaviour side by side with OTP's `supervisor`, as tables.
//!
//! ```text
//!   OTP                                   here
//!   permanent, transient, temporary       Always, OnFailure, Never
//!   normal, abnormal end                  Run returns Ok, Run returns an error
//!   intensity                             most_restarts, within a period
//!   one_for_one                           services that do not depend on each other
//!   rest_for_one                          each service depends on the one before it
//! ```
//!
//! Where the two differ: OTP forgets a temporary child that crashes, here a service that is `Never` restarted fails the
//! manager, as the package that this one answers to does. A supervisor outlives its last child, a manager whose main loops have
//! all returned is done.

use std::collections::VecDeque;

use super::super::announcement::Announcement as Told;
use super::super::io::{Answer, Command, Departure, Input};
use super::super::machine::Machine;
use super::super::names::{Cause, Kind, Outcome, Repeat, RestartCause, ServiceIx, Step};
use super::super::spec::{RestartMode, Spec};
use super::restarts::{depending, restarting};

/// A machine whose services do as they are told, at once.
struct Play {
    machine: Machine,
    told: Vec<Told>,
}

impl Play {
    /// All services run.
    fn begin(specs: Vec<Spec>) -> Self {
        let mut play = Self { machine: Machine::new(specs, false), told: Vec::new() };
        play.input(Input::Start);
        play.told.clear();
        play
    }

    fn input(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for command in self.machine.step(input) {
                if let Command::Send(ix, Step::Shutdown) = command {
                    inputs.push_back(Input::Answered(ix, Step::Run, Answer::Ok));
                }
                let answer = match command {
                    Command::Announce(told) => {
                        self.told.push(told);
                        continue;
                    }
                    Command::Send(_, Step::Run) => continue,
                    Command::Send(ix, step) => Input::Answered(ix, step, Answer::Ok),
                    Command::Suspend(ix) => Input::Suspended(ix, Departure::Dismissed),
                    Command::Retire(ix) => Input::Gone(ix, Departure::Dismissed),
                    Command::CloseResources(ix) => Input::ResourcesClosed(ix),
                    Command::StartDelay(ix, _) => Input::DelayOver(ix),
                    Command::Release(resource) => Input::Released(resource, Answer::Ok),
                    _ => continue,
                };
                inputs.push_back(answer);
            }
        }
    }

    fn run_ends(&mut self, ix: u32, answer: Answer) {
        self.input(Input::Answered(ServiceIx(ix), Step::Run, answer));
    }

    /// Who was set up again, in this order.
    fn restarted(&self) -> Vec<u32> {
        let set_up = |told: &Told| match told {
            Told::StepStarted(ix, Step::Setup) => Some(ix.0),
            _ => None,
        };
        self.told.iter().filter_map(set_up).collect()
    }

    /// Who was asked to stop, in this order.
    fn asked(&self) -> Vec<u32> {
        let asked = |told: &Told| match told {
            Told::StepStarted(ix, Step::Shutdown) => Some(ix.0),
            _ => None,
        };
        self.told.iter().filter_map(asked).collect()
    }

    fn shutdown(&self) -> Option<&Cause<ServiceIx>> {
        self.told.iter().find_map(|told| match told {
            Told::ShutdownRequested(cause) => Some(cause),
            _ => None,
        })
    }
}

/// What becomes of a service that ends.
#[derive(Debug, PartialEq)]
enum ExitMode {
    Restarted,
    /// It stays down, and nobody else is disturbed.
    EndsAlone,
    Escalates,
}

fn fate(mode: RestartMode, end: Answer, most_restarts: u32) -> ExitMode {
    let spec = Spec { mode, most_restarts: Some(most_restarts), ..restarting(Kind::Generic, 0) };
    let mut play = Play::begin(vec![spec, Spec::plain(Kind::Generic)]);
    play.run_ends(0, end);
    match (play.shutdown(), play.restarted().as_slice()) {
        (Some(Cause::RunFailed(ServiceIx(0))), []) => ExitMode::Escalates,
        (None, [0]) => ExitMode::Restarted,
        (None, []) => ExitMode::EndsAlone,
        other => panic!("{other:?}"),
    }
}

#[test]
fn permanent_transient_and_temporary_by_normal_and_abnormal_end_within_and_over_intensity() {
    use Answer::{Error, Ok};
    use ExitMode::*;
    use RestartMode::*;
    #[rustfmt::skip]
    let table = [
        // mode       end    within     over
        (Always,    Ok,    Restarted, Escalates),
        (Always,    Error, Restarted, Escalates),
        (OnFailure, Ok,    EndsAlone, EndsAlone),
        (OnFailure, Error, Restarted, Escalates),
        (Never,     Ok,    EndsAlone, EndsAlone),
        (Never,     Error, Escalates, Escalates),
    ];
    for (mode, end, within, over) in table {
        assert_eq!(fate(mode, end, 1), within, "{mode:?}, {end:?}, within");
        assert_eq!(fate(mode, end, 0), over, "{mode:?}, {end:?}, over");
    }
}

#[test]
fn one_restart_more_than_the_intensity_within_the_period_is_one_too_many() {
    let mut play = Play::begin(vec![restarting(Kind::Generic, 2), Spec::plain(Kind::Generic)]);
    play.run_ends(0, Answer::Error);
    play.run_ends(0, Answer::Error);
    assert_eq!(play.restarted(), [0, 0]);
    // One of them leaves the period.
    play.input(Input::Forgotten(ServiceIx(0), Repeat::Restart, 1));
    play.run_ends(0, Answer::Error);
    assert_eq!((play.restarted().len(), play.shutdown()), (3, None));
    play.run_ends(0, Answer::Error);
    assert_eq!(play.shutdown(), Some(&Cause::RunFailed(ServiceIx(0))));
}

#[test]
fn one_for_one_restarts_nobody_else() {
    let mut play = Play::begin((0..3).map(|_| restarting(Kind::Generic, 1)).collect());
    play.run_ends(1, Answer::Panic);
    assert_eq!((play.restarted(), play.asked(), play.shutdown()), (vec![1], vec![], None));
}

#[test]
fn rest_for_one_stops_those_after_it_in_reverse_and_restarts_them_in_order() {
    let chain = (0..4).map(|at| {
        let on: Vec<u32> = (0..at).rev().take(1).collect();
        depending(restarting(Kind::Generic, 1), &on, false)
    });
    let mut play = Play::begin(chain.collect());
    play.run_ends(1, Answer::Error);
    assert_eq!((play.asked(), play.restarted(), play.shutdown()), (vec![3, 2], vec![1, 2, 3], None));
    let because = |told: &Told| match told {
        Told::RestartStarted(ix, because) => Some((ix.0, because.clone())),
        _ => None,
    };
    let because: Vec<_> = play.told.iter().filter_map(because).collect();
    let on = |ix| RestartCause::Dependency(ServiceIx(ix));
    assert_eq!(because, [(1, RestartCause::Failed { restart: 1 }), (2, on(1)), (3, on(2))]);
    let finished = |told: &&Told| matches!(told, Told::RestartFinished(_, Outcome::Ok));
    assert_eq!(play.told.iter().filter(finished).count(), 3);
}

#[test]
fn one_for_all_is_a_common_dependency_of_all() {
    // Whoever is to go down with all others depends on what all of them depend on.
    let mut specs = vec![restarting(Kind::Generic, 1)];
    specs.extend((0..3).map(|_| depending(restarting(Kind::Generic, 0), &[0], false)));
    let mut play = Play::begin(specs);
    play.run_ends(0, Answer::Error);
    assert_eq!((play.asked(), play.restarted()), (vec![1, 2, 3], vec![0, 1, 2, 3]));
}
