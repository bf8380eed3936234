use super::*;

#[test]
fn addresses_are_understood_as_go_writes_them() {
    for text in [
        "0.0.0.0:50051",
        "127.0.0.1:0",
        "localhost:0",
        "[::1]:0",
        ":50051",
        "my-host.example:80",
        "unix:/run/a.sock",
        "unix:a.sock",
        "unix:///run/a.sock",
        "unix-abstract:a",
        "systemd:",
        "systemd:public",
        "0.0.0.0:50051",
    ] {
        assert_eq!(ServerAddress::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(ServerAddress::parse(":7").unwrap().place, Place::Everywhere(7));
    assert_eq!(ServerAddress::parse("[::1]:7").unwrap().place, Place::Ip("[::1]:7".parse().unwrap()));
    assert_eq!(ServerAddress::parse("unix:///a").unwrap().place, Place::Unix("/a".into(), None));
    assert_eq!(ServerAddress::parse("unix:a").unwrap().place, Place::Unix("a".into(), None));
    let mode = |text| ServerAddress::parse(text).unwrap().place;
    assert_eq!(mode("unix:/a?mode=0660"), Place::Unix("/a".into(), Some(0o660)));
    assert_eq!(mode("unix:///a?mode=777"), Place::Unix("/a".into(), Some(0o777)));
    assert_eq!(mode("[::ffff:127.0.0.1]:7"), Place::Ip("127.0.0.1:7".parse().unwrap()));
    assert_eq!(mode("[::ffff:0.0.0.0]:7"), Place::Ip("0.0.0.0:7".parse().unwrap()));
    assert_eq!(ServerAddress::parse("systemd:").unwrap().place, Place::Inherited(None));
    assert_eq!(ServerAddress::parse("systemd:80").unwrap().place, Place::Inherited(Some("80".into())));
}

#[test]
fn an_address_is_known_again_however_it_is_written() {
    let parse = |text| ServerAddress::parse(text).unwrap();
    for (one, other, same) in [
        ("127.0.0.1:7", "127.0.0.1:7", true),
        ("127.0.0.1:7", "127.0.0.1:8", false),
        ("127.0.0.1:0", "127.0.0.1:0", false),
        (":0", ":0", false),
        ("unix:/a", "unix:///a", true),
        ("unix:/a", "unix-abstract:/a", false),
        ("unix:/a", "unix:/a?mode=0660", true),
        ("[::ffff:127.0.0.1]:7", "127.0.0.1:7", true),
        ("systemd:", "systemd:a", true),
        ("systemd:a", "systemd:", true),
        ("systemd:a", "systemd:b", false),
    ] {
        assert_eq!(parse(one).is_also(&parse(other)), same, "{one} and {other}");
    }
}

#[test]
fn what_is_no_address_is_refused_with_its_reason() {
    for (text, reason) in [
        ("", "it is empty"),
        ("localhost", "it has no port"),
        ("localhost:", "it has no port"),
        ("localhost:http", "its port \"http\" is no number"),
        ("localhost:-1", "its port \"-1\" is no number"),
        ("localhost:65536", "its port 65536 is greater than 65535"),
        ("::1:50051", "an IPv6 address must stand in brackets"),
        ("[::g]:1", "[::g] is no IPv6 address"),
        ("256.0.0.1:1", "256.0.0.1 is no IPv4 address"),
        ("http://x:1", "it is a URL"),
        ("a b:1", "\"a b\" is no name of a host"),
        ("unix:", "it has no path"),
        ("unix://", "after unix:// the path must begin with /"),
        ("unix://host/a", "after unix:// the path must begin with /"),
        ("unix-abstract:", "it has no name"),
        ("unix:?mode=0600", "it has no path"),
        ("unix:/a?mode=", "its mode \"\" is none: write it in octal, 0600 to 0777"),
        ("unix:/a?mode=0999", "its mode \"0999\" is none: write it in octal, 0600 to 0777"),
        ("unix:/a?mode=1777", "its mode \"1777\" is none: write it in octal, 0600 to 0777"),
        ("unix:/a?mode=+660", "its mode \"+660\" is none: write it in octal, 0600 to 0777"),
        ("unix:/a?mode=rw", "its mode \"rw\" is none: write it in octal, 0600 to 0777"),
        ("unix:/a?mode=0060", "with the mode \"0060\" its own user could not connect: begin with 06 or 07"),
        ("unix:/a?owner=x", "after the path's ? only mode= is known, such as mode=0660, not \"owner=x\""),
        (
            "unix-abstract:a?mode=0600",
            "an abstract name has no mode, since it is no file: whoever is on this machine may connect",
        ),
        ("systemd:a:b", "a name of systemd's has no colon"),
    ] {
        assert_eq!(ServerAddress::parse(text).unwrap_err(), reason, "{text:?}");
    }
    for text in [format!("unix:/{}", "a".repeat(120)), format!("unix-abstract:{}", "a".repeat(120))] {
        let reason = ServerAddress::parse(&text).unwrap_err();
        assert!(reason.contains("12") && reason.contains("bytes"), "{reason}");
    }
    assert!(ServerAddress::parse("unix:/a\0b").is_err());
}

#[tokio::test]
async fn a_name_is_tried_at_its_ipv4_addresses_first() {
    let found = ServerAddress::parse("localhost:0").unwrap().place.resolve().await.unwrap();
    assert!(found.is_sorted_by_key(SocketAddr::is_ipv6) && !found.is_empty());
}
