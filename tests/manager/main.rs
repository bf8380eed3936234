//! What a manager tells of its services while they live.

mod observing;
mod own_log_lines;
mod panics;
mod runtimes;
mod watchdog;
mod watched_files;
