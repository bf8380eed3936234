//! What is told of files that have changed and cannot be used.

use std::fs;
use std::io::{self, Write};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::dispatcher::DefaultGuard;

use crate::server::tls::ServerTls;
use crate::server::tls::samples::VALID;

/// What was logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What is logged on this thread, until the guard is dropped, and on those that it starts.
    pub(crate) fn set_default(&self) -> DefaultGuard {
        let writer = self.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::dispatcher::set_default(&subscriber.into())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn new_files_that_cannot_be_used_are_reported_once_until_they_change_again() {
    let folder = std::env::temp_dir().join(format!("majordomo-tls-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    fs::write(&certificate, VALID.certificate).unwrap();
    fs::write(&key, VALID.key).unwrap();
    let tls = ServerTls::from_files(&certificate, &key).reload_every(Duration::from_nanos(1));
    tls.check().unwrap();
    let first = tls.current().await.unwrap();

    let log = Log::default();
    let guard = log.set_default();
    for text in ["one", "another"] {
        fs::write(&key, text).unwrap();
        for _ in 0..3 {
            assert!(Arc::ptr_eq(&first, &tls.current().await.unwrap()));
        }
        // However long that takes: nobody waits for it for more than a second.
        while tls.live.looking.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
        let _ = tls.current().await;
    }
    drop(guard);
    let logged = log.text();
    assert_eq!(logged.lines().count(), 2, "{logged}");
    for line in logged.lines() {
        assert!(line.contains("ERROR") && line.contains("tls.key") && line.contains("not PEM"), "{line}");
    }
    assert!(!format!("{tls:?}").contains("PRIVATE"), "{tls:?}");
    fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(start_paused = true)]
async fn g16_a_file_that_cannot_be_read_to_its_end_holds_up_no_worker_and_one_thread() {
    let folder = std::env::temp_dir().join(format!("majordomo-tls-hung-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    fs::write(&certificate, VALID.certificate).unwrap();
    fs::write(&key, VALID.key).unwrap();
    let every = Duration::from_secs(10);
    let tls = ServerTls::from_files(&certificate, &key).reload_every(every);
    tls.check().unwrap();
    let first = tls.current().await.unwrap();

    // Who reads it waits until somebody writes.
    fs::remove_file(&key).unwrap();
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    for _ in 0..100 {
        tokio::time::advance(every).await;
        assert!(Arc::ptr_eq(&first, &tls.current().await.unwrap()));
    }
    assert!(tls.live.looking.load(Ordering::Acquire));
    assert_eq!(Arc::strong_count(&tls.live), 2, "one thread is at it");
    // Lets the thread go, which is told of a file that is no key.
    fs::write(&key, "no key").unwrap();
    while tls.live.looking.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    fs::remove_dir_all(&folder).unwrap();
}
