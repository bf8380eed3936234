//! The one service of the manager: registers everything, and lends the shutdown's signal to the probe.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::{Actor, Context, Handler, ResponseFuture};
use majordomo::{BoxError, GrpcService, RegisterOnServer, Service, Setup, ShutdownSignal};
use tonic::codec::CompressionEncoding;

use crate::calls::{Accounts, Watched};
use crate::interop::Interop;
use crate::options::Options;
use crate::probe::Probe;
use crate::testing::DESCRIPTORS;
use crate::testing::outsiders::probe_server::ProbeServer;
use crate::testing::test_service_server::TestServiceServer;

/// More than any message of a test: the limit that is tested is the server's own.
const NO_LIMIT: usize = 64 * 1024 * 1024;

/// The actor.
pub(crate) struct Outsiders {
    accounts: Arc<Accounts>,
    shutdown: Arc<OnceLock<ShutdownSignal>>,
    setup: Duration,
}

impl Outsiders {
    pub(crate) fn new(options: &Options) -> Self {
        let setup = Duration::from_millis(options.setup_ms.unwrap_or(0));
        Self { accounts: Arc::default(), shutdown: Arc::default(), setup }
    }

    pub(crate) fn accounts(&self) -> Arc<Accounts> {
        Arc::clone(&self.accounts)
    }
}

impl Actor for Outsiders {
    type Context = Context<Self>;
}

impl Service for Outsiders {
    fn id(&self) -> String {
        "outsiders".to_owned()
    }
}

impl GrpcService for Outsiders {}

impl Handler<RegisterOnServer> for Outsiders {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, on: RegisterOnServer, _: &mut Context<Self>) -> Self::Result {
        let interop = TestServiceServer::new(Interop)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(NO_LIMIT);
        let probe = Probe::new(Arc::clone(&self.accounts), Arc::clone(&self.shutdown));
        on.server.add_service(Watched::new(interop, &self.accounts));
        on.server.add_service(Watched::new(ProbeServer::new(probe), &self.accounts));
        on.server.add_file_descriptor_set(DESCRIPTORS);
        Ok(())
    }
}

impl Handler<Setup> for Outsiders {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        let _ = self.shutdown.set(setup.shutdown);
        let lasting = self.setup;
        Box::pin(async move {
            actix::clock::sleep(lasting).await;
            Ok(())
        })
    }
}
