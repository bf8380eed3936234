//! Hand-overs: what the rules want done of them.

use std::sync::Arc;

use super::shell::Shell;
use crate::lifecycle::{Announcement, Input, Machine, ServiceIx};
use crate::manager::observe::event_log::Detail;
use crate::report::HandoverError;

// What is told by the two processes to each other, and asked of the rules before that.
const _: [Input; 3] = [Input::HandoverAsked, Input::SuccessorReady, Input::PredecessorGone];
const _: [Input; 2] = [Input::HandoverTimeout, Input::GiveWayOver];
const _: fn(&mut Machine) = Machine::succeeds;
const _: [fn(&Machine) -> bool; 2] = [Machine::can_hand_over, Machine::is_giving_way];
const _: fn(&Machine, ServiceIx) -> bool = Machine::waits_for_predecessor;

impl Shell {
    /// Nothing can be started anew yet: it is as if the successor had ended at once.
    pub(super) fn start_successor(&mut self) {
        self.end_successor();
    }

    pub(super) fn end_successor(&mut self) {
        self.inputs.push_back((Input::SuccessorGone, Detail::None));
    }

    pub(super) fn start_handover_timer(&mut self) {}

    pub(super) fn pass_on(&mut self) {}

    pub(super) fn take_back(&mut self) {}

    pub(super) fn give_way(&mut self, ix: ServiceIx) {
        self.inputs.push_back((Input::GaveWay(ix), Detail::None));
    }

    pub(super) fn resume(&mut self, _ix: ServiceIx) {}

    pub(super) fn start_give_way_timer(&mut self) {}

    /// Why a hand-over came to nothing.
    pub(super) fn handover_detail(&self, announcement: &Announcement) -> Option<Detail> {
        let Announcement::HandoverFinished(end) = *announcement else { return None };
        let Some(error) = HandoverError::of(end) else { return Some(Detail::None) };
        Some(Detail::Error(Arc::new(error), error.to_string().into()))
    }
}
