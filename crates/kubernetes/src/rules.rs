//! What an object means, and what becomes of it. No clock, no API: times and objects come in.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use majordomo::LeaseRequest;

/// Who has a lease, for who asks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Its own, with that epoch.
    Own(i32),
    /// Nobody's, after that epoch.
    Free(i32),
    Others {
        by: String,
        left: Duration,
    },
}

/// Reads an object that has been as it is for so long.
pub(crate) fn whose(lease: &Lease, request: &LeaseRequest, unchanged: Duration) -> Whose {
    let none = LeaseSpec::default();
    let spec = lease.spec.as_ref().unwrap_or(&none);
    let epoch = spec.lease_transitions.unwrap_or(0);
    let Some(by) = spec.holder_identity.as_deref().filter(|by| !by.is_empty()) else {
        return Whose::Free(epoch);
    };
    if by == &*request.holder {
        return Whose::Own(epoch);
    }
    // One that says nothing of its time has that of who asks.
    let said =
        spec.lease_duration_seconds.and_then(|lasts| u64::try_from(lasts).ok()).map(Duration::from_secs);
    let left = said.unwrap_or(request.ttl).saturating_sub(unchanged);
    if left.is_zero() {
        return Whose::Free(epoch);
    }
    Whose::Others { by: by.to_owned(), left }
}

/// The API counts in whole seconds: none less than what was asked for.
pub(crate) fn seconds(ttl: Duration) -> i32 {
    let whole = ttl.as_secs().saturating_add(u64::from(ttl.subsec_nanos() > 0));
    i32::try_from(whole.max(1)).unwrap_or(i32::MAX)
}

/// Has who asks hold it with that epoch, from now on. The time is for people.
pub(crate) fn hold(lease: &mut Lease, request: &LeaseRequest, epoch: i32, now: &MicroTime) {
    let spec = lease.spec.get_or_insert_default();
    if spec.holder_identity.as_deref() != Some(&*request.holder) {
        spec.acquire_time = Some(now.clone());
    }
    spec.holder_identity = Some(request.holder.to_string());
    spec.lease_transitions = Some(epoch);
    spec.lease_duration_seconds = Some(seconds(request.ttl));
    spec.renew_time = Some(now.clone());
}

/// Has nobody hold it. Its epoch stays.
pub(crate) fn give_back(lease: &mut Lease, now: &MicroTime) {
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = None;
    spec.renew_time = Some(now.clone());
}

/// Whether the API takes such a name for an object.
pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    let is_edge = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let is_label = |label: &str| {
        label.starts_with(is_edge)
            && label.ends_with(is_edge)
            && label.chars().all(|letter| is_edge(letter) || letter == '-')
    };
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err(
            "Kubernetes takes up to 253 lower-case letters, digits, '-' and '.', with a letter or digit at either end of each part",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn request(holder: &str) -> LeaseRequest {
        LeaseRequest::new("reports", holder, SECOND * 15)
    }

    fn now() -> MicroTime {
        MicroTime(k8s_openapi::jiff::Timestamp::UNIX_EPOCH)
    }

    fn held(by: &str) -> Lease {
        let mut lease = Lease::default();
        hold(&mut lease, &request(by), 4, &now());
        lease
    }

    #[test]
    fn g25_a_lease_is_free_when_it_was_seen_unchanged_for_as_long_as_it_lasts() {
        let asks = |unchanged| whose(&held("a"), &request("b"), unchanged);
        assert_eq!(asks(Duration::ZERO), Whose::Others { by: "a".to_owned(), left: SECOND * 15 });
        assert_eq!(asks(SECOND * 14), Whose::Others { by: "a".to_owned(), left: SECOND });
        assert_eq!(asks(SECOND * 15), Whose::Free(4));
        // Its holder needs not wait.
        assert_eq!(whose(&held("a"), &request("a"), SECOND * 100), Whose::Own(4));
    }

    #[test]
    fn g25_what_was_given_back_or_never_held_is_free_and_keeps_its_epoch() {
        let mut lease = held("a");
        give_back(&mut lease, &now());
        assert_eq!(whose(&lease, &request("b"), Duration::ZERO), Whose::Free(4));
        assert_eq!(whose(&lease, &request("a"), Duration::ZERO), Whose::Free(4));
        // As client-go gives it back.
        lease.spec.get_or_insert_default().holder_identity = Some(String::new());
        assert_eq!(whose(&lease, &request("b"), Duration::ZERO), Whose::Free(4));
        assert_eq!(whose(&Lease::default(), &request("b"), Duration::ZERO), Whose::Free(0));
    }

    #[test]
    fn g25_a_holder_that_says_nothing_of_its_time_has_that_of_who_asks() {
        for said in [None, Some(-1)] {
            let mut lease = held("a");
            lease.spec.get_or_insert_default().lease_duration_seconds = said;
            let asks = |unchanged| whose(&lease, &request("b"), unchanged);
            assert_eq!(asks(SECOND * 14), Whose::Others { by: "a".to_owned(), left: SECOND });
            assert_eq!(asks(SECOND * 15), Whose::Free(4));
        }
    }

    #[test]
    fn g25_times_are_rounded_up_to_seconds() {
        let rounded = [0, 1, 999, 1000, 1001, 15_000].map(|millis| seconds(Duration::from_millis(millis)));
        assert_eq!(rounded, [1, 1, 1, 1, 2, 15]);
        assert_eq!(seconds(Duration::MAX), i32::MAX);
    }

    #[test]
    fn g25_names_are_those_that_the_api_takes() {
        for name in ["a", "reports-lease", "a.b-c.d1", "0"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "Reports", "a_b", "a b", "-a", "a-", "a..b", ".a", "ä", &"a".repeat(254)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
