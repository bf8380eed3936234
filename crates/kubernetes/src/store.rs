//! The store.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Config, Error};
use majordomo::{BoxError, LeaseError, LeaseGrant, LeaseRequest, LeaseStore, PerRuntime};

use crate::client::{self, Cluster, Connected};
use crate::error::{KubernetesLeasesError, code};
use crate::observed::Observed;
use crate::rules::{Whose, check_name, give_back, hold, whose};

/// How long an answer may take. A manager waits no longer than a sixth of the lease's time to live.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a lease is looked at again that others have changed in the meantime.
const TRIES: u8 = 3;

const NOT_FOUND: u16 = 404;
const CONFLICT: u16 = 409;

/// Leases of a cluster of Kubernetes. Clones share a client, one in each manager, and what they have seen. [The crate's documentation](crate) says what it keeps there, and what it
/// stands on.
#[derive(Clone)]
pub struct KubernetesLeases {
    cluster: Arc<Cluster>,
    clients: Arc<PerRuntime<Connected>>,
    observed: Arc<Mutex<Observed>>,
}

/// What is to become of a lease that was read.
enum Change<T> {
    /// Nothing.
    Stays(T),
    /// This, and then the answer is that.
    To(Box<Lease>, T),
}

impl KubernetesLeases {
    /// Those of the cluster that kubectl would ask, or else of the one that this pod is of.
    ///
    /// # Errors
    /// Where neither a kubeconfig nor a service account is there.
    pub async fn infer() -> Result<Self, KubernetesLeasesError> {
        let config = Config::infer().await;
        config.map(Self::new).map_err(|error| KubernetesLeasesError::Config { reason: error.to_string() })
    }

    /// Those of a cluster, in the default namespace of that configuration. Connects when it is asked first.
    pub fn new(config: Config) -> Self {
        let namespace = config.default_namespace.clone();
        Self::of(Cluster {
            config,
            namespace,
            within: PATIENCE,
            has_read: AtomicBool::new(false),
            has_written: AtomicBool::new(false),
        })
    }

    fn of(cluster: Cluster) -> Self {
        Self { cluster: Arc::new(cluster), clients: Arc::default(), observed: Arc::default() }
    }

    fn with(&self, change: impl FnOnce(&mut Cluster)) -> Self {
        let Cluster { config, namespace, within, .. } = &*self.cluster;
        let (config, namespace, within) = (config.clone(), namespace.clone(), *within);
        let mut cluster = Cluster {
            config,
            namespace,
            within,
            has_read: AtomicBool::new(false),
            has_written: AtomicBool::new(false),
        };
        change(&mut cluster);
        Self::of(cluster)
    }

    /// The namespace of the objects: default the configuration's, which is a pod's own. It must be there, and be the same on every replica.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.with(|cluster| cluster.namespace = namespace.into())
    }

    /// How long the API may take to answer: default 5 s.
    #[must_use]
    pub fn answer_timeout(self, within: Duration) -> Self {
        self.with(|cluster| cluster.within = within)
    }

    async fn ask<T, F>(&self, question: impl FnOnce(Api<Lease>) -> F) -> Result<Result<T, Error>, LeaseError>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        Ok(client::ask(&self.clients, &self.cluster, question).await?)
    }

    async fn read(&self, name: &str) -> Result<Option<Lease>, LeaseError> {
        let lease = match self.ask(|leases| async move { leases.get(name).await }).await? {
            Ok(lease) => Some(lease),
            Err(error) if code(&error) == Some(NOT_FOUND) => None,
            Err(error) => return Err(self.cluster.error(&error, &self.cluster.has_read).into()),
        };
        self.cluster.has_read.store(true, Ordering::Relaxed);
        Ok(lease)
    }

    /// Writes what was read and changed, or made: `false` where others were quicker.
    async fn write(&self, lease: &Lease) -> Result<bool, LeaseError> {
        let name = lease.metadata.name.as_deref().unwrap_or_default();
        let is_new = lease.metadata.resource_version.is_none();
        let written = self.ask(|leases| async move {
            let parameters = PostParams::default();
            if is_new {
                leases.create(&parameters, lease).await
            } else {
                leases.replace(name, &parameters, lease).await
            }
        });
        match written.await? {
            Ok(_) => {
                self.cluster.has_written.store(true, Ordering::Relaxed);
                Ok(true)
            }
            // It was changed, or deleted.
            Err(error) if code(&error) == Some(CONFLICT) || code(&error) == Some(NOT_FOUND) && !is_new => {
                Ok(false)
            }
            Err(error) => Err(self.cluster.error(&error, &self.cluster.has_written).into()),
        }
    }

    /// Has a lease changed as `decide` says of what was read, and looks again where others were quicker.
    async fn change<T>(
        &self,
        request: &LeaseRequest,
        decide: impl Fn(Option<Lease>, Duration, &MicroTime) -> Result<Change<T>, LeaseError> + Send + Sync,
    ) -> Result<T, LeaseError> {
        check_name(&request.name)
            .map_err(|reason| KubernetesLeasesError::Name { name: request.name.to_string(), reason })?;
        for _ in 0..TRIES {
            let lease = self.read(&request.name).await?;
            let unchanged =
                lease.as_ref().map_or(Duration::ZERO, |lease| self.unchanged(&request.name, lease));
            let now = MicroTime(k8s_openapi::jiff::Timestamp::now());
            match decide(lease, unchanged, &now)? {
                Change::Stays(answer) => return Ok(answer),
                Change::To(lease, answer) => {
                    if self.write(&lease).await? {
                        return Ok(answer);
                    }
                }
            }
        }
        Err(LeaseError::away(format!("others change the lease {TRIES} times in the meantime")))
    }

    /// For how long that version has been the latest, by this machine's clock, which counts from after it was read.
    fn unchanged(&self, name: &str, lease: &Lease) -> Duration {
        let now = Instant::now();
        // An object that was deleted and made anew is another.
        let version = [&lease.metadata.uid, &lease.metadata.resource_version]
            .map(|part| part.as_deref().unwrap_or_default());
        self.observed.lock().unwrap_or_else(PoisonError::into_inner).note(name, &version.join("/"), now)
    }
}

