//! How a process ends and what it prints on the way: never held up by stdout or stderr.

mod ending;
mod exit;
mod printer;

pub use exit::{Exit, exit};

pub(crate) use ending::{end, end_within, stderr_is_stuck};
pub(crate) use printer::print_status;
