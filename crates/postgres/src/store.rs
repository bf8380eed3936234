//! The store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use majordomo::{LeaseError, LeaseGrant, LeaseRequest, LeaseStore, PerRuntime};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::Type;
use tokio_postgres::{Config, NoTls, Row, Socket};

use crate::connection::{self, Connector, Limits, Live, Parameter};
use crate::error::PostgresLeasesError;
use crate::statements::Statements;

/// How long connecting or an answer may take. A manager waits no longer for either than a sixth of the lease's time to live.
const PATIENCE: Duration = Duration::from_secs(5);

/// PostgreSQL cuts names that are longer.
const LONGEST_NAME: usize = 63;

/// Leases in a database of PostgreSQL. Clones share a connection, one in each manager. [The crate's documentation](crate) says what it keeps there, and what it stands on.
#[derive(Clone)]
pub struct PostgresLeases {
    connector: Arc<Connector>,
    connections: Arc<PerRuntime<Live>>,
    schema: Arc<str>,
    statements: Arc<Statements>,
    limits: Limits,
}

impl PostgresLeases {
    /// Those of the database at a URL such as `postgres://user:password@host:5432/database`, or of a string of `key=value` pairs, without TLS. Connects when it is
    /// asked first.
    ///
    /// # Errors
    /// Where that is no such URL, or says `sslmode=require`: TLS needs [`new`](Self::new).
    pub fn from_url(url: &str) -> Result<Self, PostgresLeasesError> {
        // It may hold a password: what is told is what is wrong with it.
        let config: Config =
            url.parse().map_err(|error| PostgresLeasesError::Url { reason: crate::error::text(&error) })?;
        if config.get_ssl_mode() == SslMode::Require {
            let reason =
                "it says sslmode=require, and TLS is only to be had by PostgresLeases::new".to_owned();
            return Err(PostgresLeasesError::Url { reason });
        }
        Self::new(config, NoTls)
    }

    /// Those of a database, over TLS of whatever make, such as that of the crate tokio-postgres-rustls.
    ///
    /// # Errors
    /// Where no host is named.
    pub fn new<T>(config: Config, tls: T) -> Result<Self, PostgresLeasesError>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::TlsConnect: Send,
        T::Stream: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(PostgresLeasesError::Url { reason: "it names no host".to_owned() });
        }
        Ok(Self {
            connector: Arc::new(Connector::new(config, tls)),
            connections: Arc::default(),
            schema: "public".into(),
            statements: Arc::new(Statements::new("public")),
            limits: Limits { connect: PATIENCE, statement: PATIENCE },
        })
    }

    /// The schema of the tables: default `public`. It must be there, and be the same on every replica.
    ///
    /// # Errors
    /// Where it is anything but lower-case letters, digits and `_`, up to 63 of them, and no digit first.
    pub fn schema(self, schema: &str) -> Result<Self, PostgresLeasesError> {
        let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        let begins = schema.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_');
        if !begins || schema.len() > LONGEST_NAME || !schema.chars().all(is_plain) {
            return Err(PostgresLeasesError::Setting {
                setting: "the schema",
                value: format!("{:?}", schema.chars().take(LONGEST_NAME + 1).collect::<String>()),
                mend: "give it a name of lower-case letters, digits and _, up to 63, that does not begin with a digit",
            });
        }
        let statements = Arc::new(Statements::new(schema));
        // What is connected already has seen to the tables of another.
        Ok(Self { schema: schema.into(), statements, connections: Arc::default(), ..self })
    }

    /// How long it may take to connect and to see to the tables: default 5 s.
    #[must_use]
    pub fn connect_timeout(self, connect: Duration) -> Self {
        Self { limits: Limits { connect, ..self.limits }, ..self }
    }

    /// How long the server may take to answer a statement: default 5 s.
    #[must_use]
    pub fn statement_timeout(self, statement: Duration) -> Self {
        Self { limits: Limits { statement, ..self.limits }, ..self }
    }

    /// Connects, and makes the tables where they are missing: for a program that is to say before it begins what would keep it from its leases for good.
    ///
    /// # Errors
    /// [`LeaseError::Refused`] for what stays so: a password, a right that is missing, tables of another version. [`LeaseError::Away`] for what may pass, and keeps a
    /// manager from nothing: it asks again.
    pub async fn check(&self) -> Result<(), LeaseError> {
        self.ask("SELECT 1", &[]).await.map(|_| ())
    }

    async fn ask(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Option<Row>, LeaseError> {
        let Self { connector, connections, schema, limits, .. } = self;
        Ok(connection::ask(connections, connector, schema, *limits, statement, parameters).await?)
    }

    /// Has a lease changed, if it may be: tells its epoch.
    async fn change(&self, statement: &str, request: &LeaseRequest) -> Result<u64, LeaseError> {
        let (name, holder, ttl) = (&*request.name, &*request.holder, request.ttl.as_secs_f64());
        let row =
            self.ask(statement, &[(&name, Type::TEXT), (&holder, Type::TEXT), (&ttl, Type::FLOAT8)]).await?;
        let Some(row) = row else { return Err(taken("nobody", None)) };
        let unreadable = |error| LeaseError::refused(Box::new(error));
        if let Some(epoch) = row.try_get::<_, Option<i64>>(0).map_err(unreadable)? {
            return u64::try_from(epoch).map_err(|error| LeaseError::refused(Box::new(error)));
        }
        let holder: Option<&str> = row.try_get(1).map_err(unreadable)?;
        let left: Option<f64> = row.try_get(2).map_err(unreadable)?;
        let left = left.and_then(|left| Duration::try_from_secs_f64(left).ok()).filter(|_| holder.is_some());
        Err(taken(holder.unwrap_or("nobody"), left))
    }
}

fn taken(by: &str, left: Option<Duration>) -> LeaseError {
    LeaseError::Taken { by: by.to_owned(), left }
}

impl LeaseStore for PostgresLeases {
    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        self.change(&self.statements.acquire, request).await.map(LeaseGrant::new)
    }

    async fn renew(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        self.change(&self.statements.renew, request).await.map(|_| ())
    }

    async fn release(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        let (name, holder) = (&*request.name, &*request.holder);
        self.ask(&self.statements.release, &[(&name, Type::TEXT), (&holder, Type::TEXT)]).await.map(|_| ())
    }
}

impl fmt::Debug for PostgresLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLeases")
            .field("at", &self.connector.at)
            .field("schema", &self.schema)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
