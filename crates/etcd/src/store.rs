//! The store.
//!
//! ```text
//!   acquire: read the key -- another's --> taken
//!               |-- its own: keep its lease of etcd alive --> the epoch that it has
//!               '-- nobody's: grant a lease of etcd, and create the key with it, if it is still nobody's --> a new epoch
//!   renew:   read the key, which tells its lease of etcd; keep that alive
//!   release: read the key; revoke its lease, which takes the key along
//! ```
//!
//! A key is there as long as its lease is, so one that is kept alive after the key was seen has kept the key. Each grant has a lease of etcd of its own: one with the number of an earlier one
//! might be revoked in the place of that.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{
    Client, Compare, CompareOp, ConnectOptions, Error, EventType, GetResponse, KeyValue, PutOptions, Txn,
    TxnOp, TxnOpResponse, WatchFilterType, WatchOptions,
};
use majordomo::{LeaseError, LeaseGrant, LeaseRequest, LeaseStore, PerRuntime};

use crate::channel::{self, Channel, Cluster};
use crate::error::EtcdLeasesError;

/// How long an answer may take. A manager waits no longer than a sixth of the lease's time to live.
const PATIENCE: Duration = Duration::from_secs(5);
/// A connection on which nothing comes is asked whether it is there; etcd takes offence at more than one such question in 5 s.
const PING: Duration = Duration::from_secs(10);

const PREFIX: &str = "majordomo/leases/";

/// Leases in a cluster of etcd. Clones share a channel, one in each manager. [The crate's documentation](crate) says what it keeps there, and what it stands on.
#[derive(Clone)]
pub struct EtcdLeases {
    pub(crate) cluster: Arc<Cluster>,
    channels: Arc<PerRuntime<Channel>>,
}

impl EtcdLeases {
    /// Those of the cluster at these endpoints, such as `http://host:2379`. Connects when it is asked first.
    ///
    /// # Errors
    /// Where there is none, or one that cannot be used: `https://` needs the feature `tls`, and goes with none of `http://`.
    pub fn new<E: Into<String>>(endpoints: impl IntoIterator<Item = E>) -> Result<Self, EtcdLeasesError> {
        let endpoints: Vec<String> = endpoints.into_iter().map(Into::into).collect();
        for endpoint in &endpoints {
            check(endpoint)
                .map_err(|reason| EtcdLeasesError::Endpoint { endpoint: endpoint.clone(), reason })?;
        }
        if endpoints.is_empty() {
            return Err(EtcdLeasesError::Endpoint { endpoint: String::new(), reason: "there is none" });
        }
        let is_https = Cluster::is_https(&endpoints[0]);
        if let Some(other) = endpoints.iter().find(|endpoint| Cluster::is_https(endpoint) != is_https) {
            let reason = "it is not as the first is, with TLS or without";
            return Err(EtcdLeasesError::Endpoint { endpoint: other.clone(), reason });
        }
        let cluster = Cluster {
            endpoints,
            options: options(ConnectOptions::new().with_keep_alive(PING, PING)),
            #[cfg(feature = "tls")]
            tls: Default::default(),
            prefix: PREFIX.to_owned(),
            within: PATIENCE,
        };
        Ok(Self { cluster: Arc::new(cluster), channels: Arc::default() })
    }

    pub(crate) fn with(self, change: impl FnOnce(&mut Cluster)) -> Self {
        let mut cluster = Cluster::clone(&self.cluster);
        change(&mut cluster);
        // What is connected already is connected otherwise.
        Self { cluster: Arc::new(cluster), channels: Arc::default() }
    }

    /// How to connect: user and password, TLS, and what else etcd-client can be told. That a leader is required is set in any case.
    ///
    /// With TLS by [`ConnectOptions::with_tls`](etcd_client::ConnectOptions) it is as said there; without, `https` endpoints must have certificates of an authority that the system knows.
    #[must_use]
    pub fn connect_options(self, connect: ConnectOptions) -> Self {
        self.with(|cluster| {
            #[cfg(feature = "tls")]
            (cluster.tls = cluster.tls.replaced(&connect));
            cluster.options = options(connect);
        })
    }

