//! What a server has on workers and uses no more: it comes to its end beside what serves.
//!
//! ```text
//!   serves --its worker was replaced, or the server gives way--> leaves --nothing is left of it--> over
//! ```

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::server::worker::part::Part;

/// What comes to its end.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    parts: Vec<Part>,
    /// Each resolves with the number of a part that is over.
    ends: JoinSet<usize>,
}

impl Leaving {
    /// Nothing is dealt to it any more. What it was dealt it serves.
    pub(crate) fn add(&mut self, part: Part) {
        let shared = Arc::clone(&part.shared);
        shared.tasks.close();
        self.ends.spawn(async move {
            shared.tasks.wait().await;
            shared.number
        });
        self.parts.push(part);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Lets go of the next one that is over; never resolves where there is none.
    pub(crate) async fn next_over(&mut self) -> Part {
        while let Some(over) = self.ends.join_next().await {
            let at = over.ok().and_then(|over| self.parts.iter().position(|part| part.shared.number == over));
            if let Some(at) = at {
                return self.parts.swap_remove(at);
            }
        }
        std::future::pending().await
    }

    /// Takes out what is not over.
    pub(crate) fn take(&mut self) -> Vec<Part> {
        std::mem::take(self).parts
    }
}
