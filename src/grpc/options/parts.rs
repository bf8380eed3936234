//! What a gRPC server is made of, as it was given.

use crate::api_errors::{ErrorGenerator, NotFoundLayer};
use crate::events::Name;
use crate::grpc::InMemory;
use crate::grpc::call::call_end::OnCallEnd;
use crate::grpc::logging::GrpcLogging;
use crate::grpc::middleware::{Middleware, Scope};
use crate::http::{HttpFallback, OnRequestEnd};
use crate::server::make_span::MakeSpan;

/// What was given, and nothing where the default is meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerParts {
    pub(crate) addresses: Option<Vec<String>>,
    pub(crate) in_memory: Vec<InMemory>,
    pub(crate) ping_service: Option<bool>,
    pub(crate) logging: Option<Option<GrpcLogging>>,
    pub(crate) depends_on: Vec<Name>,
    pub(crate) middleware: Vec<Middleware>,
    pub(crate) error_generator: Option<ErrorGenerator>,
    pub(crate) err_not_found: bool,
    pub(crate) make_span: Option<MakeSpan>,
    pub(crate) on_call_end: Option<OnCallEnd>,
    /// Of what goes to the fallback.
    pub(crate) on_request_end: Option<OnRequestEnd>,
    /// Answers what is not gRPC.
    pub(crate) http_fallback: Option<HttpFallback>,
}

impl ServerParts {
    /// These, and what was given before where they say nothing.
    pub(crate) fn after(self, mut before: Self) -> Self {
        before.in_memory.extend(self.in_memory);
        before.depends_on.extend(self.depends_on);
        before.middleware.extend(self.middleware);
        Self {
            addresses: self.addresses.or(before.addresses),
            in_memory: before.in_memory,
            ping_service: self.ping_service.or(before.ping_service),
            logging: self.logging.or(before.logging),
            depends_on: before.depends_on,
            middleware: before.middleware,
            error_generator: self.error_generator.or(before.error_generator),
            err_not_found: self.err_not_found || before.err_not_found,
            make_span: self.make_span.or(before.make_span),
            on_call_end: self.on_call_end.or(before.on_call_end),
            on_request_end: self.on_request_end.or(before.on_request_end),
            http_fallback: self.http_fallback.or(before.http_fallback),
        }
    }

    pub(crate) fn pings(&self) -> bool {
        self.ping_service.unwrap_or(true)
    }

    pub(crate) fn logging(&self) -> Option<GrpcLogging> {
        self.logging.clone().unwrap_or_else(|| Some(GrpcLogging::default()))
    }

    /// The crate's own layers, around each handler, the innermost first.
    pub(crate) fn handler_layers(&self) -> Vec<Middleware> {
        let errors = self.error_generator.as_ref().map(Middleware::errors);
        let not_found = self.err_not_found.then(|| Middleware::new(Scope::All, NotFoundLayer));
        not_found.into_iter().chain(errors).collect()
    }
}
