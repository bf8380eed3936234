//! The services that a server or a manager brings along: health, reflection and ping.

pub mod health;
pub mod ping;
pub(crate) mod reflection;
