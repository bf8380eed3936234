//! Rules of permits that are broken deliberately. That each is found: `permit_systems.rs`.

use super::super::announcement::Announcement as Told;
use super::super::io::{Command, Input};
use super::super::names::{Repeat, ServiceIx, Step};

/// A rule that is broken deliberately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PermitFault {
    /// Nobody is permitted to start over.
    ForgetsThePermit,
    /// Whoever runs is.
    PermitsWhoeverRuns,
    /// A permit is granted, withdrawn and granted in one step.
    GrantsTwice,
    /// A permit is never withdrawn.
    KeepsThePermit,
    /// A permit is kept in the shutdown.
    KeepsItInTheShutdown,
    /// A permit is kept when an order comes.
    KeepsItUnderAnOrder,
    /// A permit is kept when a resource is started.
    KeepsItWithAResource,
    /// A permit is kept when what the service depends on goes down.
    KeepsItWithoutItsDependency,
    /// A permit is kept when a reload begins.
    KeepsItInAReload,
    /// A permit is not given back when a reload is over.
    ForgetsItAfterAReload,
    /// A permit is kept when a successor takes over.
    KeepsItWhenThisProcessHasPassed,
    /// A permit is withdrawn when a successor is in charge, which this process may still take back.
    WithdrawsItWhenASuccessorIsReady,
    /// A permit is withdrawn after its service was told something.
    WithdrawsTooLate,
    /// A life that began by a permit counts as no restart.
    CountsNoRestart,
    /// A life that began by a permit is not set up.
    AdoptsWithoutSetUp,
    /// Who has begun anew is started again.
    RestartsWhoHasBegun,
    /// Who has begun anew waits for a delay.
    DelaysWhoHasBegun,
}

impl PermitFault {
    /// Breaks the rule in what the machine just said.
    pub(super) fn apply(self, input: Input, commands: &mut Vec<Command>) {
        let withdraws = |command: &Command| matches!(command, Command::Withdraw(_));
        let permits = |command: &Command| matches!(command, Command::Permit(_));
        let told = |told: fn(&Told) -> bool| {
            commands.iter().any(|command| matches!(command, Command::Announce(what) if told(what)))
        };
        let begun = match input {
            Input::StartedOver(ix, _) if commands.contains(&Command::Adopt(ix)) => Some(ix),
            _ => None,
        };
        match self {
            Self::ForgetsThePermit => commands.retain(|command| !permits(command)),
            Self::PermitsWhoeverRuns => {
                let run = commands.iter().find_map(|command| match *command {
                    Command::Send(ix, Step::Run) => Some(Command::Permit(ix)),
                    _ => None,
                });
                commands.extend(run.filter(|permit| !commands.contains(permit)));
            }
            Self::GrantsTwice => {
                if let Some(&Command::Permit(ix)) = commands.iter().find(|command| permits(command)) {
                    commands.extend([Command::Withdraw(ix), Command::Permit(ix)]);
                }
            }
            Self::KeepsThePermit => commands.retain(|command| !withdraws(command)),
            Self::KeepsItInTheShutdown => {
                if told(|told| matches!(told, Told::ShutdownRequested(_))) {
                    commands.retain(|command| !withdraws(command));
                }
            }
            Self::KeepsItUnderAnOrder => {
                if matches!(input, Input::StopAsked(_) | Input::RestartAsked(_) | Input::RemoveAsked(_)) {
                    commands.retain(|command| !withdraws(command));
                }
            }
            Self::KeepsItWithAResource => {
                if matches!(input, Input::ResourceStarted(_)) {
                    commands.retain(|command| !withdraws(command));
                }
            }
            Self::KeepsItWithoutItsDependency => {
                if input.subject().is_some_and(|(ix, _)| ix == ServiceIx(0)) {
                    commands.retain(|command| *command != Command::Withdraw(ServiceIx(1)));
                }
            }
            Self::KeepsItInAReload => {
                if told(|told| *told == Told::ReloadStarted) {
                    commands.retain(|command| !withdraws(command));
                }
            }
            Self::ForgetsItAfterAReload => {
                if told(|told| matches!(told, Told::ReloadFinished(_))) {
                    commands.retain(|command| !permits(command));
                }
            }
            Self::KeepsItWhenThisProcessHasPassed => {
                if told(|told| matches!(told, Told::HandoverFinished(_))) {
                    commands.retain(|command| !withdraws(command));
                }
            }
            Self::WithdrawsItWhenASuccessorIsReady => {
                if commands.contains(&Command::PassOn) && !commands.iter().any(withdraws) {
                    commands.push(Command::Withdraw(ServiceIx(0)));
                }
            }
            Self::WithdrawsTooLate => commands.sort_by_key(withdraws),
            Self::CountsNoRestart => {
                if begun.is_some() {
                    commands.retain(|c| !matches!(c, Command::Announce(Told::RestartStarted(..))));
                }
            }
            Self::AdoptsWithoutSetUp => {
                if begun.is_some() {
                    commands.retain(|c| !matches!(c, Command::Announce(Told::StepStarted(..))));
                }
            }
            Self::RestartsWhoHasBegun => commands.extend(begun.map(Command::Restart)),
            Self::DelaysWhoHasBegun => {
                commands.extend(begun.map(|ix| Command::StartDelay(ix, Repeat::Restart)));
            }
        }
    }
}
