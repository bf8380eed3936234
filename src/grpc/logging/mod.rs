//! The log of calls: what [`GrpcLogging`] sets, as events and spans of [`tracing`].
//!
//! ```text
//!                                                                        level
//!   span  "call"                  around the handler and its answer      calls
//!   event "gRPC stream opened"    a streaming call is being handled      calls
//!   event "gRPC request"          for each message                       requests
//!   event "gRPC response"         for each message                       responses
//!   event "a gRPC handler panicked"                                      ERROR
//!   event "gRPC call finished"    once a call, when its outcome is known calls; ERROR for the server's faults, and panics
//! ```
//!
//! The target of all is `majordomo::grpc`. Events belong to no span: each says itself of which call it is.
//!
//! | field | in | |
//! |---|---|---|
//! | `method` | all | the path: `/package.Service/Method`; one that nothing describes as far as 256 bytes |
//! | `call_id` | all | random and unique, 16 hexadecimal digits |
//! | `trace_id`, `parent_id` | span | of the call's `traceparent` (W3C Trace Context), where it has a valid one |
//! | `kind` | opened, panicked, finished | `unary`, `client_streaming`, `server_streaming`, `bidi_streaming`; none where no registered descriptor set tells |
//! | `peer` | opened, finished | the address that the call came from, where it has one |
//! | `status` | finished | as gRPC writes it: `OK`, `NOT_FOUND` |
//! | `elapsed_ms` | finished | milliseconds since the call arrived, with three digits of a fraction at most |
//! | `ended_by` | finished, unless OK | who or what, see below |
//! | `error`, `sources` | finished, unless OK | the status's message and, nearest first, the sources of the error; 4 KiB of each at most |
//! | `number`, `size` | messages | from 1, in each direction; bytes as sent |
//! | `json` | messages | as protobuf maps it, where a descriptor set tells of the type |
//! | `cut` | messages | the JSON goes on |
//! | `too_long` | messages | the message is longer than 256 KiB, which is not shown |
//! | `compressed` | messages | by something other than gzip and deflate, which is not shown |
//! | `malformed` | messages | why it is no message of its type |
//! | `panic`, `location`, `backtrace` | panics | the backtrace only where `RUST_BACKTRACE` asks for it |
//!
//! A call is `ended_by` its `handler`, also where there is none; its `panic`; its `request`, which is broken: no message, or
//! none that can be read; `refusal`: it is none of gRPC, its headers are malformed, or its service is down;
//! `shedding`: it was one too many; its `deadline`, the client's or the server's; a `limit` of the answer's messages;
//! the `drain`; a `cut` of its connection by the server; or the `client`, who cancelled it or went.
//!
//! What clients choose (paths, names, the content of messages) is shown without characters that a terminal would obey.
//!
//! Where nobody listens, a call costs a few comparisons more, and its messages nothing. No call fails because of
//! its log: what goes wrong here is left out. A subscriber that blocks, however, holds up the calls of its worker.

mod call;
mod depth;
mod encoding;
mod frames;
mod id;
mod json;
mod level;
mod logger;
mod options;
mod status;
mod tap;
mod target;
mod types;

pub use crate::base::EndedBy;
pub use options::GrpcLogging;

pub(crate) use call::{CallLog, Facts};
pub(crate) use logger::Logger;
pub(crate) use status::BROKE_OFF;
pub(crate) use tap::Tap;
