//! The servers that are compared: each a process of its own, on 127.0.0.1, plaintext, with two threads that
//! serve, and the very same service.

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

/// A server of the gRPC benchmarks. One in another language becomes its own program here, which says its
/// address as these do, and ends as they do.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// How it was set up, for the table.
    pub(crate) settings: &'static str,
    serve: fn() -> Served,
}

pub(crate) const MAJORDOMO: Contender = Contender {
    name: "majordomo",
    settings: "a Manager with one GrpcService, default options, workers(2), tracing_subscriber::fmt at info",
    serve: majordomo::serve,
};

pub(crate) const TONIC_MT: Contender = Contender {
    name: "tonic-mt",
    settings: "tonic::transport::Server on a multi-thread runtime of 2 workers, as by #[tokio::main]",
    serve: tonic::serve_multi_thread,
};

pub(crate) const TONIC_CT: Contender = Contender {
    name: "tonic-ct",
    settings: "tonic::transport::Server on a current-thread runtime: one thread, by its nature",
    serve: tonic::serve_current_thread,
};

pub(crate) const BARE: Contender = Contender {
    name: "bare",
    settings: "hyper-util's auto::Builder over tonic's Routes, on 2 current-thread runtimes, dealt in turn",
    serve: bare::serve,
};

pub(crate) const GRPC_GO: Contender = Contender {
    name: "grpc-go",
    settings: "grpc.NewServer() with its defaults, GOMAXPROCS=2, in a program of its own",
    serve: go::serve,
};

const ALL: [&Contender; 5] = [&MAJORDOMO, &TONIC_MT, &TONIC_CT, &BARE, &GRPC_GO];

/// Serves as the contender of this name until standard input ends, which it does with whoever started this.
pub(crate) fn serve(name: &str) -> Served {
    if let Some(layers) = Layers::named(name) {
        end_with_input();
        return majordomo::serve_counted(layers);
    }
    let contender = ALL.iter().find(|contender| contender.name == name);
    let contender = contender.ok_or_else(|| format!("there is no server {name:?}"))?;
    if contender.name != GRPC_GO.name {
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
