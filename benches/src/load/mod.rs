//! The load on a server: one thread of a process of its own, raw HTTP/2 or HTTP/1.1, as little work a call as can be.
//!
//! ```text
//!   connect C --first answer of each, read in full--> warm up --> measure --> one line of figures
//!                                                              |           |
//!                                                              the server's CPU time is read
//! ```
//!
//! It shares its cores with the server, and what it spends itself hides what servers differ in. So requests
//! are bytes made once; of answers only frame headers are read. Nothing is taken on trust for that: every call of gRPC
//! must end by the very trailers that a full reading found to say `grpc-status: 0` on that connection,
//! after exactly as many bytes of data as the echo has; every other answer must begin by the very head that a full reading found to
//! say 200, and have exactly as many bytes as its route has. Whatever else happens fails the run.

mod http1;
mod http2;
mod run;
mod spec;
mod wire;

pub(crate) use run::run;
pub(crate) use spec::{Figures, LoadSpec, Method};
