//! What happens, as a follower from outside is told of it.

use majordomo::{
    Manager, ManagerOptions, RestartPolicy, RestartService, RestartableFn, ServiceSpec, restartable_fn,
};
use serde_json::Value;
use socket2::SockRef;
use support::{Client, Journal, Observed, Probe, ms, options, within};
use tokio::net::TcpStream;

use crate::outside::{Follower, operations, show, show_with, written};

#[actix::test]
async fn g22_a_follower_is_told_what_was_and_what_comes_and_nothing_comes_after_the_end() {
    let (mut observed, at) = show(|manager| manager.service(Probe::new("a", &Journal::default()))).await;
    observed.running().await;
    let mut follower = Follower::of(Client::connect(at).await).await;
    let mut told = vec![follower.until("running").await];
    observed.shut_down();
    told.extend(follower.rest().await);
    let ended = observed.ended().await;
    ended.assert_ok();
    let all = written(&ended.events);
    assert_eq!(all[0]["event"], "operations");
    assert_eq!(all[0]["address"], at.to_string());
    let running = all.iter().position(|event| event["event"] == "running").unwrap();
    assert_eq!(told, all[running..]);
    assert_eq!(told.last().unwrap()["event"], "stopped");
}

#[actix::test]
async fn g22_two_followers_from_the_first_event_on_are_told_the_same_in_the_same_order() {
    let gate = support::Gate::new();
    let set_up = gate.clone();
    let service = Probe::new("a", &Journal::default()).setup(|_| async move {
        set_up.passed().await;
        Ok(())
    });
    let (mut observed, at) = show(|manager| manager.service(service)).await;
    let mut followers =
        [Follower::of(Client::connect(at).await).await, Follower::of(Client::connect(at).await).await];
    gate.open();
    observed.running().await;
    observed.shut_down();
    let told = [followers[0].rest().await, followers[1].rest().await];
    let all = written(&observed.ended().await.events);
    assert_eq!((&told[0], &told[1]), (&all, &all));
}

/// How many go down and come back together.
const MANY: usize = 100;

/// A service that can be restarted.
fn again(id: impl Into<String>) -> ServiceSpec<RestartableFn> {
    let run = |run: majordomo::Run| async move {
        run.shutdown.requested().await;
        Ok(())
    };
    ServiceSpec::new(restartable_fn(id, run)).restart(RestartPolicy::never())
}

/// Restarts a service.
async fn restart(observed: &Observed, id: &str) {
    observed.manager.send(RestartService(id.into())).await.unwrap().unwrap();
}

/// A manager with a follower for which more has happened than the endpoint and the system keep: 1,024 events, and some 300 kB.
async fn with_one_who_is_far_behind(
    options: ManagerOptions,
    services: impl FnOnce(Manager) -> Manager,
) -> (Observed, Follower<TcpStream>) {
    let (observed, at) = show_with(options.operations(operations()), |manager| {
        let manager = services(manager).service(again("alone")).service(again("all"));
        let others = (0..MANY).map(|at| again(at.to_string()).depends_on("all"));
        others.fold(manager, |manager, other| manager.service(other))
    })
    .await;
    observed.running().await;
    let client = Client::connect(at).await;
    // What it has not read fills little of the system's memory.
    SockRef::from(&client.0).set_recv_buffer_size(64 * 1024).unwrap();
    let follower = Follower::of(client).await;
    while observed.events().events().len() < 15_000 {
        restart(&observed, "all").await;
    }
    (observed, follower)
}

#[actix::test]
async fn g08_a_follower_that_is_far_behind_and_does_not_read_holds_up_no_forced_end() {
    let limit = ms(500);
    let stubborn = Probe::new("stubborn", &Journal::default()).run(|_| support::never());
    let options = options().max_shutdown_duration(limit);
    let (mut observed, _follower) =
        with_one_who_is_far_behind(options, |manager| manager.service(stubborn)).await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_exit_code(3);
    ended.assert_in_time(limit);
}

#[actix::test]
async fn g16_a_follower_that_reads_too_slowly_is_told_how_many_events_it_has_lost() {
    let (mut observed, mut follower) = with_one_who_is_far_behind(options(), |manager| manager).await;
    // From here on it reads all that comes, as it comes. What is lost is told with the next event that there is room for.
    let (sender, mut came) = tokio::sync::mpsc::unbounded_channel();
    actix_rt::spawn(async move {
        while let Some(event) = follower.next().await {
            let _ = sender.send(event);
        }
    });
    let mut told = Vec::<Value>::new();
    let latest = || observed.events().events().last().map(|event| serde_json::to_value(&**event).unwrap());
    while told.is_empty() || told.last() != latest().as_ref() {
        match tokio::time::timeout(ms(50), came.recv()).await {
            Ok(event) => told.push(event.expect("it goes on")),
            // The latest were lost.
            Err(_) => restart(&observed, "alone").await,
        }
        while let Ok(event) = came.try_recv() {
            told.push(event);
        }
    }
    observed.shut_down();
    while let Some(event) = within("the end", came.recv()).await {
        told.push(event);
    }
    let ended = observed.ended().await;
    ended.assert_ok();
    let missed = |event: &&Value| event["event"] == "missed";
    let lost: u64 = told.iter().filter(missed).map(|event| event["count"].as_u64().unwrap()).sum();
    let came: Vec<_> = told.iter().filter(|event| !missed(event)).collect();
    let all = written(&ended.events);
    assert!(lost > 0, "it is to be slower than that");
    let seen = all.iter().position(|event| event == came[0]).expect("it happened");
    assert_eq!(came.len() as u64 + lost, (all.len() - seen) as u64);
    assert_eq!(came.last().unwrap()["event"], "stopped");
}

#[actix::test]
async fn g16_a_follower_that_reads_nothing_holds_up_no_end() {
    let (mut observed, at) = show(|manager| manager.service(Probe::new("a", &Journal::default()))).await;
    observed.running().await;
    let _silent = Follower::of(Client::connect(at).await).await;
    observed.shut_down();
    observed.ended().await.assert_ok();
    // Nobody is there any more.
    assert!(tokio::net::TcpStream::connect(at).await.is_err());
}

#[actix::test]
async fn texts_of_failures_are_redacted_wherever_they_are_shown() {
    let operations = operations().redact(|text| text.replace("hunter2", "(secret)"));
    let options = options().operations(operations);
    let failing =
        Probe::new("a", &Journal::default()).setup(|_| async { Err("the password is hunter2".into()) });
    let gate = support::Gate::new();
    let slow = gate.clone();
    let other = Probe::new("b", &Journal::default()).setup(|_| async move {
        slow.passed().await;
        Ok(())
    });
    let (mut observed, at) = show_with(options, |manager| manager.service(failing).service(other)).await;
    observed.seen("setup_finished a").await;
    let mut follower = Follower::of(Client::connect(at).await).await;
    let told = follower.until("setup_finished").await;
    assert_eq!(told["error"], "the password is (secret)");
    for path in ["/status", "/report", "/readyz"] {
        let json = crate::outside::get(at, path).await.body;
        let text = crate::outside::request(&format!("GET {path}"), &["Accept: text/plain"]);
        let text = crate::outside::ask(at, &text).await.body;
        for shown in [json, text] {
            assert!(
                shown.contains("the password is (secret)") && !shown.contains("hunter2"),
                "{path}: {shown}"
            );
        }
    }
    gate.open();
    let ended = observed.ended().await;
    assert!(ended.error().to_string().contains("hunter2"), "the program itself is told all");
}
