//! Hears of releases: one connection for each runtime, shared by all leases that are watched there.
//!
//! ```text
//!   away --connected, and LISTEN is done--> here: each watch looks once, then waits to be told
//!     ^--- 0.25 s, then twice as long each time, up to 30 s --- broke ---'
//! ```
//!
//! Who looks does so after `LISTEN`: what is released before that is seen, and what is released later is told.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use majordomo::{LeaseError, PerRuntime};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Client;

use crate::connection::{Connector, Limits};
use crate::error::{Cause, PostgresLeasesError};
use crate::statements::CHANNEL;

/// How soon a connection that broke is made again, at first and at last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// How often it is asked whether it is still there: a network may lose it without a word.
const PROBE: Duration = Duration::from_secs(30);

/// That a store listens, and where.
pub(crate) struct Listening {
    pub(crate) connector: Arc<Connector>,
    listeners: PerRuntime<Listener>,
}

impl Listening {
    pub(crate) fn new(connector: Arc<Connector>) -> Self {
        Self { connector, listeners: PerRuntime::new() }
    }

    /// That of the current runtime.
    pub(crate) async fn here(&self, limits: Limits) -> Arc<Listener> {
        let start = async {
            let shared = Arc::new(Shared { connected: watch::Sender::new(None), waiting: Mutex::default() });
            let kept = keep(Arc::clone(&shared), Arc::clone(&self.connector), limits);
            Ok::<_, Infallible>(Listener { shared, task: tokio::spawn(kept).abort_handle() })
        };
        let started = self.listeners.get(|listener| !listener.task.is_finished(), start).await;
        started.map(|(listener, _)| listener).unwrap_or_else(|never| match never {})
    }
}

/// What keeps the connection, in one runtime, and who is to be told.
pub(crate) struct Listener {
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    /// The number of the connection that listens now.
    connected: watch::Sender<Option<u64>>,
    /// By what a notification says. Bound: one for each watch that is open.
    waiting: Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Vec<oneshot::Sender<()>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, word: &str) {
        for waiting in self.waiting().remove(word).into_iter().flatten() {
            let _ = waiting.send(());
        }
    }
}

/// Waits to be told a word; leaves nothing behind when it is dropped.
struct Waiting<'listener> {
    shared: &'listener Shared,
    word: &'listener str,
    told: oneshot::Receiver<()>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.told.close();
        let mut waiting = self.shared.waiting();
        if let Some(of_word) = waiting.get_mut(self.word) {
            of_word.retain(|one| !one.is_closed());
            if of_word.is_empty() {
                waiting.remove(self.word);
            }
        }
    }
}

impl Listener {
    fn wait<'listener>(&'listener self, word: &'listener str) -> Waiting<'listener> {
        let (tell, told) = oneshot::channel();
        self.shared.waiting().entry(word.to_owned()).or_default().push(tell);
        Waiting { shared: &self.shared, word, told }
    }

    /// Resolves when a lease is free, or was in between. Where that cannot be looked at, it is tried again after `pause`.
    pub(crate) async fn until_free<F>(&self, word: &str, pause: Duration, is_free: impl Fn() -> F)
    where
        F: Future<Output = Result<bool, LeaseError>>,
    {
        let mut connected = self.shared.connected.subscribe();
        loop {
            let Ok(now) = connected.wait_for(Option::is_some).await.map(|now| *now) else { return };
            let mut waiting = self.wait(word);
            match is_free().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(_) => {
                    sleep(pause).await;
                    continue;
                }
            }
            tokio::select! {
                _ = &mut waiting.told => return,
                // What was told meanwhile was not heard.
                _ = connected.wait_for(|then| *then != now) => {}
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Has a connection listen, as long as the runtime is there.
async fn keep(shared: Arc<Shared>, connector: Arc<Connector>, limits: Limits) {
    let (shortest, longest) = PAUSES;
    let mut pause = shortest;
    for number in 0.. {
        let began = Instant::now();
        listen(&shared, &connector, limits, number).await;
        shared.connected.send_if_modified(|connected| connected.take().is_some());
        // One that lasted is as good as the first.
        if began.elapsed() > longest {
            pause = shortest;
        }
        sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        pause = (pause * 2).min(longest);
    }
}

/// Listens until the connection breaks.
async fn listen(shared: &Arc<Shared>, connector: &Connector, limits: Limits, number: u64) {
    let hear = {
        let shared = Arc::clone(shared);
        Box::new(move |word: &str| shared.tell(word))
    };
    let Ok(Ok((client, driven))) = timeout(limits.connect, connector.connect(hear)).await else { return };
    let probed = async {
        while let Ok(Ok(())) = timeout(limits.statement, begin(&client)).await {
            shared.connected.send_if_modified(|connected| connected.replace(number).is_none());
            sleep(PROBE).await;
        }
    };
    tokio::select! {
        () = driven => {}
        () = probed => {}
    }
}

/// To begin again changes nothing.
async fn begin(client: &Client) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(&format!("LISTEN {CHANNEL}")).await
}

/// A word that nobody else tells.
pub(crate) fn own_word() -> String {
    format!("?{:x}", fastrand::u128(..))
}

/// What is told is heard within milliseconds, or never.
const HEARD: Duration = Duration::from_secs(1);

/// Whether a word of its own is heard, which `tell` tells by the way of all statements.
pub(crate) async fn hears(
    connector: &Connector,
    limits: Limits,
    own: &str,
    tell: impl Future<Output = Result<(), LeaseError>>,
) -> Result<(), LeaseError> {
    let (at, within) = (connector.at.clone(), limits.connect);
    // What others tell meanwhile is kept nowhere.
    let (heard, own) = (Arc::new(Notify::new()), own.to_owned());
    let told_of = Arc::clone(&heard);
    let hear = Box::new(move |word: &str| {
        if word == own {
            told_of.notify_one();
        }
    });
    let failed = |cause: Cause| cause.of(&connector.at).at_start();
    let Ok(connected) = timeout(within, connector.connect(hear)).await else {
        return Err(PostgresLeasesError::Silent { at, within }.into());
    };
    let (client, driven) = connected.map_err(failed)?;
    let within = limits.statement;
    let told = async {
        match timeout(within, begin(&client)).await {
            Ok(begun) => begun.map_err(|error| failed(error.into()))?,
            Err(_) => return Err(PostgresLeasesError::Silent { at: at.clone(), within }.into()),
        }
        tell.await?;
        let within = within.min(HEARD);
        timeout(within, heard.notified())
            .await
            .map_err(|_| PostgresLeasesError::Unheard { at: at.clone(), within }.into())
    };
    tokio::select! {
        // It is told of the end of its connection.
        biased;
        told = told => told,
        () = driven => Err(PostgresLeasesError::Away { at: connector.at.clone(), reason: "it broke off".to_owned() }.into()),
    }
}
