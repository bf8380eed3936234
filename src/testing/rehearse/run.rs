//! One run of a manager, in a system of its own, with at most one thing that goes wrong.
//!
//! It is asked to stop a while after all run, or after the fault has struck, whichever is first; unless it ends by itself.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use actix::{Addr, MailboxError, Message};
use tokio::time::{Instant, timeout};

use super::cases::{Case, Known};
use super::history::History;
use crate::error::{ConfigError, ManagerError, ShutdownReport};
use crate::events::{self, EventSender, LifecycleEvent};
use crate::manager::fault::{Fault, Rehearsal, Struck};
use crate::manager::{GetStatus, Manager, StartShutdown, WaitForShutdown, WaitUntilRunning};

/// Nothing that works takes so long.
const HANG: Duration = Duration::from_secs(30);

/// How a question to a manager was answered; `None`: not at all.
pub(super) type Answered = Option<Result<(), ManagerError>>;

/// How long a run may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// From the request to its end, at most.
    pub(super) within: Duration,
    /// For how long it runs before it is asked.
    pub(super) runs_for: Duration,
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

/// Makes a manager, and runs it to its end.
///
/// # Errors
/// When it cannot work.
pub(super) fn play<F: FnMut() -> Manager + Send>(
    factory: &mut F,
    case: Option<&Case>,
    times: Times,
) -> Result<(Known, Played), ConfigError> {
    let run = || {
        actix_rt::System::new().block_on(async {
            let manager = factory();
            let known = Known::new(&manager.plan()?, times.within, manager.heeds_signals());
            let played = run(manager, case, known.whole, times.runs_for).await;
            Ok((known, played))
        })
    };
    // A thread of its own: the caller's may have a system already.
    let run = thread::scope(|scope| scope.spawn(run).join());
    run.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

async fn run(manager: Manager, case: Option<&Case>, whole: Duration, runs_for: Duration) -> Played {
    let struck = Arc::<Struck>::default();
    let fault =
        case.map(|case| Fault { place: case.place.clone(), flaw: case.flaw, struck: Arc::clone(&struck) });
    let (observer, mut stream) = events::channel();
    let (asked, clock) = clock();
    let rehearsal = Rehearsal { within: Some(whole), fault };
    let manager = manager.rehearsed(rehearsal, vec![observer, clock]).start();

    let mut ran = actix_rt::spawn(manager.send(WaitUntilRunning));
    let mut ended = actix_rt::spawn(manager.send(WaitForShutdown));
    let mut played = Played::default();
    let came_up = tokio::select! {
        answer = &mut ran => {
            played.ran = answer.ok().map(answered);
            true
        }
        () = struck.struck() => false,
        () = tokio::time::sleep(HANG) => false,
    };
    let by_itself = timeout(runs_for, &mut ended).await.ok();
    let end = match by_itself {
        Some(end) => Some(end),
        None => {
            manager.do_send(StartShutdown);
            timeout(whole + HANG, ended).await.ok()
        }
    };
    played.ended = end.and_then(Result::ok).map(answered);
    let now = Instant::now();
    played.took = asked.get().map(|&asked| now - asked);
    if !came_up {
        played.ran = timeout(HANG, ran).await.ok().and_then(Result::ok).map(answered);
    }
    if played.ended.is_some() {
        while let Ok(Some(event)) = timeout(HANG, stream.recv()).await {
            played.history.0.push(event);
        }
    }
    while let Some(event) = stream.try_recv() {
        played.history.0.push(event);
    }
    played.ended_again = ask(&manager, WaitForShutdown).await;
    played.ran_again = ask(&manager, WaitUntilRunning).await;
    let status = timeout(HANG, manager.send(GetStatus)).await;
    played.report = status.ok().and_then(Result::ok).and_then(|status| status.report);
    played.struck = struck.has_struck();
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

async fn ask<M>(manager: &Addr<Manager>, message: M) -> Answered
where
    Manager: actix::Handler<M>,
    M: Message<Result = Result<(), ManagerError>> + Send + 'static,
{
    timeout(HANG, manager.send(message)).await.ok().map(answered)
}

fn answered(answer: Result<Result<(), ManagerError>, MailboxError>) -> Result<(), ManagerError> {
    answer.unwrap_or_else(|error| Err(error.into()))
}

/// Where somebody still listens, or has left a socket.
fn open_addresses(history: &History) -> Vec<String> {
    use crate::grpc::GrpcAddress;
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
