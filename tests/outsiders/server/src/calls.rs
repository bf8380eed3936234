//! What becomes of calls, seen from where the handler is: below the server, above the generated code.
//!
//! ```text
//!   begun --> answering --last message or error--> completed
//!                 |
//!                 +-- dropped by the server: reset, out of time, cut --> dropped
//! ```
//!
//! It also echoes the two metadata of the interoperability suite: tonic's handlers cannot add trailers to a call that
//! succeeds.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::{Body as _, Frame};
use serde::Serialize;
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

const ECHO_INITIAL: HeaderName = HeaderName::from_static("x-grpc-test-echo-initial");
const ECHO_TRAILING: HeaderName = HeaderName::from_static("x-grpc-test-echo-trailing-bin");

/// How the calls of one method went so far.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Account {
    pub(crate) begun: u64,
    pub(crate) completed: u64,
    pub(crate) dropped: u64,
}

impl Account {
    /// Calls that are neither completed nor dropped.
    pub(crate) fn open(&self) -> u64 {
        self.begun - self.completed - self.dropped
    }
}

/// The accounts of all methods, by their paths.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    methods: Mutex<BTreeMap<String, Account>>,
    changed: watch::Sender<()>,
}

impl Accounts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Account>> {
        self.methods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, method: &str, change: impl FnOnce(&mut Account)) {
        let mut methods = self.lock();
        match methods.get_mut(method) {
            Some(account) => change(account),
            None => change(methods.entry(method.to_owned()).or_default()),
        }
        drop(methods);
        self.changed.send_replace(());
    }

    /// A call that begins, of what is no generated service.
    pub(crate) fn open(self: &Arc<Self>, method: &str) -> OpenCall {
        self.update(method, |account| account.begun += 1);
        OpenCall { accounts: Arc::clone(self), method: method.to_owned(), completed: false }
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Account> {
        self.lock().clone()
    }

    /// Resolves with a method's account as soon as it is so.
    pub(crate) async fn once(&self, method: &str, is_so: impl Fn(&Account) -> bool) -> Account {
        let mut changes = self.changed.subscribe();
        loop {
            changes.mark_unchanged();
            let account = self.lock().get(method).copied().unwrap_or_default();
            if is_so(&account) {
                return account;
            }
            // The sender is part of what is borrowed here.
            let _ = changes.changed().await;
        }
    }
}

/// A call that is open.
pub(crate) struct OpenCall {
    accounts: Arc<Accounts>,
    method: String,
    completed: bool,
}

impl OpenCall {
    pub(crate) fn complete(mut self) {
        self.completed = true;
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let completed = self.completed;
        self.accounts.update(&self.method, |account| match completed {
            true => account.completed += 1,
            false => account.dropped += 1,
        });
    }
}

/// A generated service whose calls are counted.
#[derive(Clone)]
pub(crate) struct Watched<S> {
    service: S,
    accounts: Arc<Accounts>,
}

impl<S> Watched<S> {
    pub(crate) fn new(service: S, accounts: &Arc<Accounts>) -> Self {
        Self { service, accounts: Arc::clone(accounts) }
    }
}

impl<S: NamedService> NamedService for Watched<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Watched<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = request.uri().path().to_owned();
        let open = self.accounts.open(&method);
        let initial = request.headers().get(ECHO_INITIAL).cloned();
        let trailing = request.headers().get(ECHO_TRAILING).cloned();
        let answer = self.service.call(request);
        Box::pin(async move {
            let mut open = open;
            let mut response = answer.await?;
            if let Some(value) = initial {
                response.headers_mut().insert(ECHO_INITIAL, value);
            }
            if response.body().is_end_stream() {
                // An error instead of an answer: its headers are its trailers.
                open.completed = true;
                if let Some(value) = trailing {
                    response.headers_mut().insert(ECHO_TRAILING, value);
                }
                return Ok(response);
            }
            Ok(response.map(|body| Body::new(Answer { body, trailing, open })))
        })
    }
}

/// The rest of an answer.
struct Answer {
    body: Body,
    trailing: Option<HeaderValue>,
    open: OpenCall,
}

impl http_body::Body for Answer {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        Poll::Ready(match polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => Some(Ok(match frame.into_trailers() {
                Ok(trailers) => {
                    this.open.completed = true;
                    Frame::trailers(with(trailers, this.trailing.take()))
                }
                Err(frame) => frame,
            })),
            Poll::Ready(rest) => {
                this.open.completed = true;
                rest
            }
        })
    }
}

fn with(mut trailers: HeaderMap, trailing: Option<HeaderValue>) -> HeaderMap {
    if let Some(value) = trailing {
        trailers.insert(ECHO_TRAILING, value);
    }
    trailers
}
