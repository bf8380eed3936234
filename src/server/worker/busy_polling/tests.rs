//! A worker whose messages come as a test says, in a time of its own.

use super::*;

const US: Duration = Duration::from_micros(1);
const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// What it takes to handle a message, to look once, and to be woken.
const WORK: Duration = Duration::from_micros(5);
const LOOK: Duration = Duration::from_micros(1);
const WAKE: Duration = Duration::from_micros(50);

struct Worker {
    rule: BusyPolling,
    now: Duration,
    read: u64,
    spare: bool,
    /// How long one look takes.
    look: Duration,
    messages: u32,
    /// Messages that came while it looked, and for how long it looked for those, and for others.
    found: u32,
    found_for: Duration,
    in_vain: Duration,
}

impl Worker {
    fn new() -> Self {
        let (rule, now, look) = (BusyPolling::default(), SECOND, LOOK);
        Self {
            rule,
            now,
            look,
            read: 0,
            spare: true,
            messages: 0,
            found: 0,
            found_for: Duration::ZERO,
            in_vain: Duration::ZERO,
        }
    }

    /// Has nothing to do until the next message comes, and handles it.
    fn message_at(&mut self, comes: Duration) {
        let since = self.now;
        while self.now < comes && self.rule.idle(self.now, self.read, self.spare) == Idle::Look {
            self.now += self.look;
        }
        if self.now >= comes {
            self.found += 1;
            self.found_for += self.now - since;
        } else {
            self.in_vain += self.now - since;
            self.now = comes + WAKE;
        }
        self.read += 100;
        self.messages += 1;
        self.now += WORK;
    }

    /// The peer sends so long after it has the last answer.
    fn ping_pong(&mut self, pause: Duration, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.message_at(self.now + pause);
        }
    }

    /// From here on.
    fn count_anew(&mut self) {
        (self.messages, self.found) = (0, 0);
        (self.found_for, self.in_vain) = (Duration::ZERO, Duration::ZERO);
    }

    fn looked(&self) -> Duration {
        self.found_for + self.in_vain
    }
}

#[test]
fn a_peer_that_waits_for_answers_is_looked_for() {
    let mut worker = Worker::new();
    worker.ping_pong(30 * US, SECOND / 5);
    worker.count_anew();
    worker.ping_pong(30 * US, SECOND);
    assert!(worker.found * 10 > worker.messages * 9, "{} of {}", worker.found, worker.messages);
    assert_eq!(worker.in_vain, Duration::ZERO);
}

#[test]
fn an_idle_worker_never_looks() {
    let mut worker = Worker::new();
    for gap in [SECOND, 10 * MS, MS, 300 * US] {
        worker.ping_pong(gap, 5 * SECOND);
    }
    assert!(worker.messages > 10_000);
    assert_eq!(worker.looked(), Duration::ZERO);
}

#[test]
fn messages_at_a_pace_of_their_own_are_looked_for_in_a_trial_now_and_then() {
    let mut worker = Worker::new();
    let mut comes = worker.now;
    for _ in 0..60_000 {
        comes += 150 * US;
        worker.message_at(comes.max(worker.now));
    }
    let lasted = worker.now - SECOND;
    assert!(worker.looked() > Duration::ZERO, "it was tried");
    assert!(worker.looked() * 50 < lasted, "{:?} of {lasted:?}", worker.looked());
}

#[test]
fn a_peer_that_needs_the_core_itself_is_looked_for_in_a_trial_now_and_then() {
    let mut worker = Worker::new();
    while worker.now < 10 * SECOND {
        let looks = !matches!(worker.rule.mode, Mode::Sleeping { .. });
        worker.message_at(worker.now + if looks { 90 * US } else { 20 * US });
    }
    assert!(worker.looked() > Duration::ZERO, "it was tried");
    assert!(worker.looked() * 50 < 9 * SECOND, "{:?}", worker.looked());
}

#[test]
fn without_a_core_to_spare_it_never_looks() {
    let mut worker = Worker::new();
    worker.spare = false;
    worker.ping_pong(30 * US, 2 * SECOND);
    assert_eq!(worker.looked(), Duration::ZERO);
}

#[test]
fn it_stops_when_the_core_is_wanted() {
    let looking = || {
        let mut worker = Worker::new();
        worker.ping_pong(30 * US, SECOND / 5);
        assert_eq!(worker.rule.idle(worker.now, worker.read, true), Idle::Look);
        worker
    };
    let mut wanted = looking();
    assert_eq!(wanted.rule.idle(wanted.now + LOOK, wanted.read, true), Idle::Look);
    assert_eq!(wanted.rule.idle(wanted.now + 2 * LOOK, wanted.read, false), Idle::Sleep);
    let mut interrupted = looking();
    assert_eq!(interrupted.rule.idle(interrupted.now + INTERRUPTED, interrupted.read, true), Idle::Sleep);
}

#[test]
fn where_each_look_is_interrupted_it_looks_no_more() {
    let mut worker = Worker::new();
    worker.ping_pong(30 * US, SECOND / 5);
    worker.count_anew();
    worker.look = INTERRUPTED;
    worker.ping_pong(60 * US, SECOND);
    assert!(worker.in_vain < 20 * MS, "{:?}", worker.in_vain);
}

#[test]
fn when_a_peer_falls_silent_it_soon_looks_no_more() {
    for gap in [300 * US, MS, 10 * MS, SECOND] {
        let mut worker = Worker::new();
        worker.ping_pong(30 * US, SECOND / 5);
        worker.count_anew();
        worker.ping_pong(gap, 10 * SECOND);
        assert!(worker.in_vain <= SLICE, "{gap:?}: {:?}", worker.in_vain);
    }
}

#[test]
fn what_is_spent_in_vain_is_a_twentieth_of_the_time_beyond_what_was_of_use() {
    let mut tried = 0;
    for seed in 0..50 {
        let (mut random, mut worker) = (fastrand::Rng::with_seed(seed), Worker::new());
        for _ in 0..25 {
            let most = [40, 90, 120, 250, 2000][random.usize(..5)];
            worker.look = [3, 6, 12, 20][random.usize(..4)] * US;
            let lasts = Duration::from_micros(random.u64(..40_000));
            let until = worker.now + lasts;
            while worker.now < until {
                worker.spare = random.u8(..50) > 0;
                worker.message_at(worker.now + Duration::from_micros(random.u64(1..=most)));
            }
            let lasted = worker.now - SECOND;
            let most = worker.found_for + lasted / 20 + 2 * LONGEST;
            assert!(worker.in_vain <= most, "seed {seed}: {:?} of {lasted:?}", worker.in_vain);
        }
        tried += u32::from(worker.in_vain > MS);
    }
    assert!(tried > 25, "{tried}");
}
