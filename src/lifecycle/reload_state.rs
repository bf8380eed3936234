//! How far a reload has come.

use super::reload_names::ReloadStep;

/// The reload that is under way, if one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Reload {
    pub(super) step: Option<ReloadStep>,
    /// Services that this step waits for.
    pub(super) open: u32,
    /// Whether anybody refused, or failed.
    pub(super) failed: bool,
    /// Whether another is to follow.
    pub(super) again: bool,
}

/// What the reload that is under way waits for of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Share {
    /// Nothing.
    #[default]
    None,
    /// Its set-up.
    SetUp,
    /// Its answer to `PrepareReload`.
    Preparing,
    /// Others; then it commits.
    Prepared,
    /// Its answer to `CommitReload`.
    Committing,
}
