//! Majordomo's own protocols between threads, the very files, on atomics that are tried in every order of the threads, and of what
//! they see of each other. Each function is a model that fails by a panic.
//!
//! `weakened` is the same with every ordering taken away: what a model holds together must come apart there.

#![allow(clippy::duplicate_mod, dead_code, unused_imports)] // the same twice; what the rest of the crate uses

#[path = "../../../src/base"]
mod base {
    pub(crate) mod monotonic;
}

pub mod supervision {
    pub(crate) mod sync;

    #[path = "../../../../src/supervision/alarm.rs"]
    mod alarm;
    #[path = "../../../../src/supervision/awake_threads.rs"]
    mod awake_threads;
    #[path = "../../../../src/supervision/wake.rs"]
    mod wake;
    #[path = "../../../../src/supervision/watch.rs"]
    mod watch;

    pub mod models;
}

pub mod weakened {
    pub(crate) mod sync;

    #[path = "../../../../src/supervision/alarm.rs"]
    mod alarm;
    #[path = "../../../../src/supervision/awake_threads.rs"]
    mod awake_threads;
    #[path = "../../../../src/supervision/wake.rs"]
    mod wake;
    #[path = "../../../../src/supervision/watch.rs"]
    mod watch;

    #[path = "../supervision/models.rs"]
    pub mod models;
}

pub mod service {
    #[path = "../../../../src/service/latch.rs"]
    mod latch;

    pub mod models;
}
