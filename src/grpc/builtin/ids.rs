//! The ids of what a manager brings along.

/// The id of the server as a service.
pub(crate) const SERVER_ID: &str = "majordomo grpc";

/// The id of the ping service that a manager brings along.
pub(crate) const PING_ID: &str = "majordomo ping";
