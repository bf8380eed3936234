//! What a key does.

use std::time::Instant;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::view::{Mode, View};
use crate::commands::Order;

/// How far a page goes.
const PAGE: usize = 10;

/// What is to be done outside of the view.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Quit,
    Order(Order),
}

/// Changes the view, and says what else is to be done.
pub(super) fn press(view: &mut View, key: KeyEvent, now: Instant) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Action::Quit);
    }
    match std::mem::take(&mut view.mode) {
        Mode::List => in_list(view, key.code, now),
        Mode::Filter => {
            in_filter(view, key.code);
            None
        }
        // Whatever is not a yes is a no.
        Mode::Ask(order) => match key.code {
            KeyCode::Char('y' | 'Y') => {
                view.note(format!("asked: {order} .."), now);
                Some(Action::Order(order))
            }
            _ => {
                view.note(format!("not done: {order}"), now);
                None
            }
        },
    }
}

fn in_list(view: &mut View, code: KeyCode, now: Instant) -> Option<Action> {
    let at = view.selected;
    match code {
        KeyCode::Char('q') => return Some(Action::Quit),
        KeyCode::Up | KeyCode::Char('k') => view.select(at.saturating_sub(1)),
        KeyCode::Down | KeyCode::Char('j') => view.select(at + 1),
        KeyCode::PageUp => view.select(at.saturating_sub(PAGE)),
        KeyCode::PageDown => view.select(at + PAGE),
        KeyCode::Home => view.select(0),
        KeyCode::End => view.select(usize::MAX),
        KeyCode::Char('/') => view.mode = Mode::Filter,
        KeyCode::Esc => filter(view, String::new()),
        KeyCode::Char(letter @ ('r' | 's' | 'L' | 'S' | 'H')) => ask(view, letter, now),
        _ => {}
    }
    None
}

fn ask(view: &mut View, letter: char, now: Instant) {
    if !view.may_order {
        view.note("orders over TCP need a token: start it with --token-file FILE".to_owned(), now);
        return;
    }
    let service =
        |order: fn(String) -> Order| view.selected_service().map(|service| order(service.id.clone()));
    let order = match letter {
        'r' => service(Order::Restart),
        's' => service(Order::Stop),
        'L' => Some(Order::Reload),
        'H' => Some(Order::Handover),
        _ => Some(Order::Shutdown),
    };
    match order {
        Some(order) => view.mode = Mode::Ask(order),
        None => view.note(
            "choose a service of the program itself: those of nested managers take no orders".to_owned(),
            now,
        ),
    }
}

fn in_filter(view: &mut View, code: KeyCode) {
    view.mode = Mode::Filter;
    match code {
        KeyCode::Enter => view.mode = Mode::List,
        KeyCode::Esc => {
            view.mode = Mode::List;
            filter(view, String::new());
        }
        KeyCode::Backspace => {
            let mut text = view.filter.clone();
            text.pop();
            filter(view, text);
        }
        KeyCode::Char(letter) => filter(view, format!("{}{letter}", view.filter)),
        _ => {}
    }
}

fn filter(view: &mut View, text: String) {
    view.filter = text;
    view.select(view.selected);
}
