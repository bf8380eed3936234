//! What the processes of these tests do.
//!
//! A predecessor does what it is told by the lines of its stdin. A successor has a plan in its environment, as its stdin is the channel.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use std::{env, fs, thread};

use rustix::event::{PollFd, PollFlags, poll};
use tokio::runtime::Handle;

use super::process::{ADDRESSES, FAULT, ROLE};
use crate::handover::store::{receive_stored, remove, store_all};
use crate::handover::{
    FromPredecessor, FromSuccessor, Handover, HandoverStep, Inheritance, Predecessor, SuccessorProcess,
    close_unclaimed, keep_sockets, on_handover_step,
};
use crate::report::HandoverError;
use crate::server::listen::{Bound, Listener, ServerAddress, Stream, accept, bind_at_once};

/// What a successor does.
pub(super) const PLAN: &str = "MAJORDOMO_TEST_PLAN";

/// The program of a process that is none of the tests.
#[test]
fn program() {
    let Ok(role) = env::var(ROLE) else { return };
    set_fault(&role);
    let driven = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let runtime = driven.handle().clone();
    thread::spawn(move || driven.block_on(std::future::pending::<()>()));
    let _entered = runtime.enter();
    match role.as_str() {
        "predecessor" => predecessor(&runtime),
        "successor" => successor(&runtime),
        other => panic!("no role {other}"),
    }
    say("over");
    std::process::exit(0);
}

fn set_fault(role: &str) {
    let Ok(fault) = env::var(FAULT) else { return };
    let (step, how) = fault.split_once('=').unwrap();
    let step = *HandoverStep::ALL.iter().find(|known| format!("{known:?}") == step).unwrap();
    if step.is_successor_s() != (role == "successor") {
        return;
    }
    let how = how.to_owned();
    on_handover_step(move |reached| {
        if reached != step {
            return;
        }
        say(&format!("reached {step:?}"));
        match how.as_str() {
            "kill" => {
                let this = rustix::process::getpid();
                rustix::process::kill_process(this, rustix::process::Signal::KILL).unwrap();
                // The signal may take a moment.
                loop {
                    thread::park();
                }
            }
            "stall" => {
                until_the_test_is_over();
                std::process::exit(1);
            }
            other => panic!("no fault {other}"),
        }
    });
}

/// A line of its own, whole: both processes write to the same pipe.
fn say(what: &str) {
    let who = if env::var(ROLE).as_deref() == Ok("predecessor") { "old" } else { "new" };
    let line = format!("{who}: {}\n", what.replace('\n', " "));
    // libtest has begun a line.
    let mut out = std::io::stdout().lock();
    // Where the test is over nobody reads it.
    let _ = out.write_all(format!("\n{line}").as_bytes()).and_then(|()| out.flush());
}

fn addresses() -> Vec<ServerAddress> {
    let text = env::var(ADDRESSES).unwrap_or_default();
    text.split(' ').filter(|one| !one.is_empty()).map(|one| ServerAddress::parse(one).unwrap()).collect()
}

/// What this process listens at, by number.
#[derive(Default)]
struct Served(BTreeMap<usize, tokio::task::JoinHandle<()>>);

impl Served {
    fn serve(&mut self, number: usize, bound: Bound) {
        let who = env::var(ROLE).unwrap();
        let at = bound.address().to_string();
        let mut listeners: [Listener; 1] = [bound.listen().unwrap().watch().unwrap()];
        say(&format!("serves {number} at {at}"));
        let serving = tokio::spawn(async move {
            let mut turn = 0;
            while let Ok(stream) = accept(&mut listeners, &mut turn).await {
                let line = format!("{who} {number}\n");
                let _ = match &stream {
                    Stream::Tcp(stream) => {
                        stream.writable().await.and_then(|()| stream.try_write(line.as_bytes()))
                    }
                    Stream::Unix(stream) => {
                        stream.writable().await.and_then(|()| stream.try_write(line.as_bytes()))
                    }
                    Stream::InMemory(_) => Ok(0),
                };
            }
        });
        self.0.insert(number, serving);
    }

