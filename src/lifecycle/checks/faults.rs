//! The checks can fail: each rule broken here, in the commands of an otherwise sound machine, is found.

use super::super::io::{Announcement as Told, Answer, Command, Input, Remedy};
use super::super::names::Kind::{self, Both, Generic, Listener, Server};
use super::super::names::{ResourceIx, RestartCause, ServiceIx, Step};
use super::super::spec::Spec;
use super::model::System;
use super::restarts::{following, restarting, small};
use super::retries::retrying;
use super::sizes::system;
use super::watched::Hold;
use super::world::World;

/// A rule that is broken deliberately.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// `Run` is sent as soon as the service itself is set up.
    RunsBeforeTheLastSetup,
    /// Main loops are sent nothing once every set-up has succeeded.
    ForgetsToRun,
    /// `Shutdown` is sent twice.
    AsksTwice,
    /// `Shutdown` comes before the drain delay has passed.
    SkipsTheDrainDelay,
    /// Draining is never over.
    ForgetsDrained,
    /// `Release` is sent when shutdown begins.
    ReleasesBeforeRunEnded,
    /// The first started is released first.
    ReleasesInOrderOfStart,
    /// Resources are never closed.
    ForgetsToClose,
    /// The acknowledgement of a release gets lost.
    LosesAcknowledgements,
    /// A failed step is told as if it were none.
    LosesFailures,
    /// The end of an actor ends its open steps twice.
    CountsTwice,
    /// Nobody is forced, however late it is.
    ForcesNobody,
    /// Resources are forced when they should be asked.
    ForcesAtOnce,
    /// The end is told before the resources are released.
    EndsEarly,
    /// The end is told twice.
    EndsTwice,
    /// A service is set up before those that it depends on are.
    StartsTooEarly,
    /// Those that depend on a service that goes down stay.
    ForgetsDependents,
    /// The budget of restarts is not kept: what should end the manager restarts a service.
    ForgetsTheBudget,
    /// A failure that a restart sees to is told as if it were the manager's.
    BlamesTheManager,
    /// Resources are closed, and so released, before an actor is at rest.
    ClosesTooEarly,
    /// A service is started again without a new set-up.
    SkipsTheSetUp,
    /// The signal of a service comes before its limit is known.
    SignalsBeforeTheLimit,
    /// A failure that another set-up sees to is told as if it were a restart's.
    TellsNoRetry,
    /// In the shutdown all are asked at once, whoever depends on them.
    AsksAllAtOnce,
    /// A restart is never told to be over.
    ForgetsTheRestart,
    /// Who is being set up is not told of the shutdown.
    LetsSetUpsWait,
    /// A set-up that ends because it was told to is a failure of the manager's.
    BlamesTheCancelled,
    /// It is told that all run before every server accepts connections.
    TellsRunningEarly,
    /// A set-up that is to be tried again is not.
    ForgetsTheRetry,
    /// The budget of set-ups is not kept.
    ForgetsTheBudgetOfSetUps,
    /// A set-up is tried again without the delay before it.
    ForgetsTheDelay,
}

