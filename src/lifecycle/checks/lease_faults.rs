//! Rules of leases that are broken deliberately. That each is found: `lease_systems.rs`.

use super::super::io::{Command, Input};
use super::super::names::{ServiceIx, Step};

/// A rule that is broken deliberately.
#[derive(Debug, Clone, Copy)]
pub(super) enum LeaseFault {
    /// What needs no store begins before the stores were asked.
    StartsUnchecked,
    /// A store's refusal is told, and all goes on.
    GoesOnRefused,
    /// When the stores have answered, nothing begins.
    NeverBegins,
    /// A life begins while its lease is only asked for.
    StartsWithoutALease,
    /// The lease is given back as soon as its service is asked to stop.
    ReturnsTooEarly,
    /// Who has lost its lease is not told.
    LetsTheLoserGoOn,
    /// Nothing is cut when the lease is over.
    ForgetsToCut,
    /// A lease is never given back.
    ForgetsToReturn,
    /// What may still run does not keep its lease.
    ForgetsWhoWasLeftBehind,
    /// Who has given its lease away asks for it at once.
    AsksBeforeOthers,
    /// Who has given its lease away never asks for it again.
    StaysOutForEver,
    /// Who is told to step down keeps its lease.
    KeepsItsLease,
    /// Nobody is told that the lease was given away.
    TellsNobody,
}

impl LeaseFault {
    /// Breaks the rule in what the machine just said.
    pub(super) fn apply(self, input: Input, commands: &mut Vec<Command>) {
        match self {
            Self::StartsUnchecked => {
                let is_due = commands.iter().any(|command| matches!(command, Command::CheckLease(_)));
                commands.retain(|command| !matches!(command, Command::CheckLease(_)));
                if is_due {
                    set_up(ServiceIx(0), commands);
                }
            }
            Self::GoesOnRefused => {
                if matches!(input, Input::LeaseRefused(_)) {
                    commands.truncate(1);
                }
            }
            Self::NeverBegins => {
                if matches!(input, Input::LeaseChecked(_)) {
                    commands.clear();
                }
            }
            Self::StartsWithoutALease => {
                let sought = commands.iter().find_map(|command| match *command {
                    Command::SeekLease(ix) => Some(ix),
                    _ => None,
                });
                if let Some(ix) = sought {
                    set_up(ix, commands);
                }
            }
            Self::ReturnsTooEarly => {
                if let Input::LeaseLost(ix) = input
                    && !commands.is_empty()
                {
                    commands.push(Command::ReturnLease(ix));
                }
            }
            Self::LetsTheLoserGoOn => {
                if matches!(input, Input::LeaseLost(_)) {
                    commands.retain(|command| matches!(command, Command::Announce(_)));
                }
            }
            Self::ForgetsToCut => {
                if matches!(input, Input::LeaseExpired(_)) {
                    let cuts = |command: &Command| {
                        matches!(command, Command::Suspend(_) | Command::Force(_) | Command::ForceResource(_))
                    };
                    commands.retain(|command| !cuts(command));
                }
            }
            Self::ForgetsToReturn => commands.retain(|command| !matches!(command, Command::ReturnLease(_))),
            Self::ForgetsWhoWasLeftBehind => {
                for command in commands {
                    if let Command::LeaveLease(ix) = *command {
                        *command = Command::ReturnLease(ix);
                    }
                }
            }
            Self::AsksBeforeOthers => {
                for command in commands {
                    if let Command::StartStayOut(ix) = *command {
                        *command = Command::SeekLease(ix);
                    }
                }
            }
            Self::StaysOutForEver => {
                if matches!(input, Input::StayOutOver(_)) {
                    commands.clear();
                }
            }
            Self::KeepsItsLease => {
                if matches!(input, Input::StepDownAsked(_)) {
                    commands.retain(|command| matches!(command, Command::Announce(_)));
                }
            }
            Self::TellsNobody => {
                use super::super::announcement::Announcement::StepDownFinished;
                commands.retain(|command| !matches!(command, Command::Announce(StepDownFinished(..))));
            }
        }
    }
}

fn set_up(ix: ServiceIx, commands: &mut Vec<Command>) {
    use super::super::announcement::Announcement::StepStarted;
    commands.push(Command::Announce(StepStarted(ix, Step::Setup)));
    commands.push(Command::Send(ix, Step::Setup));
}
