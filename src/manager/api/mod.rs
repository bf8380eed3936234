//! What users of a manager give it, ask of it and read from it.

pub(crate) mod add_service;
pub(crate) mod condition;
pub(crate) mod definition;
pub(crate) mod handover_status;
pub(crate) mod lease_status;
pub(crate) mod messages;
pub(crate) mod nested_branch;
pub(crate) mod options;
pub(crate) mod order_error;
pub(crate) mod pending_service;
pub(crate) mod plan;
pub(crate) mod status;
