//! Files whose change asks for a reload.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use majordomo::{Manager, ServiceSpec, watched_file};
use support::{Folder, Journal, Probe, ms, observe, options};

#[actix::test]
async fn g26_a_file_that_is_replaced_is_reloaded_once_and_one_that_is_written_as_it_was_is_not() {
    let folder = Folder::new();
    // As Kubernetes mounts a ConfigMap: the file is behind a link that is turned.
    for (version, text) in [("v1", "one"), ("v2", "two"), ("v3", "two")] {
        fs::create_dir(folder.path(version)).unwrap();
        fs::write(folder.path(version).join("settings"), text).unwrap();
    }
    let turn = |version: &str| {
        symlink(version, folder.path("next")).unwrap();
        fs::rename(folder.path("next"), folder.path("data")).unwrap();
    };
    turn("v1");
    let (journal, settings) = (Journal::default(), folder.path("data").join("settings"));
    let probe = ServiceSpec::new(Probe::new("reads", &journal)).reloadable();
    let options = options().reload_on_change(watched_file(&settings).every(ms(10)));
    let mut observed = observe(options, |manager| manager.service(probe));
    observed.running().await;
    turn("v2");
    observed.seen_times("reload_finished: ok", 1).await;
    // Another file of the same words, then one of others: only that is told.
    turn("v3");
    fs::write(&settings, "three").unwrap();
    observed.seen_times("reload_finished: ok", 2).await;
    assert_eq!(journal.count("reads: commit"), 2);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let refused = |options| Manager::new(options).plan().unwrap_err().to_string();
    let text = refused(options().reload_on_change(watched_file("/etc/hostname").every(ms(9))));
    assert!(text.contains("WatchedFile::every") && text.contains("9ms") && text.contains("10ms"), "{text}");
    let text = refused(options().reload_timeout(Duration::ZERO));
    assert!(text.contains("reload_timeout"), "{text}");
}
