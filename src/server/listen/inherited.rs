//! Sockets that the process was started with, as systemd passes them: `LISTEN_PID`, `LISTEN_FDS` and
//! `LISTEN_FDNAMES`.
//!
//! They are taken from the environment once in a process, which then keeps them until it ends, or come from a process before it that had them. A server gets duplicates,
//! so that the next one, after a restart or in another manager, finds them as well. Those that run at once share them: a
//! connection goes to either. There are never more than systemd has passed, and one duplicate for each server that runs; none is
//! inherited by children of this process.

use std::env;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use socket2::{Domain, Socket, Type};

use crate::base::GrpcAddress;

/// systemd's first one.
const FIRST: u32 = 3;

/// What is the matter with inherited sockets, and what to do.
pub(crate) type Refusal = (String, &'static str);

const NOT_STARTED_SO: &str =
    "start the process by a systemd socket unit, or give an address to listen on instead";
const FIX_THE_UNIT: &str = "give the name of one of them: FileDescriptorName= of the socket unit";

/// A socket that was passed.
#[derive(Debug)]
struct Passed {
    name: String,
    socket: Socket,
}

#[derive(Debug)]
enum Table {
    NotRead,
    Read(Vec<Passed>),
    Unreadable(Refusal),
}

static TABLE: Mutex<Table> = Mutex::new(Table::NotRead);

/// What systemd kept of the process before this one, which is nobody's by its name.
static STORED_ONES: Mutex<Vec<Passed>> = Mutex::new(Vec::new());

/// How the names of sockets begin that a process has systemd keep.
pub(crate) const STORED: &str = "majordomo,";

fn table() -> MutexGuard<'static, Table> {
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(*table, Table::NotRead) {
        *table = match read() {
            Err(refusal) => Table::Unreadable(refusal),
            Ok(all) => {
                let (stored, passed): (Vec<_>, Vec<_>) =
                    all.into_iter().partition(|one| one.name.starts_with(STORED));
                STORED_ONES.lock().unwrap_or_else(PoisonError::into_inner).extend(stored);
                if passed.is_empty() { Table::Unreadable(none()) } else { Table::Read(passed) }
            }
        };
    }
    table
}

/// What systemd kept of the process before this one, for the first who asks.
pub(super) fn take_stored() -> Vec<(String, Socket)> {
    drop(table());
    let mut stored = STORED_ONES.lock().unwrap_or_else(PoisonError::into_inner);
    stored.drain(..).map(|Passed { name, socket }| (name, socket)).collect()
}

/// Duplicates of all that was passed, with their names in their order, for a process that comes after this one.
pub(super) fn to_pass_on() -> io::Result<Vec<(String, Socket)>> {
    match &*table() {
        Table::NotRead | Table::Unreadable(_) => Ok(Vec::new()),
        Table::Read(all) => all.iter().map(|one| Ok((one.name.clone(), one.socket.try_clone()?))).collect(),
    }
}

/// What a process before this one was passed, in place of what the environment says.
pub(super) fn receive(all: Vec<(String, Socket)>) {
    if !all.is_empty() {
        let passed = all.into_iter().map(|(name, socket)| Passed { name, socket });
        *TABLE.lock().unwrap_or_else(PoisonError::into_inner) = Table::Read(passed.collect());
    }
}

/// Duplicates of all sockets, or of all of that name.
pub(crate) fn duplicates(name: Option<&str>) -> Result<Vec<(Socket, GrpcAddress)>, Refusal> {
    match &*table() {
        Table::NotRead => Ok(Vec::new()),
        Table::Unreadable(refusal) => Err(refusal.clone()),
        Table::Read(passed) => {
            let wanted = |passed: &Passed| name.is_none_or(|name| passed.name == name);
            if !passed.iter().any(wanted) {
                return Err(missing(name, passed));
            }
            let wanted = passed.iter().filter(|passed| wanted(passed));
            wanted.map(|passed| Ok((duplicate(passed)?, address(passed)?))).collect()
        }
    }
}

fn missing(name: Option<&str>, passed: &[Passed]) -> Refusal {
    let names: Vec<_> = passed.iter().map(|passed| format!("{:?}", passed.name)).collect();
    let name = name.unwrap_or_default();
    (format!("no inherited socket is named {name:?}, only {}", names.join(", ")), FIX_THE_UNIT)
}

