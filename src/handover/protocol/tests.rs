use super::*;

fn sample() -> SocketName {
    let path = PathBuf::from(OsString::from_vec(b"/run/%41 \xff\n\"".to_vec()));
    SocketName {
        address: "unix:a\u{202e}\"".to_owned(),
        index: 7,
        file: Some(FileIdentity { path, device: u64::MAX, inode: 1 }),
    }
}

#[test]
fn g24_whatever_is_said_arrives_as_it_was() {
    let tcp = SocketName { address: "127.0.0.1:0".to_owned(), index: 0, file: None };
    for message in [
        ToSuccessor::Hello { version: VERSION, generation: u64::MAX, process: 1 },
        ToSuccessor::socket(&tcp),
        ToSuccessor::socket(&sample()),
        ToSuccessor::Complete { count: MOST_SOCKETS },
        ToSuccessor::InCharge {},
        ToSuccessor::Released {},
        ToSuccessor::called_off("it is late"),
    ] {
        assert_eq!(ToSuccessor::decode(&message.encode()), Ok(message));
    }
    for message in [
        ToPredecessor::HELLO,
        ToPredecessor::doing("db: setting up"),
        ToPredecessor::Ready {},
        ToPredecessor::failed("the manager failed\n  at set-up"),
    ] {
        assert_eq!(ToPredecessor::decode(&message.encode()), Ok(message));
    }
    let ToSuccessor::Socket(socket) = ToSuccessor::socket(&sample()) else { panic!("it is one") };
    assert_eq!(socket.into_name(), Ok(sample()));
}

#[test]
fn g24_texts_are_escaped_and_cut_where_they_are_said() {
    let escaped = ToPredecessor::doing("a\u{1b}[2J\nb");
    assert_eq!(escaped, ToPredecessor::Doing { text: r"a\u{1b}[2J\nb".to_owned() });
    let ToPredecessor::Doing { text } = ToPredecessor::doing(&"x".repeat(1000)) else { panic!("it is one") };
    assert_eq!((text.len(), text.ends_with("...")), (DOING, true));
    for long in ["x".repeat(10_000), "line\n".repeat(5_000), format!("{}\nlast", "x".repeat(LAST_WORDS - 3))]
    {
        let message = ToPredecessor::failed(&long);
        assert_eq!(ToPredecessor::decode(&message.encode()), Ok(message.clone()));
        let ToPredecessor::Failed { text } = message else { panic!("it is one") };
        assert!(text.len() <= LAST_WORDS && text.len() > LAST_WORDS - 10, "{}", text.len());
    }
    let ToPredecessor::Failed { text } = ToPredecessor::failed("a\u{9b}\nb") else { panic!("it is one") };
    assert_eq!(text, "a\\u{9b}\nb");
}

#[test]
fn g24_the_longest_messages_keep_the_bound() {
    for message in [
        ToPredecessor::failed(&"\"".repeat(10_000)).encode(),
        ToPredecessor::failed(&"\\".repeat(10_000)).encode(),
        ToPredecessor::failed(&"a\n".repeat(10_000)).encode(),
        ToSuccessor::called_off(&"\"".repeat(10_000)).encode(),
        ToSuccessor::socket(&SocketName {
            address: format!("systemd:{}", "\"".repeat(255)),
            index: usize::MAX,
            file: Some(FileIdentity {
                path: PathBuf::from(format!("/{}", "\u{7f}".repeat(2000))),
                device: u64::MAX,
                inode: u64::MAX,
            }),
        })
        .encode(),
    ] {
        assert!(message.len() <= LONGEST, "{} bytes", message.len());
    }
}

#[test]
fn g24_another_version_is_told_by_its_number_whatever_else_it_says() {
    for hello in [
        r#"{"message":"hello","version":2}"#,
        r#"{"message":"hello","version":2,"colour":["red"],"process":-1}"#,
    ] {
        assert_eq!(ToPredecessor::decode(hello.as_bytes()), Err(Unreadable::Version(2)));
        assert_eq!(ToSuccessor::decode(hello.as_bytes()), Err(Unreadable::Version(2)));
    }
}

#[test]
fn g24_what_makes_no_sense_is_refused_and_shown_in_short() {
    let long = format!(r#"{{"message":"failed","text":"{}"}}"#, "x".repeat(LAST_WORDS + 1));
    let too_long = format!(r#"{{"message":"failed","text":"{}"}}"#, "x".repeat(LONGEST));
    for bytes in [
        "",
        "\0\u{9b}",
        "hello",
        "{}",
        "[]",
        r#"{"message":"bye"}"#,
        r#"{"message":"hello"}"#,
        r#"{"message":"hello","version":-1}"#,
        r#"{"message":"hello","version":1,"more":1}"#,
        r#"{"message":"ready","more":1}"#,
        r#"{"message":"doing"}"#,
        r#"{"message":"doing","text":7}"#,
        r#"{"message":"doing","text":"\u001b[2J"}"#,
        r#"{"message":"doing","text":"two\nlines"}"#,
        r#"{"message":"ready"}{"message":"ready"}"#,
        &long,
        &too_long,
    ] {
        match ToPredecessor::decode(bytes.as_bytes()) {
            Err(Unreadable::Nonsense(shown)) => assert!(shown.len() <= DOING && is_shown(&shown), "{shown}"),
            other => panic!("{bytes:?} is read as {other:?}"),
        }
    }
    for bytes in [
        r#"{"message":"socket","address":"a:1","index":0}"#.replace("0}", "-1}"),
        r#"{"message":"socket","address":"a:1","index":0,"file":{"path":"/a"}}"#.to_owned(),
        r#"{"message":"complete","count":1025}"#.to_owned(),
        r#"{"message":"hello","version":1}"#.to_owned(),
        "\u{fffd}".to_owned(),
    ] {
        let read = ToSuccessor::decode(bytes.as_bytes());
        assert!(matches!(read, Err(Unreadable::Nonsense(_))), "{bytes} is read as {read:?}");
    }
    // A relative path would lead to another file in another directory.
    let relative = r#"{"message":"socket","address":"a","index":0,"file":{"path":"a","device":1,"inode":1}}"#;
    let Ok(ToSuccessor::Socket(socket)) = ToSuccessor::decode(relative.as_bytes()) else {
        panic!("it is one")
    };
    assert!(socket.into_name().is_err());
}

#[test]
fn g24_random_bytes_are_refused_without_a_panic() {
    let mut random = fastrand::Rng::with_seed(24);
    for _ in 0..2_000 {
        let mut bytes = ToSuccessor::socket(&sample()).encode();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        bytes.truncate(random.usize(..=bytes.len()));
        if let Ok(ToSuccessor::Socket(socket)) = ToSuccessor::decode(&bytes) {
            let _ = socket.into_name();
        }
        let _ = ToPredecessor::decode(&bytes);
    }
}
