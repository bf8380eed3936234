//! TLS: whose certificate the server shows, whose it wants to see, and how both are renewed while it runs.
//!
//! ```text
//!   files --load--> what new connections get            accepted --handshake--> h2 agreed --> HTTP/2
//!     ^               |                                     |
//!     +-- changed? ---+ (asked for, or every so often)      +-- no TLS, no h2, too slow, drain begins --> closed
//! ```
//!
//! Files are read when the manager starts, before anything runs. What is loaded later only concerns new
//! connections; what cannot be loaded concerns nobody: the last that could goes on. No worker looks at a file, which may be on a
//! disk that has gone: a thread of its own does, one at a time, and new connections wait for it for a second at most. A
//! handshake is part of its connection's own task, and has the time that the connection has to say that it speaks HTTP/2.

mod aside;
mod client_files;
mod handshake;
mod material;
mod not_after;
mod reload;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
mod validity;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::{Duration, SystemTime};

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_rustls::rustls::ServerConfig;

pub use crate::report::TlsError;
pub use client_files::{TlsFiles, TlsPem};
pub(crate) use handshake::handshake;
pub(crate) use reload::{PreparedTls, prepare as prepare_reload};
pub(crate) use validity::watch as watch_validity;

use crate::report::ConfigError;
use aside::aside;
use material::{Role, Source, Stamp};

/// How long a new connection waits for files to be looked at, before it gets what was loaded before.
const PATIENCE: Duration = Duration::from_secs(1);

/// The TLS of a server: 1.2 and 1.3, by rustls, for HTTP/2 alone.
///
/// ```no_run
/// use std::time::Duration;
/// use majordomo::{GrpcServerOptions, ManagerOptions};
/// use majordomo::grpc::ServerTls;
///
/// let tls = ServerTls::from_files("/etc/example/tls.crt", "/etc/example/tls.key")
///     .client_ca_files(["/etc/example/clients.crt"])
///     .reload_every(Duration::from_secs(60));
/// let options = ManagerOptions::new().grpc_server(GrpcServerOptions::new().tls(tls));
/// ```
///
/// A clone is the same TLS: [`reload`](Self::reload) concerns the servers that have it or a clone of it. One
/// that is changed afterwards is another. Handlers find the certificates of their peer by
/// [`tonic::Request::peer_certs`].
#[must_use = "options do nothing until they are given to a manager"]
#[derive(Clone)]
pub struct ServerTls {
    plan: Arc<Plan>,
    live: Arc<Live>,
}

/// What was asked for.
#[derive(Clone)]
struct Plan {
    certificate: Source,
    key: Source,
    client_cas: Vec<Source>,
    client_auth_optional: bool,
    reload_every: Option<Duration>,
}

/// What came of it.
#[derive(Default)]
struct Live {
    config: RwLock<Option<Arc<ServerConfig>>>,
    looked: Mutex<Looked>,
    /// Whether a thread is at it.
    looking: AtomicBool,
    /// When the certificate that is loaded ends, where it says so.
    ends: watch::Sender<Option<SystemTime>>,
}

/// When the files were last looked at, and what they were.
#[derive(Default)]
struct Looked {
    at: Option<Instant>,
    stamps: Vec<Option<Stamp>>,
}

/// What files hold, checked.
struct Loaded {
    looked: Looked,
    config: ServerConfig,
    /// When the certificate ends.
    end: Option<SystemTime>,
}

impl Live {
    fn begin(&self, config: ServerConfig, end: Option<SystemTime>) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(config));
        self.ends.send_if_modified(|known| std::mem::replace(known, end) != end);
    }
}

