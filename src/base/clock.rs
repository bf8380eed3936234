//! The clock of managers and of what they look after.
//!
//! It is tokio's: where a test has paused that one it stands still, and jumps to the next timer when nobody has anything to
//! do. Everywhere else it is the system's, and without the feature `testing` there is nothing to ask but that.

use std::time::Instant;

/// What time it is. Only such times may be compared with each other.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::now;

    #[tokio::test(start_paused = true)]
    async fn it_goes_as_tokio_s_timers_do() {
        let began = now();
        assert_eq!(now(), began);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(now() - began, Duration::from_secs(3600));
    }

    #[test]
    fn outside_of_a_runtime_it_is_the_system_s() {
        let before = std::time::Instant::now();
        let now = now();
        assert!(before <= now && now <= std::time::Instant::now());
    }
}
