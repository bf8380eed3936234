//! One call: from its request to the last byte of its answer.

pub(crate) mod alarm;
pub(crate) mod body;
pub(crate) mod call_end;
pub(crate) mod call_path;
pub(crate) mod call_state;
pub(crate) mod caught_panic;
pub(crate) mod connect_info;
pub(crate) mod context;
pub(crate) mod deadline;
pub(crate) mod framing;
pub(crate) mod request;
pub(crate) mod request_body;
pub(crate) mod request_source;
pub(crate) mod response_future;
