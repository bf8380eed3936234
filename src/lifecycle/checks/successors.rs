//! G24, step by step: a successor whose services wait, and a predecessor that gives way.

use super::super::announcement::Announcement as Told;
use super::super::handover_names::HandoverEnd;
use super::super::io::{Answer, Command, Departure, Input};
use super::super::machine::{Commands, Machine};
use super::super::names::Kind::{Both, Generic, Grpc, Listener};
use super::super::names::{Cause, ServiceIx, SignalKind, Stage, Step};
use super::super::spec::Spec;
use super::super::waits_for::WaitsFor;
use super::restarts::{following, restarting};

const FIRST: ServiceIx = ServiceIx(0);
const SECOND: ServiceIx = ServiceIx(1);

fn late(spec: Spec) -> Spec {
    Spec { after_handover: true, ..spec }
}

fn successor(specs: Vec<Spec>) -> Machine {
    let mut machine = Machine::new(specs, true);
    machine.succeeds();
    machine
}

fn set_up(ix: ServiceIx) -> Input {
    Input::Answered(ix, Step::Setup, Answer::Ok)
}

fn sent(commands: &Commands, ix: ServiceIx, step: Step) -> bool {
    commands.contains(&Command::Send(ix, step))
}

fn told(commands: &Commands, told: Told) -> bool {
    commands.contains(&Command::Announce(told))
}

#[test]
fn g24_all_run_without_those_that_wait_which_follow_when_the_predecessor_is_gone() {
    let mut machine = successor(vec![Spec::plain(Generic), late(Spec::plain(Generic))]);
    let started = machine.step(Input::Start);
    assert!(sent(&started, FIRST, Step::Setup) && !sent(&started, SECOND, Step::Setup));
    assert!(machine.waits_for_predecessor(SECOND) && !machine.waits_for_predecessor(FIRST));
    assert!(!machine.is_set_up());
    let running = machine.step(set_up(FIRST));
    assert!(told(&running, Told::Running) && machine.is_ready() && machine.is_set_up());
    // The main loop of the one that waits is still to come.
    machine.step(Input::Answered(FIRST, Step::Run, Answer::Ok));
    assert_eq!(machine.stage(), Stage::Running);
    let gone = machine.step(Input::PredecessorGone);
    assert!(sent(&gone, SECOND, Step::Setup) && !machine.waits_for_predecessor(SECOND));
    assert!(sent(&machine.step(set_up(SECOND)), SECOND, Step::Run));
    assert!(machine.step(Input::PredecessorGone).is_empty(), "told twice");
    machine.step(Input::Answered(SECOND, Step::Run, Answer::Ok));
    assert_eq!(machine.stage(), Stage::Stopping);
}

#[test]
fn g24_a_predecessor_that_goes_early_makes_them_part_of_the_ordinary_start() {
    let mut machine = successor(vec![Spec::plain(Generic), late(following(Generic, &[0]))]);
    machine.step(Input::Start);
    assert!(machine.step(Input::PredecessorGone).is_empty(), "it waits for what it depends on");
    assert!(sent(&machine.step(set_up(FIRST)), SECOND, Step::Setup));
    let running = machine.step(set_up(SECOND));
    assert!(sent(&running, FIRST, Step::Run) && sent(&running, SECOND, Step::Run));
    assert!(told(&running, Told::Running));
}

#[test]
fn g24_one_with_calls_registers_at_once_and_is_set_up_when_the_predecessor_is_gone() {
    let registered = Input::Answered(SECOND, Step::Register, Answer::Ok);
    let mut machine = successor(vec![restarting(Generic, 1), late(following(Both, &[0]))]);
    let started = machine.step(Input::Start);
    assert!(
        told(&started, Told::Standby(SECOND, WaitsFor::Predecessor))
            && sent(&started, SECOND, Step::Register)
    );
    // Its calls have to be known before any is taken.
    assert!(!told(&machine.step(set_up(FIRST)), Told::Running));
    let running = machine.step(registered);
    assert!(told(&running, Told::Running) && !sent(&running, SECOND, Step::Setup));
    assert!(machine.waits_for_predecessor(SECOND));
    // What it depends on restarts without it.
    let failed = machine.step(Input::Answered(FIRST, Step::Run, Answer::Error));
    assert!(!failed.contains(&Command::Suspend(SECOND)), "{failed:?}");
    assert!(!sent(&machine.step(Input::PredecessorGone), SECOND, Step::Setup));
    for input in [Input::Suspended(FIRST, Departure::Dismissed), Input::ResourcesClosed(FIRST)] {
        machine.step(input);
    }
    assert!(sent(&machine.step(Input::DelayOver(FIRST)), FIRST, Step::Setup));
    assert!(sent(&machine.step(set_up(FIRST)), SECOND, Step::Setup));
    assert!(sent(&machine.step(set_up(SECOND)), SECOND, Step::Run));
}

#[test]
fn g24_one_with_calls_that_fails_while_it_waits_fails_the_successor() {
    let mut machine = successor(vec![Spec::plain(Listener), late(Spec::plain(Grpc))]);
    machine.step(Input::Start);
    machine.step(Input::Answered(SECOND, Step::Register, Answer::Ok));
    let gone = machine.step(Input::Panicked(SECOND));
    assert!(told(&gone, Told::ShutdownRequested(Cause::SetupFailed(SECOND))), "{gone:?}");
}

