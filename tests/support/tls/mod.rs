//! What the tests of TLS share: authorities, what they sign, and clients of every kind.

mod store;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use majordomo::grpc::ServerTls;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Error, Identity};

use crate::Folder;
pub use store::StoreServer;

/// An authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
pub struct Signed {
    pub certificate: String,
    pub key: String,
    pub der: CertificateDer<'static>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn sign(&self, name: &str) -> Signed {
        self.sign_with(name, |_| {})
    }

    /// One that has ended.
    pub fn sign_expired(&self, name: &str) -> Signed {
        self.sign_with(name, |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    fn sign_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Signed {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Signed { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().clone() }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

impl Signed {
    pub fn tls(&self) -> ServerTls {
        ServerTls::from_pem(self.certificate.clone(), self.key.clone())
    }

    /// Writes both into a folder, in the place of what was there.
    pub fn write(&self, folder: &Folder) -> [PathBuf; 2] {
        [("tls.crt", &self.certificate), ("tls.key", &self.key)].map(|(name, pem)| {
            put(folder, name, pem);
            folder.path(name)
        })
    }
}

/// Writes a file at once, as those who renew certificates do.
pub fn put(folder: &Folder, name: &str, text: &str) {
    let new = folder.path(format!("{name}.new"));
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.path(name)).unwrap();
}

/// A client of tonic's.
pub async fn connect(
    address: SocketAddr,
    authority: &Authority,
    identity: Option<&Signed>,
) -> Result<Channel, Error> {
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.pem()))
        .domain_name("localhost");
    let tls = match identity {
        Some(signed) => tls.identity(Identity::from_pem(&signed.certificate, &signed.key)),
        None => tls,
    };
    Endpoint::from_shared(format!("https://{address}")).unwrap().tls_config(tls).unwrap().connect().await
}

/// How a bare client that offers these protocols, at these versions, shakes hands.
pub fn client(
    authority: &Authority,
    protocols: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(authority.roots())
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// A bare client that offers these protocols, at these versions.
pub async fn shake(
    address: SocketAddr,
    authority: &Authority,
    protocols: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let config = client(authority, protocols, versions);
    let tcp = TcpStream::connect(address).await?;
    TlsConnector::from(config).connect(ServerName::try_from("localhost").unwrap(), tcp).await
}

pub const ANY_VERSION: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

/// The certificate that a server shows to who connects now.
pub async fn shown(address: SocketAddr, authority: &Authority) -> CertificateDer<'static> {
    let stream = shake(address, authority, &["h2"], ANY_VERSION).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}
