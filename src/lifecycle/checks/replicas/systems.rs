//! The systems that are walked through, and the rules whose breach is found.
//!
//! ```text
//!   cargo test -p majordomo-rules checks::replicas                            the default
//!   MAJORDOMO_MODEL_FULL=1 cargo test -p majordomo-rules checks::replicas     more of all that may go wrong
//! ```

use std::time::Instant;

use super::super::sizes::in_full;
use super::{Fault, System};

const TWO: System = System { replicas: 2, troubles: 2, tenures: 4, fault: None };

fn check(system: System) {
    let began = Instant::now();
    let explored = system.explore();
    println!("{system:?}: {} states, {:.1?}", explored.states, began.elapsed());
    if let Some((broken, way)) = explored.broken {
        let way: Vec<_> = way.iter().map(|action| format!("\n    {action:?}")).collect();
        panic!("{broken} after{}", way.concat());
    }
}

#[test]
fn g25_two_replicas_never_run_at_once_whatever_is_lost_late_doubled_paused_or_killed() {
    check(TWO);
}

#[test]
fn g25_three_replicas_never_run_at_once() {
    check(System { replicas: 3, troubles: 2, tenures: 4, ..TWO });
    if in_full() {
        check(System { replicas: 3, troubles: 2, tenures: 5, ..TWO });
    }
}

#[test]
fn g25_each_broken_rule_of_replicas_is_found() {
    for fault in [
        Fault::CountsFromTheAnswer,
        Fault::IgnoresTheMargin,
        Fault::ConfusesTenures,
        Fault::ForgetsToCut,
        Fault::ReturnsTooEarly,
        Fault::TrustsInSilence,
    ] {
        let found = System { fault: Some(fault), ..TWO }.explore().broken.map(|(broken, _)| broken);
        assert_eq!(found, Some("two run at once"), "{fault:?}");
    }
}
