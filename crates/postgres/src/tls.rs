//! TLS by rustls, for what a URL asks for: files are read for each connection, so that those that are renewed are used.

use std::error::Error;
use std::sync::Arc;

use majordomo::clients::{TlsFiles, TlsPem};
use tokio_postgres::Socket;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls_improved::MakeRustlsConnect;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::{self, CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{self, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::address::{TlsPlan, Verify};
use crate::error::TlsFault;

/// How each connection gets it.
#[derive(Clone)]
pub(crate) struct Tls {
    verify: Verify,
    files: TlsFiles,
    /// Those of the system, where they are asked for.
    system: Option<Arc<RootCertStore>>,
}

impl Tls {
    /// Reads what is asked for, which is to be right before anything begins.
    pub(crate) fn new(plan: TlsPlan) -> Result<Self, TlsFault> {
        let system = match &plan.ca {
            None if plan.verify != Verify::Nothing => Some(Arc::new(system()?)),
            _ => None,
        };
        let mut files = TlsFiles::new();
        if let Some(ca) = plan.ca {
            files = files.ca(ca);
        }
        if let Some([certificate, key]) = plan.identity {
            files = files.identity(certificate, key);
        }
        let tls = Self { verify: plan.verify, files, system };
        tls.config(tls.files.check()?)?;
        Ok(tls)
    }

    /// For one connection.
    pub(crate) async fn connect(&self) -> Result<Connect, TlsFault> {
        let pem = self.files.read().await?;
        Ok(Connect(MakeRustlsConnect::new(self.config(pem)?)))
    }

    fn config(&self, pem: TlsPem) -> Result<ClientConfig, TlsFault> {
        let unusable = |error: &dyn Error| TlsFault {
            reason: error.to_string(),
            mend: "see to what sslrootcert, sslcert and sslkey name",
        };
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?;
        let roots = match pem.ca {
            None => self.system.clone(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(&ca) {
                    let added = roots.add(certificate.map_err(|error| unusable(&error))?);
                    added.map_err(|error| unusable(&error))?;
                }
                Some(Arc::new(roots))
            }
        };
        let builder = match roots.clone() {
            Some(roots) if self.verify == Verify::ChainAndName => builder.with_root_certificates(roots),
            _ => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(OfAnyName { roots, provider }))
            }
        };
        let config = match pem.identity {
            None => Ok(builder.with_no_client_auth()),
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_slice_iter(&certificate).collect::<Result<_, _>>();
                let key = PrivateKeyDer::from_pem_slice(&key);
                builder.with_client_auth_cert(
                    chain.map_err(|error| unusable(&error))?,
                    key.map_err(|error| unusable(&error))?,
                )
            }
        };
        let mut config = config.map_err(|error| unusable(&error))?;
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(config)
    }
}

fn system() -> Result<RootCertStore, TlsFault> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let errors: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        let errors = if errors.is_empty() { "there are none".to_owned() } else { errors.join(", ") };
        return Err(TlsFault {
            reason: format!("the system's authorities cannot be used: {errors}"),
            mend: "install them (Debian: ca-certificates), or name the server's own by sslrootcert=FILE",
        });
    }
    Ok(roots)
}

/// For one connection.
#[derive(Clone)]
pub(crate) struct Connect(MakeRustlsConnect);

impl MakeTlsConnect<Socket> for Connect {
    type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;
    type TlsConnect = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;
    type Error = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Self::TlsConnect, Self::Error> {
        // A Unix socket among other hosts has no name, and no TLS either.
        let host = if host.is_empty() { "localhost" } else { host };
        MakeTlsConnect::<Socket>::make_tls_connect(&mut self.0, host)
    }
}

/// Takes a certificate of any name: what leads to an authority, or, without one, whatever comes, as libpq does.
#[derive(Debug)]
struct OfAnyName {
    roots: Option<Arc<RootCertStore>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OfAnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let known = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, known)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
