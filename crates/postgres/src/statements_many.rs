//! The statements of many leases at once: each is one, by the server's clock, and needs no session. Those of one lease, which answer the same: `statements.rs`.
//!
//! Rows that somebody has locked are left out, so that no lease waits for another's, and two of them never for each other. Those that are changed are changed
//! as they are then: who waits for none sees none change.

use crate::statements::{CHANNEL, DURABLE};

/// What is asked for. Each begins with `free`: the leases that it may change, which are locked.
pub(crate) struct OfMany {
    pub(crate) acquire: String,
    pub(crate) renew: String,
    pub(crate) release: String,
}

const ASKED: &str = "asked AS MATERIALIZED (SELECT * FROM unnest($1, $2, $3) WITH ORDINALITY AS asked (name, holder, ttl, at))";

const UNTIL: &str = "clock_timestamp() + make_interval(secs => asked.ttl)";

/// Changes those of which a condition holds.
fn changed(table: &str, condition: &str, change: &str) -> String {
    format!(
        "WITH {ASKED}, free AS MATERIALIZED ( \
           SELECT asked.at FROM {table} AS lease JOIN asked USING (name) WHERE {condition} \
           FOR UPDATE OF lease SKIP LOCKED \
         ), changed AS ( \
           UPDATE {table} AS lease SET {change} FROM asked, free, {DURABLE} \
           WHERE lease.name = asked.name AND asked.at = free.at AND {condition} \
           RETURNING lease.name, lease.epoch, asked.at \
         )"
    )
}

impl OfMany {
    pub(crate) fn new(schema: &str) -> Self {
        let table = format!("{schema}.majordomo_leases");
        let own = "lease.holder = asked.holder";
        let is_free = format!("(lease.holder IS NULL OR {own} OR lease.ends <= clock_timestamp())");
        let take = format!(
            "epoch = CASE WHEN {own} THEN lease.epoch ELSE lease.epoch + 1 END, holder = asked.holder, ends = {UNTIL}"
        );
        let done = "SELECT epoch, NULL::text, NULL::float8, at FROM changed";
        let acquire = format!(
            "{} {done} UNION ALL \
             SELECT NULL, lease.holder, extract(epoch FROM lease.ends - clock_timestamp())::float8, asked.at \
             FROM asked JOIN {table} AS lease USING (name) \
             WHERE NOT {is_free} AND NOT EXISTS (SELECT FROM changed WHERE changed.at = asked.at)",
            changed(&table, &is_free, &take)
        );
        let renew = format!("{} {done}", changed(&table, own, &format!("ends = {UNTIL}")));
        let release = format!(
            "{} SELECT epoch, NULL::text, NULL::float8, at, pg_notify('{CHANNEL}', '{schema}/' || name) FROM changed",
            changed(&table, own, "holder = NULL, ends = clock_timestamp()")
        );
        Self { acquire, renew, release }
    }
}
