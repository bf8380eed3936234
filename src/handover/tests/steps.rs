//! G24: each side ends, or stands still, at each step: one of them serves, and nobody waits for ever.

use super::process::{FAULT, Folder, Process, who_serves};
use crate::handover::HandoverStep;

const PLAN: &str = "start serve, ready, hear in_charge, hear released, hang";

struct Pair {
    old: Process,
    address: String,
    folder: Folder,
}

impl Pair {
    fn with(step: HandoverStep, fault: &str) -> Self {
        let folder = Folder::new();
        let address = format!("unix:{}", folder.path("a").display());
        let old = Process::predecessor_with(&address, &[(FAULT, &format!("{step:?}={fault}"))]);
        Self { old, address, folder }
    }

    /// Goes on until the step is reached.
    fn until(&mut self, step: HandoverStep, plan: &str) {
        use HandoverStep::{InChargeHeard, InChargeSaid, ReleasedHeard, ReleasedSaid};
        self.old.order(plan);
        if matches!(step, InChargeSaid | ReleasedSaid | InChargeHeard | ReleasedHeard) {
            self.old.wait_for("old: ready");
            self.old.order("in_charge");
        }
        if matches!(step, ReleasedSaid | ReleasedHeard) {
            self.old.wait_for("new: InCharge");
            self.old.order("released");
        }
        let who = if step.is_successor_s() { "new" } else { "old" };
        self.old.wait_for(&format!("{who}: reached {step:?}"));
    }
}

fn of(successor: bool) -> impl Iterator<Item = HandoverStep> {
    HandoverStep::ALL.into_iter().filter(move |step| step.is_successor_s() == successor)
}

#[test]
fn g24_a_successor_that_is_killed_at_any_step_leaves_the_predecessor_serving() {
    for step in of(true) {
        let mut pair = Pair::with(step, "kill");
        let before = pair.old.order_until("count", "old: has");
        pair.until(step, PLAN);
        let why = pair.old.wait_for("old: gone");
        let when = match step {
            HandoverStep::Asking => "before it asked for the sockets",
            HandoverStep::InChargeHeard | HandoverStep::ReleasedHeard => "after it was in charge",
            _ => "before it was ready",
        };
        assert!(why.contains("signal: 9") && why.contains(when), "{step:?}: {why}");
        assert_eq!(who_serves(&pair.address), "predecessor 0", "{step:?}");
        assert_eq!(pair.old.order_until("count", "old: has"), before, "{step:?}");
        pair.old.order_until("close", "old: closed");
        assert!(!pair.folder.path("a").exists(), "{step:?}: the file is the predecessor's again");
        pair.old.order("quit");
        let rest = pair.old.rest();
        assert!(!rest.iter().any(|line| line.starts_with("old: gone")), "it is told once: {rest:#?}");
    }
}

#[test]
fn g24_a_successor_that_stands_still_at_any_step_is_ended() {
    for step in of(true) {
        let mut pair = Pair::with(step, "stall");
        pair.until(step, PLAN);
        pair.old.order("end");
        let why = pair.old.wait_for("old: gone");
        assert!(why.contains("killed") || why.contains("not ready within"), "{step:?}: {why}");
        assert_eq!(who_serves(&pair.address), "predecessor 0", "{step:?}");
    }
}

#[test]
fn g24_a_predecessor_that_is_killed_at_any_step_leaves_a_successor_that_serves_or_ends() {
    for step in of(false) {
        let mut pair = Pair::with(step, "kill");
        pair.until(step, "start serve, ready, hear gone, close");
        let rest = pair.old.rest();
        let said = |what: &str| pair.old.seen().iter().chain(&rest).any(|line| line.starts_with(what));
        match step {
            HandoverStep::Starting => assert!(!said("new:"), "{rest:#?}"),
            HandoverStep::Started | HandoverStep::Asked | HandoverStep::SocketSent => {
                let text = "new: failed: the predecessor went after";
                assert!(said(text) && said("new: over") && !said("new: serves"), "{step:?}: {rest:#?}");
            }
            _ => {
                assert!(
                    said("new: serves 0") && said("new: Gone") && said("new: closed"),
                    "{step:?}: {rest:#?}"
                );
                assert!(!pair.folder.path("a").exists(), "{step:?}: the file is the successor's");
            }
        }
    }
}

#[test]
fn g24_a_successor_waits_five_seconds_for_its_sockets_and_no_longer() {
    let mut pair = Pair::with(HandoverStep::Asked, "stall");
    pair.until(HandoverStep::Asked, PLAN);
    let why = pair.old.wait_for("new: failed:");
    assert!(why.contains("not all had come within 5s, only 0"), "{why}");
    pair.old.wait_for("new: over");
    assert_eq!(who_serves(&pair.address), "predecessor 0");
}