    /// Closes all, and waits until that is done.
    fn close(&mut self, runtime: &Handle) {
        for (_, serving) in std::mem::take(&mut self.0) {
            serving.abort();
            let _ = runtime.block_on(serving);
        }
    }
}

fn bind(runtime: &Handle, address: &ServerAddress) -> Result<Vec<Bound>, String> {
    runtime.block_on(bind_at_once(address))
}

fn predecessor(runtime: &Handle) {
    keep_sockets();
    assert!(receive_stored().is_none_or(|unfit| unfit.is_empty()), "all of it can serve");
    let mut served = Served::default();
    let serve = |served: &mut Served| {
        let mut number = 0;
        for address in addresses() {
            for bound in bind(runtime, &address).unwrap() {
                served.serve(number, bound);
                number += 1;
            }
        }
    };
    serve(&mut served);
    say("listens");
    let mut successor = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (order, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match order {
            "start" => {
                successor = Some(start(rest, 2, |_| {}));
            }
            "in_charge" => successor.as_ref().unwrap().in_charge(),
            "alone" => successor.as_ref().unwrap().alone(),
            "released" => successor.as_ref().unwrap().released(),
            "end" => {
                let limit = Duration::from_secs(60);
                successor.as_ref().unwrap().end(HandoverError::TimedOut { limit, doing: None });
            }
            "drop" => successor = None,
            "close" => {
                served.close(runtime);
                say("closed");
            }
            "serve" => serve(&mut served),
            "store" => say(&format!("stored {}", store_all(usize::MAX).unwrap())),
            "unclaimed" => {
                for (name, bound) in close_unclaimed() {
                    say(&format!("nobody asked for {}, at {bound}", name.address));
                    remove(&[name]).unwrap();
                }
            }
            "count" => say(&format!("has {}", own())),
            "quit" => return,
            other => panic!("no order {other}"),
        }
    }
}

/// Starts a program, or this one with another plan.
fn start(what: &str, generation: u64, hear: impl Fn(&FromSuccessor) + Send + 'static) -> SuccessorProcess {
    let handover = match what.strip_prefix("program ") {
        Some(program) => {
            let (program, script) = program.split_once(' ').unwrap_or((program, ""));
            let script = if script.is_empty() { vec![] } else { vec!["-c", script] };
            Handover::new().program(program).args(script)
        }
        None => Handover::new().env(PLAN, what),
    };
    let handover = handover.env(ROLE, "successor").check().unwrap();
    let tell = move |heard| {
        hear(&heard);
        match heard {
            FromSuccessor::Started { pid } => say(&format!("started {pid}")),
            FromSuccessor::Doing(text) => say(&format!("doing {text}")),
            FromSuccessor::Ready => say("ready"),
            FromSuccessor::Gone { why } => say(&format!("gone {why}")),
        }
    };
    SuccessorProcess::start(&handover, generation, tell).unwrap()
}

/// How many descriptors and threads this process has, once no hand-over's thread is left.
fn own() -> String {
    let threads = || fs::read_dir("/proc/self/task").unwrap().flatten();
    let name = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
    // The name is cut by the system.
    while threads().any(|thread| name(thread).starts_with("majordomo-hando")) {
        thread::yield_now();
    }
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
    format!("{descriptors} descriptors, {} threads", threads().count())
}

fn successor(runtime: &Handle) {
    let plan = env::var(PLAN).unwrap_or_default();
    keep_sockets();
    if plan == "exit" {
        std::process::exit(3);
    }
    let inheritance = match Inheritance::of_process() {
        Ok(Some(inheritance)) => inheritance,
        Ok(None) => return say("has no predecessor"),
        Err(error) => return say(&format!("failed: {error}")),
    };
    say(&format!("is {} after {}", inheritance.generation(), inheritance.predecessor()));
    assert!(Inheritance::of_process().unwrap().is_none(), "it is had once");
    let (hear, heard) = channel();
    let predecessor = inheritance.watch(move |from| {
        say(&format!("{from:?}"));
        let _ = hear.send(from);
    });
    let predecessor = predecessor.unwrap();
    for step in plan.split(", ") {
        if !act(step, &predecessor, &heard, runtime) {
            return;
        }
    }
}

