//! Writers that are too late are refused by their epoch.

use etcd_client::{Compare, CompareOp};

use crate::store::EtcdLeases;

/// A transaction was not carried out: this life is over, and another may have the lease.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing was written with epoch {epoch}: the lease {lease:?} is not that of this life any more; another replica may have it, and this one is to stop"
)]
#[non_exhaustive]
pub struct FencedError {
    /// The lease.
    pub lease: String,
    /// The epoch of the writer.
    pub epoch: u64,
}

impl EtcdLeases {
    /// A condition for a transaction of the same cluster: that the lease is still held by the life with that epoch.
    ///
    /// ```no_run
    /// # use etcd_client::{Client, Txn, TxnOp};
    /// # use majordomo::{BoxError, Run};
    /// # use majordomo_etcd::EtcdLeases;
    /// async fn advance(run: &Run, leases: &EtcdLeases, client: &mut Client) -> Result<(), BoxError> {
    ///     let epoch = run.epoch().ok_or("the scheduler runs with a lease")?;
    ///     let write = Txn::new()
    ///         .when([leases.fence("scheduler", epoch)])
    ///         .and_then([TxnOp::put("scheduler/next", "17", None)]);
    ///     leases.fenced("scheduler", epoch, client.txn(write).await?.succeeded())?;
    ///     Ok(())
    /// }
    /// ```
    pub fn fence(&self, lease: &str, epoch: u64) -> Compare {
        // No revision is so great, so that it is nobody's.
        let revision = i64::try_from(epoch).unwrap_or(i64::MAX);
        Compare::create_revision(self.key(lease), CompareOp::Equal, revision)
    }

    /// Makes an error of a transaction with [`fence`](Self::fence), and no other condition, that did not succeed.
    ///
    /// # Errors
    /// Where it did not.
    pub fn fenced(&self, lease: &str, epoch: u64, succeeded: bool) -> Result<(), FencedError> {
        if succeeded {
            return Ok(());
        }
        Err(FencedError { lease: lease.to_owned(), epoch })
    }
}
