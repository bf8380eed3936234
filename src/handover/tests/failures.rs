//! G24: whatever fails, the predecessor serves on as if nothing had been, and says why; the next hand-over may work.

use std::path::Path;

use super::process::{Folder, Process, who_serves};

/// A predecessor that counts what it has.
struct Failing {
    old: Process,
    address: String,
    before: String,
    folder: Folder,
}

impl Failing {
    fn new() -> Self {
        let folder = Folder::new();
        let address = format!("unix:{}", folder.path("a").display());
        let mut old = Process::predecessor(&address);
        let before = old.order_until("count", "old: has");
        Self { old, address, before, folder }
    }

    /// Starts this, which fails as soon as this was said, and that was ordered then.
    fn fails(&mut self, start: &str, said: &str, order: Option<&str>) -> String {
        self.old.order(&format!("start {start}"));
        let pid = self.old.wait_for("old: started");
        if !said.is_empty() {
            self.old.wait_for(said);
        }
        if let Some(order) = order {
            self.old.order(order);
        }
        let why = self.old.wait_for("old: gone");
        assert!(!Path::new("/proc").join(&pid).exists(), "{pid} is still there: {why}");
        self.serves_on();
        why
    }

    fn serves_on(&mut self) {
        assert_eq!(who_serves(&self.address), "predecessor 0");
        let after = self.old.order_until("count", "old: has");
        assert_eq!(after, self.before, "descriptors and threads are as they were");
    }
}

fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

#[test]
fn g24_a_program_that_cannot_be_started_changes_nothing() {
    let mut failing = Failing::new();
    let binary = failing.folder.path("binary");
    std::fs::write(&binary, "\0").unwrap();
    std::fs::set_permissions(&binary, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let binary = format!("program {}", binary.display());
    for (start, words) in [
        ("program /no/such/program", ["/no/such/program", "No such file", "put it back"]),
        ("program /dev/null", ["/dev/null", "it is no file", "put it back"]),
        ("program /", ["\"/\"", "it is no file", "put it back"]),
        (binary.as_str(), ["binary", "Exec format error", "put it back"]),
    ] {
        failing.old.order(&format!("start {start}"));
        has(&failing.old.wait_for("old: gone"), &words);
        failing.serves_on();
    }
}

#[test]
fn g24_another_program_as_a_successor_is_told_by_its_not_asking() {
    let mut failing = Failing::new();
    let hint = "is it a program with a manager that has ManagerOptions::handover?";
    let why = failing.fails("program /bin/false", "", None);
    has(&why, &["exit status: 1", "before it asked for the sockets", hint]);
    let why = failing.fails("program /bin/sh kill -9 $$", "", None);
    has(&why, &["signal: 9", hint]);
    let why = failing.fails("program /bin/cat", "", Some("end"));
    has(&why, &["took too long and was killed", hint]);
    let why = failing.fails("program /bin/sh exec 0<&-; exec sleep 1000", "", None);
    has(&why, &["closed its channel and was killed", hint]);
    let why = failing.fails("exit", "", None);
    has(&why, &["exit status: 3", hint]);
}

#[test]
fn g24_who_speaks_another_version_or_nonsense_is_told_so_and_ended() {
    let mut failing = Failing::new();
    let says = |text: &str| format!("program /bin/sh printf '%s' '{text}' >&0; exec sleep 1000");
    let why = failing.fails(&says(r#"{"message":"hello","version":7,"new":[]}"#), "", None);
    has(&why, &["the successor speaks version 7", "the predecessor version 1", "stop the old process"]);
    let why = failing.fails(&says("GET / HTTP/1.1"), "", None);
    has(&why, &["the successor sent what makes no sense", "GET / HTTP/1.1"]);
    let why = failing.fails(&says(r#"{"message":"ready"}"#), "", None);
    has(&why, &["Ready", "before it had asked"]);
}

#[test]
fn g24_a_successor_that_fails_in_its_set_up_changes_nothing() {
    let mut failing = Failing::new();
    let why = failing.fails("serve, exit 4", "", None);
    has(&why, &["exit status: 4", "before it was ready", "its own log"]);
    let why = failing.fails("serve, failed there is no database", "", None);
    has(&why, &["the successor failed before it was in charge: there is no database"]);
    let why = failing.fails("serve, doing db: waits for a lock, hang", "old: doing", Some("end"));
    has(&why, &["not ready within 60s", "(last: db: waits for a lock)", "Handover::timeout"]);
    let why = failing.fails("serve, ready, hang", "old: ready", Some("end"));
    has(&why, &["not ready within 60s"]);
    let why = failing.fails("serve, hang", "new: serves", Some("drop"));
    has(&why, &["called off", "its manager is gone"]);
    // After all that one is in charge.
    failing.old.order("start serve, ready, hear in_charge, hang");
    failing.old.wait_for("old: ready");
    failing.old.order_until("in_charge", "new: InCharge");
    failing.old.order_until("close", "old: closed");
    assert_eq!(who_serves(&failing.address), "successor 0");
}

#[test]
fn g24_a_program_that_was_started_by_the_program_hears_that_it_is_not_wanted() {
    let folder = Folder::new();
    let address = format!("unix:{}", folder.path("a").display());
    let mut old = Process::predecessor(&address);
    let this = std::env::current_exe().unwrap();
    let test = "--exact handover::tests::roles::program --nocapture --test-threads=1";
    let plan = "MAJORDOMO_TEST_PLAN='serve, ready, hear called_off, hear gone, close'";
    old.order(&format!("start program /bin/sh {plan} {} {test}; true", this.display()));
    old.wait_for("old: ready");
    old.order("end");
    let reason = old.wait_for("new: CalledOff");
    has(&reason, &["not ready within 60s"]);
    old.wait_for("new: Gone");
    old.wait_for("new: closed");
    // What it had was the predecessor's.
    assert_eq!(who_serves(&address), "predecessor 0");
}

#[test]
fn g24_a_successor_in_charge_lives_on_when_its_predecessor_ends() {
    let folder = Folder::new();
    let path = folder.path("a");
    let address = format!("unix:{}", path.display());
    let mut old = Process::predecessor(&address);
    old.order("start serve, ready, hear in_charge, hear gone, close");
    old.wait_for("old: ready");
    old.order_until("in_charge", "new: InCharge");
    old.kill();
    let rest = old.rest();
    let at = |what: &str| rest.iter().position(|line| line == what);
    assert!(at("new: Gone") < at("new: closed") && at("new: over").is_some(), "{rest:#?}");
    assert!(!path.exists());
}
