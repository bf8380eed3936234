//! Where the reports are, which is where the lease is, too; and how a writer is refused that is too late.
//!
//! ```text
//!   PostgreSQL   reports: number, epoch, text     reports_turn: the latest epoch that has written; an older one changes no row
//!   etcd         reports/EPOCH/COUNT = text       a transaction, on the condition that the lease is still of this epoch
//! ```

use std::fmt::Display;
use std::time::Duration;

use etcd_client::{Txn, TxnOp};
use majordomo::{BoxError, Lease};
use majordomo_etcd::EtcdLeases;
use majordomo_postgres::{Fence, PostgresLeases};
use tokio_postgres::NoTls;

/// How long a report may take.
const PATIENCE: Duration = Duration::from_secs(2);

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS reports (number bigserial PRIMARY KEY, epoch bigint NOT NULL, text text NOT NULL);
    CREATE TABLE IF NOT EXISTS reports_turn (one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL);
    INSERT INTO reports_turn (epoch) VALUES (0) ON CONFLICT DO NOTHING";

/// Whoever writes at the same time waits for the row of `turn`, so that numbers and epochs grow together.
const APPEND: &str = "
    WITH turn AS (UPDATE reports_turn SET epoch = $1 WHERE epoch <= $1 RETURNING epoch)
    INSERT INTO reports (epoch, text) SELECT epoch, $2::text FROM turn";

/// An etcd or a PostgreSQL, by its URL.
#[derive(Clone)]
pub(crate) enum Store {
    Etcd(EtcdLeases, String),
    Postgres(PostgresLeases, String),
}

impl Store {
    pub(crate) fn at(url: &str) -> Result<Self, BoxError> {
        if url.starts_with("postgres") {
            // The URL is that of the server itself, not of a pooler: so who stands by hears of a release at once.
            return Ok(Self::Postgres(PostgresLeases::from_url(url)?.listening(), url.to_owned()));
        }
        Ok(Self::Etcd(EtcdLeases::new([url])?, url.to_owned()))
    }

    pub(crate) fn lease(&self, name: &str) -> Lease {
        match self {
            Self::Etcd(leases, _) => Lease::new(leases.clone(), name),
            Self::Postgres(leases, _) => Lease::new(leases.clone(), name),
        }
    }
}

/// Why a report was not written.
#[derive(Debug)]
pub(crate) enum NotWritten {
    /// Another has the lease, or had it.
    TooLate(BoxError),
    /// It cannot be written now. Whether this one was is not known.
    Away(BoxError),
}

impl NotWritten {
    fn away(error: impl Into<BoxError>) -> Self {
        Self::Away(error.into())
    }

    fn too_late(error: impl Into<BoxError>) -> Self {
        Self::TooLate(error.into())
    }
}

enum Client {
    Etcd(Box<etcd_client::Client>),
    Postgres(tokio_postgres::Client),
}

/// The reports, for one life of their writer.
pub(crate) struct Reports {
    store: Store,
    lease: &'static str,
    client: Option<Client>,
    count: u64,
}

impl Reports {
    /// Connects with the first report.
    pub(crate) fn new(store: Store, lease: &'static str) -> Self {
        Self { store, lease, client: None, count: 0 }
    }

    pub(crate) async fn append(&mut self, epoch: u64, text: impl Display) -> Result<(), NotWritten> {
        self.count += 1;
        let written = tokio::time::timeout(PATIENCE, self.write(epoch, &text.to_string())).await;
        let written = written.unwrap_or_else(|_| Err(NotWritten::away("the store does not answer")));
        if let Err(NotWritten::Away(_)) = &written {
            // The next one is written by another connection.
            self.client = None;
        }
        written
    }

    async fn write(&mut self, epoch: u64, text: &str) -> Result<(), NotWritten> {
        if self.client.is_none() {
            self.client = Some(connect(&self.store).await.map_err(NotWritten::Away)?);
        }
        match (&mut self.client, &self.store) {
            (Some(Client::Postgres(client)), _) => {
                let fence = Fence::new(epoch);
                let rows = client.execute(APPEND, &[&fence.epoch(), &text]).await;
                fence.changed(rows.map_err(NotWritten::away)?).map(|_| ()).map_err(NotWritten::too_late)
            }
            (Some(Client::Etcd(client)), Store::Etcd(leases, _)) => {
                let key = format!("reports/{epoch}/{}", self.count);
                let write = Txn::new()
                    .when([leases.fence(self.lease, epoch)])
                    .and_then([TxnOp::put(key, text, None)]);
                let answer = client.txn(write).await.map_err(NotWritten::away)?;
                leases.fenced(self.lease, epoch, answer.succeeded()).map_err(NotWritten::too_late)
            }
            _ => Err(NotWritten::away("there is no connection")),
        }
    }
}

async fn connect(store: &Store) -> Result<Client, BoxError> {
    match store {
        Store::Etcd(_, url) => Ok(Client::Etcd(Box::new(etcd_client::Client::connect([url], None).await?))),
        Store::Postgres(_, url) => {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
            // Whoever waits for an answer is told of its end.
            tokio::spawn(connection);
            client.batch_execute(TABLES).await?;
            Ok(Client::Postgres(client))
        }
    }
}