impl Fault {
    /// Breaks the rule in what the machine just said.
    pub(super) fn apply(self, before: &World, input: Input, commands: &mut Vec<Command>) {
        let told = |commands: &[Command], told: Told| commands.contains(&Command::Announce(told));
        match self {
            Fault::RunsBeforeTheLastSetup => {
                if let Input::Answered(ix, Step::Setup, Answer::Ok) = input
                    && !commands.iter().any(|command| matches!(command, Command::Send(_, Step::Run)))
                {
                    commands.extend(sent(ix, Step::Run));
                }
            }
            Fault::ForgetsToRun => commands.retain(|command| {
                !matches!(
                    command,
                    Command::Send(_, Step::Run) | Command::Announce(Told::StepStarted(_, Step::Run))
                )
            }),
            Fault::AsksTwice => {
                if let Some(&Command::Send(ix, step)) =
                    commands.iter().find(|command| matches!(command, Command::Send(_, Step::Shutdown)))
                {
                    commands.extend(sent(ix, step));
                }
            }
            Fault::SkipsTheDrainDelay => {
                if commands.contains(&Command::StartDrainDelay) {
                    commands.push(Command::SignalRequested(ServiceIx(0)));
                }
            }
            Fault::TellsRunningEarly => {
                let runs = |command: &Command| matches!(command, Command::Send(_, Step::Run));
                if commands.iter().any(runs) && !told(commands, Told::Running) {
                    commands.push(Command::Announce(Told::Running));
                }
            }
            Fault::ForgetsDrained => commands.retain(|command| *command != Command::Announce(Told::Drained)),
            Fault::ReleasesBeforeRunEnded => {
                if commands.iter().any(|command| matches!(command, Command::StartDeadlines { .. }))
                    && before.services[0].holds().first() == Some(&Hold::Alive)
                {
                    let resource = ResourceIx { service: ServiceIx(0), index: 0 };
                    commands.push(Command::Announce(Told::Releasing));
                    commands.push(Command::Announce(Told::ReleaseStarted(resource)));
                    commands.push(Command::Release(resource));
                }
            }
            Fault::ReleasesInOrderOfStart => {
                for command in commands {
                    if let Command::Release(resource) | Command::Announce(Told::ReleaseStarted(resource)) =
                        command
                    {
                        let last = before.get(resource.service).holds().len() as u32 - 1;
                        resource.index = last - resource.index;
                    }
                }
            }
            Fault::ForgetsToClose => {
                commands.retain(|command| !matches!(command, Command::CloseResources(_)))
            }
            Fault::LosesAcknowledgements => {
                commands.retain(|command| !matches!(command, Command::Announce(Told::ReleaseFinished { .. })))
            }
            Fault::LosesFailures => {
                for command in commands {
                    if let Command::Announce(Told::StepFinished { error, .. }) = command {
                        *error = None;
                    }
                }
            }
            Fault::CountsTwice => {
                let finished =
                    |command: &&Command| matches!(command, Command::Announce(Told::StepFinished { .. }));
                if let (Input::Gone(..), Some(again)) = (input, commands.iter().find(finished).cloned()) {
                    commands.push(again);
                }
            }
            Fault::ForcesNobody => {
                commands.retain(|command| !matches!(command, Command::Force(_) | Command::ForceResource(_)))
            }
            Fault::ForcesAtOnce => {
                for command in commands {
                    if let Command::Release(resource) = *command {
                        *command = Command::ForceResource(resource);
                    }
                }
            }
            Fault::EndsEarly => {
                if told(commands, Told::Releasing) && !told(commands, Told::Stopped) {
                    commands.push(Command::Announce(Told::Stopped));
                }
            }
            Fault::StartsTooEarly => {
                if input == Input::Start {
                    commands.extend(sent(ServiceIx(1), Step::Setup));
                }
            }
            Fault::ForgetsDependents => commands.retain(|command| {
                !matches!(command, Command::Announce(Told::RestartStarted(_, RestartCause::Dependency(_))))
            }),
            Fault::ForgetsTheBudget => {
                for command in commands {
                    if let Command::Announce(Told::RestartStarted(_, RestartCause::Failed { restart })) =
                        command
                    {
                        *restart += 1;
                    }
                }
            }
            Fault::BlamesTheManager => {
                for command in commands {
                    if let Command::Announce(Told::StepFinished { error: Some(error), .. }) = command {
                        error.remedy = Remedy::None;
                    }
                }
            }
            Fault::ClosesTooEarly => {
                if let Some(&Command::Suspend(ix)) =
                    commands.iter().find(|command| matches!(command, Command::Suspend(_)))
                {
                    commands.push(Command::CloseResources(ix));
                }
            }
            Fault::SkipsTheSetUp => {
                if commands.iter().any(|command| matches!(command, Command::Restart(_))) {
                    commands.retain(|command| {
                        !matches!(command, Command::Send(..) | Command::Announce(Told::StepStarted(..)))
                    });
                }
            }
            Fault::AsksAllAtOnce => {
                if commands.contains(&Command::SignalRequested(ServiceIx(1))) {
                    commands.push(Command::SignalRequested(ServiceIx(0)));
                }
            }
            Fault::SignalsBeforeTheLimit => {
                commands.sort_by_key(|command| matches!(command, Command::StartStopTimer(..)));
            }
            Fault::TellsNoRetry => {
                for command in commands {
                    if let Command::Announce(Told::StepFinished { error: Some(error), .. }) = command {
                        error.remedy = Remedy::when(error.is_mended());
                    }
                }
            }
            Fault::ForgetsTheRestart => {
                commands.retain(|command| !matches!(command, Command::Announce(Told::RestartFinished(..))));
            }
            Fault::LetsSetUpsWait => commands.retain(|command| {
                let waits = |ix: ServiceIx| before.get(ix).is_being_set_up();
                !matches!(command, Command::SignalRequested(ix) if waits(*ix))
            }),
            Fault::BlamesTheCancelled => {
                for command in commands {
                    if let Command::Announce(Told::StepFinished { error: Some(error), cancelled, .. }) =
                        command
                        && std::mem::take(cancelled)
                    {
                        error.remedy = Remedy::None;
                    }
                }
            }
            Fault::ForgetsTheRetry => {
                commands.retain(|command| !matches!(command, Command::Announce(Told::SetupRetried(..))));
            }
            Fault::ForgetsTheBudgetOfSetUps => {
                for command in commands {
                    if let Command::Announce(Told::SetupRetried(_, retry)) = command {
                        *retry += 1;
                    }
                }
            }
            Fault::ForgetsTheDelay => commands.retain(|command| !matches!(command, Command::StartDelay(..))),
            Fault::EndsTwice => {
                if told(commands, Told::Stopped) {
                    commands.push(Command::Announce(Told::Stopped));
                }
            }
        }
    }
}

fn sent(ix: ServiceIx, step: Step) -> [Command; 2] {
    [Command::Announce(Told::StepStarted(ix, step)), Command::Send(ix, step)]
}

/// Asserts that the fault is found, and as what: the beginning of a property's name.
fn found(fault: Fault, kinds: &[Kind], as_: &str) {
    found_in(system(kinds, 2), fault, as_);
}

