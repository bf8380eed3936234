use std::sync::Arc;

use super::*;
use crate::events::{End, Failure};
use crate::lifecycle::{Cause, ErrorStage, Fault, HandoverEnd, Outcome, ReloadEnd, Remedy, RestartCause};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A notifier, and what it has sent: `AT TEXT`, a line for a datagram.
struct Told {
    notifier: Notifier,
    now: Duration,
    /// What the manager answers; `None`: nothing.
    stuck: Option<Option<&'static str>>,
    asked: bool,
    sent: Vec<String>,
}

fn told(ids: &[&str], limit: Option<Duration>, watchdog: Option<Duration>) -> Told {
    let notifier = Notifier::new(ids.iter().map(|id| Name::from(*id)), limit, watchdog, true);
    Told { notifier, now: Duration::ZERO, stuck: Some(None), asked: false, sent: Vec::new() }
}

impl Told {
    /// Lets the time pass until then, and does what is due on the way.
    fn until(&mut self, millis: u64) -> &mut Self {
        self.act();
        while let Some(due) = self.notifier.due().filter(|due| *due <= ms(millis)) {
            assert!(due > self.now, "it is due at {due:?}, when it has been asked what to do");
            self.now = due;
            self.act();
        }
        self.now = ms(millis);
        self
    }

    fn act(&mut self) {
        while let Some(action) = self.notifier.next(self.now) {
            match action {
                Action::Send(datagram) => {
                    let text = datagram.text(ms(7)).replace('\n', " | ");
                    self.sent.push(format!("{} {text}", self.now.as_millis()));
                }
                Action::Ask => {
                    self.asked = true;
                    self.answer();
                }
            }
        }
    }

    /// The manager answers what it was asked, if it does.
    fn answer(&mut self) {
        if let Some(stuck) = self.stuck.filter(|_| self.asked) {
            self.asked = false;
            self.notifier.answered(Liveness { stuck: stuck.map(Name::from) }, self.now);
        }
    }

    fn event(&mut self, millis: u64, event: LifecycleEvent) -> &mut Self {
        self.until(millis).notifier.observe(&Arc::new(TimedEvent { at: ms(millis), event }));
        self.act();
        self
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.sent)
    }
}

fn end(outcome: Outcome, remedy: Option<Remedy>) -> End {
    let fault = |remedy| Fault { stage: ErrorStage::Setup, remedy };
    let error = remedy.map(|remedy| Failure::of(fault(remedy), std::io::Error::other("rehearsed")));
    End { took: Duration::ZERO, outcome, error, cancelled: false }
}

fn ok() -> End {
    end(Outcome::Ok, None)
}

fn setup_started(id: &str) -> LifecycleEvent {
    LifecycleEvent::SetupStarted { service: id.into() }
}

fn set_up(id: &str) -> LifecycleEvent {
    LifecycleEvent::SetupFinished { service: id.into(), end: ok() }
}

fn run(id: &str) -> LifecycleEvent {
    LifecycleEvent::RunStarted { service: id.into() }
}

fn asked_to_stop(id: &str) -> LifecycleEvent {
    LifecycleEvent::ShutdownStarted { service: id.into() }
}

fn requested() -> LifecycleEvent {
    LifecycleEvent::ShutdownRequested { cause: Cause::StartShutdown }
}

fn progress() -> LifecycleEvent {
    LifecycleEvent::Progress { left: 1, of: 1, waiting_for: String::new(), to_force: None }
}

/// All of these run, from that time on; what was told on the way is forgotten.
fn running(ids: &[&str], limit: Option<Duration>, watchdog: Option<Duration>) -> Told {
    let mut told = told(ids, limit, watchdog);
    for id in ids {
        told.event(0, setup_started(id)).event(0, set_up(id)).event(0, run(id));
    }
    told.event(0, LifecycleEvent::Running);
    told.take();
    told
}

