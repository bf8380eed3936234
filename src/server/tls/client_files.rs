//! The files of a client: whom it trusts, and what it shows. For stores of leases, and whatever else connects.
//!
//! ```text
//!   named --check--> known to be right --connects--> read again --> what they hold now
//! ```

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use super::aside::aside;
use super::material::{self, Role, Source};
use crate::report::TlsError;

/// Files in PEM with which a client connects over TLS. They are named here, and [read](Self::read) for each new connection: so a certificate that is renewed is
/// used as soon as it is there.
///
/// A clone is the same files.
#[must_use = "files do nothing until a client has them"]
#[derive(Clone, Default)]
pub struct TlsFiles {
    ca: Option<PathBuf>,
    identity: Option<[PathBuf; 2]>,
    /// A thread is at it.
    is_read: Arc<AtomicBool>,
}

/// What such files hold.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct TlsPem {
    /// The certificates of whoever may sign the server's.
    pub ca: Option<Vec<u8>>,
    /// The client's certificate, with those that lead from it to its authority, and its private key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl TlsFiles {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// The file of the authorities that are trusted, and nobody else. Default: whoever the client trusts by itself, as a rule those of the system.
    pub fn ca(self, ca: impl Into<PathBuf>) -> Self {
        Self { ca: Some(ca.into()), is_read: Arc::default(), ..self }
    }

    /// The files of the client's certificate and of its private key. Default: none, and the server is shown none.
    pub fn identity(self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { identity: Some([certificate.into(), key.into()]), is_read: Arc::default(), ..self }
    }

    /// Whether an authority is named.
    pub fn has_ca(&self) -> bool {
        self.ca.is_some()
    }

    /// Reads them, and sees that they can be used: for a program that is to say so before it begins. Blocks as long as that takes.
    ///
    /// # Errors
    /// A file that cannot be read, or is no PEM; an authority that is none; a key that does not belong to its certificate.
    pub fn check(&self) -> Result<TlsPem, TlsError> {
        let mut pem = TlsPem::default();
        if let Some(ca) = &self.ca {
            let (source, bytes) = Source::of_file(ca, Role::Ca)?;
            material::authorities(&[source], Role::Ca)?;
            pem.ca = Some(bytes);
        }
        if let Some([certificate, key]) = &self.identity {
            let (certificate, shown) = Source::of_file(certificate, Role::Certificate)?;
            let (key, secret) = Source::of_file(key, Role::Key)?;
            material::identity(&certificate, &key)?.check()?;
            pem.identity = Some((shown, secret));
        }
        Ok(pem)
    }

    /// As [`check`](Self::check), on a thread of its own: a disk that hangs holds up nobody else. Bound: one such thread for these files.
    ///
    /// # Errors
    /// As those of `check`; and where they are still being read for somebody who has given up, or there is no thread to be had.
    pub async fn read(&self) -> Result<TlsPem, TlsError> {
        if self.ca.is_none() && self.identity.is_none() {
            return Ok(TlsPem::default());
        }
        let failed =
            |reason: &str, mend| TlsError { origin: format!("{self:?}"), reason: reason.to_owned(), mend };
        if self.is_read.swap(true, Ordering::AcqRel) {
            return Err(failed("it is still being read", "see whether its disk hangs"));
        }
        let (reading, (done, read)) = (Reading(self.clone()), oneshot::channel());
        let look = move || {
            let read = reading.0.check();
            drop(reading);
            let _ = done.send(read);
        };
        let no_thread = |reason: String| failed(&reason, "raise the limits of the process");
        aside(look).map_err(|error| no_thread(format!("there is no thread to read it: {error}")))?;
        read.await.unwrap_or_else(|_| Err(no_thread("the thread that read it is gone".to_owned())))
    }
}

/// Held by whoever reads.
struct Reading(TlsFiles);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.is_read.store(false, Ordering::Release);
    }
}

impl fmt::Debug for TlsFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsFiles").field("ca", &self.ca).field("identity", &self.identity).finish()
    }
}

/// Without the key.
impl fmt::Debug for TlsPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = (self.ca.is_some(), self.identity.is_some());
        f.debug_struct("TlsPem").field("ca", &has.0).field("identity", &has.1).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::server::tls::samples::{Sample, UNTIL_2030, VALID};

    /// Files of a test's own, with what they hold.
    fn files(name: &str, ca: &str, Sample { certificate, key }: Sample) -> (PathBuf, TlsFiles) {
        let folder = std::env::temp_dir().join(format!("majordomo-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in [("ca.crt", ca), ("tls.crt", certificate), ("tls.key", key)] {
            fs::write(folder.join(name), text).unwrap();
        }
        let at = |name| folder.join(name);
        (folder.clone(), TlsFiles::new().ca(at("ca.crt")).identity(at("tls.crt"), at("tls.key")))
    }

    #[tokio::test]
    async fn what_is_read_is_what_the_files_hold_now() {
        let (folder, files) = files("renewed", VALID.certificate, VALID);
        let before = files.read().await.unwrap();
        assert_eq!(before.ca.as_deref(), Some(VALID.certificate.as_bytes()));
        fs::write(folder.join("tls.crt"), UNTIL_2030.certificate).unwrap();
        fs::write(folder.join("tls.key"), UNTIL_2030.key).unwrap();
        let after = files.read().await.unwrap();
        let (certificate, key) = after.identity.unwrap();
        assert_eq!(
            (&certificate[..], &key[..]),
            (UNTIL_2030.certificate.as_bytes(), UNTIL_2030.key.as_bytes())
        );
        // A disk that hangs holds one thread, and whoever else reads is told.
        files.is_read.store(true, Ordering::Release);
        let text = files.read().await.unwrap_err().to_string();
        assert!(text.contains("still being read") && text.contains("tls.key"), "{text}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let mismatched = Sample { certificate: VALID.certificate, key: UNTIL_2030.key };
        for (name, ca, identity, origin, reason) in [
            (
                "mismatched",
                VALID.certificate,
                mismatched,
                "the private key",
                "does not belong to the certificate",
            ),
            ("no-ca", "nothing", VALID, "the CA", "it is not PEM"),
            ("key-as-ca", VALID.key, VALID, "the CA", "no certificate in it"),
            ("no-key", VALID.certificate, Sample { key: "", ..VALID }, "the private key", "it is empty"),
        ] {
            let (folder, files) = files(name, ca, identity);
            let error = files.check().unwrap_err();
            assert!(error.origin.starts_with(origin) && error.reason.contains(reason), "{name}: {error}");
            assert!(error.origin.contains(folder.to_str().unwrap()), "{name}: {error}");
            fs::remove_dir_all(folder).unwrap();
            let error = files.check().unwrap_err();
            assert!(error.reason.contains("No such file"), "{name}: {error}");
        }
    }
}
