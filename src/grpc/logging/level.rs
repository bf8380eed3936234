//! Events and spans at a level that is known only when the program runs.
//!
//! `tracing` decides once for each place in the code whether it is of interest, and needs to know its level for
//! that. So each place is there once for each level.

use tracing::{Level, event_enabled, span_enabled};

use crate::grpc::logging::target::TARGET;

/// A macro of `tracing` at a level: `at_level!(level, event!([before the level] after it))`.
macro_rules! at_level {
    ($level:expr, $macro:ident!([$($before:tt)*] $($after:tt)*)) => {
        match $level {
            tracing::Level::ERROR => tracing::$macro!($($before)* tracing::Level::ERROR, $($after)*),
            tracing::Level::WARN => tracing::$macro!($($before)* tracing::Level::WARN, $($after)*),
            tracing::Level::INFO => tracing::$macro!($($before)* tracing::Level::INFO, $($after)*),
            tracing::Level::DEBUG => tracing::$macro!($($before)* tracing::Level::DEBUG, $($after)*),
            tracing::Level::TRACE => tracing::$macro!($($before)* tracing::Level::TRACE, $($after)*),
        }
    };
}

pub(crate) use at_level;

/// Whether anybody listens to our events or spans of this level.
pub(crate) fn is_on(level: Level) -> bool {
    macro_rules! is_on {
        ($($level:ident),*) => {
            match level {
                $(Level::$level => {
                    event_enabled!(target: TARGET, Level::$level) || span_enabled!(target: TARGET, Level::$level)
                })*
            }
        };
    }
    is_on!(ERROR, WARN, INFO, DEBUG, TRACE)
}
