//! A model of a moment that comes once.

use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;

use super::moment::Moment;

/// Whoever waits for a moment is told of it, whenever it comes.
pub fn no_moment_is_missed() {
    loom::model(|| {
        let moment = Arc::new(Moment::default());
        let comes = Arc::clone(&moment);
        let coming = thread::spawn(move || comes.come());
        block_on(moment.passed());
        assert!(moment.has_come());
        coming.join().unwrap();
    });
}
