//! What the old process does: it starts the program, passes the sockets on, and hears what comes of it.
//!
//! All of it is done by one thread, `majordomo-handover`: to start a program may block, and so may its end.

use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::conversation::{Conversation, FromSuccessor, Order};
use super::options::CheckedHandover;
use super::program::{self, Program};
use super::steps::{HandoverStep, reached};
use crate::base::{ThreadError, spawn_with};
use crate::report::{HandoverError, SuccessorEnd};
use crate::server::listen::passing;

/// A successor, from its start on. Dropped, it is killed; where it is in charge it is let go.
///
/// Bound: one order of each kind waits at most.
#[derive(Debug)]
pub(crate) struct SuccessorProcess {
    orders: UnboundedSender<Order>,
    pid: Arc<OnceLock<u32>>,
    over: CancellationToken,
}

impl SuccessorProcess {
    /// Starts the program on a thread of its own. Whatever fails from here on is told as `Gone`. `generation` is the successor's.
    ///
    /// # Errors
    /// Where the thread cannot be had.
    pub(crate) fn start(
        handover: &CheckedHandover,
        generation: u64,
        tell: impl Fn(FromSuccessor) + Send + 'static,
    ) -> Result<Self, ThreadError> {
        let (orders, ordered) = unbounded_channel();
        let pid = Arc::new(OnceLock::new());
        let (handover, started) = (handover.clone(), Arc::clone(&pid));
        let over = CancellationToken::new();
        let ends = over.clone().drop_guard();
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all();
        spawn_with(
            "a hand-over",
            "majordomo-handover".to_owned(),
            move || runtime.build(),
            move |runtime| {
                let _ends = ends;
                runtime.block_on(hand_over(handover, generation, ordered, &started, tell));
            },
        )?;
        Ok(Self { orders, pid, over })
    }

    /// Its number, once it was started.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid.get().copied()
    }

    /// It is in charge from here on: it lives on when this process ends, and removes the files of its sockets then.
    pub(crate) fn in_charge(&self) {
        passing::pass_on();
        if self.orders.send(Order::InCharge).is_err() {
            // It is gone by now.
            passing::take_back();
        }
    }

    /// This process stops, and can take nothing back any more.
    pub(crate) fn alone(&self) {
        passing::close_lent();
        self.order(Order::Alone);
    }

    /// This process has nothing any more that may exist once only.
    pub(crate) fn released(&self) {
        self.order(Order::Released);
    }

    /// Ends it: it is told, killed and reaped. `Gone` has this reason, or what is known better.
    pub(crate) fn end(&self, why: HandoverError) {
        self.order(Order::End(why));
    }

    /// How it died, if it has, though nobody may have been told yet.
    pub(crate) fn died(&self) -> Option<SuccessorEnd> {
        self.pid().and_then(program::end_of)
    }

    /// It died, and this process does not wait until that is told: it has everything again.
    pub(crate) fn take_back(&self, why: HandoverError) {
        passing::take_back();
        self.end(why);
    }

    /// Resolves when it is dead, or was let go.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + use<> {
        self.over.clone().cancelled_owned()
    }

    fn order(&self, order: Order) {
        // One that is gone needs no order.
        let _ = self.orders.send(order);
    }
}

async fn hand_over(
    handover: CheckedHandover,
    generation: u64,
    orders: UnboundedReceiver<Order>,
    started: &OnceLock<u32>,
    tell: impl Fn(FromSuccessor),
) {
    reached(HandoverStep::Starting);
    let (program, channel) = match handover.command.look_up().and_then(Program::start) {
        Ok(started) => started,
        Err(why) => return tell(FromSuccessor::Gone { why }),
    };
    let _ = started.set(program.pid());
    tell(FromSuccessor::Started { pid: program.pid() });
    reached(HandoverStep::Started);
    Conversation::new(program, channel, orders, tell, generation).conduct().await;
}
