//! A panic, kept as an error.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::sync::Arc;

/// A panic of user code, caught.
///
/// It is the source of a [`ServiceError`](crate::ServiceError) where a handler, a task or a constructor panicked. The process went on.
/// Its place and backtrace say what to mend.
#[derive(Debug, Clone, thiserror::Error)]
#[error("panicked at {location}: {message}")]
pub struct PanicError {
    /// The panic's message; its type where the payload was no text.
    pub message: String,
    /// File, line and column.
    pub location: String,
    /// The stack at the panic. Symbols are resolved when it is displayed. An actor that panics at the same place again within a second has
    /// that of the first.
    pub backtrace: Arc<Backtrace>,
}

impl PanicError {
    /// The text of a payload, as the standard library's own hook would print it.
    pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
        if let Some(text) = payload.downcast_ref::<&'static str>() {
            (*text).to_owned()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.clone()
        } else {
            "a panic payload that is no text".to_owned()
        }
    }

    /// A panic that no hook saw: somebody replaced the hook, or resumed an unwinding.
    pub(crate) fn unseen(payload: &(dyn Any + Send)) -> Self {
        Self {
            message: Self::message_of(payload),
            location: "an unknown place".to_owned(),
            backtrace: Arc::new(Backtrace::disabled()),
        }
    }

    /// The stack at the panic, where it was captured.
    pub(crate) fn stack(&self) -> Option<String> {
        (self.backtrace.status() == BacktraceStatus::Captured).then(|| self.backtrace.to_string())
    }
}
