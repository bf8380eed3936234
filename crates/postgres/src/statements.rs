//! The statements: one each, by the server's clock, so that no session is needed.
//!
//! `clock_timestamp()` is read when the row is changed, not when the statement began: it may have waited for the row in between.

use crate::statements_many::OfMany;

/// What a lease is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verb {
    Acquire,
    Renew,
    Release,
}

/// The statements of one schema.
pub(crate) struct Statements {
    acquire: String,
    renew: String,
    release: String,
    many: OfMany,
    /// Answers with a row where somebody has the lease.
    pub(crate) look: String,
}

/// The channel on which a release is told of, with what [`told_of`] says.
pub(crate) const CHANNEL: &str = "majordomo_leases";

/// What is told of a release: no name of a schema has a `/`.
pub(crate) fn told_of(schema: &str, lease: &str) -> String {
    format!("{schema}/{lease}")
}

/// A grant is told when it is on disk, and on those standbys that the server waits for: a default that waits for less is raised, for this statement.
pub(crate) const DURABLE: &str = "set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') \
     THEN 'on' ELSE current_setting('synchronous_commit') END, true)";

/// What is answered of a change that was made, or else of the row as it stands.
fn or_who(table: &str) -> String {
    format!(
        "SELECT epoch, NULL::text, NULL::float8 FROM changed \
         UNION ALL \
         SELECT NULL, holder, greatest(extract(epoch FROM ends - clock_timestamp()), 0)::float8 FROM {table} \
         WHERE name = $1 AND NOT EXISTS (SELECT FROM changed)"
    )
}

impl Statements {
    pub(crate) fn new(schema: &str) -> Self {
        let table = format!("{schema}.majordomo_leases");
        let or_who = or_who(&table);
        let until = "clock_timestamp() + make_interval(secs => $3)";
        let acquire = format!(
            "WITH changed AS ( \
               INSERT INTO {table} AS lease (name, epoch, holder, ends) \
               SELECT $1, 1, $2, {until} FROM {DURABLE} \
               ON CONFLICT (name) DO UPDATE \
               SET epoch = CASE WHEN lease.holder = $2 THEN lease.epoch ELSE lease.epoch + 1 END, holder = $2, ends = {until} \
               WHERE lease.holder IS NULL OR lease.holder = $2 OR lease.ends <= clock_timestamp() \
               RETURNING epoch \
             ) {or_who}"
        );
        // One that is over, and still its holder's, was nobody else's in between.
        let renew = format!(
            "WITH changed AS ( \
               UPDATE {table} SET ends = {until} FROM {DURABLE} WHERE name = $1 AND holder = $2 RETURNING epoch \
             ) {or_who}"
        );
        // What listens is told when this is committed.
        let release = format!(
            "WITH changed AS ( \
               UPDATE {table} SET holder = NULL, ends = clock_timestamp() FROM {DURABLE} \
               WHERE name = $1 AND holder = $2 RETURNING name \
             ) SELECT pg_notify('{CHANNEL}', '{schema}/' || name) FROM changed"
        );
        let look = format!(
            "SELECT FROM {table} WHERE name = $1 AND holder IS NOT NULL AND ends > clock_timestamp()"
        );
        Self { acquire, renew, release, many: OfMany::new(schema), look }
    }

    /// With a name, a holder and, but for a release, seconds as parameters.
    pub(crate) fn of_one(&self, verb: Verb) -> &str {
        match verb {
            Verb::Acquire => &self.acquire,
            Verb::Renew => &self.renew,
            Verb::Release => &self.release,
        }
    }

    /// With an array of each.
    pub(crate) fn of_many(&self, verb: Verb) -> &str {
        match verb {
            Verb::Acquire => &self.many.acquire,
            Verb::Renew => &self.many.renew,
            Verb::Release => &self.many.release,
        }
    }
}
