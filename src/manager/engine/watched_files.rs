//! Looks at files now and then, on a thread of its own, and asks for a reload when what they hold has changed.
//!
//! ```text
//!   seen A --B--> maybe B --B again--> reload; seen B        maybe B --C--> maybe C
//!                         '--A again--> seen A
//! ```
//!
//! What a file holds counts, not when it was written: editors write another file in its place, and Kubernetes turns a link. A file that
//! is found twice as it is has been written to its end. One that is not there has not changed: it may be about to be replaced.

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use tracing::dispatcher::{self, Dispatch};
use tracing::{info, warn};

use super::inbox::{ManagerInput, ManagerSender};
use crate::base::{ThreadError, spawn};
use crate::manager::api::options::WatchedFile;

/// How much of a file counts: whoever holds more than that in settings is told.
const MOST: u64 = 16 * 1024 * 1024;

/// How long a start waits until all have been looked at for the first time: a disk that has gone, or a pipe, holds nothing up.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// While it is there, files are looked at.
#[derive(Debug)]
pub(super) struct FileWatch(#[expect(dead_code, reason = "its drop ends the thread")] Sender<()>);

/// Has the manager reload when any of these changes; `None` where there are none. All have been looked at when this returns, before anybody is
/// set up: so nothing is missed that is written after a service has read it.
pub(super) fn start(
    files: Vec<WatchedFile>,
    reloadable: bool,
    sender: ManagerSender,
    dispatch: Dispatch,
) -> Result<Option<FileWatch>, ThreadError> {
    let Some(every) = files.iter().map(|file| file.every).min() else { return Ok(None) };
    let _here = dispatcher::set_default(&dispatch);
    if !reloadable {
        warn!(target: "majordomo", "files are watched, and nothing takes part in reloads: mark a service as reloadable()");
    }
    let (alive, ended) = mpsc::channel();
    let (looked, all_looked_at) = mpsc::sync_channel(1);
    let there = dispatch.clone();
    spawn("watched files", "majordomo-files".to_owned(), move || {
        let _dispatch = dispatcher::set_default(&there);
        let mut watched: Vec<Watched> = files.into_iter().map(Watched::new).collect();
        // Whoever started it may have waited long enough.
        let _ = looked.send(());
        while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            // Each is looked at, whether or not another has changed.
            if watched.iter_mut().map(Watched::has_changed).fold(false, |any, this| any | this) {
                sender.send(ManagerInput::ReloadSignal);
            }
        }
    })?;
    if all_looked_at.recv_timeout(FIRST_LOOK) == Err(RecvTimeoutError::Timeout) {
        warn!(target: "majordomo", "watched files were not read within {FIRST_LOOK:?}: what changes before they are is not seen");
    }
    Ok(Some(FileWatch(alive)))
}

/// A file, and what it held.
struct Watched {
    file: WatchedFile,
    seen: Option<u64>,
    maybe: Option<u64>,
    complained: bool,
}

impl Watched {
    fn new(file: WatchedFile) -> Self {
        let mut watched = Self { file, seen: None, maybe: None, complained: false };
        watched.seen = watched.look();
        watched
    }

    fn has_changed(&mut self) -> bool {
        let found = self.look();
        self.sees(found)
    }

    fn sees(&mut self, found: Option<u64>) -> bool {
        let changed = found.is_some() && found != self.seen;
        let twice = changed && found == self.maybe;
        self.maybe = found.filter(|_| changed && !twice);
        if twice {
            self.seen = found;
            let path = self.file.path.display();
            info!(target: "majordomo", %path, "a watched file has changed: a reload is asked for");
        }
        twice
    }

    /// What it holds; `None` where that cannot be told, of which the log hears once until it can again.
    fn look(&mut self) -> Option<u64> {
        let found = hash(&self.file);
        match &found {
            Ok(_) => self.complained = false,
            Err(error) if !self.complained => {
                self.complained = true;
                let path = self.file.path.display();
                warn!(target: "majordomo", %path, %error, "a watched file cannot be read; it is looked at again");
            }
            Err(_) => {}
        }
        found.ok()
    }
}

fn hash(file: &WatchedFile) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut content = File::open(&file.path)?.take(MOST + 1);
    let (mut buffer, mut length) = ([0; 8192], 0);
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hasher.write(&buffer[..read]);
                length += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    match length > MOST {
        true => Err(io::Error::other(format!("it has more than {MOST} bytes: watch a smaller one"))),
        false => Ok(hasher.finish()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reloads(found: &[Option<u64>]) -> usize {
        let file = WatchedFile { path: "/nowhere".into(), every: Duration::from_secs(1) };
        let mut watched = Watched { file, seen: Some(1), maybe: None, complained: false };
        found.iter().filter(|found| watched.sees(**found)).count()
    }

    #[actix::test]
    async fn g26_what_is_written_once_files_are_watched_is_a_change() {
        let path = std::env::temp_dir().join(format!("majordomo-watched-{}", std::process::id()));
        std::fs::write(&path, "before").unwrap();
        let (sender, mut inbox) = ManagerSender::new(1);
        let file = WatchedFile { path: path.clone(), every: Duration::from_millis(10) };
        let watch = start(vec![file], true, sender, Dispatch::none()).unwrap();
        std::fs::write(&path, "after").unwrap();
        let told = std::future::poll_fn(|cx| inbox.poll_take(cx).map(|told| told.count()));
        let told = tokio::time::timeout(Duration::from_secs(10), told).await;
        drop(watch);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(told, Ok(1), "it was missed");
    }

    #[test]
    fn g26_a_file_has_changed_when_it_is_found_twice_as_it_is_now() {
        assert_eq!(reloads(&[Some(1), Some(1)]), 0, "as before");
        assert_eq!(reloads(&[Some(2)]), 0, "half written, maybe");
        assert_eq!(reloads(&[Some(2), Some(3), Some(4)]), 0, "being written");
        assert_eq!(reloads(&[Some(2), Some(2), Some(2)]), 1);
        assert_eq!(reloads(&[Some(2), Some(1), Some(2)]), 0, "taken back");
        assert_eq!(reloads(&[None, None, Some(1), Some(1)]), 0, "gone for a while");
        assert_eq!(reloads(&[Some(2), None, Some(2), Some(2)]), 1);
        assert_eq!(reloads(&[Some(2), Some(2), Some(1), Some(1)]), 2);
    }
}
