//! What goes from one process to the next: every socket that listens, and what systemd has passed.
//!
//! A socket is named by its address as it was written and an index among those of that address; of systemd's the address is `systemd:NAME`, and the
//! index counts all of them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};

use socket2::Socket;

use crate::base::GrpcAddress;
use crate::server::listen::address::Had;
use crate::server::listen::handed::{self, Handed};
use crate::server::listen::inherited;
use crate::server::listen::registry::{self, Registered};

pub(crate) use crate::server::listen::inherited::STORED;
pub(crate) use crate::server::listen::owners::{pass_on, take_back};
pub(crate) use crate::server::listen::registry::turn_on;
pub(crate) use crate::server::listen::unix::FileIdentity;

/// How the addresses of systemd's begin.
const OF_SYSTEMD: &str = "systemd:";

/// A socket on its way.
#[derive(Debug)]
pub(crate) struct PassedSocket {
    pub(crate) name: SocketName,
    pub(crate) socket: Arc<OwnedFd>,
    /// Gone with its server.
    served: Weak<()>,
}

/// How a socket is known in both processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SocketName {
    /// As it was written.
    pub(crate) address: String,
    pub(crate) index: usize,
    /// Of a Unix socket that has one.
    pub(crate) file: Option<FileIdentity>,
}

impl AsFd for PassedSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// All that listens by now, and what systemd has passed.
///
/// # Errors
/// Where no descriptor can be had.
pub(crate) fn to_pass_on() -> io::Result<Vec<PassedSocket>> {
    let of_systemd = inherited::to_pass_on()?.into_iter().enumerate().map(|(index, (name, socket))| {
        let name = SocketName { address: format!("{OF_SYSTEMD}{name}"), index, file: None };
        PassedSocket { name, socket: Arc::new(OwnedFd::from(socket)), served: Weak::new() }
    });
    Ok(listening().chain(of_systemd).collect())
}

/// All that listens by now.
pub(crate) fn listening() -> impl Iterator<Item = PassedSocket> {
    registry::registered().into_iter().map(|Registered { had, socket, file, served }| PassedSocket {
        name: SocketName { address: had.written, index: had.index, file },
        socket,
        served,
    })
}

/// From here on servers of this process find these where they bind. They are closed on exec, and do not block.
///
/// # Errors
/// Which of them cannot serve, and why: none is taken then.
pub(crate) fn receive(all: Vec<(SocketName, OwnedFd)>) -> Result<(), (SocketName, String)> {
    let (mut of_systemd, mut others) = (Vec::new(), Vec::new());
    for (name, socket) in all {
        match name.address.strip_prefix(OF_SYSTEMD) {
            // What systemd passes and nobody can serve at is passed on all the same.
            Some(own) => of_systemd.push((name.index, own.to_owned(), Socket::from(socket))),
            None => others.push(serviceable(name, Socket::from(socket))?),
        }
    }
    of_systemd.sort_by_key(|(index, ..)| *index);
    inherited::receive(of_systemd.into_iter().map(|(_, name, socket)| (name, socket)).collect());
    handed::receive(others);
    Ok(())
}

fn serviceable(name: SocketName, socket: Socket) -> Result<Handed, (SocketName, String)> {
    match inherited::check(&socket) {
        Err(reason) => Err((name, reason)),
        Ok(bound) => {
            let SocketName { address: written, index, file } = name;
            Ok(Handed { had: Had { written, index }, socket, bound, file })
        }
    }
}

/// What systemd has kept of the process before this one, by the names that it has there.
pub(crate) fn take_stored() -> Vec<(String, OwnedFd)> {
    inherited::take_stored().into_iter().map(|(name, socket)| (name, socket.into())).collect()
}

/// systemd keeps this socket from here on, as well as this process: it stays open when its server closes it.
///
/// # Errors
/// Where no descriptor can be had.
pub(crate) fn keep(one: &PassedSocket) -> io::Result<()> {
    let socket = Socket::from(one.socket.try_clone()?);
    if let Ok(handed) = serviceable(one.name.clone(), socket) {
        handed::keep(handed, one.served.clone());
    }
    Ok(())
}

/// A successor has sockets of this process. Dropped, it has them no more, or they are its own.
#[derive(Debug)]
pub(crate) struct Lent(());

impl Drop for Lent {
    fn drop(&mut self) {
        close_lent();
    }
}

/// Whatever becomes of the successor, this process does not serve there again: nothing is kept for its servers.
pub(crate) fn close_lent() {
    handed::take_back_lent();
}

/// A successor gets these: a server that goes meanwhile finds its socket again.
///
/// # Errors
/// Where no descriptor can be had.
pub(crate) fn lend(all: &[PassedSocket]) -> io::Result<Lent> {
    let mut lent = Vec::new();
    for one in all.iter().filter(|one| !one.name.address.starts_with(OF_SYSTEMD)) {
        let socket = Socket::from(one.socket.try_clone()?);
        lent.extend(serviceable(one.name.clone(), socket).ok().map(|handed| (handed, one.served.clone())));
    }
    handed::lend(lent);
    Ok(Lent(()))
}

/// From here on servers of this process find what systemd has kept of a process that is gone. What cannot serve is closed, and named.
pub(crate) fn receive_stored(all: Vec<(SocketName, OwnedFd)>) -> Vec<SocketName> {
    let all = all.into_iter().map(|(name, socket)| serviceable(name, Socket::from(socket)));
    let (fit, unfit): (Vec<_>, Vec<_>) = all.partition(Result::is_ok);
    handed::receive(fit.into_iter().flatten().collect());
    handed::let_go();
    unfit.into_iter().filter_map(Result::err).map(|(name, _)| name).collect()
}

/// All run: closes what no server has asked for, and names it; and where it was bound.
pub(crate) fn close_unclaimed() -> Vec<(SocketName, GrpcAddress)> {
    handed::close_unclaimed().into_iter().map(named).collect()
}

/// What is kept beside systemd of a server that was stopped, by the addresses where it listened, is closed, and named.
pub(crate) fn give_up(bound: &[GrpcAddress]) -> Vec<SocketName> {
    handed::give_up(bound).into_iter().map(|handed| named(handed).0).collect()
}

fn named(Handed { had, bound, file, .. }: Handed) -> (SocketName, GrpcAddress) {
    (SocketName { address: had.written, index: had.index, file }, bound)
}

/// The process before this one has let go of its sockets, or is gone.
pub(crate) fn let_go() {
    handed::let_go();
}
