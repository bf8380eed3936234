//! The database of a store, as it is asked.

use std::sync::Arc;

use majordomo::PerRuntime;
use tokio_postgres::{Error, Row};

use crate::connection::{self, Connector, Limits, Live, Parameter};
use crate::error::{Cause, PostgresLeasesError};

/// How it is reached, and its connections, which clones share.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) connector: Arc<Connector>,
    pub(crate) connections: Arc<PerRuntime<Live>>,
    pub(crate) schema: Arc<str>,
    pub(crate) limits: Limits,
}

impl Database {
    /// Executes a statement that may be executed again.
    pub(crate) async fn ask(
        &self,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, PostgresLeasesError> {
        let Self { connector, connections, schema, limits } = self;
        connection::ask(connections, connector, schema, *limits, statement, parameters).await
    }

    /// Its answer is none that this program knows.
    pub(crate) fn unreadable(&self, error: Error) -> PostgresLeasesError {
        Cause::from(error).of(&self.connector.at)
    }
}
