//! A successor that does not get there changes nothing.

use crate::generations::Generations;
use crate::load::Load;
use crate::program::Fault;

/// What becomes of a hand-over, and what its error says.
fn wanted(fault: Fault) -> (&'static str, &'static [&'static str]) {
    match fault {
        Fault::Exits => {
            ("failed", &["before it asked for the sockets", "exit status: 7", "ManagerOptions::handover"])
        }
        Fault::Panics => ("failed", &["before it asked for the sockets"]),
        Fault::Idles => ("timed_out", &["took too long and was killed", "before it asked for the sockets"]),
        Fault::FailsSetup => ("failed", &["faulty", "no such table"]),
        Fault::PanicsInSetup => ("failed", &["faulty", "a set-up panics"]),
        Fault::HangsInSetup => ("timed_out", &["not ready within 1s", "faulty (setup", "Handover::timeout"]),
        Fault::DiesInCharge => ("taken_back", &["after it was in charge"]),
    }
}

#[test]
fn g24_a_successor_that_fails_hangs_or_ends_changes_nothing() {
    for fault in Fault::ALL {
        let mut all = Generations::with(fault);
        let first = all.first.id();
        // One that is kept open and silent: there is something to give way for.
        let idle = std::net::TcpStream::connect(all.web).unwrap();
        let load = Load::start(all.web, all.file("web.sock"), all.grpc);
        all.ask(first);
        let second = all.started();
        let over = all.event("handover_finished");
        let (outcome, words) = wanted(fault);
        assert_eq!(over["outcome"], outcome, "{fault:?}: {over}");
        let error = over["error"].as_str().unwrap();
        for word in words {
            assert!(error.contains(word), "{fault:?}: {error:?} lacks {word:?}");
        }
        all.gone(second);
        assert_eq!(all.serves(), first);
        // Who asks one that dies has what it asks lost, one request at a time.
        load.end_but_for(usize::from(fault == Fault::DiesInCharge));
        drop(idle);
        let others: Vec<_> = all.marks().into_iter().filter(|(process, _)| *process != first).collect();
        assert_eq!(others, [], "{fault:?}: it never had what exists once");
        all.first.signal(rustix::process::Signal::TERM);
        assert_eq!(all.first.end().code(), Some(0), "{fault:?}");
        assert!(!all.file("web.sock").exists(), "{fault:?}");
    }
}