#[test]
fn a_whole_life_is_told_stage_by_stage() {
    let mut told = told(&["database", "mailer"], Some(ms(10_000)), None);
    told.event(0, setup_started("database")).event(100, setup_started("mailer"));
    told.event(300, set_up("mailer")).event(3_500, set_up("database"));
    told.event(3_500, run("mailer")).event(3_500, run("database")).event(3_510, LifecycleEvent::Running);
    let wanted = [
        "0 STATUS=Starting | EXTEND_TIMEOUT_USEC=30000000",
        "1000 STATUS=Starting: database (setup) for 1.0 s | EXTEND_TIMEOUT_USEC=29300000",
        "2000 STATUS=Starting: database (setup) for 2.0 s",
        "3000 STATUS=Starting: database (setup) for 3.0 s",
        "3510 READY=1 | STATUS=Running, 2 of 2 up",
    ];
    assert_eq!(told.take(), wanted);
    told.until(60_000);
    assert_eq!((told.take(), told.notifier.due()), (vec![], None), "while all run nothing is due");

    told.event(60_000, requested()).event(60_000, asked_to_stop("mailer"));
    let ended = LifecycleEvent::ShutdownFinished { service: "mailer".into(), end: ok() };
    told.event(60_100, ended).event(61_000, progress()).event(62_000, progress());
    let wanted = [
        "60000 STOPPING=1 | STATUS=Stopping for 0 ms; forced in 10.0 s | EXTEND_TIMEOUT_USEC=11000000",
        "61000 STATUS=Stopping for 1.0 s: waiting for mailer (run); forced in 9.0 s",
        "62000 STATUS=Stopping for 2.0 s: waiting for mailer (run); forced in 8.0 s",
    ];
    assert_eq!(told.take(), wanted);
    told.event(62_500, LifecycleEvent::Stopped).until(90_000);
    assert_eq!((told.take(), told.notifier.due()), (vec![], None), "nothing after the end");
}

#[test]
fn a_status_that_changes_again_and_again_is_told_once_a_second() {
    let mut told = running(&["a", "b"], None, None);
    for millis in (10..4_000).step_by(10) {
        let again = LifecycleEvent::RestartStarted { service: "a".into(), because: RestartCause::Asked };
        told.event(millis, again).event(millis, set_up("a"));
        told.event(millis, LifecycleEvent::StopStarted { service: "b".into() });
    }
    // It reads the same each time, and is not repeated.
    assert_eq!(told.take(), ["1000 STATUS=Running, 1 of 2 up"]);
    told.event(4_100, setup_started("a")).until(7_000);
    let wanted = [
        "5000 STATUS=Running, 0 of 2 up: a (setup) for 0.9 s",
        "6000 STATUS=Running, 0 of 2 up: a (setup) for 1.9 s",
        "7000 STATUS=Running, 0 of 2 up: a (setup) for 2.9 s",
    ];
    assert_eq!(told.take(), wanted);
}

#[test]
fn a_set_up_that_is_tried_again_is_one_wait_and_has_its_delay() {
    let mut told = told(&["late"], None, None);
    told.event(0, setup_started("late"));
    let failed = || LifecycleEvent::SetupFinished {
        service: "late".into(),
        end: end(Outcome::Error, Some(Remedy::SetupRetry)),
    };
    let retried =
        |retry, delay| LifecycleEvent::SetupRetried { service: "late".into(), retry, delay: ms(delay) };
    told.event(1_500, failed()).event(1_500, retried(1, 500));
    told.event(2_000, setup_started("late")).event(2_500, failed()).event(2_500, retried(2, 60_000));
    told.until(4_000);
    let wanted = [
        "0 STATUS=Starting | EXTEND_TIMEOUT_USEC=30000000",
        "1000 STATUS=Starting: late (setup) for 1.0 s",
        "2000 STATUS=Starting: late (setup, retry 1) for 2.0 s | EXTEND_TIMEOUT_USEC=30000000",
        "3000 STATUS=Starting: late (setup, retry 2) for 3.0 s | EXTEND_TIMEOUT_USEC=89500000",
        "4000 STATUS=Starting: late (setup, retry 2) for 4.0 s",
    ];
    assert_eq!(told.take(), wanted);
    // Between two tries nobody is waited for in a shutdown.
    told.event(4_500, requested()).until(5_500);
    assert_eq!(
        told.take(),
        [
            "4500 STOPPING=1 | STATUS=Stopping for 0 ms | EXTEND_TIMEOUT_USEC=30000000",
            "5500 STATUS=Stopping for 1.0 s"
        ]
    );
}