fn duplicate(passed: &Passed) -> Result<Socket, Refusal> {
    passed.socket.try_clone().map_err(|error| {
        let reason = format!("the inherited socket {:?} cannot be duplicated ({error})", passed.name);
        (reason, "raise the limit of open files: ulimit -n, LimitNOFILE= of the service unit")
    })
}

fn address(passed: &Passed) -> Result<GrpcAddress, Refusal> {
    check(&passed.socket).map_err(|reason| wrong(passed, &reason))
}

fn wrong(passed: &Passed, reason: &str) -> Refusal {
    let reason = format!("the inherited socket {:?} {reason}", passed.name);
    (reason, "pass stream sockets that listen: ListenStream= of the socket unit, with Accept=no")
}

/// Where it is bound, if connections can be accepted from it.
pub(super) fn check(socket: &Socket) -> Result<GrpcAddress, String> {
    let unreadable = |error: io::Error| format!("cannot be examined ({error})");
    if socket.r#type().map_err(unreadable)? != Type::STREAM {
        return Err("is no stream socket".to_owned());
    }
    if !socket.is_listener().map_err(unreadable)? {
        return Err("does not listen".to_owned());
    }
    let address = socket.local_addr().map_err(unreadable)?;
    if socket.domain().map_err(unreadable)? == Domain::UNIX {
        return Ok(match (address.as_pathname(), address.as_abstract_namespace()) {
            (Some(path), _) => GrpcAddress::Unix(path.to_owned()),
            (None, Some(name)) => GrpcAddress::UnixAbstract(String::from_utf8_lossy(name).into_owned()),
            (None, None) => GrpcAddress::Unix(PathBuf::new()),
        });
    }
    let address: Option<SocketAddr> = address.as_socket();
    address.map(GrpcAddress::Tcp).ok_or_else(|| "is neither of TCP nor a Unix socket".to_owned())
}

fn none() -> Refusal {
    ("the process was started without sockets (LISTEN_FDS)".to_owned(), NOT_STARTED_SO)
}

/// Takes the sockets over from the environment.
fn read() -> Result<Vec<Passed>, Refusal> {
    let number = |variable: &str| match env::var(variable) {
        Err(env::VarError::NotPresent) => Err(none()),
        Err(error) => Err((format!("{variable} cannot be read ({error})"), NOT_STARTED_SO)),
        Ok(text) => text
            .parse::<u32>()
            .map_err(|_| (format!("{variable} is {text:?}, which is no number"), NOT_STARTED_SO)),
    };
    let (count, process) = (number("LISTEN_FDS")?, number("LISTEN_PID")?);
    if process != std::process::id() {
        let reason = format!("the sockets of LISTEN_FDS are meant for process {process}, not this one");
        return Err((reason, NOT_STARTED_SO));
    }
    if count == 0 {
        return Err(none());
    }
    for number in (FIRST..).take(count as usize) {
        if !is_socket(number) {
            let reason = format!("LISTEN_FDS is {count}, but file descriptor {number} is no socket");
            return Err((reason, NOT_STARTED_SO));
        }
    }
    let passed = sd_listen_fds::get().map_err(|error| (error.to_string(), NOT_STARTED_SO))?;
    let passed = passed.into_iter().map(|(name, descriptor)| {
        let socket = Socket::from(descriptor.into_std());
        // Children of this process are not to have it, and its flags are as its maker left them.
        socket.set_cloexec(true)?;
        socket.set_nonblocking(true)?;
        // What systemd calls one without a name.
        Ok(Passed { name: name.unwrap_or_else(|| "unknown".to_owned()), socket })
    });
    passed.collect::<io::Result<_>>().map_err(|error| (error.to_string(), NOT_STARTED_SO))
}

/// Whether this is an open socket of the process; where the system cannot tell, it is believed.
fn is_socket(descriptor: u32) -> bool {
    let descriptors = Path::new("/proc/self/fd");
    match fs::read_link(descriptors.join(descriptor.to_string())) {
        Ok(target) => target.as_os_str().as_encoded_bytes().starts_with(b"socket:"),
        Err(_) => !descriptors.exists(),
    }
}
