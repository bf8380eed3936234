//! Sockets that another process has, too: a predecessor handed them to this one, or a successor has got them of it. They listen already.
//!
//! ```text
//!   received --claimed by the server of that address--> a duplicate serves --its server closes--> claimed again by its next life
//!      |                                                                       all run, and the predecessor has let go: let go
//!      +-- all run, and nobody has claimed it: closed, and named
//! ```
//!
//! As long as the predecessor has a socket, or systemd, its address cannot be bound anew. So one is kept here until then: the next life of a server, or a
//! set-up that is tried again, claims it again. After that a server closes what it has, and binds as any other. The same holds while a successor comes up, or
//! could still go: its predecessor *lends* the sockets.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use socket2::Socket;

use crate::base::GrpcAddress;
use crate::server::error::ListenError;
use crate::server::listen::address::{Had, Place, ServerAddress};
use crate::server::listen::owners;
use crate::server::listen::unix::{FileIdentity, Found, SocketFile};

/// A socket that was handed over.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) had: Had,
    pub(crate) socket: Socket,
    /// Where it is bound.
    pub(crate) bound: GrpcAddress,
    pub(crate) file: Option<FileIdentity>,
}

/// What a server gets of it.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) socket: Socket,
    pub(crate) bound: GrpcAddress,
    pub(crate) file: Option<SocketFile>,
    pub(crate) index: usize,
    /// As long as it lives nobody else gets this socket.
    pub(crate) token: Arc<()>,
}

#[derive(Debug)]
struct Entry {
    handed: Handed,
    claim: Weak<()>,
    was_claimed: bool,
    /// systemd has it, too, as long as this process lives.
    stored: bool,
    /// A successor has it, too.
    lent: bool,
}

#[derive(Debug, Default)]
struct Table {
    entries: Vec<Entry>,
    /// Files of sockets that nobody asked for. They go when the predecessor has gone.
    unwanted: Vec<SocketFile>,
    all_run: bool,
    let_go: bool,
}

static TABLE: Mutex<Table> =
    Mutex::new(Table { entries: Vec::new(), unwanted: Vec::new(), all_run: false, let_go: false });

/// From here on servers claim these.
pub(super) fn receive(all: Vec<Handed>) {
    let entry = |handed| Entry::of(handed, Weak::new());
    table().entries.extend(all.into_iter().map(entry));
}

/// systemd has this one as well from here on, which `served` is the server of.
pub(super) fn keep(handed: Handed, served: Weak<()>) {
    let mut table = table();
    match table.entries.iter_mut().find(|entry| entry.handed.is_same(&handed)) {
        Some(known) => known.stored = true,
        None => table.entries.push(Entry { stored: true, was_claimed: true, ..Entry::of(handed, served) }),
    }
}

/// A successor has these as well from here on, each with what lives as long as its server does.
pub(super) fn lend(all: Vec<(Handed, Weak<()>)>) {
    owners::lend(true);
    let mut table = table();
    for (handed, served) in all {
        match table.entries.iter_mut().find(|entry| entry.handed.is_same(&handed)) {
            Some(known) => known.lent = true,
            None => {
                table.entries.push(Entry { lent: true, was_claimed: true, ..Entry::of(handed, served) });
            }
        }
    }
}

/// The successor is gone, or cannot give anything back any more. Files whose servers have gone meanwhile are removed.
pub(super) fn take_back_lent() {
    owners::lend(false);
    let mut table = table();
    let (lent, others): (Vec<_>, Vec<_>) =
        std::mem::take(&mut table.entries).into_iter().partition(|entry| entry.lent);
    table.entries = others;
    for mut entry in lent {
        entry.lent = false;
        if entry.stored {
            table.entries.push(entry);
        } else if entry.is_free() {
            drop(entry.handed.file.map(SocketFile::left));
        }
    }
}

/// All run: closes what nobody has claimed.
pub(super) fn close_unclaimed() -> Vec<Handed> {
    let mut table = table();
    table.all_run = true;
    let (claimed, others): (Vec<_>, _) =
        std::mem::take(&mut table.entries).into_iter().partition(|entry| entry.was_claimed);
    table.entries = claimed;
    let unclaimed: Vec<Handed> = others.into_iter().map(|entry| entry.handed).collect();
    let files = unclaimed.iter().filter_map(|handed| handed.file.clone());
    table.unwanted.extend(files.map(SocketFile::handed));
    table.forget();
    unclaimed
}

