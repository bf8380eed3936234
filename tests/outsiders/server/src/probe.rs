//! `outsiders.Probe`: calls that last, fail or panic, and what became of calls.

use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::Stream;
use majordomo::ShutdownSignal;
use tokio::time::sleep;
use tonic::metadata::KeyAndValueRef;
use tonic::{Code, Request, Response, Status};

use crate::calls::Accounts;
use crate::testing::outsiders::probe_server::Probe as ProbeService;
use crate::testing::outsiders::{
    AccountRequest, AccountResponse, Bytes, FailRequest, FloodRequest, Metadata, Nothing, Seen, SleepRequest,
};

/// The service.
pub(crate) struct Probe {
    accounts: Arc<Accounts>,
    shutdown: Arc<OnceLock<ShutdownSignal>>,
}

impl Probe {
    pub(crate) fn new(accounts: Arc<Accounts>, shutdown: Arc<OnceLock<ShutdownSignal>>) -> Self {
        Self { accounts, shutdown }
    }
}

type Answers = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

#[tonic::async_trait]
impl ProbeService for Probe {
    async fn sleep(&self, request: Request<SleepRequest>) -> Result<Response<Nothing>, Status> {
        sleep(Duration::from_millis(request.get_ref().ms.into())).await;
        Ok(Response::new(Nothing {}))
    }

    async fn linger(&self, request: Request<SleepRequest>) -> Result<Response<Nothing>, Status> {
        let shutdown = self.shutdown.get().ok_or_else(|| Status::internal("called before set-up"))?;
        shutdown.requested().await;
        self.sleep(request).await
    }

    type EndlessStream = Answers;

    async fn endless(&self, _: Request<Nothing>) -> Result<Response<Answers>, Status> {
        Ok(Response::new(Box::pin(async_stream::stream! {
            yield Ok(Bytes { body: b"first".to_vec() });
            pending::<()>().await;
        })))
    }

    type FloodStream = Answers;

    async fn flood(&self, request: Request<FloodRequest>) -> Result<Response<Answers>, Status> {
        let size = request.get_ref().size as usize;
        Ok(Response::new(Box::pin(async_stream::stream! {
            loop {
                yield Ok(Bytes { body: vec![0; size] });
            }
        })))
    }

    async fn fail(&self, request: Request<FailRequest>) -> Result<Response<Nothing>, Status> {
        let FailRequest { code, message, details } = request.into_inner();
        Err(Status::with_details(Code::from_i32(code), message, details.into()))
    }

    async fn panic(&self, _: Request<Nothing>) -> Result<Response<Nothing>, Status> {
        panic!("a panic on purpose")
    }

    type PanicLaterStream = Answers;

    async fn panic_later(&self, _: Request<Nothing>) -> Result<Response<Answers>, Status> {
        Ok(Response::new(Box::pin(async_stream::stream! {
            yield Ok(Bytes { body: b"first".to_vec() });
            panic!("a panic on purpose");
        })))
    }

    async fn inspect(&self, request: Request<Nothing>) -> Result<Response<Seen>, Status> {
        let metadata = request.metadata().iter().map(|entry| match entry {
            KeyAndValueRef::Ascii(name, value) => {
                Metadata { name: name.to_string(), value: value.as_encoded_bytes().to_vec() }
            }
            KeyAndValueRef::Binary(name, value) => Metadata {
                name: name.to_string(),
                value: value.to_bytes().map_or_else(|_| b"malformed".to_vec(), |bytes| bytes.to_vec()),
            },
        });
        let certificates = request.peer_certs().map_or(0, |certificates| certificates.len() as u32);
        let peer = request.remote_addr().map_or_else(String::new, |address| address.to_string());
        Ok(Response::new(Seen { metadata: metadata.collect(), peer, certificates }))
    }

    async fn account(&self, request: Request<AccountRequest>) -> Result<Response<AccountResponse>, Status> {
        let AccountRequest { method, begun, completed, dropped } = request.into_inner();
        let account = self.accounts.once(&method, |account| {
            account.begun >= begun && account.completed >= completed && account.dropped >= dropped
        });
        let account = account.await;
        Ok(Response::new(AccountResponse {
            begun: account.begun,
            completed: account.completed,
            dropped: account.dropped,
        }))
    }
}
