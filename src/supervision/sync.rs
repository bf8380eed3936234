//! What our own protocols between threads are made of. The package `tests/models` has others in their place, by which every order
//! of theirs is tried.

pub(crate) use std::sync::OnceLock;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

pub(crate) use tokio::sync::Notify;
