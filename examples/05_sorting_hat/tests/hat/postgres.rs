//! A schema of a test's own in PostgreSQL, and what an administrator can do to those who use it.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls};

/// Nothing that works takes so long.
const HANG: Duration = Duration::from_secs(10);

/// Dropped with all that is in it.
pub(crate) struct Schema {
    name: String,
    url: String,
    administrator: Administrator,
}

struct Administrator {
    runtime: Runtime,
    client: Client,
}

impl Administrator {
    fn new(config: &Config) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (client, connection) = runtime.block_on(config.connect(NoTls)).unwrap();
        runtime.spawn(connection);
        Self { runtime, client }
    }

    fn does(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap();
    }

    /// How many connections it ended of those that go by this name.
    fn terminates(&self, name: &str, which: &str) -> u64 {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND {which}"
        );
        self.runtime.block_on(self.client.execute(&sql, &[&name])).unwrap()
    }
}

impl Schema {
    pub(crate) fn new(url: &str) -> Self {
        let name = format!("sorting_hat_{:016x}", fastrand::u64(..));
        let administrator = Administrator::new(&url.parse().unwrap());
        administrator.does(&format!("CREATE SCHEMA {name}"));
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joint}application_name={name}&options=-c%20search_path%3D{name}");
        Self { name, url, administrator }
    }

    /// What a server is to be given.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends the connection of whoever waits for the table, once somebody does.
    pub(crate) fn cut_who_waits(&self) {
        let begun = Instant::now();
        while self.administrator.terminates(&self.name, "wait_event_type = 'Lock'") == 0 {
            assert!(begun.elapsed() < HANG, "nobody waits for the table");
        }
    }

    /// Lets nobody read or write the table.
    pub(crate) fn lock(&self) {
        self.administrator.does(&format!("BEGIN; LOCK TABLE {}.pupils", self.name));
    }

    /// Lets everybody again.
    pub(crate) fn unlock(&self) {
        self.administrator.does("COMMIT");
    }

    /// Ends the connections of all servers.
    pub(crate) fn cut_all(&self) {
        assert!(self.administrator.terminates(&self.name, "TRUE") > 0, "nobody is connected");
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.administrator.does(&format!("DROP SCHEMA {} CASCADE", self.name));
        }
    }
}
