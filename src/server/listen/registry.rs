//! What listens in this process: so that it can be handed to a successor.
//!
//! ```text
//!   bound: an index is taken --listens: a duplicate is kept, where hand-over is on--> dropped: closed, and out of the table
//! ```
//!
//! A socket is known by its address as it was written, and by an index among those of that address: two servers at `127.0.0.1:0` have two ports.
//! The duplicate belongs to whoever listens. The table only knows where it is, so that nothing listens longer than its server.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::server::listen::address::{Had, ServerAddress};
use crate::server::listen::handed;
use crate::server::listen::unix::{FileIdentity, SocketFile};

/// Whether sockets of this process may be handed over.
static ON: AtomicBool = AtomicBool::new(false);

static TABLE: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Entry {
    had: Had,
    listens: Option<(Weak<OwnedFd>, Option<FileIdentity>)>,
    served: Weak<()>,
}

/// A socket that listens, on its way to a successor.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub(crate) had: Had,
    pub(crate) socket: Arc<OwnedFd>,
    pub(crate) file: Option<FileIdentity>,
    /// Gone with its server.
    pub(crate) served: Weak<()>,
}

/// The place of a socket in the table. Dropped, it is free.
#[derive(Debug)]
pub(crate) struct Registration {
    had: Had,
    socket: Option<Arc<OwnedFd>>,
    /// As long as it lives nobody else may claim the socket, where that can be claimed.
    _served: Arc<()>,
}

/// From here on a duplicate is kept of whatever begins to listen.
pub(crate) fn turn_on() {
    ON.store(true, Ordering::Relaxed);
}

/// All that listens now.
pub(crate) fn registered() -> Vec<Registered> {
    let listening = |entry: &Entry| {
        let (socket, file) = entry.listens.as_ref()?;
        let (had, served) = (entry.had.clone(), entry.served.clone());
        Some(Registered { had, socket: socket.upgrade()?, file: file.clone(), served })
    };
    table().iter().filter_map(listening).collect()
}

impl Registration {
    /// Takes the index that was had before, if it is free, or the first that is.
    pub(crate) fn of(address: &ServerAddress, claim: Option<(usize, Arc<()>)>) -> Self {
        let (claimed, served) = claim.unzip();
        let served = served.unwrap_or_default();
        let mut table = table();
        let taken = |index: usize| {
            table.iter().any(|entry| entry.had.index == index && entry.had.written == address.written())
        };
        let wanted = claimed.or(address.index()).filter(|index| !taken(*index));
        let index = wanted.or_else(|| (0..).find(|index| !taken(*index))).unwrap_or_default();
        let had = Had { written: address.written().to_owned(), index };
        table.push(Entry { had: had.clone(), listens: None, served: Arc::downgrade(&served) });
        Self { had, socket: None, _served: served }
    }

    pub(crate) fn had(&self) -> &Had {
        &self.had
    }

    /// The socket listens from now on.
    pub(crate) fn listens(&mut self, socket: BorrowedFd<'_>, file: Option<&SocketFile>) -> io::Result<()> {
        if !ON.load(Ordering::Relaxed) {
            return Ok(());
        }
        let kept = Arc::new(socket.try_clone_to_owned()?);
        let listens = Some((Arc::downgrade(&kept), file.map(|file| file.identity().clone())));
        if let Some(entry) = table().iter_mut().find(|entry| entry.had == self.had) {
            entry.listens = listens;
        }
        self.socket = Some(kept);
        Ok(())
    }

    /// Whether no other process has the socket. From here on it is not passed to any.
    pub(crate) fn withdraw(&self) -> bool {
        if let Some(entry) = table().iter_mut().find(|entry| entry.had == self.had) {
            entry.listens = None;
        }
        // Who passes it on has it in hand until it is known to be lent, or kept.
        let in_hand = self.socket.as_ref().is_some_and(|socket| Arc::strong_count(socket) > 1);
        !in_hand && !handed::has(&self.had)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        table().retain(|entry| entry.had != self.had);
    }
}

fn table() -> MutexGuard<'static, Vec<Entry>> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexes(address: &str) -> Vec<usize> {
        let table = table();
        table.iter().filter(|entry| entry.had.written == address).map(|entry| entry.had.index).collect()
    }

    fn place(text: &str) -> ServerAddress {
        ServerAddress::parse(text).unwrap()
    }

    #[test]
    fn g24_sockets_of_one_address_are_told_apart_by_an_index() {
        let address = place("registry-one:0");
        let [first, second, third] = [(); 3].map(|()| Registration::of(&address, None));
        assert_eq!([&first, &second, &third].map(|one| one.had().index), [0, 1, 2]);
        drop(second);
        assert_eq!(indexes("registry-one:0"), [0, 2]);
        assert_eq!(Registration::of(&address, None).had().index, 1);
        drop((first, third));
        assert!(indexes("registry-one:0").is_empty());
    }

    #[test]
    fn g24_another_life_of_a_server_has_the_index_of_the_one_before() {
        let address = place("registry-two:0");
        let first = Registration::of(&address, None);
        let second = Registration::of(&address, None);
        let again = ServerAddress::again(second.had().clone(), ([127, 0, 0, 1], 7).into());
        drop((first, second));
        let second = Registration::of(&again, None);
        assert_eq!((second.had().written.as_str(), second.had().index), ("registry-two:0", 1));
        // It is taken: the next one is as good.
        assert_eq!(Registration::of(&again, None).had().index, 0);
    }
}
