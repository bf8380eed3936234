//! What may block, such as to read a file, on a thread of its own.

use std::io;
use std::thread::{self, JoinHandle};

use crate::supervision::dispatch;

/// Does it on a thread whose log events go where this thread's go.
pub(crate) fn aside(what: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let dispatch = dispatch::current();
    thread::Builder::new().name("majordomo-tls".to_owned()).spawn(move || {
        let _dispatch = dispatch::adopt(&dispatch);
        what();
    })
}
