//! The command line, and what becomes of it where nobody can be reached.

use support::Folder;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::played::{program, ran, run};

#[tokio::test]
async fn a_wrong_command_line_exits_with_64_and_says_what_is_wrong() {
    for (args, words) in [
        (&[][..], "Usage: majordomo"),
        (&["status"], "--at ADDRESS, or MAJORDOMO_AT"),
        (&["--at", "nowhere", "status"], "\"nowhere\" is no address: give host:port, :port, or unix:PATH"),
        (&["--at", ":1", "dance"], "dance"),
        (&["--at", ":1", "restart"], "<ID>"),
        (&["--at", ":1", "ready", "--timeout", "soon"], "give seconds"),
        (
            &["--at", ":1", "--token-file", "/nowhere/token", "reload"],
            "the token file /nowhere/token: No such file",
        ),
        (&["--at", ":1", "--token-file", "/", "reload"], "the token file /: "),
    ] {
        let told = run(args).await.exits(64);
        assert!(told.contains(words), "{args:?}: {told}");
    }
    let folder = Folder::new();
    let token = folder.path("token");
    for text in ["", " \n", "two words", "b\u{e9}"] {
        std::fs::write(&token, text).unwrap();
        let told = run(&["--at", ":1", "--token-file", token.to_str().unwrap(), "reload"]).await.exits(64);
        assert!(told.contains("a token is one word of visible ASCII characters"), "{told}");
    }
    let json = run(&["--at", "nowhere", "status", "--json"]).await.json(64);
    assert!(json["error"].as_str().unwrap().contains("nowhere"), "{json}");
}

#[tokio::test]
async fn where_nobody_listens_it_exits_with_2_and_says_what_was_tried() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = free.local_addr().unwrap().to_string();
    drop(free);
    for args in [
        &["status"][..],
        &["why"],
        &["plan"],
        &["events"],
        &["ready"],
        &["ready", "--timeout", "0.2"],
        &["top", "--json"],
        &["restart", "a"],
    ] {
        let told = run(&[&["--at", at.as_str()], args].concat()).await;
        assert_eq!(told.code, Some(2), "{told:?}");
        let told = told.out + &told.err;
        assert!(told.contains(&format!("{at} was asked for /")) && told.contains("refused"), "{told}");
    }
    let json = run(&["--at", "unix:/nowhere/ops.sock", "status", "--json"]).await.json(2);
    assert!(
        json["error"].as_str().unwrap().starts_with("unix:/nowhere/ops.sock was asked for /status: "),
        "{json}"
    );
    assert!(json["hint"].as_str().unwrap().contains("operations"), "{json}");
}

#[tokio::test]
async fn whoever_is_no_manager_is_told_so_and_cannot_write_to_the_terminal() {
    for (answer, code, words) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n\x1b[2J!!", 1, "answers, but not with a status"),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\n\x1b[2J!", 1, "the answer is 404: \\u{1b}[2J!"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n{", 2, "the answer broke off"),
        ("SSH-2.0-OpenSSH_9.2\r\n", 2, "invalid HTTP"),
        ("", 2, "was asked for /status"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let serve = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 1024];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut head).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let told = run(&["--at", &at, "status"]).await.exits(code);
        assert!(told.contains(words), "{answer:?}: {told}");
        serve.await.unwrap();
    }
}

#[tokio::test]
async fn where_it_is_may_stand_in_the_environment() {
    let mut command = program(&["status"]);
    command.env("MAJORDOMO_AT", "unix:/nowhere/from-the-environment");
    let told = ran(command.spawn().unwrap()).await.exits(2);
    assert!(told.contains("unix:/nowhere/from-the-environment"), "{told}");
}

#[tokio::test]
async fn help_has_examples_and_the_pages_name_every_command() {
    let help = run(&["--help"]).await.exits(0);
    assert!(
        help.contains("Examples:\n  majordomo --at :9000 status") && help.contains("Exit codes:"),
        "{help}"
    );
    assert!(run(&["--version"]).await.exits(0).starts_with("majordomo 0."));
    let man = run(&["man"]).await.exits(0);
    assert!(man.contains(".TH majordomo 1"), "{man}");
    let mut pages = vec![help, man];
    for shell in ["bash", "zsh", "fish"] {
        pages.push(run(&["completions", shell]).await.exits(0));
    }
    for command in [
        "status", "why", "top", "events", "plan", "ready", "restart", "stop", "reload", "shutdown",
        "handover",
    ] {
        for page in &pages {
            assert!(page.contains(command), "{command} is not in\n{page}");
        }
    }
    run(&["completions", "basic"]).await.exits(64);
}
