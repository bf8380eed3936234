//! What half an hour of clients that come, call, reset and go leaves behind, in some seconds: nothing.
//!
//! Eight clients that act once a second for half an hour act 14,400 times. Here sixteen do, without the seconds
//! between: half of it against a server without any limit, whose every answer is known, half against one with all
//! limits and ages, which refuses and ends what it can. Whatever happened, in the end no connection, call, handler, file descriptor or thread
//! is left that was not there before.
//!
//! ```text
//!   before -- manager runs -- warm-up -- idle -- some actions -- idle -- more actions -- idle -- clean end -- before
//!     |                                   |                       |                       |                     |
//!     +--------------------- the same ----|-----------------------|-----------------------|---------------------+
//!                                         +------- the same ------+------- the same ------+
//! ```
//!
//! A machine that is too slow for that takes fewer actions: the time counts first. The environment may say otherwise:
//!
//! - `SOAK_SEED`: what the clients choose by; the same chooses the same. Default: 1.
//! - `SOAK_SECONDS`: how long they act altogether. Default: 16. Given, the number of actions has no limit.
//!
//! `cargo test -p majordomo-tests --test load -- --nocapture` prints what was done and what came of it.
#![cfg(all(feature = "tls", target_os = "linux"))]

use std::panic;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use crate::soak::{Client, Guards, PANIC, Soaked, Tally, memory};
use majordomo::clients::InMemory;
use majordomo::grpc::GrpcAddress;
use majordomo::testing::Leaks;
use majordomo::{GrpcServerOptions, ManagerOptions};
use support::place::{Place, Raw, status_of};
use support::tls::{ANY_VERSION, Authority, client};
use support::{Folder, Journal, Observed, Probe, ms, observe};

const CLIENTS: usize = 16;
/// So often eight clients act in half an hour.
const HALF_AN_HOUR: usize = 8 * 30 * 60;
const WORKERS: usize = 3;
/// All that is gone is noticed by then.
const HANG: Duration = Duration::from_secs(20);
/// More memory than that is not only the allocator's: in KiB.
const MOST_GROWTH: u64 = 64 * 1024;

/// One of both servers.
struct Half {
    name: &'static str,
    server: GrpcServerOptions,
    tls: bool,
    seed: u64,
    time: Duration,
    actions: usize,
}

fn from_environment<T: FromStr>(name: &str) -> Option<T> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is {value:?}, which is no number")))
}

/// Panics on purpose are told by the answers; all others are printed as ever.
fn silence_panics_on_purpose() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let said = info.payload().downcast_ref::<String>().map(String::as_str);
        if said.or(info.payload().downcast_ref().copied()) != Some(PANIC) {
            others(info);
        }
    }));
}

fn with_limits() -> GrpcServerOptions {
    GrpcServerOptions::new()
        .max_connections(26)
        .max_concurrent_streams(8)
        .max_concurrent_calls(9)
        .max_concurrent_calls_per_connection(3)
        .request_timeout(ms(60))
        .handshake_timeout(ms(8))
        .keepalive_interval(ms(40))
        .keepalive_timeout(ms(40))
        .max_connection_age(ms(100))
        .max_connection_age_grace(ms(20))
        .max_connection_idle(ms(15))
        .max_encoding_message_size(2 << 20)
}

#[actix::test]
async fn g10_half_an_hour_of_clients_leaves_nothing_behind() {
    let seed = from_environment("SOAK_SEED").unwrap_or(1);
    let seconds: Option<f64> = from_environment("SOAK_SECONDS");
    let actions = if seconds.is_some() { usize::MAX } else { HALF_AN_HOUR / 2 };
    let time = Duration::from_secs_f64(seconds.unwrap_or(16.0)) / 2;
    println!("SOAK_SEED={seed} SOAK_SECONDS={}", 2.0 * time.as_secs_f64());
    silence_panics_on_purpose();
    // Whatever a process does only once.
    let first = GrpcServerOptions::new();
    Half { name: "a first", server: first, tls: true, seed, time: Duration::MAX, actions: 50 }.soak().await;

    let unlimited = GrpcServerOptions::new().max_concurrent_streams(1000);
    Half { name: "without limits", server: unlimited, tls: false, seed, time, actions }.soak().await;
    Half { name: "with limits", server: with_limits(), tls: true, seed, time, actions }.soak().await;
}

/// A server that is soaked.
struct Server {
    observed: Observed,
    places: Vec<Place>,
    guards: Guards,
}

