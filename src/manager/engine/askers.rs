//! Those who asked something and wait for the answer.
//!
//! Bound: one for each that still waits, and as many again, at least 64, of those that have given up: who asks with a timeout
//! in a loop leaves nothing behind.

use actix::dev::OneshotSender;

/// How many are kept before those that have given up are looked for.
const FEW: usize = 64;

/// The senders that wait for an answer.
pub(crate) struct Askers<T> {
    senders: Vec<OneshotSender<T>>,
    purge_at: usize,
}

impl<T> Default for Askers<T> {
    fn default() -> Self {
        Self { senders: Vec::new(), purge_at: FEW }
    }
}

impl<T> Askers<T> {
    pub(crate) fn add(&mut self, sender: OneshotSender<T>) {
        if is_doubled(&mut self.senders, &mut self.purge_at, |sender| !sender.is_closed()) {
            self.senders.shrink_to(self.purge_at);
        }
        self.senders.push(sender);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.senders.is_empty()
    }

    /// All that still wait.
    pub(crate) fn take(&mut self) -> Vec<OneshotSender<T>> {
        self.purge_at = FEW;
        let mut senders = std::mem::take(&mut self.senders);
        senders.retain(|sender| !sender.is_closed());
        senders
    }
}

/// Drops what is of no use any more from a list that has doubled since that was last done: so it costs little for each
/// that is added. Answers whether it was time.
pub(crate) fn is_doubled<T>(
    list: &mut Vec<T>,
    purge_at: &mut usize,
    is_of_use: impl FnMut(&T) -> bool,
) -> bool {
    let is_time = list.len() >= (*purge_at).max(FEW);
    if is_time {
        list.retain(is_of_use);
        *purge_at = (2 * list.len()).max(FEW);
    }
    is_time
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[test]
    fn g16_who_has_given_up_is_forgotten() {
        let mut askers = Askers::default();
        let mut patient = Vec::new();
        for number in 0..100_000 {
            let (sender, receiver) = oneshot::channel::<()>();
            askers.add(sender);
            if number % 1_000 == 0 {
                patient.push(receiver);
            }
        }
        assert!(askers.senders.len() <= 2 * patient.len() + FEW, "{}", askers.senders.len());
        assert_eq!(askers.take().len(), patient.len());
        assert!(askers.is_empty());
    }
}
