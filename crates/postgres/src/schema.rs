//! The tables, by versions that have names: each is made once, and what is not known is refused.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::error::{Cause, PostgresLeasesError};

/// A step from one version of the tables to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migration {
    /// The version that it leads to.
    pub version: i32,
    /// What it does.
    pub name: &'static str,
    /// How, where `{schema}` stands for the schema.
    pub sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "create_leases",
    sql: "CREATE TABLE {schema}.majordomo_leases (\
          name text PRIMARY KEY, epoch bigint NOT NULL, holder text, ends timestamptz NOT NULL)",
}];

const MADE: &str = "CREATE TABLE IF NOT EXISTS {schema}.majordomo_lease_migrations (\
                    version integer PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL DEFAULT clock_timestamp())";

/// All steps, the first first. Whoever makes the tables by hand runs them in order, with what [`recorded`](Migration::recorded) tells of each.
pub fn migrations() -> &'static [Migration] {
    MIGRATIONS
}

/// How often what others make at the same time is looked at again.
const TRIES: u8 = 3;

impl Migration {
    /// The statements of it for a schema, with its own record, for one transaction.
    pub fn recorded(&self, schema: &str) -> String {
        let Self { version, name, sql } = self;
        let record = format!(
            "INSERT INTO {{schema}}.majordomo_lease_migrations (version, name) VALUES ({version}, '{name}')"
        );
        [MADE, sql, &record].map(|sql| sql.replace("{schema}", schema)).join("; ")
    }
}

/// Makes what is missing.
///
/// # Errors
/// Where the tables are of another version, or are none of these, or may not be made.
pub(crate) async fn prepare(client: &Client, schema: &str) -> Result<(), Cause> {
    let mut last = None;
    for _ in 0..TRIES {
        let missing = missing(client, schema).await?;
        let Some(next) = missing.first() else { return Ok(()) };
        // Several statements in one message are one transaction.
        match client.batch_execute(&next.recorded(schema)).await {
            Ok(()) if missing.len() == 1 => return Ok(()),
            Ok(()) => {}
            Err(error) if is_made_already(&error) => last = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Cause::Known(PostgresLeasesError::Foreign {
        table: format!("{schema}.majordomo_leases"),
        reason: last.map(|error| crate::error::text(&error)).unwrap_or_default(),
    }))
}

/// Whether another replica makes the same in this moment, or somebody has made something of that name.
fn is_made_already(error: &tokio_postgres::Error) -> bool {
    let others = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_OBJECT,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ];
    error.code().is_some_and(|code| others.contains(code))
}

/// The steps that were not taken yet.
async fn missing(client: &Client, schema: &str) -> Result<&'static [Migration], Cause> {
    let asked = format!("SELECT version, name FROM {schema}.majordomo_lease_migrations ORDER BY version");
    let rows = match client.query_typed(&asked, &[]).await {
        Ok(rows) => rows,
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => return Ok(MIGRATIONS),
        Err(error) => return Err(error.into()),
    };
    let mut made = Vec::new();
    for row in &rows {
        made.push((row.try_get::<_, i32>(0)?, row.try_get::<_, String>(1)?));
    }
    let is_known = |at: usize, (version, name): &(i32, String)| {
        MIGRATIONS.get(at).is_some_and(|known| known.version == *version && known.name == name)
    };
    match made.iter().enumerate().find(|(at, step)| !is_known(*at, step)) {
        None => Ok(&MIGRATIONS[made.len()..]),
        Some((_, (version, name))) => Err(Cause::Known(PostgresLeasesError::Version {
            table: format!("{schema}.majordomo_leases"),
            found: *version,
            name: name.clone(),
            known: MIGRATIONS.len(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g25_versions_of_the_tables_count_up_and_have_names_of_their_own() {
        for (at, step) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(step.version), Ok(at + 1));
            assert!(
                step.name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'),
                "{}",
                step.name
            );
            let sql = step.recorded("here");
            assert!(sql.contains(" here.majordomo_lease") && !sql.contains('{'), "{sql}");
        }
    }
}
