//! Rules of hand-overs that are broken deliberately. That each is found: `handover_systems.rs`.

use super::super::announcement::Announcement as Told;
use super::super::handover_names::HandoverEnd;
use super::super::io::{Answer, Command, Input};
use super::super::names::{ServiceIx, Step};

/// A rule that is broken deliberately.
#[derive(Debug, Clone, Copy)]
pub(super) enum HandoverFault {
    /// The successor is in charge as soon as it is started.
    PassesOnBeforeReady,
    /// A second successor is started while one is there.
    StartsTwo,
    /// A successor that is late is left alone.
    LetsTheLateGoOn,
    /// A shutdown leaves a successor alone that is not ready.
    LeavesTheSuccessorAlone,
    /// Servers do not accept again when the successor is gone.
    ForgetsToResume,
    /// One server goes on accepting.
    LetsOneAccept,
    /// Time does not run for who gives way.
    ForgetsTheTimeOfGivingWay,
    /// A hand-over that failed is told as one that passed.
    TellsItPassed,
    /// What is to wait for the predecessor does not.
    StartsBesideThePredecessor,
    /// What is to wait for the predecessor is set up when it has registered.
    SetsUpBesideThePredecessor,
    /// What waits for the predecessor registers when others run already.
    RegistersLate,
    /// What has waited for the predecessor does not start.
    ForgetsWhoWaits,
}

impl HandoverFault {
    /// Breaks the rule in what the machine just said.
    pub(super) fn apply(self, input: Input, commands: &mut Vec<Command>) {
        let drop = |commands: &mut Vec<Command>, what: fn(&Command) -> bool| {
            commands.retain(|command| !what(command));
        };
        match self {
            Self::PassesOnBeforeReady => {
                if commands.contains(&Command::StartSuccessor) {
                    commands.push(Command::PassOn);
                }
            }
            Self::StartsTwo => {
                if input == Input::HandoverTimeout && commands.contains(&Command::EndSuccessor) {
                    commands.push(Command::StartSuccessor);
                }
            }
            Self::LetsTheLateGoOn => {
                if input == Input::HandoverTimeout {
                    drop(commands, |command| *command == Command::EndSuccessor);
                }
            }
            Self::LeavesTheSuccessorAlone => {
                if input != Input::HandoverTimeout {
                    drop(commands, |command| *command == Command::EndSuccessor);
                }
            }
            Self::ForgetsToResume => drop(commands, |command| matches!(command, Command::Resume(_))),
            Self::LetsOneAccept => {
                drop(commands, |command| matches!(command, Command::GiveWay(ServiceIx(0))))
            }
            Self::ForgetsTheTimeOfGivingWay => {
                drop(commands, |command| *command == Command::StartGiveWayTimer);
            }
            Self::TellsItPassed => {
                for command in commands {
                    if let Command::Announce(Told::HandoverFinished(end)) = command {
                        *end = HandoverEnd::Passed;
                    }
                }
            }
            Self::StartsBesideThePredecessor => {
                if input == Input::Start {
                    let last = ServiceIx(1);
                    commands.push(Command::Announce(Told::StepStarted(last, Step::Setup)));
                    commands.push(Command::Send(last, Step::Setup));
                }
            }
            Self::SetsUpBesideThePredecessor => {
                if let Input::Answered(last, Step::Register, Answer::Ok) = input {
                    commands.push(Command::Announce(Told::StepStarted(last, Step::Setup)));
                    commands.push(Command::Send(last, Step::Setup));
                }
            }
            Self::RegistersLate => drop(commands, |command| {
                matches!(
                    command,
                    Command::Send(_, Step::Register)
                        | Command::Announce(Told::StepStarted(_, Step::Register))
                )
            }),
            Self::ForgetsWhoWaits => {
                if input == Input::PredecessorGone {
                    commands.clear();
                }
            }
        }
    }
}