#[test]
fn a_set_up_of_which_nothing_is_heard_is_left_to_systemd() {
    let mut told = told(&["hangs"], None, None);
    told.event(0, setup_started("hangs")).until(120_000);
    let sent = told.take();
    assert_eq!(sent.len(), 121, "once a second");
    let extends: Vec<_> = sent.iter().filter(|line| line.contains("EXTEND")).collect();
    assert_eq!(extends, ["0 STATUS=Starting | EXTEND_TIMEOUT_USEC=30000000"]);
}

#[test]
fn g08_systemd_is_never_asked_for_more_time_than_there_is_to_the_deadline() {
    let mut told = running(&["a"], Some(ms(40_000)), None);
    told.event(1_000, requested()).event(1_000, asked_to_stop("a"));
    for second in 2..60 {
        told.event(second * 1_000, progress());
    }
    let mut extended = Vec::new();
    for line in told.take() {
        let (at, text) = line.split_once(' ').expect("a time first");
        if let Some((_, time)) = text.split_once("EXTEND_TIMEOUT_USEC=") {
            let (at, time): (u64, u64) = (at.parse().unwrap(), time.parse().unwrap());
            extended.push(at + time / 1_000);
        }
    }
    assert_eq!(extended.len(), 12, "as long as it is more than before: {extended:?}");
    assert_eq!(
        (extended[0], extended[11]),
        (31_000, 42_000),
        "the deadline is at 41,000, and one second is for the end"
    );
}

#[test]
fn without_a_deadline_only_those_who_stop_are_given_more_time() {
    let mut told = running(&["a", "b"], None, None);
    told.event(0, requested()).event(0, asked_to_stop("a")).event(0, asked_to_stop("b"));
    for second in 1..40 {
        told.event(second * 1_000, progress());
    }
    let over = LifecycleEvent::RunFinished { service: "a".into(), end: ok() };
    told.event(40_000, over).until(41_000);
    let extends: Vec<_> = told.take().into_iter().filter(|line| line.contains("EXTEND")).collect();
    let wanted = [
        "0 STOPPING=1 | STATUS=Stopping for 0 ms | EXTEND_TIMEOUT_USEC=30000000",
        "41000 STATUS=Stopping for 41.0 s: waiting for b (run), a (shutdown) | EXTEND_TIMEOUT_USEC=29000000",
    ];
    assert_eq!(extends, wanted);
}

#[test]
fn a_sign_of_life_comes_at_half_of_its_time_while_the_manager_answers() {
    let mut told = running(&["a"], None, Some(ms(4_000)));
    told.until(6_000);
    assert_eq!(told.take(), ["2000 WATCHDOG=1", "4000 WATCHDOG=1", "6000 WATCHDOG=1"]);
    told.stuck = None;
    told.until(30_000);
    assert_eq!((told.take(), told.asked), (vec![], true), "the manager is asked once, and does not answer");
    told.stuck = Some(None);
    told.answer();
    told.until(32_500);
    assert_eq!(told.take(), ["30000 WATCHDOG=1", "32000 WATCHDOG=1"]);
}

#[test]
fn a_service_that_is_stuck_holds_back_the_signs_of_life_and_is_named() {
    let mut told = running(&["worker"], Some(ms(10_000)), Some(ms(8_000)));
    told.until(3_000).stuck = Some(Some("worker"));
    told.until(7_000);
    assert_eq!(told.take(), ["4000 STATUS=Running, 1 of 1 up; stuck: worker"]);
    told.stuck = Some(None);
    told.until(9_000);
    // An eighth later, not half of the time.
    assert_eq!(told.take(), ["8000 STATUS=Running, 1 of 1 up | WATCHDOG=1"]);
    // Who is stuck while the manager stops is ended by its deadline.
    told.stuck = Some(Some("worker"));
    told.event(10_000, requested()).until(12_500);
    assert!(told.take().iter().any(|line| line.contains("WATCHDOG=1")));
}

