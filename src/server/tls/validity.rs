//! When the certificate of a server ends, told in time.
//!
//! ```text
//!   set-up                    30 days before            end
//!     |--- one sleep until then ---|--- a warning a day ---|--- an error a day ...
//!     +------- a renewed certificate begins anew
//! ```
//!
//! A certificate that has ended is served all the same: a renewed one may come at any time, and to refuse the start would make
//! an outage of what some clients do not even look at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use prost_types::Timestamp;
use tokio::time::sleep;

use crate::server::tls::{ServerTls, aside};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before its end it is told of.
const NEAR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is near its end after so long.
    Good(Duration),
    /// It ends after so long.
    Near(Duration),
    /// It ended so long ago.
    Over(Duration),
}

impl Standing {
    fn of(end: SystemTime, now: SystemTime) -> Self {
        match end.duration_since(now) {
            Ok(left) if left > NEAR => Self::Good(left - NEAR),
            Ok(left) => Self::Near(left),
            Err(ended) => Self::Over(ended.duration()),
        }
    }
}

/// Tells of the end of a certificate for as long as it is polled, and of that of each that takes its place.
pub(crate) async fn watch(tls: ServerTls, now: impl Fn() -> SystemTime) {
    watch_by(Teller::default(), tls, now).await;
}

async fn watch_by(teller: Teller, tls: ServerTls, now: impl Fn() -> SystemTime) {
    let mut ends = tls.live.ends.subscribe();
    loop {
        let end = *ends.borrow_and_update();
        let pause = end.map(|end| match Standing::of(end, now()) {
            Standing::Good(pause) => pause,
            standing => {
                teller.tell(tls.certificate_name(), end, standing);
                DAY
            }
        });
        tokio::select! {
            () = sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            changed = ends.changed() => if changed.is_err() { return },
        }
    }
}

/// Logs on a thread of its own, since a subscriber may block.
#[derive(Debug, Clone, Default)]
struct Teller(Arc<AtomicBool>);

/// What a thread that tells holds while it does.
struct Turn(Arc<AtomicBool>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Teller {
    fn is_busy(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn tell(&self, certificate: String, end: SystemTime, standing: Standing) {
        // The log has not taken yesterday's line yet.
        if self.is_busy() {
            return;
        }
        self.0.store(true, Ordering::Release);
        let turn = Turn(Arc::clone(&self.0));
        let ends = Timestamp::from(end).to_string();
        let log = move || match standing {
            Standing::Over(_) => tracing::error!(
                certificate,
                ends,
                "a TLS certificate of the server has ended: clients that check it refuse to connect; renew it"
            ),
            Standing::Near(left) | Standing::Good(left) => tracing::warn!(
                certificate,
                ends,
                days = left.as_secs() / DAY.as_secs(),
                "a TLS certificate of the server will end soon: renew it"
            ),
        };
        let tell = move || {
            let _turn = turn;
            log();
        };
        // Without a thread there is another try tomorrow.
        drop(aside(tell));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_rustls::rustls::pki_types::CertificateDer;

    use crate::server::tls::not_after::end_of;
    use crate::server::tls::samples::{Sample, UNTIL_2030, UNTIL_2031, UNTIL_2032};
    use tokio::time::Instant;

    use crate::server::tls::tests::Log;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn the_end_of_a_chain_is_that_of_the_first_that_ends() {
        let chain = [UNTIL_2031, UNTIL_2030, UNTIL_2032].map(Sample::der);
        assert_eq!(end_of(&chain), Some(at(1_893_456_000)));
        assert_eq!(end_of(&[]), None);
        assert_eq!(end_of(&[CertificateDer::from(b"no certificate".to_vec())]), None);
    }

    #[tokio::test(start_paused = true)]
    async fn g14_an_end_is_told_from_thirty_days_before_once_a_day_and_nothing_ticks_until_then() {
        let log = Log::default();
        let _guard = log.set_default();
        let end = at(1_893_456_000);
        let tls = ServerTls::from_pem(UNTIL_2030.certificate, UNTIL_2030.key);
        tls.reload().unwrap();
        let (began, clock) = (Instant::now(), Arc::new(end - 33 * DAY));
        let teller = Teller::default();
        let watching = tokio::spawn(watch_by(teller.clone(), tls, move || *clock + began.elapsed()));
        // Each day, at noon: how many lines there are by then. What is told is told by a thread.
        sleep(DAY / 2).await;
        for day in 0..37 {
            let wanted = if day < 3 { 0 } else { day - 2 };
            // One that is still at yesterday's line would leave today's out.
            while log.text().lines().count() < wanted || teller.is_busy() {
                std::thread::yield_now();
            }
            assert_eq!(log.text().lines().count(), wanted, "{day}: {}", log.text());
            sleep(DAY).await;
        }
        watching.abort();
        let text = log.text();
        let (warnings, errors): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.contains("WARN"));
        assert_eq!(warnings.len(), 31, "{text}");
        assert!(errors.len() >= 3 && errors.iter().all(|line| line.contains("ERROR")), "{text}");
        assert!(warnings[0].contains("2030-01-01") && warnings[0].contains("days=30"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewed_certificate_is_watched_in_the_place_of_the_old() {
        let log = Log::default();
        let _guard = log.set_default();
        let tls = ServerTls::from_pem(UNTIL_2030.certificate, UNTIL_2030.key);
        tls.reload().unwrap();
        let (began, clock) = (Instant::now(), at(1_893_456_000) - 33 * DAY);
        let watching = tokio::spawn(watch(tls.clone(), move || clock + began.elapsed()));
        sleep(DAY).await;
        tls.live.ends.send_replace(Some(at(1_893_456_000) + 365 * DAY));
        sleep(300 * DAY).await;
        assert_eq!(log.text(), "");
        tls.live.ends.send_replace(Some(at(0)));
        sleep(Duration::from_secs(1)).await;
        while !log.text().contains("ERROR") {
            std::thread::yield_now();
        }
        watching.abort();
    }
}