fn new_lease(name: &str) -> Lease {
    Lease { metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }, spec: None }
}

fn grant(epoch: i32) -> Result<LeaseGrant, LeaseError> {
    // The API takes none that is negative.
    u64::try_from(epoch).map(LeaseGrant::new).map_err(|error| LeaseError::refused(Box::new(error)))
}

impl LeaseStore for KubernetesLeases {
    fn check_name(&self, name: &str) -> Result<(), BoxError> {
        check_name(name).map_err(Into::into)
    }

    /// Reads a lease that need not be there.
    async fn check(&self) -> Result<(), LeaseError> {
        self.read("majordomo").await.map(|_| ())
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        let decide = |lease: Option<Lease>, unchanged, now: &MicroTime| {
            let mut lease = lease.unwrap_or_else(|| new_lease(&request.name));
            let epoch = match whose(&lease, request, unchanged) {
                Whose::Own(epoch) => epoch,
                Whose::Free(epoch) => epoch
                    .checked_add(1)
                    .ok_or_else(|| KubernetesLeasesError::Worn { name: request.name.to_string() })?,
                Whose::Others { by, left } => return Err(LeaseError::Taken { by, left: Some(left) }),
            };
            hold(&mut lease, request, epoch, now);
            Ok(Change::To(Box::new(lease), grant(epoch)?))
        };
        self.change(request, decide).await
    }

    async fn renew(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        let decide = |lease: Option<Lease>, _, now: &MicroTime| {
            let nobodys = || LeaseError::Taken { by: "nobody".to_owned(), left: None };
            let mut lease = lease.ok_or_else(nobodys)?;
            // Others may see it as over: whoever writes first has it.
            match whose(&lease, request, Duration::ZERO) {
                Whose::Own(epoch) => {
                    hold(&mut lease, request, epoch, now);
                    Ok(Change::To(Box::new(lease), ()))
                }
                Whose::Free(_) => Err(nobodys()),
                Whose::Others { by, .. } => Err(LeaseError::Taken { by, left: None }),
            }
        };
        self.change(request, decide).await
    }

    async fn release(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        let decide = |lease: Option<Lease>, _, now: &MicroTime| match lease {
            Some(mut lease) if matches!(whose(&lease, request, Duration::ZERO), Whose::Own(_)) => {
                give_back(&mut lease, now);
                Ok(Change::To(Box::new(lease), ()))
            }
            _ => Ok(Change::Stays(())),
        };
        self.change(request, decide).await
    }
}

impl fmt::Debug for KubernetesLeases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cluster { config, namespace, within, .. } = &*self.cluster;
        f.debug_struct("KubernetesLeases")
            .field("at", &config.cluster_url)
            .field("namespace", namespace)
            .field("within", within)
            .finish_non_exhaustive()
    }
}
