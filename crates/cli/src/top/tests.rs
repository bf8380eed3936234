//! The view, drawn without a terminal.

use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::draw::draw;
use super::keys::{Action, press};
use super::view::{Mode, News, View};
use crate::commands::Order;
use crate::status::model::{Event, Status};
use crate::status::samples;

fn view(status: Status) -> View {
    let mut view = View::new("127.0.0.1:9000".into(), true);
    view.tell(News::Status(Box::new(status)), Instant::now());
    view
}

/// Its lines, in a window of this size.
fn drawn_at(view: &View, now: Instant, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, view, now)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(line).collect()
}

fn drawn(view: &View) -> String {
    drawn_at(view, Instant::now(), 80, 24).join("\n")
}

fn type_keys(view: &mut View, keys: &str) -> Option<Action> {
    let press_one =
        |letter| press(view, KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE), Instant::now());
    keys.chars().filter_map(press_one).last()
}

fn key(view: &mut View, code: KeyCode) -> Option<Action> {
    press(view, KeyEvent::new(code, KeyModifiers::NONE), Instant::now())
}

#[test]
fn each_state_shows_its_sentence_its_faults_and_its_services() {
    for (status, wanted) in [
        (
            samples::running(),
            &["Running, 3 of 3 up", "majordomo ping setup ok", "2 calls, 3 connections"][..],
        ),
        (
            samples::late_database(),
            &["Setting up, 1 of 3 ready", "database, for 2.0 s: its set-up fails", "-> see that what it"],
        ),
        (
            samples::stalled(),
            &["Running, 2 of 2 up", "audit, for 3.2 s: it blocks service-1", "blocks its thread"],
        ),
        (samples::failing(), &["Running, 0 of 3 up", "it is being restarted, 2 of 3", "1 of 3", "idle"]),
        (samples::storm(), &["Releasing for 1.0 s", "up): queue closed -> mend that", "log/file, for 0.5 s"]),
        (samples::draining(), &["Stopping for 3.0 s (SIGTERM)", "it drains, 1 call open", "shutting down"]),
        (samples::forced(), &["Releasing", "stubborn, for 1.0 s: forced after 2.0 s of run"]),
        (samples::nested(), &["database/database", "database/web"]),
    ] {
        let picture = drawn(&view(status));
        for words in wanted {
            assert!(picture.contains(words), "no {words:?} in\n{picture}");
        }
        assert!(
            picture.ends_with("q quit  / filter  r restart  s stop  S shut down  L reload  H hand over"),
            "{picture}"
        );
    }
}

