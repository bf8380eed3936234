//! Bytes of an answer that is open until they are written, or given up.

use std::io::IoSlice;
use std::sync::Arc;

use hyper::body::{Buf, Bytes};

/// What is told of bytes that the peer has taken.
pub(crate) trait Sends {
    fn sent(&self, count: usize);
}

/// Bytes of an answer, which keep it open.
#[derive(Debug)]
pub(crate) struct HeldBytes<C> {
    bytes: Bytes,
    call: Arc<C>,
}

impl<C> HeldBytes<C> {
    pub(crate) fn new(bytes: Bytes, call: Arc<C>) -> Self {
        Self { bytes, call }
    }

    /// The bytes, which are to be sent in another form: nothing is told of them.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl<C: Sends> Buf for HeldBytes<C> {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.bytes.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.call.sent(count);
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        self.call.sent(length);
        self.bytes.copy_to_bytes(length)
    }
}
