//! A gRPC server as for production: TLS with certificates that are renewed while it runs, a token check as middleware,
//! health, reflection, a log line a call, limits, load shedding, and a drain that Kubernetes gives its time.
//!
//! ```text
//! cargo run -p grpc-production                 # on a free port of this machine
//! cargo run -p grpc-production -- ADDRESS...   # such as 0.0.0.0:50051 unix:/run/ping.sock systemd:
//! ```
//!
//! | environment | | without it |
//! |---|---|---|
//! | `TLS_CERT`, `TLS_KEY` | PEM files; read again within a minute after they changed | **for trying it out only**: made in a temporary folder, which is removed in the end |
//! | `TLS_CLIENT_CA` | a PEM file: clients must show a certificate of this authority | clients need none |
//! | `API_TOKEN` | what clients must send; needed where `TLS_CERT` is given | `for-trying-it-out` |
//! | `DRAIN_DELAY_MS` | how long load balancers get to notice that it ends | 5000 |
//! | `RUST_LOG` | what is logged to stderr | `info` |
//!
//! Then, with the address and the CA's file that it prints:
//!
//! ```text
//! grpcurl -cacert CA ADDRESS list                            # reflection
//! grpcurl -cacert CA ADDRESS grpc.health.v1.Health/Check     # also -d '{"service":"liveness"}'
//! grpcurl -cacert CA ADDRESS pkping.Ping/Ping                # UNAUTHENTICATED
//! grpcurl -cacert CA -H 'authorization: Bearer for-trying-it-out' ADDRESS pkping.Ping/Ping
//! cargo run -p grpc-production --bin grpc-client -- ADDRESS CA           # all of that, and then it watches the health
//! kill -TERM PID                                             # NOT_SERVING; 5 s later the drain; exit code 0
//! ```

#[path = "../printer/mod.rs"]
mod printer;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use majordomo::grpc::ServerTls;
use majordomo::ping::{self, Ping, PingServer};
use majordomo::{
    BoxError, Exit, GetStatus, GrpcLogging, GrpcServerOptions, GrpcService, Manager, ManagerError,
    ManagerOptions, RegisterOnServer, Service, Setup, WaitForShutdown, WaitUntilRunning, resource_fn,
};
use printer::{complain, say};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tonic::service::{Interceptor, InterceptorLayer};
use tonic::{Request, Response, Status};
use tracing::Level;
use tracing_subscriber::EnvFilter;

#[actix::main]
async fn main() -> Exit {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let ansi = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(printer::stderr).with_ansi(ansi).init();

    let settings = Settings::read().unwrap_or_else(|error| {
        complain(error);
        printer::finish();
        std::process::exit(64);
    });
    let result = run(&settings).await;
    // The temporary folder goes with them.
    drop(settings);
    printer::finish();
    result.into()
}

async fn run(settings: &Settings) -> Result<(), ManagerError> {
    let manager = manager(settings).start();
    manager.send(WaitUntilRunning).await??;
    for address in manager.send(GetStatus).await?.grpc_addresses {
        say(format!("serving at {address}"));
    }
    if let Some(made) = &settings.made {
        say(format!("CA: {}", made.file("ca.pem").display()));
    }
    say(format!("process {}", std::process::id()));
    manager.send(WaitForShutdown).await??;
    say("over: every call was answered, everything given back");
    Ok(())
}

/// The manager, not yet started.
pub(crate) fn manager(settings: &Settings) -> Manager {
    Manager::new(options(settings)).grpc_service(Pings::default())
}

fn options(settings: &Settings) -> ManagerOptions {
    let mut tls =
        ServerTls::from_files(&settings.certificate, &settings.key).reload_every(Duration::from_secs(60));
    if let Some(authority) = &settings.client_ca {
        tls = tls.client_ca_files([authority]);
    }
    let server = GrpcServerOptions::new()
        .tls(tls)
        // Nobody waits for longer, whatever the client said; a call that hangs gives its place back.
        .request_timeout(Duration::from_secs(10))
        // A server that answers 2,000 calls a second within 50 ms each has 100 of them open. With ten times as many
        // it is behind for good, and whoever is refused at once can go to another.
        .max_concurrent_calls(1_000)
        // One client alone cannot bring it there: what it sends beyond this waits.
        .max_concurrent_streams(200)
        .max_concurrent_calls_per_connection(100)
        // Each takes a file descriptor: keep it below `ulimit -n`.
        .max_connections(10_000)
        // Below what NAT gateways and balancers forget a silent connection after.
        .keepalive_interval(Duration::from_secs(30))
        // Clients spread over new servers in time; a long stream may finish.
        .max_connection_age(Duration::from_secs(30 * 60))
        .max_connection_age_grace(Duration::from_secs(5 * 60))
        .max_connection_idle(Duration::from_secs(15 * 60))
        .reflection_service(true);
    ManagerOptions::new()
        .grpc_server_addresses(&settings.addresses)
        // This program serves that contract itself.
        .grpc_ping_service(false)
        .grpc_server(server)
        .grpc_server_middleware(InterceptorLayer::new(TokenCheck::new(&settings.token)))
        .grpc_logging(GrpcLogging::new().calls(Level::INFO))
        .drain_delay(settings.drain_delay)
        // Below the 30 s after which Kubernetes kills.
        .max_shutdown_duration(Duration::from_secs(25))
}

/// The service: answers pings, and tells in the end how many there were.
#[derive(Default)]
struct Pings {
    answered: Arc<AtomicU64>,
}

impl Actor for Pings {
    type Context = Context<Self>;
}

impl Service for Pings {
    fn id(&self) -> String {
        "pings".into()
    }
}

