//! Managers that play a scenario, and the program that looks at them.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use actix::Addr;
use majordomo::testing::{RestartScript, RestartWord, Scenario, ServiceScript};
use majordomo::{ForceShutdown, Manager, ManagerError, ManagerOptions, StartShutdown, WaitForShutdown};
use support::{Events, Folder, within};
use tokio::process::{Child, Command};

pub const TOKEN: &str = "a-token-of-the-tests";

/// No process that is to end takes so long.
const HANG: Duration = Duration::from_secs(30);

/// A manager that plays a scenario, seen from outside.
pub struct Played {
    pub manager: Addr<Manager>,
    pub events: Events,
    /// Where it is seen.
    pub at: String,
    folder: Folder,
}

/// What the program has said, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Starts it at an address of TCP, with a token.
pub async fn play(scenario: Scenario) -> Played {
    play_at(Folder::new(), Scenario { operations_token: Some(TOKEN.to_owned()), ..scenario }, "0".to_owned())
        .await
}

/// Starts it at a Unix socket.
pub async fn play_unix(scenario: Scenario) -> Played {
    let folder = Folder::new();
    let address = format!("unix:{}", folder.path("ops.sock").display());
    play_at(folder, scenario, address).await
}

async fn play_at(folder: Folder, scenario: Scenario, address: String) -> Played {
    let events = Events::new();
    let options = ManagerOptions::new().handle_signals(false).observe(events.observer());
    let manager = Scenario { operations: Some(address), ..scenario }.manager(options).start();
    let mut played = Played { manager, events, at: String::new(), folder };
    played.seen("operations").await;
    let operations = played
        .events
        .events()
        .iter()
        .find_map(|event| serde_json::to_value(&**event).unwrap()["address"].as_str().map(str::to_owned));
    played.at = operations.expect("an event with an address");
    std::fs::write(played.token_file(), format!("{TOKEN}\n")).unwrap();
    played
}

/// A scenario of these services.
pub fn scenario(services: impl IntoIterator<Item = ServiceScript>) -> Scenario {
    Scenario { services: services.into_iter().collect(), ..Scenario::default() }
}

/// Restarts, or retries, with nothing left to chance.
pub fn restarts(max: u32, backoff_ms: u64) -> RestartScript {
    RestartScript {
        policy: RestartWord::OnFailure,
        max,
        within_ms: 600_000,
        backoff_ms,
        ..RestartScript::default()
    }
}

/// The program, as yet without a manager.
pub fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_majordomo"));
    command.args(args).env_remove("MAJORDOMO_AT").env("COLUMNS", "100");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs it to its end.
pub async fn run(args: &[&str]) -> Ran {
    ran(program(args).spawn().unwrap()).await
}

/// How it ends.
pub async fn ran(child: Child) -> Ran {
    let output =
        tokio::time::timeout(HANG, child.wait_with_output()).await.expect("it should have ended").unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = |status: ExitStatus| status.code();
    let ran = Ran { code: code(output.status), out: text(output.stdout), err: text(output.stderr) };
    assert!(
        !ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'),
        "escapes without a terminal: {ran:?}"
    );
    ran
}

impl Ran {
    /// Asserts the exit code, and gives what was printed.
    #[track_caller]
    pub fn exits(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        let (told, silent) = if self.out.is_empty() { (self.err, self.out) } else { (self.out, self.err) };
        assert_eq!(silent, "", "it is told once: {told}");
        told
    }

    /// The same, of one line of JSON.
    #[track_caller]
    pub fn json(self, code: i32) -> serde_json::Value {
        let out = self.exits(code);
        assert_eq!(out.lines().count(), 1, "{out}");
        serde_json::from_str(&out).expect(&out)
    }
}

impl Played {
    pub fn token_file(&self) -> PathBuf {
        self.folder.path("token")
    }

    /// Waits until this has happened.
    pub async fn seen(&mut self, pattern: &str) {
        self.events.wait_within(HANG, pattern, 1).await;
    }

    /// Runs a command, without a token.
    pub async fn ask(&self, args: &[&str]) -> Ran {
        run(&[&["--at", self.at.as_str()], args].concat()).await
    }

    /// Runs a command, with the token.
    pub async fn order(&self, args: &[&str]) -> Ran {
        self.ask(&[args, &["--token-file", self.token_file().to_str().unwrap()]].concat()).await
    }

    /// What `why` tells: its lines.
    pub async fn why(&self) -> Vec<String> {
        self.ask(&["why"]).await.exits(1).lines().map(str::to_owned).collect()
    }

    /// Shuts it down; with which code it would exit.
    pub async fn end(self) -> i32 {
        self.manager.do_send(StartShutdown);
        self.ended().await
    }

    pub async fn force(self) -> i32 {
        self.manager.do_send(ForceShutdown);
        self.ended().await
    }

    pub async fn ended(self) -> i32 {
        let result = within("the end", self.manager.send(WaitForShutdown)).await.expect("a manager answers");
        result.as_ref().err().map_or(0, ManagerError::exit_code)
    }
}

/// A line says who, since when, what, and what to do.
#[track_caller]
pub fn assert_says(line: &str, who: &str, words: &[&str]) {
    assert!(line.starts_with(&format!("{who}, for ")) && line.contains(" -> "), "{line}");
    for word in words {
        assert!(line.contains(word), "no {word:?} in {line:?}");
    }
}
