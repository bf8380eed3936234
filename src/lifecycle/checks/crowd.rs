//! G25 with a crowd: up to ten thousand production keepers and one store, in time that is made up.
//!
//! ```text
//!   keeper --request, 0.5 to 2.5 ms--> store --answer, 0.5 to 2.5 ms--> keeper
//!                                        '-- "it may be free", where the store says so --> whoever was refused
//! ```
//!
//! What is printed is in docs/replicas.md: how many requests the store gets, and how long nobody runs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use super::super::lease_keeper::{Act, Call, Keeper, Reply};
use super::super::lease_terms::Terms;

const TTL: Duration = Duration::from_secs(15);
const RENEW: Duration = Duration::from_millis(2500);
const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Wake,
    Arrive(Request),
    Answer(Request, Option<u64>, Option<Duration>),
    Hint,
}

/// As [`Call`], in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Request {
    Acquire,
    Renew,
    Release,
}

#[derive(Default)]
struct Store {
    holder: Option<usize>,
    until: Duration,
    epoch: u64,
    /// Who is told when it may be free.
    watching: Vec<usize>,
    /// Requests by tenths of a second.
    handled: BTreeMap<u128, u64>,
}

struct Crowd {
    now: Duration,
    keepers: Vec<Option<Keeper>>,
    store: Store,
    /// Whether the store says when the lease may be free.
    tells: bool,
    coming: BinaryHeap<Reverse<(Duration, usize, Event)>>,
    chance: fastrand::Rng,
    /// Who has it, by its own account, and since when.
    runs: Option<(usize, Duration)>,
}

/// What a crowd does.
struct Seen {
    /// Requests a second while nothing happens.
    calm: f64,
    /// From a kill, and from a clean end, until another runs.
    after_kill: Duration,
    after_end: Duration,
    /// The most requests in a tenth of a second after the clean end.
    burst: u64,
}

impl Crowd {
    fn new(replicas: usize, tells: bool) -> Self {
        let terms = Terms::new(TTL, SECOND, 5 * SECOND).expect("usual terms fit");
        let mut crowd = Self {
            now: Duration::ZERO,
            keepers: vec![Some(Keeper::new(terms)); replicas],
            store: Store::default(),
            tells,
            coming: BinaryHeap::new(),
            chance: fastrand::Rng::with_seed(25),
            runs: None,
        };
        // As they are deployed: within ten seconds.
        for at in 0..replicas {
            let begins = 10 * SECOND.mul_f64(crowd.chance.f64());
            crowd.keepers[at].iter_mut().for_each(|keeper| keeper.seek(begins));
            crowd.coming.push(Reverse((begins, at, Event::Wake)));
        }
        crowd
    }

    /// How long a message is on its way.
    fn way(&mut self) -> Duration {
        Duration::from_micros(self.chance.u64(500..2500))
    }

    fn run_until(&mut self, end: Duration, mut is_over: impl FnMut(&Self) -> bool) {
        while !is_over(self) && self.coming.peek().is_some_and(|Reverse((at, ..))| *at <= end) {
            let Some(Reverse((now, at, event))) = self.coming.pop() else { return };
            self.now = now;
            match event {
                Event::Arrive(request) => self.handle(at, request),
                event => self.hear(at, event),
            }
        }
    }

    /// The store has a request.
    fn handle(&mut self, at: usize, request: Request) {
        *self.store.handled.entry(self.now.as_millis() / 100).or_default() += 1;
        let is_own = self.store.holder == Some(at) && self.now < self.store.until;
        let is_free = self.store.holder.is_none() || self.now >= self.store.until;
        let (mut done, mut left) = (None, None);
        match request {
            Request::Release => {
                done = Some(self.store.epoch);
                if is_own {
                    self.store.holder = None;
                    for watching in std::mem::take(&mut self.store.watching) {
                        let way = self.way();
                        self.coming.push(Reverse((self.now + way, watching, Event::Hint)));
                    }
                }
            }
            Request::Acquire if is_free => {
                self.store.epoch += 1;
                (self.store.holder, self.store.until) = (Some(at), self.now + TTL);
                done = Some(self.store.epoch);
            }
            Request::Acquire | Request::Renew if is_own => {
                self.store.until = self.now + TTL;
                done = Some(self.store.epoch);
            }
            Request::Acquire | Request::Renew => {
                left = Some(self.store.until - self.now);
                if self.tells && !self.store.watching.contains(&at) {
                    self.store.watching.push(at);
                }
            }
        }
        let way = self.way();
        self.coming.push(Reverse((self.now + way, at, Event::Answer(request, done, left))));
    }

