//! A budget of its own for each part of an actor's poll.
//!
//! tokio lets a task take so many things that are ready in one poll, and then has it yield: whatever it asks is not ready until its
//! next poll. An actor and the answers that it owes are one task. A part that takes all there is in every poll, as an interval of
//! no length does, would leave nothing to the others, for ever. So each finds the budget as it was when the poll began; and since each
//! is bounded, so is the poll.

use std::task::Context;

use tokio::task::coop;

/// Polls a part; what it takes is result back.
pub(super) fn with_own_budget<T>(cx: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
    // Restores, as it is dropped, what there was before it.
    let _restores = coop::poll_proceed(cx);
    poll(cx)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::Poll;

    use super::*;

    /// Takes all there is.
    fn take_all(cx: &mut Context<'_>) -> usize {
        let mut taken = 0;
        while let Poll::Ready(one) = coop::poll_proceed(cx) {
            one.made_progress();
            taken += 1;
        }
        taken
    }

    #[tokio::test]
    async fn g06_a_part_that_takes_all_there_is_leaves_the_next_as_much() {
        let taken = poll_fn(|cx| {
            let first = with_own_budget(cx, take_all);
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                with_own_budget(cx, |cx| {
                    take_all(cx);
                    panic!("rehearsed");
                });
            }));
            assert!(panicked.is_err());
            Poll::Ready((first, with_own_budget(cx, take_all)))
        });
        let (first, second) = taken.await;
        assert!(first > 0, "a budget that is none would be no bound");
        assert_eq!(first, second);
    }
}
