//! What this process knows of a lease: the latest, for whoever wants to show it. No request is made for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::lifecycle::Call;

/// What is known of a lease that is asked for or held. Times are of the clock that leases are counted by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LeaseView {
    /// Who has it: this process, or who the store has named last.
    pub(crate) holder: Option<Arc<str>>,
    /// Until when, unless it is renewed.
    pub(crate) until: Option<Duration>,
    /// Why the store did not do what it was asked last, where it was not that another has the lease.
    pub(crate) error: Option<Arc<str>>,
}

/// Where it is put by the thread of leases, and read by others: only the latest is kept.
pub(crate) type ViewSender = watch::Sender<LeaseView>;
pub(crate) type ViewReceiver = watch::Receiver<LeaseView>;

/// A place for it.
pub(crate) fn lease_view() -> (ViewSender, ViewReceiver) {
    watch::channel(LeaseView::default())
}

/// What an answer of the store tells.
#[derive(Debug)]
pub(super) enum Heard {
    Done,
    /// Another has it, for so long at most.
    Taken {
        by: Arc<str>,
        left: Option<Duration>,
    },
    Failed(Arc<str>),
}

/// Takes note of an answer to a request of this holder.
pub(super) fn note(view: &ViewSender, holder: &Arc<str>, call: Call, heard: Heard, now: Duration) {
    view.send_modify(|view| match heard {
        Heard::Done => {
            let holder = (call != Call::Release).then(|| Arc::clone(holder));
            *view = LeaseView { holder, ..LeaseView::default() };
        }
        Heard::Taken { by, left } => {
            *view = LeaseView { holder: Some(by), until: left.map(|left| now + left), error: None };
        }
        Heard::Failed(error) => view.error = Some(error),
    });
}

/// Until when this process has it, where it does.
pub(super) fn note_until(view: &ViewSender, until: Option<Duration>) {
    view.send_if_modified(|view| {
        let news = until.is_some() && view.until != until;
        if news {
            view.until = until;
        }
        news
    });
}