#[test]
fn any_size_of_a_window_can_be_drawn_and_80_by_24_has_room_for_all_parts() {
    for status in [samples::running(), samples::late_database(), samples::nested(), Status::default()] {
        let mut view = view(status);
        view.lost = Some((Instant::now(), "refused".into()));
        for (width, height) in [(1, 1), (1, 24), (80, 1), (20, 5), (40, 10), (80, 24), (300, 100)] {
            let lines = drawn_at(&view, Instant::now(), width, height);
            assert_eq!(lines.len(), usize::from(height));
        }
    }
    let mut view = view(samples::late_database());
    view.tell(
        News::Event(serde_json::from_str(r#"{"at_ms": 5, "event": "running"}"#).unwrap()),
        Instant::now(),
    );
    let picture = drawn(&view);
    for words in
        ["Setting up", "127.0.0.1:9000", "SERVICE", "mail", "on service-1", "0.0 s  running", "q quit"]
    {
        assert!(picture.contains(words), "no {words:?} in\n{picture}");
    }
}

#[test]
fn a_lost_connection_is_told_with_what_was_known_until_it_is_back() {
    let (mut view, now) = (view(samples::running()), Instant::now());
    view.tell(News::NoStatus("Connection refused".into()), now);
    view.tell(News::NoStatus("Connection refused".into()), now + Duration::from_secs(2));
    let picture = drawn_at(&view, now + Duration::from_secs(3), 80, 24).join("\n");
    assert!(picture.contains("connection lost 3.0 s ago, below is what was known then"), "{picture}");
    assert!(picture.contains("Running, 3 of 3 up"), "{picture}");
    view.tell(News::Status(Box::new(samples::running())), now);
    assert!(!drawn(&view).contains("lost"));
    let mut never = View::new("here:1".into(), false);
    never.tell(News::NoStatus("Connection refused".into()), now);
    let picture = drawn_at(&never, now, 80, 24).join("\n");
    assert!(
        picture.contains("Nothing is known yet.") && picture.contains("trying again (Connection refused)"),
        "{picture}"
    );
}

#[test]
fn the_end_is_told_where_the_program_said_so_itself() {
    let (mut view, now) = (view(samples::running()), Instant::now());
    view.tell(News::Event(Event { event: "stopped".into(), ..Event::default() }), now);
    view.tell(News::NoStatus("Connection refused".into()), now);
    assert!(drawn(&view).starts_with("Over: the program has said that it stopped."));
    view.tell(News::EventsBegin, now);
    assert!(drawn(&view).starts_with("Running"), "another one is there");
}

#[test]
fn an_order_is_given_after_a_yes_and_only_then() {
    let mut view = view(samples::running());
    assert_eq!(type_keys(&mut view, "jr"), None);
    assert!(drawn(&view).ends_with("restart web? y/n"));
    assert_eq!(type_keys(&mut view, "y"), Some(Action::Order(Order::Restart("web".into()))));
    assert_eq!(view.mode, Mode::List);
    for keys in ["Sn", "Sq", "S ", "sr"] {
        assert_eq!(type_keys(&mut view, keys), None, "{keys}");
        assert!(drawn(&view).contains("not done: "), "{keys}");
    }
    assert_eq!(type_keys(&mut view, "Sy"), Some(Action::Order(Order::Shutdown)));
    view.tell(News::Ordered("not done: no token \u{1b}[2J".into()), Instant::now());
    assert!(drawn(&view).ends_with("not done: no token \\u{1b}[2J"), "{}", drawn(&view));
}

#[test]
fn without_a_right_no_order_is_asked_for() {
    let mut view = view(samples::running());
    view.may_order = false;
    for keys in ["r", "s", "S", "L", "H", "ry", "Sy"] {
        assert_eq!(type_keys(&mut view, keys), None, "{keys}");
        assert_eq!(view.mode, Mode::List);
        assert!(drawn(&view).ends_with("start it with --token-file FILE"));
    }
}

#[test]
fn services_of_nested_managers_take_no_orders_from_here() {
    let mut view = view(samples::nested());
    assert_eq!(view.selected_row().unwrap().id, "database");
    assert_eq!(type_keys(&mut view, "jr"), None);
    assert_eq!(view.mode, Mode::List);
    assert!(drawn(&view).contains("take no orders"));
}

#[test]
fn the_filter_narrows_by_id_or_state_and_keys_move_within_what_is_left() {
    let mut view = view(samples::late_database());
    type_keys(&mut view, "/WAIT");
    assert!(drawn(&view).ends_with("/WAIT_  (Enter keeps it, Esc clears it)"));
    assert_eq!(view.rows().len(), 1);
    key(&mut view, KeyCode::Enter);
    assert_eq!(view.selected_row().unwrap().id, "web");
    key(&mut view, KeyCode::Down);
    assert_eq!(view.selected, 0, "there is no other");
    key(&mut view, KeyCode::Esc);
    assert_eq!(view.rows().len(), 3);
    key(&mut view, KeyCode::End);
    assert_eq!(view.selected_row().unwrap().id, "mail");
    key(&mut view, KeyCode::PageUp);
    assert_eq!(view.selected, 0);
    type_keys(&mut view, "/nobody");
    assert!(view.selected_row().is_none() && drawn(&view).contains("SERVICE"));
    assert_eq!(type_keys(&mut view, "q"), None, "it is a letter of the filter");
}

#[test]
fn the_same_service_stays_selected_when_others_come_or_go() {
    let mut view = view(samples::late_database());
    type_keys(&mut view, "jj");
    let mut fewer = samples::late_database();
    fewer.services.remove(0);
    view.tell(News::Status(Box::new(fewer)), Instant::now());
    assert_eq!(view.selected_row().unwrap().id, "mail");
}

#[test]
fn it_is_left_by_q_and_by_ctrl_c() {
    let mut view = view(samples::running());
    assert_eq!(type_keys(&mut view, "q"), Some(Action::Quit));
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    type_keys(&mut view, "/");
    assert_eq!(press(&mut view, ctrl_c, Instant::now()), Some(Action::Quit));
}

#[test]
fn the_guide_shows_what_is_drawn() {
    let guide = include_str!("../../../../docs/operations.md");
    let (_, rest) = guide.split_once("it is `majordomo top`:\n\n```text\n").expect("a picture");
    let (picture, _) = rest.split_once("```").expect("the end of it");
    let lines = drawn_at(&view(samples::draining()), Instant::now(), 80, 24);
    let wanted: Vec<&str> = picture.lines().collect();
    assert_eq!(lines[..wanted.len()], wanted[..], "left, what is drawn:\n{}", lines.join("\n"));
}
