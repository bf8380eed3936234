//! Certificates and keys: from a file to what rustls works with, each step with an error that names the file.

use std::borrow::Cow;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig};

use crate::report::TlsError;

/// HTTP/2 over TLS, as ALPN calls it.
pub(crate) const H2: &[u8] = b"h2";
/// HTTP/1.1, the same.
pub(crate) const HTTP1: &[u8] = b"http/1.1";

/// Where something comes from.
#[derive(Clone)]
pub(crate) enum Source {
    File(PathBuf),
    Pem(Vec<u8>),
    /// A file, and what it held when it was read.
    Read(PathBuf, Vec<u8>),
}

/// What something is to be.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Certificate,
    Key,
    ClientCa,
    /// Whose certificates a client trusts.
    Ca,
}

/// By what a file is known to have changed: device, inode, length, and when it was last written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(u64, u64, u64, i64, i64);

/// A certificate with those that lead from it to its authority, and its key.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    names: [String; 2],
}

impl Identity {
    /// The server's own certificate first.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Whether the key is that of the certificate.
    pub(crate) fn check(&self) -> Result<(), TlsError> {
        let checked = CertifiedKey::from_der(self.chain.clone(), self.key.clone_key(), &provider());
        checked.map(|_| ()).map_err(|error| blame(&self.names, error))
    }
}

impl Source {
    /// What errors call it.
    pub(crate) fn name(&self, role: Role) -> String {
        let what = match role {
            Role::Certificate => "the certificate",
            Role::Key => "the private key",
            Role::ClientCa => "the client CA",
            Role::Ca => "the CA",
        };
        match self {
            Self::File(path) | Self::Read(path, _) => format!("{what} {}", path.display()),
            Self::Pem(_) => format!("{what} given as PEM"),
        }
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// `None` for what is no file, `Some(None)` for a file that cannot be looked at.
    pub(crate) fn stamp(&self) -> Option<Option<Stamp>> {
        let Self::File(path) = self else { return None };
        let stamp =
            |file: fs::Metadata| Stamp(file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec());
        Some(fs::metadata(path).ok().map(stamp))
    }

    fn error(&self, role: Role, reason: impl Into<String>, mend: &'static str) -> TlsError {
        TlsError { origin: self.name(role), reason: reason.into(), mend }
    }

    fn read(&self, role: Role) -> Result<Cow<'_, [u8]>, TlsError> {
        let bytes: Cow<'_, [u8]> = match self {
            Self::Pem(bytes) | Self::Read(_, bytes) => bytes.into(),
            Self::File(path) => fs::read(path)
                .map_err(|error| {
                    self.error(role, error.to_string(), "give a file that the process may read")
                })?
                .into(),
        };
        if bytes.trim_ascii().is_empty() {
            return Err(self.error(role, "it is empty", "give it in PEM"));
        }
        if !contains(&bytes, "-----BEGIN ") {
            return Err(self.error(
                role,
                "it is not PEM: no line begins with -----BEGIN",
                "convert it to PEM",
            ));
        }
        Ok(bytes)
    }

    /// A file as it is now, with what it holds.
    pub(crate) fn of_file(path: &Path, role: Role) -> Result<(Self, Vec<u8>), TlsError> {
        let bytes = Self::File(path.to_owned()).read(role)?.into_owned();
        Ok((Self::Read(path.to_owned(), bytes.clone()), bytes))
    }

    fn certificates(&self, role: Role) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let mend = "give certificates in PEM, each from BEGIN CERTIFICATE to END CERTIFICATE";
        let bytes = self.read(role)?;
        let all: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
            .collect::<Result<_, _>>()
            .map_err(|error| self.error(role, format!("it is broken PEM ({error})"), mend))?;
        if all.is_empty() {
            return Err(self.error(role, "there is no certificate in it", mend));
        }
        Ok(all)
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let mend = "give the private key in PEM: PKCS#8, PKCS#1 or SEC1, without a password";
        let bytes = self.read(Role::Key)?;
        let first = PrivateKeyDer::pem_slice_iter(&bytes).next();
        match first {
            Some(Ok(key)) => Ok(key),
            Some(Err(error)) => Err(self.error(Role::Key, format!("it is broken PEM ({error})"), mend)),
            None if contains(&bytes, "BEGIN ENCRYPTED PRIVATE KEY") => {
                Err(self.error(Role::Key, "it is encrypted", mend))
            }
            None => Err(self.error(Role::Key, "there is no private key in it", mend)),
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What a side is to show.
pub(crate) fn identity(certificate: &Source, key: &Source) -> Result<Identity, TlsError> {
    let chain = certificate.certificates(Role::Certificate)?;
    let names = [certificate.name(Role::Certificate), key.name(Role::Key)];
    let mend = "give an RSA, ECDSA or Ed25519 key";
    let source = key;
    let key = source.key()?;
    let checked = provider().key_provider.load_private_key(key.clone_key());
    checked.map_err(|error| source.error(Role::Key, error.to_string(), mend))?;
    Ok(Identity { chain, key, names })
}

/// The authorities whose certificates the other side may show.
pub(crate) fn authorities(sources: &[Source], role: Role) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for source in sources {
        for certificate in source.certificates(role)? {
            roots.add(certificate).map_err(|error| {
                source.error(role, error.to_string(), "give the certificate of an authority")
            })?;
        }
    }
    Ok(roots)
}

/// What is wrong with a certificate and a key, which are called so.
fn blame([certificate, key]: &[String; 2], error: Error) -> TlsError {
    let reason = error.to_string();
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError {
            origin: key.clone(),
            reason: format!("it does not belong to {certificate}"),
            mend: "give the key that the certificate was made with; its own certificate must come first",
        },
        _ => TlsError {
            origin: certificate.clone(),
            reason,
            mend: "give its own certificate first, then those that lead to its CA",
        },
    }
}

/// All of it together.
pub(crate) fn config(
    identity: Identity,
    authorities: Option<RootCertStore>,
    optional: bool,
) -> Result<ServerConfig, TlsError> {
    let Identity { chain, key, names } = identity;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| TlsError {
        origin: names[0].clone(),
        reason: error.to_string(),
        mend: "this is a bug in majordomo",
    })?;
    let builder = match authorities {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
            let verifier = if optional { verifier.allow_unauthenticated() } else { verifier };
            let verifier = verifier.build().map_err(|error| TlsError {
                origin: "the client CA".to_owned(),
                reason: error.to_string(),
                mend: "give the certificate of an authority",
            })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| blame(&names, error))?;
    config.alpn_protocols = vec![H2.to_vec()];
    Ok(config)
}
