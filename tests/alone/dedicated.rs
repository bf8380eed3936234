//! G10: threads of their own go with those who had them, while the manager runs on. Alone in its program, since it counts them.

#![cfg(target_os = "linux")]

use majordomo::{
    AddService, RemoveService, ResourceSpec, Resources, RestartPolicy, RestartService, ServiceSpec,
    resource_fn, restartable_fn,
};
use support::{observe, options, within};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux lists threads").count()
}

/// Waits until there are so many again: a thread takes a moment to end.
async fn fall_to(count: usize) {
    let fallen = async {
        while threads() > count {
            tokio::task::yield_now().await;
        }
    };
    within("the end of threads that nobody needs", fallen).await;
}

fn start_dedicated(resources: &Resources) -> Result<(), majordomo::ResourceError> {
    resources.start("r", ResourceSpec::new(resource_fn(|| async { Ok(()) })).dedicated_thread())?;
    Ok(())
}

/// Has a thread of its own, and a resource that has one.
fn service(id: &str) -> ServiceSpec<majordomo::RestartableFn> {
    let run = |run: majordomo::Run| async move {
        start_dedicated(&run.resources)?;
        run.shutdown.requested().await;
        Ok(())
    };
    ServiceSpec::new(restartable_fn(id, run)).dedicated_thread().restart(RestartPolicy::on_failure())
}

#[actix::test]
async fn g10_threads_of_their_own_go_with_those_who_had_them() {
    let _alone = crate::alone().await;
    let mut observed = observe(options(), |manager| manager.service(service("a")));
    observed.seen("resource_started a/r").await;
    observed.running().await;
    let before = threads();
    for times in 1..=10 {
        let order = observed.manager.send(RestartService("a".into()));
        within("a restart", order).await.unwrap().unwrap();
        observed.seen_times("resource_started a/r", 1 + times).await;
        fall_to(before).await;
    }
    for times in 1..=10 {
        let order = observed.manager.send(AddService::new(service("b")));
        within("an addition", order).await.unwrap().unwrap();
        observed.seen_times("resource_started b/r", times).await;
        let order = observed.manager.send(RemoveService("b".into()));
        within("a removal", order).await.unwrap().unwrap();
        fall_to(before).await;
    }
    observed.shut_down();
    observed.ended().await.assert_ok();
}
