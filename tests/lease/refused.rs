//! What cannot work is refused, by name and with a way out.

use std::time::Duration;

use majordomo::testing::{MemoryLeases, paused, start_paused};
use majordomo::{
    BoxError, ConfigError, Lease, LeaseError, LeaseGrant, LeaseRequest, LeaseStore, Manager, RestartPolicy,
    Run, ServiceSpec, restartable_fn, service_fn,
};

use crate::rig::{Epochs, LEASE, SERVICE, leased, obedient, options};

const SECOND: Duration = Duration::from_secs(1);

fn refused(lease: Lease) -> String {
    let service = ServiceSpec::new(obedient(&Epochs::default())).only_with(lease);
    refusal(Manager::new(options()).service(service))
}

fn refusal(manager: Manager) -> String {
    let error: ConfigError = manager.plan().expect_err("it cannot work");
    error.to_string()
}

#[test]
fn g25_times_that_do_not_fit_into_the_lease_are_refused_with_their_sum() {
    let store = MemoryLeases::new();
    let text = refused(Lease::new(store.clone(), LEASE).ttl(10 * SECOND));
    assert!(text.contains("\"reports\"") && text.contains("take 11.7s"), "{text}");
    let text = refused(Lease::new(store.clone(), LEASE).ttl(Duration::ZERO));
    assert!(text.contains("lasts 0ns") && text.contains("such as 15 s"), "{text}");
    let text = refused(Lease::new(store.clone(), LEASE).ttl(Duration::MAX));
    assert!(text.contains("to 3600s"), "{text}");
    let text = refused(Lease::new(store, LEASE).margin(Duration::ZERO));
    assert!(text.contains("the margin of its lease is 0"), "{text}");
}

#[test]
fn g25_names_that_no_store_can_use_are_refused() {
    for (name, why) in [("", "since it is empty"), (" ", "since it is empty"), ("a\nb", "control characters")]
    {
        let text = refused(Lease::new(MemoryLeases::new(), name));
        assert!(text.contains(why) && text.contains("choose a name"), "{text}");
    }
    let text = refused(Lease::new(MemoryLeases::new(), "x".repeat(257)));
    assert!(text.contains("longer than 256 bytes"), "{text}");
}

/// A store whose names are short.
struct Picky(MemoryLeases);

impl LeaseStore for Picky {
    fn check_name(&self, name: &str) -> Result<(), BoxError> {
        if name.len() > 8 { Err("up to 8 bytes".into()) } else { Ok(()) }
    }

    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        self.0.acquire(request).await
    }

    async fn renew(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        self.0.renew(request).await
    }

    async fn release(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        self.0.release(request).await
    }
}

#[test]
fn g25_a_name_that_its_store_cannot_use_is_refused_before_anything_runs() {
    let store = MemoryLeases::new();
    let text = refused(Lease::new(Picky(store.clone()), "far too long"));
    assert!(text.contains("\"reports\"") && text.contains("\"far too long\""), "{text}");
    assert!(text.contains("(up to 8 bytes)") && text.contains("choose a name"), "{text}");
    assert_eq!(store.requests(), 0);
    let short = ServiceSpec::new(obedient(&Epochs::default())).only_with(Lease::new(Picky(store), "short"));
    assert!(Manager::new(options()).service(short).plan().is_ok());
}

#[test]
fn g25_nobody_depends_on_a_service_that_may_never_run_here() {
    let leased =
        ServiceSpec::new(obedient(&Epochs::default())).only_with(Lease::new(MemoryLeases::new(), LEASE));
    let plain = service_fn("mailer", |_: Run| async { Ok(()) });
    let dependent = ServiceSpec::new(plain).depends_on(SERVICE);
    let text = refusal(Manager::new(options()).service(leased).service(dependent));
    assert!(text.contains("\"mailer\" depends on \"reports\", which is only_with a lease"), "{text}");
}

#[test]
fn g25_what_is_stuck_cannot_be_replaced_beside_another_replica() {
    let service = ServiceSpec::new(obedient(&Epochs::default()))
        .restart(RestartPolicy::on_failure())
        .replace_when_stuck(SECOND, || restartable_fn(SERVICE, |_: Run| async { Ok(()) }))
        .only_with(Lease::new(MemoryLeases::new(), LEASE));
    let text = refusal(Manager::new(options()).service(service));
    assert!(text.contains("would run on beside another replica's"), "{text}");
}

#[test]
fn g25_in_paused_time_there_are_no_leases() {
    let service = leased(&MemoryLeases::new(), obedient(&Epochs::default()));
    let ended = paused(|| async move {
        let manager = start_paused(Manager::new(options()).service(service));
        manager.send(majordomo::WaitForShutdown).await.unwrap()
    });
    let error = ended.expect_err("it cannot work");
    assert!(error.to_string().contains("in paused time that stands still"), "{error}");
}