    /// What all keys begin with: default `majordomo/leases/`. It must be the same on every replica.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        self.with(|cluster| cluster.prefix = prefix.into())
    }

    /// How long the cluster may take to answer: default 5 s.
    #[must_use]
    pub fn answer_timeout(self, within: Duration) -> Self {
        self.with(|cluster| cluster.within = within)
    }

    pub(crate) fn key(&self, lease: &str) -> String {
        format!("{}{lease}", self.cluster.prefix)
    }

    /// Asks what has no other answers than those that are wanted.
    async fn ask<T, F>(&self, question: impl Fn(Client) -> F) -> Result<T, LeaseError>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let answer = channel::ask(&self.channels, &self.cluster, question).await?;
        Ok(answer.map_err(|error| self.cluster.error(&error))?)
    }

    /// The key as a quorum has it.
    async fn read(&self, lease: &str) -> Result<GetResponse, LeaseError> {
        let key = self.key(lease);
        let key = key.as_str();
        self.ask(|mut client| async move { client.get(key, None).await }).await
    }

    /// Whether there is such a lease of etcd, whose time begins anew.
    async fn keep_alive(&self, id: i64) -> Result<bool, LeaseError> {
        let kept = channel::ask(&self.channels, &self.cluster, |mut client| async move {
            client.lease_keep_alive(id).await
        });
        Ok(kept.await?.is_ok())
    }

    async fn revoke(&self, id: i64) -> Result<(), LeaseError> {
        // That it is gone is what is wanted.
        let _ =
            channel::ask(
                &self.channels,
                &self.cluster,
                |mut client| async move { client.lease_revoke(id).await },
            )
            .await?;
        Ok(())
    }

    /// A new lease of etcd, which lasts from now on.
    async fn grant(&self, ttl: Duration) -> Result<i64, LeaseError> {
        let wanted = seconds(ttl);
        let granted = self.ask(|mut client| async move { client.lease_grant(wanted, None).await }).await?;
        if granted.ttl() < wanted {
            let (ttl, granted) = (wanted, granted.ttl());
            return Err(LeaseError::refused(format!(
                "etcd grants {granted} s where {ttl} s were asked for: shorten the ttl"
            )));
        }
        Ok(granted.id())
    }

    /// Whose the key is, once it was nobody's: that of who asks, unless another was quicker.
    async fn create(&self, request: &LeaseRequest, id: i64) -> Result<Result<u64, KeyValue>, LeaseError> {
        let key = self.key(&request.name);
        let create = Txn::new()
            .when([Compare::create_revision(key.as_str(), CompareOp::Equal, 0)])
            .and_then([TxnOp::put(key.as_str(), &*request.holder, Some(PutOptions::new().with_lease(id)))])
            .or_else([TxnOp::get(key.as_str(), None)]);
        let create = &create;
        let answer = self.ask(|mut client| async move { client.txn(create.clone()).await }).await?;
        if answer.succeeded() {
            let revision = answer.header().map_or(0, |header| header.revision());
            return Ok(Ok(epoch(revision)?));
        }
        let there = answer.op_responses().into_iter().find_map(|response| match response {
            TxnOpResponse::Get(got) => got.kvs().first().cloned(),
            _ => None,
        });
        there.map(Err).ok_or_else(|| LeaseError::away("etcd did not say who has the lease"))
    }

    /// Resolves when the key is gone.
    async fn until_gone(&self, lease: &str) -> Result<(), LeaseError> {
        let seen = self.read(lease).await?;
        if seen.kvs().is_empty() {
            return Ok(());
        }
        let since = seen.header().map_or(0, |header| header.revision()) + 1;
        let key = self.key(lease);
        let options = WatchOptions::new().with_start_revision(since).with_filters([WatchFilterType::NoPut]);
        let (key, options) = (key.as_str(), &options);
        let mut watch =
            self.ask(|mut client| async move { client.watch(key, Some(options.clone())).await }).await?;
        while let Some(told) = watch.message().await.map_err(|error| self.cluster.error(&error))? {
            if told.events().iter().any(|event| event.event_type() == EventType::Delete) {
                return Ok(());
            }
            if told.canceled() {
                break;
            }
        }
        Err(LeaseError::away("etcd does not watch the key any more"))
    }
}

