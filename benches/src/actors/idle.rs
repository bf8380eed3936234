//! `idle`: what it costs to do nothing.

use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use super::{contender, majordomo, plain};
use crate::cell::Cell;
use crate::cpu::cpu_time;
use crate::measure::{Bench, Failure, Figures, Metric};
use crate::targets::{Against, Bound, MAJORDOMO, Target};

/// What a client of HTTP/2 says first: the preface, and that it has no settings to tell.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Until all have come to rest: a second after it has written, a server sees whether that was read.
pub(super) const SETTLE: Duration = Duration::from_secs(2);

pub(crate) static IDLE: Bench = Bench {
    name: "idle",
    about: "CPU time and wake-ups of a process that has nothing to do; seen 1: with an operations endpoint, metrics and a page that is open",
    metrics: &[Metric { name: "wake_ups", unit: "" }, Metric { name: "cpu", unit: "ms" }],
    cells: |quick| {
        let seconds = if quick { 1 } else { 10 };
        let cell = |seen| {
            Cell::new(&[("services", 1000), ("connections", 100), ("seen", seen), ("seconds", seconds)])
        };
        vec![cell(0), cell(1)]
    },
    contenders: &[
        contender!(MAJORDOMO, "services and a gRPC server, default options", majordomo::idle),
        contender!("actix", "as many actors, and tasks that read the connections", plain::idle),
    ],
    targets: &[Target {
        says: "wake-ups",
        metric: "wake_ups",
        against: Against::Itself,
        bound: Bound::AtMost(0.0),
        applies: |_| true,
    }],
};

/// What a page has asked for before it follows the events.
const ASKED: [&str; 5] = ["/", "/plan", "/status", "/report", "/metrics"];

/// A page that was opened a while ago: it follows the events, and what it had asked by is closed, being idle.
fn open_page(operations: SocketAddr) -> io::Result<TcpStream> {
    let get = |stream: &mut TcpStream, path| {
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html, */*;q=0.5\r\n\r\n")
    };
    let mut asking = TcpStream::connect(operations)?;
    for path in ASKED {
        get(&mut asking, path)?;
    }
    let mut follower = TcpStream::connect(operations)?;
    get(&mut follower, "/events")?;
    io::copy(&mut asking, &mut io::sink())?;
    Ok(follower)
}

/// Connects the idle clients, and measures from a thread of its own, which does not count. `operations`: where a page looks.
pub(super) fn watch(
    cell: &Cell,
    address: SocketAddr,
    operations: Option<SocketAddr>,
) -> tokio::sync::oneshot::Receiver<io::Result<Figures>> {
    let (connections, time) = (cell.count("connections"), Duration::from_secs(cell.get("seconds")));
    let (tell, told) = tokio::sync::oneshot::channel();
    thread::spawn(move || {
        let watched = || {
            let mut open = Vec::with_capacity(connections);
            for _ in 0..connections {
                let mut stream = TcpStream::connect(address)?;
                stream.write_all(GREETING)?;
                open.push(stream);
            }
            let _page = operations.map(open_page).transpose()?;
            thread::sleep(SETTLE);
            let process = std::process::id();
            let (sleeps, cpu) = (sleeps(|_| true)?, cpu_time(process)?);
            thread::sleep(time);
            Ok(vec![(self::sleeps(|_| true)? - sleeps) as f64, (cpu_time(process)? - cpu) * 1e3])
        };
        // The other end has gone, if nobody takes it.
        let _ = tell.send(watched());
    });
    told
}

/// How often those of the threads of this process that count went to sleep so far, by their names; the one that asks does not count.
pub(super) fn sleeps(counts: impl Fn(&str) -> bool) -> io::Result<u64> {
    let own = fs::read_link("/proc/thread-self")?;
    let mut sleeps = 0;
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?;
        if own.file_name() == Some(&task.file_name()) {
            continue;
        }
        if !counts(fs::read_to_string(task.path().join("comm"))?.trim_end()) {
            continue;
        }
        let status = fs::read_to_string(task.path().join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sleeps +=
            line.and_then(|count| count.trim().parse::<u64>().ok()).ok_or(io::ErrorKind::InvalidData)?;
    }
    Ok(sleeps)
}

/// What came of it.
pub(super) async fn watched(
    told: tokio::sync::oneshot::Receiver<io::Result<Figures>>,
) -> Result<Figures, Failure> {
    Ok(told.await??)
}
