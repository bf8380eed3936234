//! The connection of a store, one for each runtime: made when it is needed, and again when it broke or an answer did not come.
//!
//! ```text
//!   none --needed--> connecting --schema seen to--> live --broke, or an answer did not come--> none
//! ```

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use majordomo::PerRuntime;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::config::{Config, Host};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, NoTls, Row, Socket};

use crate::address::Address;
use crate::error::{Cause, PostgresLeasesError, is_broken};
use crate::schema;
#[cfg(feature = "tls")]
use crate::tls::Tls;

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// A client, and what drives its connection.
type Connected = Result<(Client, Later<()>), Cause>;
/// Is told what notifications say.
pub(crate) type Hear = Box<dyn Fn(&str) + Send>;

/// How a connection is made, with TLS of any make.
pub(crate) struct Connector {
    connect: Box<dyn Fn(Hear) -> Later<Connected> + Send + Sync>,
    /// Which database that is, without the password.
    pub(crate) at: String,
}

impl Connector {
    /// # Errors
    /// Where no host is named.
    pub(crate) fn new<T>(config: Config, tls: T) -> Result<Self, PostgresLeasesError>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::TlsConnect: Send,
        T::Stream: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let at = named(&config)?;
        let connect = move |hear: Hear| -> Later<Connected> {
            let (config, tls) = (config.clone(), tls.clone());
            Box::pin(async move { connect(&config, tls, hear).await })
        };
        Ok(Self { connect: Box::new(connect), at })
    }

    /// As a URL says it.
    ///
    /// # Errors
    /// Where no host is named, and where files of certificates cannot be used.
    pub(crate) fn of(address: Address) -> Result<Self, PostgresLeasesError> {
        let Address { config, tls } = address;
        #[cfg(feature = "tls")]
        if let Some(plan) = tls {
            let at = named(&config)?;
            let tls = Tls::new(plan).map_err(|fault| Cause::from(fault).of(&at))?;
            let connect = move |hear: Hear| -> Later<Connected> {
                let (config, tls) = (config.clone(), tls.clone());
                Box::pin(async move { connect(&config, tls.connect().await?, hear).await })
            };
            return Ok(Self { connect: Box::new(connect), at });
        }
        // What asks for it was refused, and what prefers it does without.
        #[cfg(not(feature = "tls"))]
        let _ = tls;
        Self::new(config, NoTls)
    }

    pub(crate) async fn connect(&self, hear: Hear) -> Connected {
        (self.connect)(hear).await
    }
}

async fn connect<T>(config: &Config, tls: T, hear: Hear) -> Connected
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = config.connect(tls).await?;
    let driven: Later<()> = Box::pin(async move {
        // Whoever waits for an answer is told of its end.
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(told) = message {
                hear(told.payload());
            }
        }
    });
    Ok((client, driven))
}

/// What errors call it.
fn named(config: &Config) -> Result<String, PostgresLeasesError> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(PostgresLeasesError::Url { reason: "it names no host".to_owned() });
    }
    let host = |host: &Host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    };
    let mut hosts: Vec<_> = config.get_hosts().iter().map(host).collect();
    hosts.extend(
        config.get_hostaddrs().iter().filter(|_| config.get_hosts().is_empty()).map(ToString::to_string),
    );
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    Ok(format!("PostgreSQL at {}/{database}", hosts.join(",")))
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) statement: Duration,
}

/// A connection that worked once.
pub(crate) struct Live {
    client: Client,
    task: AbortHandle,
    /// An answer did not come.
    is_stuck: AtomicBool,
}

impl Live {
    pub(crate) fn is_well(&self) -> bool {
        !self.client.is_closed() && !self.is_stuck.load(Ordering::Relaxed)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Dropped before the answer is there: nothing that is asked behind it would be answered either.
struct Unanswered<'live>(Option<&'live Live>);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(live) = self.0 {
            live.is_stuck.store(true, Ordering::Relaxed);
        }
    }
}

/// The connection that there is, or a new one to tables of the right version; and whether it is new.
async fn live(
    connections: &PerRuntime<Live>,
    connector: &Connector,
    schema: &str,
    within: Duration,
) -> Result<(Arc<Live>, bool), PostgresLeasesError> {
    let connect = async {
        let (client, driven) = connector.connect(Box::new(|_| {})).await?;
        let task = tokio::spawn(driven).abort_handle();
        let live = Live { client, task, is_stuck: AtomicBool::new(false) };
        schema::prepare(&live.client, schema).await?;
        Ok(live)
    };
    match timeout(within, connections.get(Live::is_well, connect)).await {
        Ok(connected) => connected.map_err(|cause: Cause| cause.of(&connector.at)),
        Err(_) => Err(PostgresLeasesError::Silent { at: connector.at.clone(), within }),
    }
}

/// A parameter of a statement, with its type, which no session has to be asked for.
pub(crate) type Parameter<'value> = (&'value (dyn ToSql + Sync), Type);

/// Executes a statement that may be executed again: once more by a new connection, where the old one turns out to be broken.
pub(crate) async fn ask(
    connections: &PerRuntime<Live>,
    connector: &Connector,
    schema: &str,
    limits: Limits,
    statement: &str,
    parameters: &[Parameter<'_>],
) -> Result<Vec<Row>, PostgresLeasesError> {
    loop {
        let (live, is_new) = live(connections, connector, schema, limits.connect).await?;
        let mut unanswered = Unanswered(Some(&live));
        let executed = live.client.query_typed(statement, parameters);
        let Ok(answer) = timeout(limits.statement, executed).await else {
            return Err(PostgresLeasesError::Silent { at: connector.at.clone(), within: limits.statement });
        };
        match answer {
            // It stays marked as stuck, so that nobody takes it again.
            Err(error) if is_broken(&error) => {
                if is_new {
                    return Err(Cause::from(error).of(&connector.at));
                }
            }
            answer => {
                unanswered.0 = None;
                return answer.map_err(|error| Cause::from(error).of(&connector.at));
            }
        }
    }
}
