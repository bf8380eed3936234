//! The thread that tells systemd: between the manager's events, its answers, and the socket.
//!
//! It waits for nobody: the socket does not block, and what is logged is logged by another thread, since a subscriber may.

use std::future::pending;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::dispatcher::{self, Dispatch};
use tracing::warn;

use super::notifier::{Action, Datagram, Notifier};
use super::socket::{Socket, SocketError, is_full};
use super::{Liveness, Settings};
use crate::base::{ThreadError, clock, monotonic, spawn, spawn_with};
use crate::events::{EventSender, EventStream, Name, channel_of};

/// How often, and how long apart, it is tried to tell which process is the main one.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(2);

/// Asks the manager whether it answers. One that is gone drops the sender.
type Ask = Box<dyn Fn(oneshot::Sender<Liveness>) + Send>;

/// What is needed to tell systemd of a manager.
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    /// When the manager began.
    pub(crate) began: Instant,
    pub(crate) services: Vec<Name>,
    /// Whether systemd hears this process: not one that is yet to take over.
    pub(crate) speaks: bool,
    /// How long its shutdown may take.
    pub(crate) limit: Option<Duration>,
    pub(crate) ask: Ask,
    pub(crate) dispatch: Dispatch,
}

/// Tells systemd from now on. Answers with the way of the manager's events, and with what resolves when nothing more is told;
/// `None`, and a word in the log, where there is no socket to tell it by.
pub(crate) fn start(parts: Parts) -> Result<Option<(EventSender, oneshot::Receiver<()>)>, ThreadError> {
    let socket = match Socket::open(&parts.settings.address) {
        Ok(socket) => socket,
        Err(error) => {
            complain(parts.dispatch, error);
            return Ok(None);
        }
    };
    // Without a bound: the thread waits for nobody, and whoever misses `running` would never be ready.
    let (sender, events) = channel_of(usize::MAX);
    let (done, over) = oneshot::channel();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time();
    spawn_with(
        "systemd's notifications",
        "majordomo-notify".to_owned(),
        move || runtime.build(),
        move |runtime| {
            runtime.block_on(Teller::new(parts, socket).tell(events));
            // The manager may not have waited.
            let _ = done.send(());
        },
    )?;
    Ok(Some((sender, over)))
}

/// Tells systemd which process is the main one from here on: this one, or the one that takes over. Without a socket nobody is told.
pub(crate) fn tell_main_process(pid: u32) {
    let Some(address) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Ok(socket) = Socket::open(&address) {
        // A moment later there is room again; what is missed here is missed for good.
        for _ in 0..TRIES {
            match socket.send(&format!("MAINPID={pid}")) {
                Err(error) if is_full(&error) => std::thread::sleep(PAUSE),
                _ => return,
            }
        }
    }
}

/// Logs what is wrong, without waiting for it.
fn complain(dispatch: Dispatch, error: SocketError) {
    let log = move || dispatcher::with_default(&dispatch, || warn!(target: "majordomo", "{error}"));
    // Without a thread nobody is told; what runs is not to suffer from it.
    let _ = spawn("the log", "majordomo-notify-log".to_owned(), log);
}

struct Teller {
    notifier: Notifier,
    began: Instant,
    socket: Socket,
    ask: Ask,
    /// The answer that is awaited.
    answer: Option<oneshot::Receiver<Liveness>>,
    /// Where failures are logged; `None` once one was.
    dispatch: Option<Dispatch>,
}

impl Teller {
    fn new(parts: Parts, socket: Socket) -> Self {
        let Parts { settings, began, services, speaks, limit, ask, dispatch } = parts;
        let notifier = Notifier::new(services, limit, settings.watchdog, speaks);
        Self { notifier, began, socket, ask, answer: None, dispatch: Some(dispatch) }
    }

    async fn tell(mut self, mut events: EventStream) {
        loop {
            self.act();
            let due = self.notifier.due().map(|at| tokio::time::Instant::from_std(self.began + at));
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(event) => self.notifier.observe(&event),
                    None => return,
                },
                liveness = answer_to(&mut self.answer) => {
                    self.answer = None;
                    // One that is gone has no life to show; its events end, too.
                    if let Some(liveness) = liveness {
                        let now = self.now();
                        self.notifier.answered(liveness, now);
                    }
                }
                () = until(due) => {}
            }
        }
    }

    fn now(&self) -> Duration {
        clock::now().saturating_duration_since(self.began)
    }

    /// Does all that is to be done now.
    fn act(&mut self) {
        while let Some(action) = self.notifier.next(self.now()) {
            match action {
                Action::Send(datagram) => self.send(datagram),
                Action::Ask => {
                    let (asked, answer) = oneshot::channel();
                    (self.ask)(asked);
                    self.answer = Some(answer);
                }
            }
        }
    }

    fn send(&mut self, datagram: Datagram) {
        let Err(error) = self.socket.send(&datagram.text(monotonic::now())) else { return };
        if is_full(&error) {
            self.notifier.unsent(datagram, self.now());
        }
        if let Some(dispatch) = self.dispatch.take() {
            complain(dispatch, self.socket.refused(error));
        }
    }
}

async fn answer_to(asked: &mut Option<oneshot::Receiver<Liveness>>) -> Option<Liveness> {
    match asked {
        Some(answer) => answer.await.ok(),
        None => pending().await,
    }
}

async fn until(due: Option<tokio::time::Instant>) {
    match due {
        Some(at) => tokio::time::sleep_until(at).await,
        None => pending().await,
    }
}
