//! G6: a start that is refused starts nothing, not even a thread. Alone in its program, since it sees all of them.

#![cfg(target_os = "linux")]

use majordomo::testing::Leaks;
use majordomo::{ResourceSpec, Resources};
use support::{Journal, Probe, observe, options, within};
use tokio::sync::oneshot;

#[actix::test]
async fn g06_a_start_that_is_refused_after_the_end_leaves_no_thread_behind() {
    let _alone = crate::alone().await;
    let journal = Journal::default();
    let (send, resources) = oneshot::channel::<Resources>();
    let service = Probe::new("a", &journal).setup(|setup| async move {
        send.send(setup.resources).unwrap();
        Ok(())
    });
    let mut observed = observe(options(), |manager| manager.service(service));
    let resources = within("the handle", resources).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();

    let leaks = Leaks::snapshot();
    for _ in 0..10 {
        let late = ResourceSpec::new(Probe::new("a/late", &journal)).dedicated_thread();
        assert!(resources.start("late", late).is_err());
    }
    leaks.assert_none().await;
}
