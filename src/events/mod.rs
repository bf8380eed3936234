//! What happens in a manager, told to whoever observes.
//!
//! Events come in pairs: `...Started` before, `...Finished` after, the later with duration, outcome and error. So the last `...Started` without
//! its `...Finished` names the hang. Every observer gets every event, once, in the order in which things happened; one that reads too slowly loses
//! some, and is [told how many](LifecycleEvent::Missed). The last event is [`Stopped`](LifecycleEvent::Stopped).
//!
//! ```
//! use majordomo::{Manager, ManagerOptions, events};
//!
//! # #[actix::main]
//! # async fn main() {
//! let (sender, mut stream) = events::channel();
//! let options = ManagerOptions::new().grpc_ping_service(false).observe(sender);
//! Manager::new(options).run().await.unwrap();
//! let mut last = None;
//! while let Some(timed) = stream.recv().await {
//!     last = Some(timed);
//! }
//! assert!(matches!(last.unwrap().event, events::LifecycleEvent::Stopped));
//! # }
//! ```

mod about;
mod channel;
mod event;
mod failure;
mod in_flight;
mod lease;
mod redacted;
mod severity;
mod stall;
mod text;
mod timed;
mod words;

pub use channel::{EventSender, EventStream, channel, channel_of};
pub use event::LifecycleEvent;
pub use failure::{End, Failure};
pub use in_flight::{InFlight, OldestCall};
pub use lease::LeaseEvent;
pub use severity::Severity;
pub use stall::Stall;
pub use timed::TimedEvent;

pub use crate::base::Name;

pub(crate) use about::Phase;
pub(crate) use in_flight::{OTHER_METHODS, count};
pub(crate) use text::write_latest;
