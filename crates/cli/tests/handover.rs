//! `majordomo handover`, of programs that hand over: each a process of its own.

use majordomo::testing::Scenario;
use majordomo::{Handover, ManagerOptions, WaitForShutdown};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use support::Folder;
use support::child::{self, Process};

use crate::played::run;

/// A service more, of successors alone.
const OF_SUCCESSORS: &str = "HANDOVER_TEST_SERVICE";

/// What these processes do: the scenario that they are given.
#[test]
fn child_program() {
    let Some(text) = child::program() else { return };
    let mut scenario: Scenario = serde_json::from_str(&text).unwrap();
    let more = std::env::var(OF_SUCCESSORS).ok().filter(|_| std::env::var_os("MAJORDOMO_HANDOVER").is_some());
    scenario.services.extend(more.map(|service| serde_json::from_str(&service).unwrap()));
    let result = actix::System::new().block_on(async move {
        let options = ManagerOptions::new().handover(Handover::new());
        let manager = scenario.manager(options).start();
        let all = manager.send(majordomo::WaitUntilRunning).await?;
        println!("\n{} runs: {}", std::process::id(), all.is_ok());
        manager.send(WaitForShutdown).await?
    });
    majordomo::exit(result)
}

/// The first process, and where it is asked.
fn play(of_successors: Option<serde_json::Value>) -> (Process, Folder, String) {
    let folder = Folder::new();
    let at = format!("unix:{}", folder.path("ops.sock").display());
    let scenario = json!({"operations": at, "services": [{"id": "web", "http": "127.0.0.1:0"}]});
    let mut command = child::this();
    command.envs(of_successors.map(|service| (OF_SUCCESSORS, service.to_string())));
    let mut first = child::start_by(command, module_path!(), &scenario.to_string());
    first.wait_for("runs: true");
    (first, folder, at)
}

async fn status(at: &str) -> serde_json::Value {
    run(&["--at", at, "status", "--json"]).await.json(0)["handover"].clone()
}

#[actix::test]
async fn g24_the_order_to_hand_over_is_answered_when_the_successor_is_in_charge() {
    let (mut first, _folder, at) = play(None);
    assert_eq!(run(&["--at", &at, "handover"]).await.exits(0), "the successor has taken over\n");
    assert!(first.end().success());
    let handover = status(&at).await;
    assert_eq!((&handover["generation"], &handover["in_charge"]), (&json!(2), &json!(true)), "{handover}");
    assert_eq!(handover["predecessor"], json!(first.id()));
    let told = run(&["--at", &at, "status"]).await.exits(0);
    assert!(told.contains(&format!("\nProcess number 2 in a row, after {}.\n", first.id())), "{told}");
    let line = first.wait_for("runs: true");
    let second: i32 = line.split_whitespace().next().unwrap().parse().unwrap();
    assert_eq!(run(&["--at", &at, "handover", "--json"]).await.json(0), json!({"ok": true}));
    let line = first.wait_for("runs: true");
    let third: i32 = line.split_whitespace().next().unwrap().parse().unwrap();
    assert_ne!(second, third);
    kill_process(Pid::from_raw(third).unwrap(), Signal::KILL).unwrap();
}

#[actix::test]
async fn g24_the_order_to_hand_over_fails_with_the_reason_and_the_process_serves_on() {
    let (first, _folder, at) = play(Some(json!({"id": "broken", "setup": "error"})));
    let told = run(&["--at", &at, "handover"]).await.exits(1);
    assert!(told.starts_with("majordomo: ") && told.contains("broken fails in setup, as scripted"), "{told}");
    let handover = status(&at).await;
    assert_eq!((&handover["generation"], &handover["in_charge"]), (&json!(1), &json!(true)), "{handover}");
    let told = run(&["--at", &at, "why"]).await.exits(1);
    assert!(
        told.starts_with("hand-over: the latest came to nothing, and this process serves on: "),
        "{told}"
    );
    assert!(told.contains("broken fails in setup, as scripted"), "{told}");
    drop(first);
}

#[actix::test]
async fn a_successor_that_comes_up_is_told_with_what_it_is_doing() {
    let (first, _folder, at) = play(Some(json!({"id": "slow", "setup": "slow:600000"})));
    kill_process(Pid::from_raw(first.id() as i32).unwrap(), Signal::USR2).unwrap();
    let told = loop {
        let why = run(&["--at", &at, "why"]).await;
        if why.out.contains("comes up: slow (setup, ") {
            break why.exits(1);
        }
    };
    assert!(told.starts_with("hand-over: its successor "), "{told}");
    // Whoever is asked twice says so.
    let told = run(&["--at", &at, "handover"]).await.exits(1);
    assert!(told.contains("under way"), "{told}");
    first.signal(Signal::TERM);
    let mut first = first;
    assert!(first.end().success());
}
