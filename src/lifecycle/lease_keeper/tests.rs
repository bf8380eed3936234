//! G25: what one lease does beside others of its process.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Of 12 s, renewed each 2 s, granted by a request of now; and what it did.
fn held(now: Duration) -> (Keeper, Vec<Act>) {
    let mut keeper = Keeper::new(Terms::new(12 * SECOND, SECOND, SECOND).expect("fits"));
    let mut acts = Vec::new();
    keeper.seek(now);
    keeper.due_now(now, &mut acts);
    keeper.answered(Call::Acquire, Reply::Done(1), now, 0.0, &mut acts);
    assert_eq!(acts, [Act::Send(Call::Acquire), Act::Acquired(1)]);
    acts.clear();
    (keeper, acts)
}

#[test]
fn g25_what_is_due_soon_goes_with_what_is_due_and_nothing_else_does() {
    let began = 100 * SECOND;
    let (mut keeper, mut acts) = held(began);
    // A quarter of the two seconds is soon.
    let (early, soon) = (began + SECOND.mul_f64(1.49), began + SECOND.mul_f64(1.5));
    keeper.accompany(early, &mut acts);
    assert_eq!((keeper.may_accompany(early), &acts[..]), (false, &[][..]));
    assert!(keeper.may_accompany(soon));
    keeper.accompany(soon, &mut acts);
    assert_eq!(acts, [Act::Send(Call::Renew)]);
    // While that is open nothing else is asked.
    keeper.accompany(soon, &mut acts);
    assert_eq!(acts.len(), 1);
    keeper.answered(Call::Renew, Reply::Done(1), soon, 0.0, &mut acts);
    assert_eq!(keeper.wakes_at(), Some(soon + 2 * SECOND), "counted from when it was asked");
}

#[test]
fn g25_one_that_stands_by_asks_together_with_others() {
    let began = 100 * SECOND;
    let mut keeper = Keeper::new(Terms::new(12 * SECOND, SECOND, SECOND).expect("fits"));
    let mut acts = Vec::new();
    keeper.seek(began);
    keeper.due_now(began, &mut acts);
    keeper.answered(Call::Acquire, Reply::Taken(None), began, 1.0, &mut acts);
    acts.clear();
    let soon = began + 2 * SECOND;
    assert_eq!(keeper.wakes_at(), Some(soon + SECOND / 2));
    keeper.accompany(soon, &mut acts);
    assert_eq!(acts, [Act::Send(Call::Acquire)]);
}

#[test]
fn g25_a_renewal_that_is_heard_of_late_is_as_good_as_one_that_is_heard_of_at_once() {
    let began = 100 * SECOND;
    let renewed = |heard: Duration| {
        let (mut keeper, mut acts) = held(began);
        let sent = began + 2 * SECOND;
        keeper.due_now(sent, &mut acts);
        keeper.answered(Call::Renew, Reply::Done(1), heard, 0.0, &mut acts);
        keeper.due_now(sent + keeper.terms.call(), &mut acts);
        (keeper, acts)
    };
    let sent = began + 2 * SECOND;
    let (at_once, acts) = renewed(sent);
    assert_eq!(acts, [Act::Send(Call::Renew), Act::Send(Call::Renew)], "the next is sent");
    assert_eq!(at_once.held_until(), Some(sent + 12 * SECOND));
    // As long as the request may take.
    assert_eq!(renewed(sent + at_once.terms.call()), (at_once, acts));
    assert!(Call::Renew.done_may_wait() && !Call::Acquire.done_may_wait() && !Call::Release.done_may_wait());
}

#[test]
fn g25_those_that_stand_by_and_asked_together_do_so_again() {
    let began = 100 * SECOND;
    let stands_by = |answered: Duration, jitter: f64| {
        let mut keeper = Keeper::new(Terms::new(12 * SECOND, SECOND, SECOND).expect("fits"));
        let mut acts = Vec::new();
        keeper.seek(began);
        keeper.due_now(began, &mut acts);
        keeper.answered(Call::Acquire, Reply::Taken(None), answered, jitter, &mut acts);
        keeper
    };
    // The first of a thousand answers, and the last.
    let (first, last) = (stands_by(began, 0.0), stands_by(began + SECOND / 20, 1.0));
    let due = first.wakes_at().expect("it asks again");
    assert!(last.may_accompany(due));
    // Half of the interval is not soon.
    assert!(!last.may_accompany(last.wakes_at().expect("it asks again") - SECOND));
}