/// Until nobody reads what this process says.
fn until_the_test_is_over() {
    let out = std::io::stdout();
    let mut closed = [PollFd::new(&out, PollFlags::empty())];
    while !closed[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
        poll(&mut closed, None).unwrap();
    }
}

thread_local! {
    static SERVED: std::cell::RefCell<Served> = std::cell::RefCell::default();
}

/// One thing that a successor does. Whether it goes on.
fn act(step: &str, predecessor: &Predecessor, heard: &Receiver<FromPredecessor>, runtime: &Handle) -> bool {
    let (what, rest) = step.split_once(' ').unwrap_or((step, ""));
    SERVED.with_borrow_mut(|served| match what {
        "serve" => {
            let wanted = addresses();
            let wanted: Vec<_> = match rest {
                "" => wanted,
                some => some.split('+').map(|text| ServerAddress::parse(text).unwrap()).collect(),
            };
            let mut number = 0;
            for address in wanted {
                match bind(runtime, &address) {
                    Ok(all) => {
                        for bound in all {
                            served.serve(number, bound);
                            number += 1;
                        }
                    }
                    Err(error) => {
                        say(&format!("cannot bind {address}: {error}"));
                        predecessor.failed(&format!("cannot bind {address}: {error}"));
                        return false;
                    }
                }
            }
            true
        }
        "close" => {
            served.close(runtime);
            say("closed");
            true
        }
        "doing" => {
            predecessor.doing(rest);
            true
        }
        "ready" => {
            let unclaimed = close_unclaimed();
            predecessor.ready();
            for (name, bound) in unclaimed {
                say(&format!("nobody asked for {}, at {bound}", name.address));
            }
            true
        }
        "failed" => {
            predecessor.failed(rest);
            false
        }
        // Until something is heard: `hear in_charge`.
        "hear" => loop {
            let from = heard.recv().unwrap();
            let is = matches!(
                (rest, &from),
                ("in_charge", FromPredecessor::InCharge)
                    | ("released", FromPredecessor::Released)
                    | ("called_off", FromPredecessor::CalledOff { .. })
                    | ("gone", FromPredecessor::Gone)
            );
            if is || from == FromPredecessor::Gone {
                break is;
            }
        },
        "child" => {
            let listed = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
            let targets = String::from_utf8(listed.stdout).unwrap();
            let targets: Vec<_> = targets.lines().filter_map(|line| line.split_once(" -> ")).collect();
            let sockets = targets.iter().filter(|(_, target)| target.starts_with("socket:")).count();
            say(&format!("a child has {sockets} sockets of {}", targets.len()));
            let same = Command::new(env::current_exe().unwrap())
                .args(env::args().skip(1))
                .stdin(std::process::Stdio::null())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&same.stdout).replace('\n', " ");
            say(&format!("the same as a child says: {said}"));
            true
        }
        "exit" => std::process::exit(rest.parse().unwrap()),
        // Another process after this one, with the plan that is separated by semicolons.
        "next" => {
            let (tell, told) = channel();
            let hear = move |heard: &FromSuccessor| {
                if matches!(heard, FromSuccessor::Ready) {
                    tell.send(()).unwrap();
                }
            };
            let next = start(&rest.replace("; ", ", "), 3, hear);
            told.recv().unwrap();
            next.in_charge();
            next.released();
            served.close(runtime);
            say("passed on");
            true
        }
        "hang" => {
            until_the_test_is_over();
            false
        }
        "" => true,
        other => panic!("no step {other}"),
    })
}