#[test]
fn g18_what_there_was_no_room_for_is_sent_again_and_the_stages_keep_their_order() {
    let mut told = told(&[], Some(ms(5_000)), None);
    let send = |told: &mut Told| match told.notifier.next(told.now) {
        Some(Action::Send(datagram)) => Some(datagram),
        _ => None,
    };
    let first = send(&mut told).expect("a status");
    told.notifier.unsent(first.clone(), told.now);
    for event in [LifecycleEvent::Running, requested()] {
        told.notifier.observe(&Arc::new(TimedEvent { at: ms(10), event }));
    }
    told.now = ms(99);
    assert_eq!((send(&mut told), told.notifier.due()), (None, Some(ms(100))));
    told.now = ms(100);
    let ready = send(&mut told).expect("it is ready");
    assert_eq!(ready.stage, Some(StageWord::Ready));
    told.notifier.unsent(ready, told.now);
    told.until(200);
    let wanted = [
        "200 READY=1 | STATUS=Stopping for 0.2 s; forced in 4.8 s | EXTEND_TIMEOUT_USEC=5810000",
        "200 STOPPING=1",
    ];
    assert_eq!(told.take(), wanted);
}

#[test]
fn a_shutdown_before_all_run_is_never_ready() {
    let mut told = told(&["a"], None, None);
    told.event(0, setup_started("a")).event(500, requested()).event(600, LifecycleEvent::Running).until(700);
    let wanted = [
        "0 STATUS=Starting | EXTEND_TIMEOUT_USEC=30000000",
        "500 STOPPING=1 | STATUS=Stopping for 0 ms: waiting for a (setup) | EXTEND_TIMEOUT_USEC=30000000",
    ];
    assert_eq!(told.take(), wanted);
}

#[test]
fn a_status_is_one_line_and_names_a_few() {
    let ids: Vec<String> = (0..10_000).map(|number| format!("s{number}")).collect();
    let mut told = told(&ids.iter().map(String::as_str).collect::<Vec<_>>(), None, None);
    let release = LifecycleEvent::ReleaseStarted { service: "s".into(), resource: "a\nREADY=1".into() };
    told.event(0, release);
    for id in &ids {
        told.event(0, setup_started(id));
    }
    told.until(1_000);
    let text = "1000 STATUS=Starting: s (release of a READY=1) for 1.0 s, s0 (setup) for 1.0 s, s1 (setup) for 1.0 s and 9998 more";
    assert_eq!(told.take()[1], text);
}

#[test]
fn g26_a_reload_begins_and_ends_in_this_order_however_fast_it_is() {
    let mut told = told(&["a"], None, None);
    told.event(0, setup_started("a"));
    told.event(0, set_up("a"));
    told.event(0, LifecycleEvent::Running);
    told.until(10);
    told.take();
    told.until(10);
    for _ in 0..3 {
        let finished = LifecycleEvent::ReloadFinished { result: ReloadEnd::Done, end: ok() };
        for event in [LifecycleEvent::ReloadStarted, finished] {
            told.notifier.observe(&TimedEvent { at: ms(10), event });
        }
    }
    told.until(20);
    assert_eq!(told.take(), ["10 RELOADING=1 | MONOTONIC_USEC=7000", "10 READY=1"]);
}

#[test]
fn g24_who_has_handed_over_says_nothing_more_and_who_could_not_goes_on() {
    let finished = |outcome| LifecycleEvent::HandoverFinished { outcome, took: ms(10), error: None };
    let mut told = told(&[], None, None);
    told.event(0, LifecycleEvent::Running).until(10);
    told.event(10, LifecycleEvent::HandoverStarted).event(20, finished(HandoverEnd::Failed)).until(2_000);
    told.take();
    told.event(2_000, LifecycleEvent::HandoverStarted).event(2_010, finished(HandoverEnd::Passed));
    told.event(2_010, requested()).event(2_020, LifecycleEvent::Stopped).until(5_000);
    assert_eq!(told.take(), Vec::<String>::new());
    let mut told = self::told(&[], None, None);
    told.event(0, LifecycleEvent::Running).until(10);
    told.event(10, LifecycleEvent::HandoverStarted).event(20, finished(HandoverEnd::TakenBack)).until(100);
    told.take();
    told.event(100, requested()).until(200);
    assert!(told.take()[0].starts_with("100 STOPPING=1"));
}
