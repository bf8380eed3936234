//! A model of a latch.

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;

use super::latch::Latch;

/// Who waits for a latch is woken, whenever it is set.
pub fn no_moment_is_missed() {
    loom::model(|| {
        let latch = Arc::new(Latch::default());
        let sets = Arc::clone(&latch);
        let coming = thread::spawn(move || sets.set());
        block_on(latch.wait());
        assert!(latch.is_set());
        coming.join().unwrap();
    });
}