fn found_in(mut broken: System, fault: Fault, as_: &str) {
    broken.fault = Some(fault);
    let found = broken.broken();
    assert!(found.iter().any(|property| property.starts_with(as_)), "{fault:?} was found as {found:?}");
}

#[test]
fn g02_a_run_before_the_last_setup_is_found() {
    found(Fault::RunsBeforeTheLastSetup, &[Generic, Both], "G2");
}

#[test]
fn g04_a_manager_that_forgets_to_run_is_found() {
    found(Fault::ForgetsToRun, &[Server, Generic], "G4");
}

#[test]
fn g13_running_before_every_server_accepts_is_found() {
    for kinds in [[Server, Generic], [Listener, Generic]] {
        found(Fault::TellsRunningEarly, &kinds, "G13");
    }
}

#[test]
fn g05_a_second_shutdown_message_is_found() {
    found(Fault::AsksTwice, &[Generic], "G2");
}

#[test]
fn g05_a_skipped_drain_delay_is_found() {
    found(Fault::SkipsTheDrainDelay, &[Generic], "G5");
}

#[test]
fn g05_a_drain_that_is_never_over_is_found() {
    found(Fault::ForgetsDrained, &[Server, Generic], "G5");
}

#[test]
fn g06_a_release_before_run_ended_is_found() {
    found(Fault::ReleasesBeforeRunEnded, &[Generic, Generic], "G6");
}

#[test]
fn g06_a_release_in_order_of_start_is_found() {
    found(Fault::ReleasesInOrderOfStart, &[Generic], "G6");
}

#[test]
fn g07_a_lost_acknowledgement_is_found() {
    found(Fault::LosesAcknowledgements, &[Generic], "G7");
}

#[test]
fn g07_a_lost_failure_is_found() {
    found(Fault::LosesFailures, &[Generic], "G7");
}

#[test]
fn g07_a_step_that_is_counted_twice_is_found() {
    found(Fault::CountsTwice, &[Generic], "G7");
}

#[test]
fn g08_a_deadline_that_forces_nobody_is_found() {
    found(Fault::ForcesNobody, &[Generic], "G8");
}

#[test]
fn g08_a_force_before_its_time_is_found() {
    found(Fault::ForcesAtOnce, &[Generic], "G8");
}

#[test]
fn g13_a_way_down_that_gets_stuck_is_found() {
    let mut stuck = system(&[Generic], 1);
    stuck.fault = Some(Fault::ForgetsToClose);
    stuck.bounds.deadline = false;
    let found = stuck.broken();
    assert!(found.contains(&"G13 without a deadline, the end comes when everybody answers"), "{found:?}");
}

#[test]
fn g07_an_end_before_everything_is_released_or_a_second_one_is_found() {
    found(Fault::EndsEarly, &[Generic], "G7");
    found(Fault::EndsTwice, &[Generic], "G13");
}

/// The same for a chain of two, the first of which is restarted.
fn found_in_a_chain(fault: Fault, as_: &str) {
    found_in(small(vec![restarting(Generic, 1), following(Generic, &[0])], 1), fault, as_);
}

#[test]
fn broken_restarts_and_dependencies_are_found() {
    found_in_a_chain(Fault::StartsTooEarly, "G2");
    found_in_a_chain(Fault::ForgetsDependents, "G");
    found_in_a_chain(Fault::ForgetsTheBudget, "G4");
    found_in_a_chain(Fault::BlamesTheManager, "G7");
    found_in_a_chain(Fault::ClosesTooEarly, "G6");
    found_in_a_chain(Fault::SkipsTheSetUp, "G");
    found_in_a_chain(Fault::AsksAllAtOnce, "G5");
    found_in_a_chain(Fault::SignalsBeforeTheLimit, "G8");
    found_in_a_chain(Fault::ForgetsTheRestart, "G");
}

/// The same for one whose set-up is tried again.
fn found_in_a_late_start(fault: Fault, as_: &str) {
    found_in(small(vec![retrying(Spec::plain(Generic), 1), Spec::plain(Generic)], 1), fault, as_);
}

#[test]
fn g21_a_retry_that_is_forgotten_beyond_its_budget_blamed_or_too_early_is_found() {
    found_in_a_late_start(Fault::ForgetsTheRetry, "G");
    found_in_a_late_start(Fault::ForgetsTheBudgetOfSetUps, "G21");
    found_in_a_late_start(Fault::ForgetsTheDelay, "G4");
    found_in_a_late_start(Fault::TellsNoRetry, "G7");
    found_in_a_late_start(Fault::BlamesTheManager, "G7");
    found_in_a_late_start(Fault::ClosesTooEarly, "G6");
    found_in_a_late_start(Fault::SkipsTheSetUp, "G");
    found_in_a_late_start(Fault::RunsBeforeTheLastSetup, "G2");
}

#[test]
fn g21_a_set_up_that_is_not_told_of_the_shutdown_or_blamed_for_it_is_found() {
    found(Fault::LetsSetUpsWait, &[Generic, Both], "G21");
    found(Fault::BlamesTheCancelled, &[Generic], "G21");
}
