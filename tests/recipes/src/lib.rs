//! What `docs/recipes.md` shows, file by file: each block of Rust on that page is one of these files (or `build.rs`), as it stands here but
//! for its `//!` lines. `tests/page.rs` compares them, both ways, so that none is left out; the other tests run each recipe in a manager.

pub mod chat;
pub mod cores;
pub mod cors;
pub mod cron;
pub mod database;
pub mod greeter;
pub mod office;
pub mod partner;
pub mod peer;
pub mod queue;
pub mod router;

/// The page, for the test that compares.
pub const PAGE: &str = include_str!("../../../docs/recipes.md");

/// Compiles every block of Rust of the first hour, which uses axum; `.ci/getting_started` runs them.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/getting-started.md")]
mod first_hour {}
