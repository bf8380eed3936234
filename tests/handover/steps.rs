//! Either process is killed at each step.

use majordomo::testing::HandoverStep as Step;

use crate::generations::Generations;
use crate::load::get;

/// Who is left where a process is killed at that step.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    First,
    Second,
    Nobody,
}

fn wanted(step: Step) -> Left {
    match step {
        // Before all sockets have come, a successor has nothing to serve.
        Step::Starting | Step::Started | Step::Asked | Step::SocketSent => Left::Nobody,
        Step::AllSent | Step::ReadyHeard | Step::InChargeSaid | Step::ReleasedSaid => Left::Second,
        Step::Asking | Step::SocketReceived | Step::AllReceived | Step::ReadySaid | Step::InChargeHeard => {
            Left::First
        }
        // By then the first one has ended.
        Step::ReleasedHeard => Left::Nobody,
        other => panic!("{other:?} is new: who is left?"),
    }
}

#[test]
fn g24_whoever_is_killed_at_whatever_step_the_other_serves_or_ends() {
    for step in Step::ALL {
        let mut all = Generations::dying_at(step);
        let first = all.first.id();
        // Silent, and kept until the first one ends: what is to give way takes its time.
        let idle = (step != Step::ReleasedSaid && step != Step::ReleasedHeard)
            .then(|| std::net::TcpStream::connect(all.web).unwrap());
        all.ask(first);
        match wanted(step) {
            Left::First => {
                let second = all.started();
                all.gone(second);
                let over = all.event("handover_finished");
                assert!(
                    ["failed", "taken_back"].contains(&over["outcome"].as_str().unwrap()),
                    "{step:?}: {over}"
                );
                assert_eq!(all.serves(), first, "{step:?}");
                assert!(all.marks().iter().all(|(process, _)| *process == first), "{step:?}");
                drop(idle);
                all.first.signal(rustix::process::Signal::TERM);
                assert_eq!(all.first.end().code(), Some(0), "{step:?}");
            }
            Left::Second => {
                let second = all.started();
                all.first.end();
                // It has all it needs: what exists once, too.
                all.first.wait_for(&format!("{second} serves"));
                while !all.marks().contains(&(second, "has it".to_owned())) {
                    all.first.wait_for("\"event\"");
                }
                assert_eq!(all.serves(), second, "{step:?}");
                all.stop(second);
            }
            Left::Nobody => {
                all.first.end();
                all.others().into_iter().for_each(|process| all.gone(process));
                assert!(get(all.web, "/").is_err(), "{step:?}");
            }
        }
    }
}

#[test]
fn g24_a_successor_that_stalls_is_ended_in_time() {
    for step in [Step::Asking, Step::SocketReceived, Step::AllReceived] {
        let mut all = Generations::stalling_at(step);
        let first = all.first.id();
        all.ask(first);
        let second = all.started();
        assert_eq!(all.event("handover_finished")["outcome"], "timed_out", "{step:?}");
        all.gone(second);
        assert_eq!(all.serves(), first, "{step:?}");
    }
}
