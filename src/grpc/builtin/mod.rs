//! The services that a server or a manager brings along: health, reflection and ping.

pub mod health;
pub(crate) mod ids;
pub mod ping;
pub(crate) mod reflection;
