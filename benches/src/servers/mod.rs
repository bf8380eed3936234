//! The servers that are compared: each a process of its own, on 127.0.0.1, plaintext, with two threads that
//! serve, and the very same service.

mod actix_web;
mod axum;
mod bare;
mod go;
mod majordomo;
mod tonic;

pub(crate) use go::without_go;
pub(crate) use majordomo::Layers;

use std::convert::Infallible;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

/// Threads that serve.
const WORKERS: usize = 2;

/// The windows that majordomo has by default, for those whose own default may be another.
const WINDOW: u32 = 1024 * 1024;

/// Where all of them listen.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What a server ends by, if it does.
pub(crate) type Served = Result<Infallible, Box<dyn Error + Send + Sync>>;

/// A server of the gRPC benchmarks, or of HTTP's. One in another language becomes its own program here, which says its
/// address as these do, and ends as they do.
pub(crate) struct Contender {
    /// In the tables.
    pub(crate) name: &'static str,
    /// On the command line.
    pub(crate) called: &'static str,
    /// How it was set up, for the table.
    pub(crate) settings: &'static str,
    serve: fn() -> Served,
}

pub(crate) const MAJORDOMO: Contender = Contender {
    name: "majordomo",
    called: "majordomo",
    settings: "a Manager with one GrpcService, default options, workers(2), tracing_subscriber::fmt at info",
    serve: majordomo::serve,
};

pub(crate) const TONIC_MT: Contender = Contender {
    name: "tonic-mt",
    called: "tonic-mt",
    settings: "tonic::transport::Server on a multi-thread runtime of 2 workers, as by #[tokio::main]",
    serve: tonic::serve_multi_thread,
};

pub(crate) const TONIC_CT: Contender = Contender {
    name: "tonic-ct",
    called: "tonic-ct",
    settings: "tonic::transport::Server on a current-thread runtime: one thread, by its nature",
    serve: tonic::serve_current_thread,
};

pub(crate) const BARE: Contender = Contender {
    name: "bare",
    called: "bare",
    settings: "hyper-util's auto::Builder over tonic's Routes, on 2 current-thread runtimes, dealt in turn",
    serve: bare::serve,
};

pub(crate) const GRPC_GO: Contender = Contender {
    name: "grpc-go",
    called: "grpc-go",
    settings: "grpc.NewServer() with its defaults, GOMAXPROCS=2, in a program of its own",
    serve: go::serve,
};

pub(crate) const HTTP_MAJORDOMO: Contender = Contender {
    name: "majordomo",
    called: "http-majordomo",
    settings: "a Manager with one http_service of an axum Router, default options, workers(2), tracing_subscriber::fmt at info",
    serve: majordomo::serve_http,
};

pub(crate) const HTTP_AXUM: Contender = Contender {
    name: "axum",
    called: "http-axum",
    settings: "axum::serve of the same Router on a multi-thread runtime of 2 workers, as by #[tokio::main], with TCP_NODELAY",
    serve: axum::serve,
};

pub(crate) const HTTP_ACTIX_WEB: Contender = Contender {
    name: "actix-web",
    called: "http-actix-web",
    settings: "HttpServer with the same routes of its own, workers(2), bind_auto_h2c, tcp_nodelay(true)",
    serve: actix_web::serve,
};

pub(crate) const HTTP_BARE: Contender = Contender {
    name: "bare",
    called: "http-bare",
    settings: "hyper-util's auto::Builder over the same Router, on 2 current-thread runtimes, dealt in turn",
    serve: bare::serve_http,
};

const ALL: [&Contender; 9] = [
    &MAJORDOMO,
    &TONIC_MT,
    &TONIC_CT,
    &BARE,
    &GRPC_GO,
    &HTTP_MAJORDOMO,
    &HTTP_AXUM,
    &HTTP_ACTIX_WEB,
    &HTTP_BARE,
];

/// What majordomo's HTTP server is called where one thread serves.
pub(crate) const HTTP_COUNTED: &str = "http-counted";

/// The same, where requests are counted for Prometheus.
pub(crate) const HTTP_METERED: &str = "http-metered";

/// Serves as the contender that is called so until standard input ends, which it does with whoever started this.
pub(crate) fn serve(name: &str) -> Served {
    if let Some(layers) = Layers::named(name) {
        end_with_input();
        return majordomo::serve_counted(layers);
    }
    if [HTTP_COUNTED, HTTP_METERED].contains(&name) {
        end_with_input();
        return majordomo::serve_http_counted(name == HTTP_METERED);
    }
    let contender = ALL.iter().find(|contender| contender.called == name);
    let contender = contender.ok_or_else(|| format!("there is no server {name:?}"))?;
    if contender.called != GRPC_GO.called {
        end_with_input();
    }
    (contender.serve)()
}

fn end_with_input() {
    thread::spawn(|| {
        // However it ends, it has.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

/// Says where the server listens.
fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{address}")?;
    out.flush()
}