/// A server that was stopped is not to be reached any more: what is kept of it beside systemd, by where it was bound.
pub(super) fn give_up(bound: &[GrpcAddress]) -> Vec<Handed> {
    let mut table = table();
    let gone = |entry: &mut Entry| entry.stored && bound.iter().any(|bound| entry.is_at(bound));
    table.entries.extract_if(.., gone).map(|entry| entry.handed).collect()
}

/// The predecessor has let go of its sockets, or is gone.
pub(super) fn let_go() {
    owners::let_go();
    let mut table = table();
    table.let_go = true;
    table.forget();
}

/// What was handed over for an address: the one that it had before, or the first that is free.
///
/// # Errors
/// Where another process took the path of a Unix socket.
pub(super) fn claim(wanted: &ServerAddress) -> Result<Option<Claimed>, ListenError> {
    let mut table = table();
    let fitting = table.entries.iter_mut().filter(|entry| entry.is_for(wanted));
    let first = fitting.min_by_key(|entry| entry.handed.had.index);
    first.map_or(Ok(None), |entry| entry.claim(wanted))
}

/// Whether another process has it, too, or systemd.
pub(super) fn has(had: &Had) -> bool {
    table().entries.iter().any(|entry| entry.handed.had == *had)
}

/// The same of an address that is in use, however it was written when that was bound.
pub(super) fn claim_bound(
    wanted: &ServerAddress,
    bound: &GrpcAddress,
) -> Result<Option<Claimed>, ListenError> {
    let mut table = table();
    let fitting = table.entries.iter_mut().find(|entry| entry.is_free() && entry.is_at(bound));
    fitting.map_or(Ok(None), |entry| entry.claim(wanted))
}

impl Table {
    /// From the moment on in which its address can be bound anew, nothing is kept.
    fn forget(&mut self) {
        if self.all_run && self.let_go {
            self.entries.retain(|entry| entry.stored);
            self.unwanted.clear();
        }
    }
}

impl Handed {
    fn is_same(&self, other: &Self) -> bool {
        (&self.had, &self.bound, &self.file) == (&other.had, &other.bound, &other.file)
    }
}

impl Entry {
    fn of(handed: Handed, claim: Weak<()>) -> Self {
        Self { handed, claim, was_claimed: false, stored: false, lent: false }
    }

    fn is_free(&self) -> bool {
        self.claim.strong_count() == 0
    }

    fn is_for(&self, wanted: &ServerAddress) -> bool {
        let same = match wanted.place() {
            // Its directory may be another.
            Place::Unix(path, _) => self.is_file(path),
            _ => true,
        };
        let had = &self.handed.had;
        // Another life of a server wants what it had, and nothing else.
        let same = same && wanted.index().is_none_or(|index| index == had.index);
        same && self.is_free() && had.written == wanted.written()
    }

    fn is_at(&self, bound: &GrpcAddress) -> bool {
        match bound {
            GrpcAddress::Unix(path) => self.is_file(path),
            bound => self.handed.bound == *bound,
        }
    }

    fn is_file(&self, path: &Path) -> bool {
        let same = |file: &FileIdentity| std::path::absolute(path).is_ok_and(|path| path == file.path);
        self.handed.file.as_ref().is_some_and(same)
    }

    fn claim(&mut self, wanted: &ServerAddress) -> Result<Option<Claimed>, ListenError> {
        match self.handed.file.as_ref().map(FileIdentity::found) {
            None | Some(Found::Itself) => {}
            // Nobody can find it: it is to be bound anew.
            Some(Found::Nothing) => return Ok(None),
            Some(Found::Another) => return Err(taken(wanted)),
        }
        let failed = |source: io::Error| ListenError::Bind { address: wanted.to_string(), source };
        let socket = self.handed.socket.try_clone().map_err(failed)?;
        let token = Arc::new(());
        (self.claim, self.was_claimed) = (Arc::downgrade(&token), true);
        let Handed { had, bound, file, .. } = &self.handed;
        let file = file.clone().map(if self.lent { SocketFile::left } else { SocketFile::handed });
        Ok(Some(Claimed { socket, bound: bound.clone(), file, index: had.index, token }))
    }
}

fn taken(wanted: &ServerAddress) -> ListenError {
    ListenError::Unusable {
        address: wanted.to_string(),
        reason: "another process has put a file of its own where the predecessor's socket was".to_owned(),
        mend: "stop that process, remove the file, and hand over again",
    }
}

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}
