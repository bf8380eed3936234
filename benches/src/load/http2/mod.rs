//! Connections of the load over HTTP/2: calls of gRPC, and requests without bodies.

mod answers;
mod connection;
mod frames;
mod requests;
mod streams;

pub(super) use connection::Http2;
pub(super) use requests::Requests;
