//! The leaf: words and values that every room uses. It imports no other room.

mod address;
pub(crate) mod boot_clock;
pub(crate) mod clock;
mod discard;
mod downcast;
mod ended_by;
pub(crate) mod monotonic;
mod name;
mod panic_error;
pub(crate) mod peer_text;
mod spawn;
mod text;
mod trace_context;

pub use address::GrpcAddress;
pub use ended_by::EndedBy;
pub use name::Name;
pub use panic_error::PanicError;

pub(crate) use discard::{discard, drop_quietly};
pub(crate) use downcast::downcast;
pub(crate) use name::check_name;
pub(crate) use spawn::{ThreadError, spawn, spawn_with};
pub(crate) use text::{as_ms, as_opt_ms, as_text, seconds, times};
pub(crate) use trace_context::{TraceContext, TraceId};

/// What user code may answer with: any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
