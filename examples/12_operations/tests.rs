//! Whatever its parts do, it comes to its end; and it is as short as it says.

use majordomo::testing::rehearse;

use super::manager;

#[test]
fn whatever_fails_everything_comes_to_its_end() {
    // No paused clock has sockets for operators.
    let anywhere = || manager(|name| name.ends_with("_ADDRESS").then(|| "127.0.0.1:0".to_owned()));
    let rehearsed = rehearse(anywhere).real_time().at_most(40).run();
    assert_eq!(rehearsed.missed, [""; 0]);
}

#[test]
#[should_panic(expected = "DRAIN_DELAY: invalid digit found in string; give it a number of seconds")]
fn a_setting_that_is_no_number_is_told() {
    let _ = manager(|name| (name == "DRAIN_DELAY").then(|| "5s".to_owned()));
}

#[test]
fn it_is_as_short_as_it_says() {
    let code = include_str!("main.rs").lines().map(str::trim);
    let lines = code.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    assert!(lines <= 60, "main.rs has {lines} lines of code");
}