fn options(connect: ConnectOptions) -> ConnectOptions {
    // A member without one would let a watch hang, and answer nothing.
    connect.with_require_leader(true).with_auto_token_refresh(true)
}

fn check(endpoint: &str) -> Result<(), &'static str> {
    let uri: http::Uri = endpoint.parse().map_err(|_| "it is no URL")?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") if cfg!(feature = "tls") => {}
        Some("https") => return Err("https needs the feature `tls` of majordomo-etcd"),
        _ => return Err("it begins neither with http:// nor with https://"),
    }
    uri.host().filter(|host| !host.is_empty()).map(|_| ()).ok_or("it names no host")
}

/// etcd counts in whole seconds: none less than what was asked for.
fn seconds(ttl: Duration) -> i64 {
    let whole = ttl.as_secs().saturating_add(u64::from(ttl.subsec_nanos() > 0));
    i64::try_from(whole.max(1)).unwrap_or(i64::MAX)
}

fn epoch(revision: i64) -> Result<u64, LeaseError> {
    u64::try_from(revision).map_err(|error| LeaseError::away(Box::new(error)))
}

fn granted(there: &KeyValue) -> Result<LeaseGrant, LeaseError> {
    epoch(there.create_revision()).map(LeaseGrant::new)
}

fn taken(by: Option<&KeyValue>) -> LeaseError {
    let by = by.map_or("nobody".into(), |there| String::from_utf8_lossy(there.value()));
    LeaseError::Taken { by: by.into_owned(), left: None }
}

/// Whether who asks has made it. One that has no lease of etcd was put there by hand.
fn is_own(there: &KeyValue, request: &LeaseRequest) -> bool {
    there.value() == request.holder.as_bytes() && there.lease() != 0
}

impl LeaseStore for EtcdLeases {
    /// Reads what is at its prefix.
    async fn check(&self) -> Result<(), LeaseError> {
        let key = self.key("");
        let key = key.as_str();
        let read = |mut client: Client| async move { client.get(key, None).await };
        let answer = channel::ask(&self.channels, &self.cluster, read).await;
        let answer = answer.and_then(|answer| answer.map_err(|error| self.cluster.error(&error)));
        answer.map(|_| ()).map_err(EtcdLeasesError::at_start)
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        let seen = self.read(&request.name).await?;
        if let Some(there) = seen.kvs().first() {
            // One that has just ended is gone in a moment.
            let is_kept = is_own(there, request) && self.keep_alive(there.lease()).await?;
            return if is_kept { granted(there) } else { Err(taken(Some(there))) };
        }
        let id = self.grant(request.ttl).await?;
        match self.create(request, id).await? {
            Ok(epoch) => Ok(LeaseGrant::new(epoch)),
            Err(there) => {
                self.revoke(id).await?;
                Err(taken(Some(&there)))
            }
        }
    }

    async fn renew(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        let seen = self.read(&request.name).await?;
        match seen.kvs().first() {
            Some(there) if is_own(there, request) && self.keep_alive(there.lease()).await? => Ok(()),
            Some(there) if is_own(there, request) => Err(taken(None)),
            there => Err(taken(there)),
        }
    }

    async fn release(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        let seen = self.read(&request.name).await?;
        match seen.kvs().first() {
            Some(there) if is_own(there, request) => self.revoke(there.lease()).await,
            _ => Ok(()),
        }
    }

    async fn watch(&self, request: &LeaseRequest) {
        while self.until_gone(&request.name).await.is_err() {
            // It is asked for as often without a watch.
            tokio::time::sleep(request.ttl / 6).await;
        }
    }
}

impl fmt::Debug for EtcdLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cluster { endpoints, prefix, within, .. } = &*self.cluster;
        f.debug_struct("EtcdLeases")
            .field("endpoints", endpoints)
            .field("prefix", prefix)
            .field("within", within)
            .finish_non_exhaustive()
    }
}
