//! TLS of `https` endpoints: files are read for each new channel, so that those that are renewed are used.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use etcd_client::{Certificate, Client, ConnectOptions, Error, Identity, TlsOptions};
use majordomo::clients::{TlsFiles, TlsPem};
use tokio::sync::Mutex;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::channel::Cluster;
use crate::error::EtcdLeasesError;
use crate::store::EtcdLeases;
use crate::tls_fault::TlsFault;

/// What is wanted of TLS.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    files: TlsFiles,
    pub(crate) domain: Option<String>,
    /// The options of etcd-client have some of their own, and nothing was said here.
    is_theirs: bool,
    /// Held by who looks why it cannot be asked.
    pub(crate) looking: Arc<Mutex<()>>,
}

impl Tls {
    /// With what etcd-client is to be told.
    pub(crate) async fn add_to(&self, options: ConnectOptions) -> Result<ConnectOptions, TlsFault> {
        if self.is_theirs {
            return Ok(options);
        }
        let pem = self.files.read().await?;
        let tls = match pem.ca {
            Some(ca) => TlsOptions::new().ca_certificate(Certificate::from_pem(ca)),
            None => TlsOptions::new().with_enabled_roots(),
        };
        let tls = match pem.identity {
            Some((certificate, key)) => tls.identity(Identity::from_pem(certificate, key)),
            None => tls,
        };
        let tls = match &self.domain {
            Some(domain) => tls.domain_name(domain),
            None => tls,
        };
        Ok(options.with_tls(tls))
    }

    /// The same for rustls itself. `None`: only etcd-client knows.
    pub(crate) async fn config(&self) -> Option<Result<Arc<ClientConfig>, TlsFault>> {
        if self.is_theirs {
            return None;
        }
        let config = async { rustls_config(self.files.read().await?) };
        Some(config.await.map(Arc::new))
    }

    /// As new options of etcd-client have it.
    pub(crate) fn replaced(&self, options: &ConnectOptions) -> Self {
        Self { is_theirs: has_tls(options), ..self.clone() }
    }
}

fn rustls_config(pem: TlsPem) -> Result<ClientConfig, TlsFault> {
    let mut roots = RootCertStore::empty();
    match &pem.ca {
        Some(ca) => roots.add_parsable_certificates(CertificateDer::pem_slice_iter(ca).flatten()),
        None => roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match &pem.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder.with_client_auth_cert(
            CertificateDer::pem_slice_iter(certificate).flatten().collect(),
            PrivateKeyDer::from_pem_slice(key)?,
        )?,
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// Whether options of etcd-client have TLS, which they do not tell: then, and before anything else, it refuses an endpoint without. The second endpoint is none, so that it
/// connects to nobody in any case.
fn has_tls(options: &ConnectOptions) -> bool {
    let connect = pin!(Client::connect(["http://localhost", "http://"], Some(options.clone())));
    let answer = connect.poll(&mut Context::from_waker(Waker::noop()));
    matches!(answer, Poll::Ready(Err(Error::InvalidArgs(_))))
}

impl EtcdLeases {
    /// Files in PEM for `https` endpoints: the authority that has signed the cluster's certificate, where the system does not know it, and a certificate of this program
    /// with its key, where the cluster asks for one. They are read for each new channel; a store that runs makes one when the old one is of no use any more, and so finds those that were renewed.
    ///
    /// It takes the place of what [`connect_options`](Self::connect_options) say of TLS. Source: the feature `tls`.
    ///
    /// # Errors
    /// Where a file cannot be used, and where an endpoint begins with `http://`.
    pub fn tls_files(self, files: TlsFiles) -> Result<Self, EtcdLeasesError> {
        let checked = files.check().map(|_| ());
        checked.map_err(|error| TlsFault::from(error).of(&self.cluster))?;
        self.with_tls(|tls| tls.files = files)
    }

    /// The name that the cluster's certificates must have: default the host of each endpoint. For endpoints that are called otherwise than their certificates say.
    ///
    /// It takes the place of what [`connect_options`](Self::connect_options) say of TLS. Source: the feature `tls`.
    ///
    /// # Errors
    /// Where it is no name that a certificate may have, and where an endpoint begins with `http://`.
    pub fn tls_domain(self, domain: impl Into<String>) -> Result<Self, EtcdLeasesError> {
        let domain = domain.into();
        if let Err(error) = ServerName::try_from(domain.as_str()) {
            let reason = format!("{domain:?} is no name of a certificate: {error}");
            let fault = TlsFault { reason, mend: "give one such as etcd.example, or an address" };
            return Err(fault.of(&self.cluster));
        }
        self.with_tls(|tls| tls.domain = Some(domain))
    }

    fn with_tls(self, change: impl FnOnce(&mut Tls)) -> Result<Self, EtcdLeasesError> {
        if let Some(endpoint) = self.cluster.endpoints.iter().find(|endpoint| !Cluster::is_https(endpoint)) {
            let reason = "it is without TLS, of which something is said: https:// is with";
            return Err(EtcdLeasesError::Endpoint { endpoint: endpoint.clone(), reason });
        }
        Ok(self.with(|cluster| {
            cluster.tls.is_theirs = false;
            change(&mut cluster.tls);
        }))
    }
}