impl ServerTls {
    /// The server's certificate, with those that lead from it to its authority, and its private key, each a
    /// PEM file.
    pub fn from_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self::new(Source::File(certificate.into()), Source::File(key.into()))
    }

    /// The same as PEM itself.
    pub fn from_pem(certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self::new(Source::Pem(certificate.into()), Source::Pem(key.into()))
    }

    fn new(certificate: Source, key: Source) -> Self {
        let plan = Plan {
            certificate,
            key,
            client_cas: Vec::new(),
            client_auth_optional: false,
            reload_every: None,
        };
        Self { plan: Arc::new(plan), live: Arc::default() }
    }

    fn with(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        change(Arc::make_mut(&mut self.plan));
        Self { live: Arc::default(), ..self }
    }

    /// Clients have to show a certificate of one of the authorities in these PEM files, or in others that were
    /// given. Default: no client is asked for a certificate.
    pub fn client_ca_files(self, files: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        let files = files.into_iter().map(|file| Source::File(file.into()));
        self.with(|plan| plan.client_cas.extend(files))
    }

    /// The same as PEM itself.
    pub fn client_ca_pem(self, pem: impl Into<Vec<u8>>) -> Self {
        self.with(|plan| plan.client_cas.push(Source::Pem(pem.into())))
    }

    /// Whether a client may do without a certificate. One that it does show must be right all the same.
    /// Default: no.
    pub fn client_auth_optional(self, optional: bool) -> Self {
        self.with(|plan| plan.client_auth_optional = optional)
    }

    /// Loads files again that have changed, of which a client that connects gets the benefit at once: when one
    /// does, they are looked at, unless they were within that time. Default: only by [`reload`](Self::reload).
    /// A client that connects meanwhile waits for that for a second at most, and else gets what was loaded before.
    ///
    /// While nobody connects nothing is done. Connections that are open are not touched. New files that cannot
    /// be used are reported as an error event, once, and the old ones go on.
    pub fn reload_every(self, every: Duration) -> Self {
        self.with(|plan| plan.reload_every = Some(every))
    }

    /// Loads the files again, now. New connections get what was loaded; those that are open are not touched.
    ///
    /// # Errors
    /// What is wrong with them; what was loaded before goes on.
    pub fn reload(&self) -> Result<(), TlsError> {
        let mut looked = self.live.looked.lock().unwrap_or_else(PoisonError::into_inner);
        self.load(&mut looked, Instant::now())
    }

    fn load(&self, looked: &mut Looked, now: Instant) -> Result<(), TlsError> {
        // From before they are read: one that changes meanwhile is read again.
        (looked.stamps, looked.at) = (self.plan.stamps(), Some(now));
        let (config, end) = self.plan.config()?;
        self.live.begin(config, end);
        Ok(())
    }

    /// Reads and checks the files, and uses nothing of them yet.
    fn loaded(&self, now: Instant) -> Result<Loaded, TlsError> {
        let looked = Looked { stamps: self.plan.stamps(), at: Some(now) };
        let (config, end) = self.plan.config()?;
        Ok(Loaded { looked, config, end })
    }

    fn use_loaded(&self, loaded: Loaded) {
        *self.live.looked.lock().unwrap_or_else(PoisonError::into_inner) = loaded.looked;
        self.live.begin(loaded.config, loaded.end);
    }

    /// Loads the files if they have changed.
    fn look(&self, now: Instant) {
        let mut looked = match self.live.looked.try_lock() {
            Ok(looked) => looked,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another task reads the files already.
            Err(TryLockError::WouldBlock) => return,
        };
        if looked.stamps == self.plan.stamps() {
            looked.at = Some(now);
            return;
        }
        match self.load(&mut looked, now) {
            Ok(()) => tracing::info!("new TLS files were loaded: connections from now on have them"),
            Err(error) => {
                tracing::error!(%error, "new TLS files cannot be used; the old ones go on until these are mended")
            }
        }
    }

    /// Whether files are due to be looked at, and nobody is at it.
    fn is_due(&self, every: Duration) -> bool {
        match self.live.looked.try_lock() {
            Ok(looked) => looked.at.is_none_or(|at| at.elapsed() >= every),
            Err(TryLockError::Poisoned(_)) => true,
            Err(TryLockError::WouldBlock) => false,
        }
    }

    /// Has files looked at elsewhere, and waits for that, though not for long.
    async fn look_aside(&self) {
        if self.live.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let (looking, now) = (Looking(self.clone()), Instant::now());
        let (done, looked) = oneshot::channel();
        let look = move || {
            looking.0.look(now);
            drop(looking);
            // The waiting task may have gone on.
            let _ = done.send(());
        };
        match aside(look) {
            Ok(_) => drop(timeout(PATIENCE, looked).await),
            Err(error) => {
                tracing::debug!(%error, "no thread to look at TLS files with: raise the limits of the process")
            }
        }
    }

    /// What the certificate is called.
    fn certificate_name(&self) -> String {
        self.plan.certificate.name(Role::Certificate)
    }

    /// What a new connection gets.
    pub(crate) async fn current(&self) -> Option<Arc<ServerConfig>> {
        if let Some(every) = self.plan.reload_every
            && self.is_due(every)
        {
            self.look_aside().await;
        }
        self.live.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses what cannot work, and loads the files.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |option, value: String, mend| Err(ConfigError::Option { option, value, mend });
        match self.plan.reload_every {
            Some(Duration::ZERO) => {
                return refuse(
                    "ServerTls::reload_every",
                    "0s".to_owned(),
                    "give it some time, or leave it out",
                );
            }
            Some(every) if self.plan.stamps().is_empty() => {
                let mend = "leave it out, or use from_files: there is no file that could change";
                return refuse("ServerTls::reload_every", format!("{every:?}"), mend);
            }
            _ => {}
        }
        if self.plan.client_auth_optional && self.plan.client_cas.is_empty() {
            let mend = "give a client CA too: without one no client is asked for a certificate";
            return refuse("ServerTls::client_auth_optional", "true".to_owned(), mend);
        }
        Ok(self.reload()?)
    }
}

/// Held by whoever looks at files.
struct Looking(ServerTls);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.live.looking.store(false, Ordering::Release);
    }
}

impl Plan {
    /// Of all files, in a fixed order; `None` for one that cannot be looked at.
    fn stamps(&self) -> Vec<Option<Stamp>> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_cas).filter_map(Source::stamp).collect()
    }

    fn has_files(&self) -> bool {
        [&self.certificate, &self.key].into_iter().chain(&self.client_cas).any(Source::is_file)
    }

    /// With when the certificate ends.
    fn config(&self) -> Result<(ServerConfig, Option<SystemTime>), TlsError> {
        let identity = material::identity(&self.certificate, &self.key)?;
        let end = not_after::end_of(identity.chain());
        let authorities = match &self.client_cas[..] {
            [] => None,
            files => Some(material::authorities(files, Role::ClientCa)?),
        };
        Ok((material::config(identity, authorities, self.client_auth_optional)?, end))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &*self.plan;
        f.debug_struct("ServerTls")
            .field("certificate", &plan.certificate.name(Role::Certificate))
            .field("key", &plan.key.name(Role::Key))
            .field("client_cas", &plan.client_cas.len())
            .field("client_auth_optional", &plan.client_auth_optional)
            .field("reload_every", &plan.reload_every)
            .finish_non_exhaustive()
    }
}
