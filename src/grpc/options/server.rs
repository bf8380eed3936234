//! What the gRPC server is made of: its addresses, its layers, its log. `ManagerOptions` has a method for each of these, too.

use super::parts::ServerParts;
use crate::api_errors::ErrorGenerator;
use crate::events::Name;
use crate::grpc::call::call_end::{CallEnd, OnCallEnd};
use crate::grpc::logging::GrpcLogging;
use crate::grpc::middleware::{GrpcLayer, Middleware, Scope};
use crate::grpc::{GrpcServerOptions, InMemory};
use crate::server::make_span::MakeSpan;

impl GrpcServerOptions {
    /// These, and what was given before of what they say nothing of.
    pub(crate) fn after(mut self, before: ServerParts) -> Self {
        self.parts = self.parts.after(before);
        self
    }
}

/// # Where it is reached
impl GrpcServerOptions {
    /// Where the server listens. Replaces all addresses that were given before. Default, where it is not
    /// reached [in memory](Self::in_memory) alone: [`DEFAULT_GRPC_ADDRESS`](crate::DEFAULT_GRPC_ADDRESS).
    ///
    /// | | |
    /// |---|---|
    /// | `HOST:PORT` | TCP; `:PORT` is all interfaces; port 0 lets the system choose, and the status tells |
    /// | `unix:PATH`, `unix:///PATH` | a Unix socket, whose file is removed in the end; one that somebody left behind is replaced |
    /// | `unix-abstract:NAME` | a Unix socket without a file (Linux) |
    /// | `systemd:` | all sockets that the process was started with (`LISTEN_FDS`) |
    /// | `systemd:NAME` | those of that name (`FileDescriptorName=` of the socket unit) |
    ///
    /// Sockets that systemd passes listen already: clients that come before the run wait, all others are
    /// refused until then. Nothing else in the process may take them. The server has all of its addresses or does not start.
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.parts.addresses = Some(addresses.into_iter().map(Into::into).collect());
        self
    }

    /// Lets the server be reached in memory, too; without any address, only so. Adds to what was given before. For tests that need no
    /// socket.
    pub fn in_memory(mut self, memory: &InMemory) -> Self {
        self.parts.in_memory.push(memory.clone());
        self
    }

    /// Services that calls need: they are asked to stop only once the server is drained, or its share of the time is spent. Adds to
    /// those that were given before.
    pub fn depends_on(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.parts.depends_on.extend(ids.into_iter().map(|id| Name::from(id.into())));
        self
    }
}

/// # Layers, errors and the log
impl GrpcServerOptions {
    /// Whether the server answers [`ping`](crate::grpc::builtin::ping), also where there is no other gRPC service, and
    /// reflection, unless [`reflection_service`](Self::reflection_service) says otherwise. Replaces what was said before.
    /// Default: yes.
    pub fn ping_service(mut self, on: bool) -> Self {
        self.parts.ping_service = Some(on);
        self
    }

    /// Adds a layer around all methods: see [`middleware`](crate::grpc::middleware) for the order.
    pub fn middleware(self, layer: impl GrpcLayer) -> Self {
        self.layer(Scope::All, layer)
    }

    /// Adds a layer around unary methods.
    ///
    /// Every gRPC service must then register its file descriptor set, or its set-up fails.
    pub fn unary_middleware(self, layer: impl GrpcLayer) -> Self {
        self.layer(Scope::Unary, layer)
    }

    /// Adds a layer around streaming methods, whichever side streams.
    ///
    /// Every gRPC service must then register its file descriptor set, or its set-up fails.
    pub fn stream_middleware(self, layer: impl GrpcLayer) -> Self {
        self.layer(Scope::Streaming, layer)
    }

    fn layer(mut self, scope: Scope, layer: impl GrpcLayer) -> Self {
        self.parts.middleware.push(Middleware::new(scope, layer));
        self
    }

    /// Answers every error and panic of handlers as a rich error: see [`ErrorGenerator::server_layer`]. Replaces the generator that
    /// was given before. Default: none; errors are answered as they are.
    ///
    /// The layer is within those of users: what these answer themselves stays as it is.
    pub fn error_generator(mut self, generator: ErrorGenerator) -> Self {
        self.parts.error_generator = Some(generator);
        self
    }

    /// Answers [`ERR_NOT_FOUND`](crate::api_errors::ERR_NOT_FOUND) where a unary handler
    /// [answers nothing](crate::api_errors::OrNothing). Default: no; the answer is an empty message.
    pub fn err_not_found_middleware(mut self) -> Self {
        self.parts.err_not_found = true;
        self
    }

    /// Makes the span of each call, in which its handler runs, of the head of its request: in place of the span `call`, and nothing of ours
    /// is around it, so that it may be given a parent, such as a trace's. Replaces what was given before. Default: the span `call`.
    pub fn make_span(
        mut self,
        make: impl Fn(&http::Request<()>) -> tracing::Span + Send + Sync + 'static,
    ) -> Self {
        self.parts.make_span = Some(MakeSpan::new(make));
        self
    }

    /// Is told of the end of each call when its status is known, by the thread that serves it: answered, refused, called off, or left by its
    /// client. Health and reflection are told as well. It must not block. A panic of it is caught, and told to nobody. Replaces what was
    /// given before. Default: nobody is told.
    pub fn on_call_end(mut self, observe: impl Fn(&CallEnd<'_>) + Send + Sync + 'static) -> Self {
        self.parts.on_call_end = Some(OnCallEnd::new(observe));
        self
    }

    /// What is logged of each call. Replaces what was given before. Default: [`GrpcLogging::default`].
    pub fn logging(mut self, logging: GrpcLogging) -> Self {
        self.parts.logging = Some(Some(logging));
        self
    }

    /// Nothing is logged of calls but panics of their handlers. Replaces what was given before.
    pub fn without_logging(mut self) -> Self {
        self.parts.logging = Some(None);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::{DEFAULT_GRPC_ADDRESS, ServerAddress};

    #[test]
    fn the_default_address_is_one_and_reads_as_it_is_written() {
        assert_eq!(ServerAddress::parse(DEFAULT_GRPC_ADDRESS).unwrap().to_string(), DEFAULT_GRPC_ADDRESS);
    }

    #[test]
    fn what_was_given_before_stays_where_new_options_say_nothing_of_it() {
        let before = GrpcServerOptions::new()
            .addresses(["127.0.0.1:1"])
            .depends_on(["database"])
            .ping_service(false)
            .without_logging()
            .parts;
        let options = GrpcServerOptions::new().workers(2).depends_on(["cache"]).after(before.clone());
        assert_eq!(options.engine.workers, Some(2));
        assert_eq!(options.parts.addresses.as_deref(), Some(&["127.0.0.1:1".to_owned()][..]));
        assert_eq!(options.parts.depends_on, ["database".into(), "cache".into()] as [Name; 2]);
        assert!(!options.parts.pings() && options.parts.logging().is_none());
        let options = GrpcServerOptions::new().addresses(["127.0.0.1:2"]).ping_service(true).after(before);
        assert_eq!(options.parts.addresses.as_deref(), Some(&["127.0.0.1:2".to_owned()][..]));
        assert!(options.parts.pings());
    }
}
