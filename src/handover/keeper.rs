//! The thread that has systemd keep sockets, `majordomo-store`: the manager waits for nobody.
//!
//! ```text
//!   store ---> removes what nobody serves at any more, then stores whatever listens
//!   give_up -> this process closes what it keeps of that server; systemd closes it, too
//! ```

use std::sync::mpsc::{Receiver, Sender, channel};

use tracing::dispatcher::{self, Dispatch};
use tracing::warn;

use super::store::{self, StoreError};
use crate::base::{GrpcAddress, ThreadError, spawn};
use crate::server::listen::passing::{self, SocketName};

/// Has systemd keep the sockets of this process, in the order of what it is told. Dropped, it keeps them.
///
/// Bound: an order for each life of a server, and for each stop.
#[derive(Debug)]
pub(crate) struct Keeper(Sender<Vec<SocketName>>);

impl Keeper {
    /// `None` where systemd keeps none.
    ///
    /// # Errors
    /// Where the thread cannot be had.
    pub(crate) fn start(dispatch: Dispatch) -> Result<Option<Self>, ThreadError> {
        let Some(most) = store::offered() else { return Ok(None) };
        let (sender, orders) = channel();
        spawn("systemd's store of sockets", "majordomo-store".to_owned(), move || {
            carry_out(&orders, most, &dispatch);
        })?;
        Ok(Some(Self(sender)))
    }

    /// Whatever listens is kept from here on, and these are no longer.
    pub(crate) fn store(&self, closed: Vec<SocketName>) {
        // The thread outlives this.
        let _ = self.0.send(closed);
    }

    /// The server that listened there was stopped: who connects is refused.
    pub(crate) fn give_up(&self, bound: &[GrpcAddress]) {
        let closed = passing::give_up(bound);
        if !closed.is_empty() {
            self.store(closed);
        }
    }
}

fn carry_out(orders: &Receiver<Vec<SocketName>>, most: usize, dispatch: &Dispatch) {
    let mut logs = true;
    while let Ok(closed) = orders.recv() {
        let done = store::remove(&closed).and_then(|()| store::store_all(most));
        // Once is enough to mend the unit.
        if let (Err(error), true) = (done, logs) {
            logs = false;
            log(dispatch, &error);
        }
    }
}

fn log(dispatch: &Dispatch, error: &StoreError) {
    dispatcher::with_default(dispatch, || warn!(target: "majordomo", "{error}"));
}
