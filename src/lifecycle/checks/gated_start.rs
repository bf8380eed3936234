//! A manager that is held back: its parent says when its services may run.

use super::super::announcement::Announcement;
use super::super::io::{Answer, Command, Departure, Input};
use super::super::machine::{Commands, Machine};
use super::super::names::{Kind, ServiceIx, Stage, Step};
use super::super::spec::Spec;

fn held(kinds: &[Kind]) -> Machine {
    let mut machine = Machine::new(kinds.iter().copied().map(Spec::plain), false);
    machine.hold();
    machine
}

fn set_up(machine: &mut Machine, service: u32) -> Commands {
    machine.step(Input::Answered(ServiceIx(service), Step::Setup, Answer::Ok))
}

fn sent(commands: &Commands, step: Step) -> usize {
    commands.iter().filter(|command| matches!(command, Command::Send(_, sent) if *sent == step)).count()
}

#[test]
fn g02_nobody_runs_before_that_is_allowed_although_all_are_set_up() {
    let mut machine = held(&[Kind::Generic, Kind::Generic]);
    assert_eq!(sent(&machine.step(Input::Start), Step::Setup), 2);
    assert_eq!(sent(&set_up(&mut machine, 0), Step::Run), 0);
    assert!(!machine.is_set_up());
    assert_eq!(sent(&set_up(&mut machine, 1), Step::Run), 0);
    assert!(machine.is_set_up() && !machine.is_ready());
    assert_eq!(sent(&machine.step(Input::RunAllowed), Step::Run), 2);
    assert!(machine.is_ready());
    assert!(machine.step(Input::RunAllowed).is_empty(), "told twice");
}

#[test]
fn g02_what_is_allowed_before_all_are_set_up_waits_for_them() {
    let mut machine = held(&[Kind::Generic]);
    machine.step(Input::Start);
    assert!(machine.step(Input::RunAllowed).is_empty());
    assert_eq!(sent(&set_up(&mut machine, 0), Step::Run), 1);
}

#[test]
fn g04_without_services_it_ends_once_it_may_run() {
    let mut machine = held(&[]);
    machine.step(Input::Start);
    assert!(machine.is_set_up());
    assert_eq!(machine.stage(), Stage::SettingUp);
    machine.step(Input::RunAllowed);
    assert_eq!(machine.stage(), Stage::Stopped);
}

#[test]
fn g05_a_shutdown_comes_to_its_end_although_nobody_was_allowed_to_run() {
    let mut machine = held(&[Kind::Generic]);
    machine.step(Input::Start);
    machine.step(Input::ResourceStarted(ServiceIx(0)));
    set_up(&mut machine, 0);
    let (mut inputs, mut told) = (vec![Input::ShutdownAsked], Vec::new());
    while let Some(input) = inputs.pop() {
        for command in machine.step(input) {
            match command {
                Command::Retire(ix) => inputs.push(Input::Gone(ix, Departure::Dismissed)),
                Command::CloseResources(ix) => inputs.push(Input::ResourcesClosed(ix)),
                Command::Release(resource) => inputs.push(Input::Released(resource, Answer::Ok)),
                Command::Send(_, step) => panic!("nobody runs, but {step} was sent"),
                Command::Announce(announcement) => told.push(announcement),
                _ => {}
            }
        }
    }
    assert_eq!(machine.stage(), Stage::Stopped);
    assert!(matches!(told.last(), Some(Announcement::Stopped)), "{told:?}");
    assert!(machine.step(Input::RunAllowed).is_empty());
}