#[test]
fn g24_one_that_is_stopped_while_it_waits_does_not_start_until_it_is_asked_back() {
    let mut machine = successor(vec![Spec::plain(Generic), late(restarting(Generic, 0))]);
    machine.step(Input::Start);
    machine.step(set_up(FIRST));
    machine.step(Input::StopAsked(SECOND));
    assert!(machine.is_stopped(SECOND) && !machine.waits_for_predecessor(SECOND));
    assert!(machine.step(Input::PredecessorGone).is_empty());
    assert!(sent(&machine.step(Input::RestartAsked(SECOND)), SECOND, Step::Setup));
}

#[test]
fn g24_one_that_is_asked_back_while_the_predecessor_is_there_goes_on_waiting() {
    let mut machine = successor(vec![Spec::plain(Generic), late(restarting(Generic, 0))]);
    machine.step(Input::Start);
    machine.step(set_up(FIRST));
    machine.step(Input::StopAsked(SECOND));
    assert!(!sent(&machine.step(Input::RestartAsked(SECOND)), SECOND, Step::Setup));
    assert!(machine.waits_for_predecessor(SECOND));
    assert!(sent(&machine.step(Input::PredecessorGone), SECOND, Step::Setup));
}

#[test]
fn g24_one_that_is_added_waits_as_well_and_one_that_leaves_does_not() {
    let mut machine = successor(vec![Spec::plain(Generic)]);
    machine.step(Input::Start);
    machine.step(set_up(FIRST));
    for _ in 0..2 {
        let ix = machine.add(late(Spec::plain(Generic)));
        let added = machine.step(Input::Added(ix));
        assert_eq!(added, [Command::Announce(Told::Standby(ix, WaitsFor::Predecessor))]);
        assert!(machine.waits_for_predecessor(ix));
        let removed = machine.step(Input::RemoveAsked(ix));
        assert!(told(&removed, Told::ServiceRemoved(ix)) && !machine.waits_for_predecessor(ix));
    }
}

#[test]
fn g24_without_a_predecessor_the_mark_changes_nothing() {
    let mut machine = Machine::new([late(Spec::plain(Generic))], false);
    assert!(sent(&machine.step(Input::Start), FIRST, Step::Setup));
    assert!(!machine.waits_for_predecessor(FIRST));
}

/// A server that runs, and has drain delay.
fn serving() -> Machine {
    let mut machine = Machine::new([restarting(Listener, 1)], true);
    for input in [Input::Start, set_up(FIRST), Input::Serving(FIRST)] {
        machine.step(input);
    }
    machine
}

#[test]
fn g24_a_hand_over_passes_on_gives_way_and_ends_without_a_drain_delay() {
    let mut machine = serving();
    assert!(machine.can_hand_over());
    let started = machine.step(Input::HandoverAsked);
    assert!(started.contains(&Command::StartSuccessor) && !machine.can_hand_over());
    assert!(machine.step(Input::HandoverAsked).is_empty(), "one at a time");
    let wanted = [Command::PassOn, Command::GiveWay(FIRST), Command::StartGiveWayTimer];
    assert_eq!(machine.step(Input::SuccessorReady), wanted);
    assert!(machine.is_giving_way());
    let passed = machine.step(Input::GaveWay(FIRST));
    let beginning = [
        Command::Announce(Told::HandoverFinished(HandoverEnd::Passed)),
        Command::Announce(Told::ShutdownRequested(Cause::Handover)),
    ];
    assert_eq!(passed[..2], beginning);
    assert!(!passed.contains(&Command::StartDrainDelay) && sent(&passed, FIRST, Step::Shutdown));
    assert!(machine.step(Input::SuccessorGone).is_empty(), "there is no way back");
}

#[test]
fn g24_a_shutdown_is_told_after_what_it_means_to_the_hand_over() {
    let terminate = Input::Signal(SignalKind::Terminate);
    let (mut early, mut late) = (serving(), serving());
    for machine in [&mut early, &mut late] {
        machine.step(Input::HandoverAsked);
    }
    late.step(Input::SuccessorReady);
    let called_off = early.step(terminate);
    let wanted = [Command::EndSuccessor, Command::Announce(Told::HandoverFinished(HandoverEnd::CalledOff))];
    assert_eq!(called_off[..2], wanted);
    assert!(called_off.contains(&Command::StartDrainDelay));
    let passed = late.step(terminate);
    assert_eq!(passed[0], Command::Announce(Told::HandoverFinished(HandoverEnd::Passed)));
    assert!(!passed.contains(&Command::StartDrainDelay) && !passed.contains(&Command::EndSuccessor));
}

#[test]
fn g24_a_server_that_comes_back_while_the_successor_is_in_charge_gives_way_again() {
    let mut machine = Machine::new([restarting(Listener, 1), Spec::plain(Listener)], false);
    for input in [Input::Start, set_up(FIRST), set_up(SECOND), Input::Serving(FIRST), Input::Serving(SECOND)]
    {
        machine.step(input);
    }
    machine.step(Input::HandoverAsked);
    machine.step(Input::SuccessorReady);
    machine.step(Input::Answered(FIRST, Step::Run, Answer::Error));
    assert!(machine.is_giving_way(), "the other has something left");
    let departed = super::super::io::Departure::Dismissed;
    for input in [
        Input::Suspended(FIRST, departed),
        Input::ResourcesClosed(FIRST),
        Input::DelayOver(FIRST),
        set_up(FIRST),
    ] {
        machine.step(input);
    }
    assert_eq!(machine.step(Input::Serving(FIRST)), [Command::GiveWay(FIRST)]);
    let back = machine.step(Input::SuccessorGone);
    let wanted = [
        Command::TakeBack,
        Command::Resume(FIRST),
        Command::Resume(SECOND),
        Command::Announce(Told::HandoverFinished(HandoverEnd::TakenBack)),
    ];
    assert_eq!(back, wanted);
    assert!(machine.can_hand_over());
}
