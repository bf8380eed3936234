//! The run: one thread, one epoll.

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::http1::{Get, Http1};
use super::http2::{Http2, Requests};
use super::spec::{Figures, LoadError, LoadSpec, Method};
use super::wire::{Broken, Connection, Tally};
use crate::cpu::cpu_time;

/// After how long without any answer a server is taken to hang.
const SILENCE: Duration = Duration::from_secs(10);

/// Read at once.
const BUFFER: usize = 64 * 1024;

/// Puts the load on the server, and measures.
///
/// # Errors
/// Whatever is not the answer expected, to whichever call.
pub(crate) fn run(spec: &LoadSpec) -> Result<Figures, LoadError> {
    if let Method::Http1(_) = spec.method {
        let get = Rc::new(Get::new(spec));
        return measure(spec, |socket| Http1::new(socket, spec.in_flight, Rc::clone(&get)));
    }
    let requests = Rc::new(Requests::both(spec));
    measure(spec, |socket| Http2::new(socket, spec.in_flight, Rc::clone(&requests)))
}

/// The same over connections of one kind.
fn measure<C: Connection>(spec: &LoadSpec, over: impl Fn(TcpStream) -> C) -> Result<Figures, LoadError> {
    let mut poll = Poll::new()?;
    let mut connections = Vec::with_capacity(spec.connections);
    for number in 0..spec.connections {
        let socket = std::net::TcpStream::connect(spec.address)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let mut connection = over(TcpStream::from_std(socket));
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut connection.wire().socket, Token(number), interest)?;
        connections.push(connection);
    }
    let began = Instant::now();
    let now = || began.elapsed().as_nanos() as u64;
    let mut load = Load { spec, connections, events: Events::with_capacity(1024), tally: Tally::new() };
    let mut buffer = vec![0; BUFFER];
    while load.connections.iter().any(|connection| connection.calls() == 0) {
        load.turn(&mut poll, &mut buffer, &now)?;
    }
    let warm = Instant::now() + Duration::from_millis(spec.warm_up_ms);
    while Instant::now() < warm {
        load.turn(&mut poll, &mut buffer, &now)?;
    }
    load.tally = Tally::new();
    let (server, own) = (load.cpu_of(spec.server)?, load.cpu_of(std::process::id())?);
    let from = Instant::now();
    let until = from + Duration::from_millis(spec.measured_ms);
    let goes_on = |calls: u64| spec.calls.map_or_else(|| Instant::now() < until, |wanted| calls < wanted);
    while goes_on(load.tally.calls) {
        load.turn(&mut poll, &mut buffer, &now)?;
    }
    let seconds = from.elapsed().as_secs_f64();
    let latency = |quantile| load.tally.latencies.value_at_quantile(quantile) as f64 / 1000.0;
    Ok(Figures {
        calls: load.tally.calls,
        seconds,
        p50_us: latency(0.5),
        p99_us: latency(0.99),
        server_cpu_s: load.cpu_of(spec.server)? - server,
        load_cpu_s: load.cpu_of(std::process::id())? - own,
    })
}

struct Load<'a, C> {
    spec: &'a LoadSpec,
    connections: Vec<C>,
    events: Events,
    tally: Tally,
}

impl<C: Connection> Load<'_, C> {
    /// Waits for sockets and serves those.
    fn turn(&mut self, poll: &mut Poll, buffer: &mut [u8], now: &impl Fn() -> u64) -> Result<(), LoadError> {
        match poll.poll(&mut self.events, Some(SILENCE)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        if self.events.is_empty() {
            return Err(LoadError::Silent { server: self.spec.address, seconds: SILENCE.as_secs() });
        }
        for event in &self.events {
            let number = event.token().0;
            let connection = &mut self.connections[number];
            let mut served = if event.is_writable() { connection.wire().flush() } else { Ok(()) };
            if served.is_ok() && (event.is_readable() || event.is_read_closed()) {
                served = connection.readable(buffer, now, &mut self.tally);
            }
            let server = self.spec.address;
            served.map_err(|broken| match broken {
                Broken::Io(error) => LoadError::Socket(error),
                Broken::Closed => LoadError::Closed { connection: number, server, calls: connection.calls() },
                Broken::Answer(what) => LoadError::Answer { connection: number, server, what },
            })?;
        }
        Ok(())
    }

    fn cpu_of(&self, process: u32) -> Result<f64, LoadError> {
        cpu_time(process).map_err(|source| LoadError::Cpu { process, source })
    }
}