impl Half {
    async fn soak(self) {
        let before = Leaks::snapshot();
        let folder = Folder::new();
        let server = self.serve(&folder).await;
        let began = Instant::now();

        let tally = Tally::default();
        self.act(&server, 0, &Tally::default(), began + self.time.min(ms(300)), 200).await;
        server.settled(None).await;
        let idle = Leaks::snapshot();
        let until = |share: u32| began + self.time.min(HANG * 1000) * share / 2;
        self.act(&server, 1, &tally, until(1), self.actions / 2).await;
        server.settled(Some(&idle)).await;
        let half_way = memory();
        self.act(&server, 2, &tally, until(2), self.actions / 2).await;
        server.settled(Some(&idle)).await;
        let growth = memory().saturating_sub(half_way);

        let carried = server.observed.status().await.grpc.expect("the server runs");
        let (entered, gone) = server.guards.counts();
        let (taken, seconds) = (tally.taken(), began.elapsed().as_secs_f64());
        println!("{}, {taken} actions in {seconds:.1} s:\n{tally}", self.name);
        println!(
            "  {} calls arrived, {} shed; {entered} handlers began, {gone} are gone",
            carried.arrived, carried.shed
        );
        println!("  {half_way} KiB half way, {growth} KiB more in the end");
        assert!(growth < MOST_GROWTH, "{growth} KiB more than half way");
        server.end(before).await;
    }

    async fn serve(&self, folder: &Folder) -> Server {
        let (memory, authority) = (InMemory::new(), Authority::new("authority"));
        let path = folder.path("s");
        let mut server = self.server.clone().workers(WORKERS);
        if self.tls {
            server = server.tls(authority.sign("localhost").tls());
        }
        let options: ManagerOptions = support::options()
            .grpc_ping_service(true)
            .grpc_server_addresses(["127.0.0.1:0".to_owned(), format!("unix:{}", path.display())])
            .grpc_in_memory(&memory)
            .grpc_server(server);
        let soaked = Soaked::default();
        let guards = soaked.guards.clone();
        let service = Probe::new("soaked", &Journal::default()).register_at_once(move |on, _| {
            on.server.add_service(soaked);
            Ok(())
        });
        let observed = observe(options, |manager| manager.grpc_service(service));
        observed.running().await;
        let addresses = observed.status().await.grpc_addresses;
        let config = client(&authority, &["h2"], ANY_VERSION);
        let place = |address: &GrpcAddress| match address {
            GrpcAddress::Tcp(address) if self.tls => Place::Tls(*address, Arc::clone(&config)),
            GrpcAddress::Tcp(address) => Place::Tcp(*address),
            GrpcAddress::Unix(path) => Place::Unix(path.clone()),
            _ => Place::InMemory(memory.clone()),
        };
        Server { observed, places: addresses.iter().map(place).collect(), guards }
    }

    /// All clients act until then, or until they have acted so often; then they are gone.
    async fn act(&self, server: &Server, round: u64, tally: &Tally, until: Instant, most: usize) {
        let taken = Arc::<AtomicUsize>::default();
        let clients: Vec<_> = (0..CLIENTS as u64)
            .map(|number| {
                let seed = self.seed.wrapping_mul(1000) + round * 100 + number;
                let client = Client::new(seed, &server.places, !self.tls, tally);
                tokio::spawn(client.act(until, Arc::clone(&taken), most))
            })
            .collect();
        for client in clients {
            client.await.expect("a client was told what it did not expect");
        }
    }
}

impl Server {
    /// Waits until the server has noticed that all clients are gone, and has as much open as it had.
    async fn settled(&self, idle: Option<&Leaks>) {
        let began = Instant::now();
        self.is_left(began).await;
        // Whoever was in a queue when these came has been served: a queue for each address, and each worker's.
        for place in self.places.iter().cycle().take(self.places.len() * WORKERS) {
            while !ping(place).await {
                assert!(began.elapsed() < HANG, "the server does not answer over {}", place.name());
            }
        }
        self.is_left(began).await;
        if let Some(idle) = idle {
            idle.assert_none_within(HANG).await;
        }
    }

    /// Waits until nothing is carried, and no handler is left.
    async fn is_left(&self, began: Instant) {
        loop {
            let status = self.observed.status().await;
            let carried = status.grpc.as_ref().expect("the server runs");
            let (entered, gone) = self.guards.counts();
            if carried.connections == 0 && carried.carrying == 0 && carried.open() == 0 && entered == gone {
                return;
            }
            let hang = began.elapsed() > HANG;
            assert!(
                !hang,
                "all clients are gone, {} of {entered} handlers are not: {status}",
                entered - gone
            );
            tokio::task::yield_now().await;
        }
    }

    /// Ends the manager, after which all is as it was before.
    async fn end(mut self, before: Leaks) {
        self.observed.shut_down();
        self.observed.ended().await.assert_ok();
        before.assert_none_within(HANG).await;
    }
}

/// Whether a ping over a connection of its own is answered.
async fn ping(place: &Place) -> bool {
    let Ok(stream) = place.open().await else { return false };
    let Ok(mut raw) = Raw::over(stream, false).await else { return false };
    let Ok(call) = raw.call("/pkping.Ping/Ping", None) else { return false };
    matches!(raw.beside(status_of(call.response)).await, Ok((0, _)))
}
