//! Rules that are broken deliberately, in the commands of an otherwise sound machine. That each is found: `found.rs`.

use super::super::announcement::{Announcement as Told, Remedy};
use super::super::io::{Answer, Command, Input};
use super::super::names::{ResourceIx, RestartCause, ServiceIx, Step};
use super::super::reload_names::ReloadStep;
use super::handover_faults::HandoverFault;
use super::lease_faults::LeaseFault;
use super::permit_faults::PermitFault;
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
    /// The first that has prepared commits.
    CommitsBeforeAllHavePrepared,
    /// All commit when the first does.
    CommitsAllAtOnce,
    /// Who refuses is not named.
    ForgetsARefusal,
    /// One is not asked to prepare.
    LeavesOneOutOfTheReload,
    /// The end of a reload is not told.
    ForgetsTheEndOfAReload,
    /// One of a hand-over.
    Handover(HandoverFault),
    /// One of a permit.
    Permit(PermitFault),
    /// One of leases.
    Lease(LeaseFault),
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
            Fault::CommitsBeforeAllHavePrepared => {
                if let Input::ReloadAnswered(ix, ReloadStep::Prepare, Answer::Ok) = input
                    && commands.is_empty()
                {
                    commands.push(Command::Reload(ix, ReloadStep::Commit));
                }
            }
            Fault::CommitsAllAtOnce => {
                let second = Command::Reload(ServiceIx(1), ReloadStep::Commit);
                if commands.contains(&Command::Reload(ServiceIx(0), ReloadStep::Commit)) {
                    commands.push(second);
                }
            }
            Fault::ForgetsARefusal => {
                commands.retain(|command| !matches!(command, Command::Announce(Told::ReloadFailed { .. })));
            }
            Fault::LeavesOneOutOfTheReload => {
                let second = |command: &Command| {
                    let asked = matches!(command, Command::Reload(ix, ReloadStep::Prepare) if ix.0 == 1);
                    asked || matches!(command, Command::StartReloadTimer(ix) if ix.0 == 1)
                };
                commands.retain(|command| !second(command));
            }
            Fault::ForgetsTheEndOfAReload => {
                commands.retain(|command| !matches!(command, Command::Announce(Told::ReloadFinished(_))));
            }
            Fault::Handover(fault) => fault.apply(input, commands),
            Fault::Permit(fault) => fault.apply(input, commands),
            Fault::Lease(fault) => fault.apply(input, commands),
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
