//! The store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use majordomo::{LeaseError, LeaseGrant, LeaseRequest, LeaseStore, PerRuntime};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::Type;
use tokio_postgres::{Config, Row, Socket};

use crate::address::Address;
use crate::batch::{self, Lanes};
use crate::connection::{Connector, Limits, Parameter};
use crate::database::Database;
use crate::error::PostgresLeasesError;
use crate::listening::{self, Listening};
use crate::statements::{CHANNEL, Statements, Verb, told_of};

/// How long connecting or an answer may take. A manager waits no longer for either than a sixth of the lease's time to live.
const PATIENCE: Duration = Duration::from_secs(5);

/// PostgreSQL cuts names that are longer.
const LONGEST_NAME: usize = 63;

/// Leases in a database of PostgreSQL. Clones share a connection, one in each manager. [The crate's documentation](crate) says what it keeps there, and what it stands on.
#[derive(Clone)]
pub struct PostgresLeases {
    database: Database,
    statements: Arc<Statements>,
    lanes: Arc<PerRuntime<Lanes>>,
    listening: Option<Arc<Listening>>,
}

impl PostgresLeases {
    /// Those of the database at a URL such as `postgres://user:password@host:5432/database?sslmode=verify-full`, or of a string of `key=value` pairs. Connects when it is
    /// asked first. [What it says of TLS](crate#tls) is done, with the feature `tls`.
    ///
    /// # Errors
    /// Where that is no such URL; where it asks for TLS, and the feature is off; where a file of certificates that it names cannot be used.
    pub fn from_url(url: &str) -> Result<Self, PostgresLeasesError> {
        Ok(Self::of(Connector::of(Address::parse(url)?)?))
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
        Ok(Self::of(Connector::new(config, tls)?))
    }

    fn of(connector: Connector) -> Self {
        Self {
            database: Database {
                connector: Arc::new(connector),
                connections: Arc::default(),
                schema: "public".into(),
                limits: Limits { connect: PATIENCE, statement: PATIENCE },
            },
            statements: Arc::new(Statements::new("public")),
            lanes: Arc::default(),
            listening: None,
        }
    }

    /// Listens when releases are told of, so that a lease that is given back is another's within a round trip, not a sixth of its time to live: by one more
    /// connection a manager, made when it first stands by. The address must be that of the server itself: through a pooler of transactions nothing is heard, which
    /// [`check`](Self::check) finds. Where that connection breaks it is made anew, after 0.25 s at first and 30 s at last; meanwhile it is as without.
    #[must_use]
    pub fn listening(self) -> Self {
        let listening = Some(Arc::new(Listening::new(Arc::clone(&self.database.connector))));
        Self { listening, ..self }
    }

    /// As [`listening`](Self::listening), at another address of the same server: for a store whose other statements go through a pooler.
    ///
    /// # Errors
    /// As those of [`from_url`](Self::from_url).
    pub fn listening_at(self, url: &str) -> Result<Self, PostgresLeasesError> {
        let listening = Some(Arc::new(Listening::new(Arc::new(Connector::of(Address::parse(url)?)?))));
        Ok(Self { listening, ..self })
    }

    /// As [`listening_at`](Self::listening_at), over TLS of whatever make.
    ///
    /// # Errors
    /// Where no host is named.
    pub fn listening_by<T>(self, config: Config, tls: T) -> Result<Self, PostgresLeasesError>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::TlsConnect: Send,
        T::Stream: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let listening = Some(Arc::new(Listening::new(Arc::new(Connector::new(config, tls)?))));
        Ok(Self { listening, ..self })
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
        let database = Database { schema: schema.into(), connections: Arc::default(), ..self.database };
        Ok(Self { database, statements, lanes: Arc::default(), ..self })
    }

    /// What asks already asks within the old ones.
    fn within(self, limits: Limits) -> Self {
        Self { database: Database { limits, ..self.database }, lanes: Arc::default(), ..self }
    }

    /// How long it may take to connect and to see to the tables: default 5 s.
    #[must_use]
    pub fn connect_timeout(self, connect: Duration) -> Self {
        let limits = Limits { connect, ..self.database.limits };
        self.within(limits)
    }

    /// How long the server may take to answer a statement: default 5 s.
    #[must_use]
    pub fn statement_timeout(self, statement: Duration) -> Self {
        let limits = Limits { statement, ..self.database.limits };
        self.within(limits)
    }

    /// Asks along with others, and by itself where that said nothing.
    async fn ask(&self, verb: Verb, request: &LeaseRequest) -> Result<Option<Row>, LeaseError> {
        let said = batch::ask(&self.lanes, &self.database, &self.statements, verb, request).await?;
        if said.is_some() {
            return Ok(said);
        }
        let (name, holder, ttl) = (&*request.name, &*request.holder, request.ttl.as_secs_f64());
        let parameters: [Parameter<'_>; 3] =
            [(&name, Type::TEXT), (&holder, Type::TEXT), (&ttl, Type::FLOAT8)];
        let used = if matches!(verb, Verb::Release) { &parameters[..2] } else { &parameters };
        Ok(self.database.ask(self.statements.of_one(verb), used).await?.pop())
    }

    /// Has a lease changed, if it may be: tells its epoch.
    async fn change(&self, verb: Verb, request: &LeaseRequest) -> Result<u64, LeaseError> {
        let row = self.ask(verb, request).await?;
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
    /// Connects, and makes the tables where they are missing; where it [listens](Self::listening), also that it hears.
    async fn check(&self) -> Result<(), LeaseError> {
        self.database.ask("SELECT 1", &[]).await.map_err(PostgresLeasesError::at_start)?;
        let Some(listening) = &self.listening else { return Ok(()) };
        let (word, told) = (listening::own_word(), format!("SELECT pg_notify('{CHANNEL}', $1)"));
        let tell = async { Ok(self.database.ask(&told, &[(&word, Type::TEXT)]).await.map(|_| ())?) };
        listening::hears(&listening.connector, self.database.limits, &word, tell).await
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        self.change(Verb::Acquire, request).await.map(LeaseGrant::new)
    }

    async fn renew(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        self.change(Verb::Renew, request).await.map(|_| ())
    }

    async fn release(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        self.ask(Verb::Release, request).await.map(|_| ())
    }

    async fn watch(&self, request: &LeaseRequest) {
        let Some(listening) = &self.listening else { return std::future::pending().await };
        let listener = listening.here(self.database.limits).await;
        let name = &*request.name;
        let look = &self.statements.look;
        let is_free = || async move { Ok(self.database.ask(look, &[(&name, Type::TEXT)]).await?.is_empty()) };
        listener.until_free(&told_of(&self.database.schema, name), request.ttl / 6, is_free).await;
    }
}

impl fmt::Debug for PostgresLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLeases")
            .field("at", &self.database.connector.at)
            .field("schema", &self.database.schema)
            .field("limits", &self.database.limits)
            .field("listens_at", &self.listening.as_ref().map(|listening| &listening.connector.at))
            .finish_non_exhaustive()
    }
}