    /// A replica hears something, unless it is gone.
    fn hear(&mut self, at: usize, event: Event) {
        let (now, jitter) = (self.now, self.chance.f64());
        let Some(keeper) = &mut self.keepers[at] else { return };
        let mut acts = Vec::new();
        match event {
            Event::Answer(request, done, left) => {
                let call = match request {
                    Request::Acquire => Call::Acquire,
                    Request::Renew => Call::Renew,
                    Request::Release => Call::Release,
                };
                let reply = done.map_or(Reply::Taken(left), Reply::Done);
                keeper.answered(call, reply, now, jitter, &mut acts);
            }
            Event::Hint => keeper.hint(now),
            Event::Wake | Event::Arrive(_) => {}
        }
        keeper.due_now(now, &mut acts);
        self.follow(at, acts);
    }

    fn follow(&mut self, at: usize, acts: Vec<Act>) {
        for act in acts {
            let request = match act {
                Act::Send(Call::Acquire) => Request::Acquire,
                Act::Send(Call::Renew) => Request::Renew,
                Act::Send(Call::Release) => Request::Release,
                Act::Acquired(_) => {
                    assert_eq!(self.runs, None, "two run at once");
                    self.runs = Some((at, self.now));
                    continue;
                }
                Act::Returned => continue,
                other => unreachable!("nothing goes wrong here, and {at} does {other:?}"),
            };
            let way = self.way();
            self.coming.push(Reverse((self.now + way, at, Event::Arrive(request))));
        }
        if let Some(wakes) = self.keepers[at].as_ref().and_then(Keeper::wakes_at) {
            self.coming.push(Reverse((wakes.max(self.now), at, Event::Wake)));
        }
    }

    /// Whoever runs does so no longer; how long until another does.
    fn take_over(&mut self, ends: impl FnOnce(&mut Self, usize)) -> Duration {
        let (at, _) = self.runs.take().expect("somebody runs");
        let ended = self.now;
        ends(self, at);
        self.run_until(ended + 4 * TTL, |crowd| crowd.runs.is_some());
        let (_, since) = self.runs.expect("somebody runs again");
        since - ended
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(end, |_| false);
        self.now = end;
    }

    fn handled(&self, from: Duration, to: Duration) -> impl Iterator<Item = u64> {
        self.store.handled.range(from.as_millis() / 100..to.as_millis() / 100).map(|(_, count)| *count)
    }

    fn play(mut self) -> Seen {
        self.wait(30 * SECOND);
        let began = self.now;
        self.wait(60 * SECOND);
        let calm = self.handled(began, self.now).sum::<u64>() as f64 / 60.0;
        let after_kill = self.take_over(|crowd, at| crowd.keepers[at] = None);
        self.wait(30 * SECOND);
        let ended = self.now;
        let after_end = self.take_over(|crowd, at| {
            let mut acts = Vec::new();
            crowd.keepers[at].iter_mut().for_each(|keeper| keeper.give(&mut acts));
            crowd.follow(at, acts);
        });
        self.wait(SECOND);
        let burst = self.handled(ended, self.now).max().unwrap_or_default();
        Seen { calm, after_kill, after_end, burst }
    }
}

#[test]
fn g25_a_crowd_asks_no_more_than_its_size_and_takes_over_in_time() {
    println!(
        "{:>9} {:>9} {:>12} {:>12} {:>12} {:>14}",
        "replicas", "told", "requests/s", "after kill", "after end", "most in 0.1 s"
    );
    for tells in [false, true] {
        for replicas in [3, 100, 10_000] {
            let Seen { calm, after_kill, after_end, burst } = Crowd::new(replicas, tells).play();
            println!(
                "{replicas:>9} {tells:>9} {calm:>12.1} {after_kill:>12.2?} {after_end:>12.2?} {burst:>14}"
            );
            let most = replicas as f64 / RENEW.as_secs_f64();
            assert!(calm <= most * 1.01 + 1.0, "{replicas} replicas ask {calm} times a second");
            assert!(after_kill <= TTL + SECOND, "{after_kill:?}");
            let soon = if tells { Duration::from_millis(100) } else { RENEW.mul_f64(1.25) + SECOND / 100 };
            assert!(after_end <= soon, "{after_end:?}");
        }
    }
}
