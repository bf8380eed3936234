//! What is wrong with a certificate or a key.

/// TLS cannot be had from what was given.
///
/// It comes when a manager starts. Files that change later to what cannot be used are logged, and the ones before stay in use. It also comes of the files of a client, when they are checked or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("TLS: {origin} cannot be used: {reason}: {mend}")]
#[non_exhaustive]
pub struct TlsError {
    /// Which of those that were given: what it is to be, and its file.
    pub origin: String,
    /// What is wrong with it.
    pub reason: String,
    /// What would work.
    pub mend: &'static str,
}
