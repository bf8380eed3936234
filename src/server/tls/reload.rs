//! The part of a server's TLS in a reload: the files are read and checked, and used only when all others have prepared, too.

use std::io;

use actix::{Actor, ActorFutureExt, Context, ResponseActFuture, WrapFuture};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::aside::aside;
use super::{Loaded, ServerTls};
use crate::base::BoxError;

/// What was read, and is to be used.
#[derive(Default)]
pub(crate) struct PreparedTls(Option<(ServerTls, Loaded)>);

impl PreparedTls {
    /// Uses it: new connections get it.
    pub(crate) fn commit(&mut self) {
        if let Some((tls, loaded)) = self.0.take() {
            tls.use_loaded(loaded);
        }
    }
}

impl ServerTls {
    /// Whether there is anything that may change.
    pub(crate) fn has_files(&self) -> bool {
        self.plan.has_files()
    }

    /// Reads and checks the files, elsewhere: they may be on a disk that has gone.
    async fn prepare(self) -> Result<PreparedTls, BoxError> {
        let (done, loaded) = oneshot::channel();
        let tls = self.clone();
        // Whoever asked may have given up.
        aside(move || drop(done.send(tls.loaded(Instant::now()))))?;
        let gone = |_| io::Error::other("the thread that read TLS files ended");
        Ok(PreparedTls(Some((self, loaded.await.map_err(gone)??))))
    }
}

/// What a server does when it is asked to prepare; `place` is where it keeps what was read.
pub(crate) fn prepare<A: Actor<Context = Context<A>>>(
    actor: &A,
    tls: Option<ServerTls>,
    place: fn(&mut A) -> &mut PreparedTls,
) -> ResponseActFuture<A, Result<(), BoxError>> {
    let preparing = async move {
        match tls {
            Some(tls) => tls.prepare().await,
            None => Ok(PreparedTls::default()),
        }
    };
    Box::pin(preparing.into_actor(actor).map(move |prepared, actor, _| {
        *place(actor) = prepared?;
        Ok(())
    }))
}
