//! The rules of Majordomo, the very files, without the rest of the crate.
//!
//! Their checks visit millions of states: built without optimization they take ten times as long, and with it the rest of the crate and
//! its tests would be slow to build.

#![allow(dead_code, unused_imports)] // what the rest of the crate uses

#[path = "../../../src/lifecycle/mod.rs"]
mod lifecycle;
