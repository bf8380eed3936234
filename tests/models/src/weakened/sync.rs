//! The same, but that nothing is ordered.

#![allow(non_upper_case_globals)] // as the orderings are called

use loom::sync::atomic::Ordering as Real;

pub(crate) use crate::supervision::sync::OnceLock;
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64};

pub(crate) struct Ordering;

impl Ordering {
    pub(crate) const Relaxed: Real = Real::Relaxed;
    pub(crate) const Acquire: Real = Real::Relaxed;
    pub(crate) const Release: Real = Real::Relaxed;
    pub(crate) const AcqRel: Real = Real::Relaxed;
    pub(crate) const SeqCst: Real = Real::Relaxed;
}

pub(crate) fn fence(_: Real) {}