impl GrpcService for Pings {}

impl Handler<RegisterOnServer> for Pings {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, on: RegisterOnServer, _: &mut Context<Self>) -> Self::Result {
        on.server.add_service(PingServer::new(Rpc { answered: Arc::clone(&self.answered) }));
        // For reflection, and for the log to tell kinds of methods.
        on.server.add_file_descriptor_set(ping::FILE_DESCRIPTOR_SET);
        Ok(())
    }
}

impl Handler<Setup> for Pings {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        let answered = Arc::clone(&self.answered);
        // Released after the last call has ended, so the number is final.
        let ledger = resource_fn(move || async move {
            say(format!("pings answered: {}", answered.load(Ordering::Relaxed)));
            Ok(())
        });
        setup.resources.start("ledger", ledger)?;
        Ok(())
    }
}

/// Its calls. They run on the server's workers, side by side: what they share is shared between threads.
struct Rpc {
    answered: Arc<AtomicU64>,
}

#[tonic::async_trait]
impl Ping for Rpc {
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        self.answered.fetch_add(1, Ordering::Relaxed);
        // In the span of its call: carries its id.
        tracing::debug!("a ping");
        Ok(Response::new(()))
    }
}

/// Lets calls through that send the token. Health and reflection are not asked: no layer is around them.
#[derive(Clone)]
struct TokenCheck {
    wanted: Arc<str>,
}

impl TokenCheck {
    fn new(token: &str) -> Self {
        Self { wanted: format!("Bearer {token}").into() }
    }

    /// Takes as long wherever the first difference is, so that nobody can find the token out piece by piece.
    fn matches(&self, shown: &[u8]) -> bool {
        let wanted = self.wanted.as_bytes();
        let differences = wanted.iter().zip(shown).fold(0, |all, (one, other)| all | (one ^ other));
        wanted.len() == shown.len() && differences == 0
    }
}

impl Interceptor for TokenCheck {
    fn call(&mut self, call: Request<()>) -> Result<Request<()>, Status> {
        match call.metadata().get("authorization") {
            Some(shown) if self.matches(shown.as_bytes()) => Ok(call),
            Some(_) => Err(Status::unauthenticated("the token is not the right one")),
            None => Err(Status::unauthenticated("send `authorization: Bearer TOKEN`")),
        }
    }
}

/// A free port of this machine.
const ANY_PORT: &str = "127.0.0.1:0";

/// What clients send where nobody said.
const TOKEN_TO_TRY_OUT: &str = "for-trying-it-out";

/// What differs from place to place.
pub(crate) struct Settings {
    addresses: Vec<String>,
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    token: String,
    drain_delay: Duration,
    /// Where nobody gave certificates.
    made: Option<Made>,
}

impl Settings {
    /// For trying it out on a free port, with certificates that are made here.
    pub(crate) fn to_try_out(drain_delay: Duration) -> Result<Self, BoxError> {
        let made = Made::new()?;
        Ok(Self {
            addresses: vec![ANY_PORT.to_owned()],
            certificate: made.file("tls.crt"),
            key: made.file("tls.key"),
            client_ca: None,
            token: TOKEN_TO_TRY_OUT.to_owned(),
            drain_delay,
            made: Some(made),
        })
    }

    fn read() -> Result<Self, BoxError> {
        let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut addresses: Vec<_> = std::env::args().skip(1).collect();
        if addresses.is_empty() {
            addresses.push(ANY_PORT.into());
        }
        let drain_delay = match given("DRAIN_DELAY_MS") {
            Some(text) => text
                .parse()
                .map_err(|error| format!("DRAIN_DELAY_MS is {text:?}: {error}: give milliseconds"))?,
            None => 5_000,
        };
        let drain_delay = Duration::from_millis(drain_delay);
        let token = given("API_TOKEN");
        let settings = match (given("TLS_CERT"), given("TLS_KEY")) {
            (Some(certificate), Some(key)) => Self {
                addresses: Vec::new(),
                certificate: certificate.into(),
                key: key.into(),
                client_ca: None,
                token: token.ok_or("give API_TOKEN: what clients have to send")?,
                drain_delay,
                made: None,
            },
            (None, None) => {
                let tried = Self::to_try_out(drain_delay)?;
                Self { token: token.unwrap_or(tried.token), ..tried }
            }
            _ => return Err("give both TLS_CERT and TLS_KEY, or neither to try it out".into()),
        };
        let client_ca = given("TLS_CLIENT_CA").map(PathBuf::from);
        Ok(Self { addresses, client_ca, ..settings })
    }
}

/// Certificates of an authority that nobody knows, in a temporary folder that is removed when this is dropped.
struct Made(PathBuf);

impl Made {
    fn new() -> Result<Self, BoxError> {
        let folder = std::env::temp_dir().join(format!("majordomo-example-{}", std::process::id()));
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
        let made = Self(folder);
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "an authority for trying it out");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
        let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
        write(&made.file("ca.pem"), &authority.pem())?;
        write(&made.file("tls.crt"), &certificate.pem())?;
        write(&made.file("tls.key"), &key.serialize_pem())?;
        Ok(made)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            complain(format!("cannot remove {}: {error}", self.0.display()));
        }
    }
}

/// For its owner's eyes only.
fn write(file: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use majordomo::testing::rehearse;

    use super::*;

    #[test]
    fn it_survives_what_can_go_wrong_in_it() {
        let settings = Settings::to_try_out(Duration::from_millis(300)).unwrap();
        rehearse(|| manager(&settings)).shutdown_within(Duration::from_secs(1)).run();
    }
}
