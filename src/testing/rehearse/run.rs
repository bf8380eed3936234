//! One run of a manager, in a system of its own, with at most one thing that goes wrong.
//!
//! It is asked to stop a while after all run, or after the fault has struck, whichever is first; unless it ends by itself.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use actix::{Addr, MailboxError, Message};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::cases::{Case, Known};
use super::history::History;
use crate::events::{self, EventSender, LifecycleEvent};
use crate::grpc::GrpcAddress;
use crate::manager::test_support::fault::{Fault, Rehearsal};
use crate::manager::{GetStatus, Manager, StartShutdown, WaitForShutdown, WaitUntilRunning};
use crate::report::{ConfigError, ManagerError, ShutdownReport};
use crate::testing::{paused, start_paused};

/// How a question to a manager was answered; `None`: not at all.
pub(super) type Answered = Option<Result<(), ManagerError>>;

/// How runs are played.
#[derive(Debug, Clone, Copy)]
pub(super) struct StopMode {
    pub(super) clock: Clock,
    /// What the times of a case come from.
    pub(super) seed: u64,
    /// From the request to its end, at most.
    pub(super) within: Option<Duration>,
    /// For how long it runs before it is asked.
    pub(super) runs_for: Option<Duration>,
}

/// The clock of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// That jumps to the next timer when nobody has anything to do.
    Paused,
    Real,
}

/// What a run came to.
pub(super) struct Run {
    pub(super) known: Known,
    /// What went wrong, with its times.
    pub(super) case: Option<Case>,
    pub(super) played: Played,
}

impl StopMode {
    /// The longest shutdown of a manager that allows itself so long.
    fn whole(&self, own: Option<Duration>) -> Duration {
        let most = match (self.clock, self.within, own) {
            (_, Some(within), _) => within,
            (Clock::Real, None, _) => Duration::from_secs(1),
            (Clock::Paused, None, own) => own.unwrap_or(Duration::from_secs(30)),
        };
        own.map_or(most, |own| own.min(most))
    }

    fn runs_for(&self) -> Duration {
        self.runs_for.unwrap_or(match self.clock {
            Clock::Real => Duration::from_millis(20),
            Clock::Paused => Duration::from_secs(1),
        })
    }

    /// Nothing that works takes so long.
    fn hang(&self) -> Duration {
        match self.clock {
            Clock::Real => Duration::from_secs(30),
            Clock::Paused => Duration::from_secs(60 * 60),
        }
    }
}

/// One run, seen from outside.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) history: History,
    /// Whether what was to go wrong did.
    pub(super) struck: bool,
    /// `WaitForShutdown`, asked at the start.
    pub(super) ended: Answered,
    /// The same, asked after the end.
    pub(super) ended_again: Answered,
    /// `WaitUntilRunning`, asked at the start.
    pub(super) ran: Answered,
    /// The same, asked after the end.
    pub(super) ran_again: Answered,
    pub(super) report: Option<ShutdownReport>,
    /// From the shutdown's begin to the answer of `WaitForShutdown`.
    pub(super) took: Option<Duration>,
    /// Where it served, and still could be reached after its end.
    pub(super) open_addresses: Vec<String>,
}

