//! Whether a worker that has nothing to do looks for more a little longer before it sleeps: busy polling, where it pays.
//!
//! ```text
//!              sleeps are short, a trial is due           more was read than while it slept
//!   sleeping ---------------------------------> trial ----------------------------------------> polling
//!      ^ ^                                        |                                                |
//!      | +--no more was read: the next one is due after twice the time                             |
//!      +--its time is over: compared anew; or it looked in vain, or was interrupted: a while later-+
//! ```
//!
//! A peer that sends when it has the last answer waits each time until the worker has been woken, which may take longer than
//! all else. Where the worker looks instead, such a peer sends more; that is the measure: bytes read in a slice of
//! time, with sleep and without. One that sends at its own pace sends no more. One that wants the core itself, or whose
//! other connections wait for it, sends less. Neither is looked for.
//!
//! A look that finds nothing is paid for by those that found something: in a slice, no more is spent in vain than that and a little. A worker
//! that is idle has no short sleeps, so it never looks.

use std::time::Duration;

/// How long it is measured at a time.
const SLICE: Duration = Duration::from_millis(4);

/// How long it looks for a message that does not come.
const LONGEST: Duration = Duration::from_micros(100);

/// Who has nothing to do again this soon after it went to sleep had a message that would have come sooner to who looks: waking takes a part
/// of it. The clock is read once each time.
const SHORT_SLEEP: Duration = Duration::from_micros(250);

/// So many short sleeps in a slice are worth a trial.
const FEW: u32 = 8;

/// A look that took longer: the system gave the core to another thread.
const INTERRUPTED: Duration = Duration::from_micros(25);

/// How much more has to be read than while it slept, as a fraction.
const GAIN: (u64, u64) = (5, 4);

/// How long a gain is relied on: at first, and after it was confirmed several times.
const HOLD: [Duration; 2] = [Duration::from_millis(64), Duration::from_secs(1)];

/// How long after a trial that gained nothing the next may be: at first, and after several.
const PAUSE: [Duration; 2] = [Duration::from_millis(32), Duration::from_secs(1)];

/// What to do with nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idle {
    /// Look again at once.
    Look,
    Sleep,
}

/// What is known of a worker's sleeps. All times are of one clock.
#[derive(Debug)]
pub(crate) struct BusyPolling {
    mode: Mode,
    slice: Slice,
    /// How long the next gain is relied on.
    hold: Duration,
    /// How long the next trial is put off, should one more fail.
    pause: Duration,
    /// Before then there is no trial.
    next_trial: Duration,
    waiting: Option<Waiting>,
    asleep: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Of the slice before this one: what was read, if it was like those of a peer that waits for answers.
    Sleeping { before: Option<u64> },
    /// It looks, after it has read so much while it slept.
    Trial { before: u64 },
    /// It looks until then.
    Polling { until: Duration },
}

/// What happened in one.
#[derive(Debug, Default)]
struct Slice {
    began: Duration,
    /// Bytes that had been read by then.
    read: u64,
    short_sleeps: u32,
    /// How long it looked for messages that came, and for others.
    found: Duration,
    in_vain: Duration,
}

/// A message is looked for.
#[derive(Debug)]
struct Waiting {
    since: Duration,
    looked: Duration,
    /// Bytes that had been read by then.
    read: u64,
}

impl Default for BusyPolling {
    fn default() -> Self {
        Self {
            mode: Mode::Sleeping { before: None },
            slice: Slice::default(),
            hold: HOLD[0],
            pause: PAUSE[0],
            next_trial: Duration::ZERO,
            waiting: None,
            asleep: None,
        }
    }
}

impl BusyPolling {
    /// There is nothing to do: at that time, after so many bytes were read in all, while a core is to spare or not.
    pub(crate) fn idle(&mut self, now: Duration, read: u64, spare: bool) -> Idle {
        let slept_since = self.asleep.take();
        self.slice.short_sleeps += u32::from(slept_since.is_some_and(|since| now - since < SHORT_SLEEP));
        if let Some(waiting) = self.waiting.take() {
            let (lasted, look) = (now - waiting.since, now - waiting.looked);
            if waiting.read != read {
                // It was found by the last look, and handled since then.
                self.slice.found += waiting.looked - waiting.since;
            } else if spare && lasted < LONGEST && look < INTERRUPTED {
                self.waiting = Some(Waiting { looked: now, ..waiting });
                return Idle::Look;
            } else {
                // While it was interrupted others had the core.
                self.slice.in_vain += lasted.min(LONGEST);
                return self.sleep(now);
            }
        }
        if now - self.slice.began >= SLICE {
            self.end_slice(now, read);
        }
        let looks = !matches!(self.mode, Mode::Sleeping { .. });
        if looks && spare && self.slice.in_vain <= self.slice.found + LONGEST {
            self.waiting = Some(Waiting { since: now, looked: now, read });
            return Idle::Look;
        }
        self.sleep(now)
    }

    fn sleep(&mut self, now: Duration) -> Idle {
        self.asleep = Some(now);
        Idle::Sleep
    }

    fn end_slice(&mut self, now: Duration, read: u64) {
        let slice = std::mem::replace(&mut self.slice, Slice { began: now, read, ..Slice::default() });
        let lasted = now - slice.began;
        // One that it slept through tells nothing.
        let is_whole = lasted < 2 * SLICE;
        let rate = per_slice(read.wrapping_sub(slice.read), lasted);
        self.mode = match self.mode {
            Mode::Sleeping { before } => {
                let like_answers = is_whole && slice.short_sleeps >= FEW && rate > 0;
                match before.filter(|_| like_answers && now >= self.next_trial) {
                    // The better of two: one may have been disturbed.
                    Some(before) => Mode::Trial { before: before.max(rate) },
                    None => Mode::Sleeping { before: like_answers.then_some(rate) },
                }
            }
            Mode::Trial { before } if is_whole && rate * GAIN.1 >= before * GAIN.0 => {
                let until = now + self.hold;
                self.hold = (self.hold * 2).min(HOLD[1]);
                self.pause = PAUSE[0];
                Mode::Polling { until }
            }
            Mode::Trial { .. } => {
                self.next_trial = now + self.pause;
                self.pause = (self.pause * 2).min(PAUSE[1]);
                self.hold = HOLD[0];
                Mode::Sleeping { before: None }
            }
            Mode::Polling { .. } if !is_whole || slice.in_vain > slice.found + LONGEST => {
                self.next_trial = now + PAUSE[0];
                self.hold = HOLD[0];
                Mode::Sleeping { before: None }
            }
            Mode::Polling { until } if now >= until => Mode::Sleeping { before: None },
            polling @ Mode::Polling { .. } => polling,
        };
    }
}

/// So many bytes in that time, as bytes in a slice.
fn per_slice(bytes: u64, time: Duration) -> u64 {
    let per_slice = u128::from(bytes) * SLICE.as_nanos() / time.as_nanos().max(1);
    // Room for what it is multiplied by.
    u64::try_from(per_slice).unwrap_or(u64::MAX).min(u64::MAX / 8)
}

#[cfg(test)]
mod tests;
