//! majordomo
#![forbid(unsafe_code)]
mod lifecycle;
