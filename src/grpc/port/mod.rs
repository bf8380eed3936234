//! What answers at gRPC's addresses where more is spoken there than gRPC.

mod answer;
mod application;
mod body;
mod web;

pub(crate) use application::PortApplication;
