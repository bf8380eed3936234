//! What is told of files that have changed and cannot be used.

use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::ServerTls;

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn new_files_that_cannot_be_used_are_reported_once_until_they_change_again() {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = std::env::temp_dir().join(format!("majordomo-tls-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    fs::write(&certificate, signed.cert.pem()).unwrap();
    fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
    let tls = ServerTls::from_files(&certificate, &key).reload_every(Duration::from_nanos(1));
    tls.check().unwrap();
    let first = tls.current().unwrap();

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        for text in ["one", "another"] {
            fs::write(&key, text).unwrap();
            for _ in 0..3 {
                assert!(Arc::ptr_eq(&first, &tls.current().unwrap()));
            }
        }
    });
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(logged.lines().count(), 2, "{logged}");
    for line in logged.lines() {
        assert!(line.contains("ERROR") && line.contains("tls.key") && line.contains("not PEM"), "{line}");
    }
    assert!(!format!("{tls:?}").contains("PRIVATE"), "{tls:?}");
    fs::remove_dir_all(&folder).unwrap();
}