/// Makes a manager, and runs it to its end, with what is to go wrong.
pub(super) fn play<F: FnMut() -> Manager + Send>(
    factory: &mut F,
    case: Option<&Case>,
    manner: StopMode,
) -> Result<Run, ConfigError> {
    let run = move || async move {
        let manager = factory();
        let plan = manager.plan()?;
        let known = Known::new(&plan, manner.whole(plan.deadline), manager.heeds_signals());
        let case = case.map(|case| case.timed(known.whole, manner.seed));
        let played = run(manager, case.as_ref(), known.whole, manner).await;
        Ok(Run { known, case, played })
    };
    let run = move || match manner.clock {
        Clock::Paused => paused(run),
        Clock::Real => actix_rt::System::new().block_on(run()),
    };
    // A thread of its own: the caller's may have a system already.
    let run = thread::scope(|scope| scope.spawn(run).join());
    run.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

async fn run(manager: Manager, case: Option<&Case>, whole: Duration, manner: StopMode) -> Played {
    let (hang, struck) = (manner.hang(), CancellationToken::new());
    let fault = case.map(|case| Fault { point: case.point.clone(), kind: case.kind, struck: struck.clone() });
    let (observer, mut stream) = events::channel();
    let (asked, clock) = clock();
    let rehearsal = Rehearsal { within: Some(whole), fault };
    let manager = manager.rehearsed(rehearsal, vec![observer, clock]);
    let manager = match manner.clock {
        // Nobody calls in a rehearsal, unless by a socket that is not there in paused time.
        Clock::Paused => start_paused(manager.without_sockets()),
        Clock::Real => manager.start(),
    };

    let mut ran = actix_rt::spawn(manager.send(WaitUntilRunning));
    let mut ended = actix_rt::spawn(manager.send(WaitForShutdown));
    let mut played = Played::default();
    let came_up = tokio::select! {
        answer = &mut ran => {
            played.ran = answer.ok().map(answered);
            true
        }
        () = struck.cancelled() => false,
        () = tokio::time::sleep(hang) => false,
    };
    let by_itself = timeout(manner.runs_for(), &mut ended).await.ok();
    let end = match by_itself {
        Some(end) => Some(end),
        None => {
            manager.do_send(StartShutdown);
            timeout(whole + hang, ended).await.ok()
        }
    };
    played.ended = end.and_then(Result::ok).map(answered);
    let now = Instant::now();
    played.took = asked.get().map(|&asked| now - asked);
    if !came_up {
        played.ran = timeout(hang, ran).await.ok().and_then(Result::ok).map(answered);
    }
    if played.ended.is_some() {
        while let Ok(Some(event)) = timeout(hang, stream.recv()).await {
            played.history.0.push(event);
        }
    }
    while let Some(event) = stream.try_recv() {
        played.history.0.push(event);
    }
    played.ended_again = ask(&manager, WaitForShutdown, hang).await;
    played.ran_again = ask(&manager, WaitUntilRunning, hang).await;
    let status = timeout(hang, manager.send(GetStatus)).await;
    played.report = status.ok().and_then(Result::ok).and_then(|status| status.report);
    played.struck = struck.is_cancelled();
    played.open_addresses = open_addresses(&played.history);
    played
}

/// Tells when the shutdown began.
fn clock() -> (Arc<OnceLock<Instant>>, EventSender) {
    let asked = Arc::<OnceLock<Instant>>::default();
    let set = Arc::clone(&asked);
    let clock = EventSender::calling(move |event| {
        if matches!(event, LifecycleEvent::ShutdownRequested { .. }) {
            let _ = set.set(Instant::now());
        }
    });
    (asked, clock)
}

async fn ask<M>(manager: &Addr<Manager>, message: M, hang: Duration) -> Answered
where
    Manager: actix::Handler<M>,
    M: Message<Result = Result<(), ManagerError>> + Send + 'static,
{
    timeout(hang, manager.send(message)).await.ok().map(answered)
}

fn answered(answer: Result<Result<(), ManagerError>, MailboxError>) -> Result<(), ManagerError> {
    answer.unwrap_or_else(|error| Err(error.into()))
}

/// Where somebody still listens, or has left a socket.
fn open_addresses(history: &History) -> Vec<String> {
    let serving = history.events().filter_map(|event| match event {
        LifecycleEvent::Serving { address } => Some(address),
        _ => None,
    });
    let open = serving.filter(|address| match address {
        GrpcAddress::Tcp(address) => std::net::TcpStream::connect(address).is_ok(),
        GrpcAddress::Unix(path) => path.exists(),
        _ => false,
    });
    open.map(ToString::to_string).collect()
}
