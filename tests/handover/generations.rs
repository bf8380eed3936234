//! Processes that follow each other, as a test sees them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use majordomo::testing::HandoverStep;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use support::Folder;
use support::child::{self, Process};

use crate::load::get;
use crate::program::{FAULT, FOLDER, Fault, TIMEOUT};

/// No process that is to end takes so long.
const HANG: Duration = Duration::from_secs(30);

/// The first process, and all that follow it. Whoever is left is killed when this is dropped.
pub struct Generations {
    pub first: Process,
    pub folder: Folder,
    pub grpc: SocketAddr,
    pub web: SocketAddr,
}

impl Generations {
    pub fn start(settings: &[(&str, String)]) -> Self {
        let folder = Folder::new();
        let mut command = child::this();
        command.env(FOLDER, folder.path("")).envs(settings.iter().map(|(key, value)| (key, value)));
        let mut first =
            child::start_by(command, module_path!().replace("generations", "program").as_str(), "server");
        let (_, grpc, web) = addresses(&first.wait_for(" serves "));
        Self { first, folder, grpc, web }
    }

    pub fn with(fault: Fault) -> Self {
        let fault_setting = (FAULT, format!("{fault:?}"));
        match fault {
            Fault::Idles | Fault::HangsInSetup => Self::start(&[fault_setting, (TIMEOUT, "1000".to_owned())]),
            // However long it takes to fail, that is what is told.
            _ => Self::start(&[fault_setting]),
        }
    }

    pub fn dying_at(step: HandoverStep) -> Self {
        Self::start(&[(FAULT, format!("Dies:{step:?}"))])
    }

    pub fn stalling_at(step: HandoverStep) -> Self {
        Self::start(&[(FAULT, format!("Stalls:{step:?}")), (TIMEOUT, "1000".to_owned())])
    }

    /// The processes that followed the first one and are still there.
    pub fn others(&self) -> Vec<u32> {
        let first = self.first.id();
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers
            .filter(|process| *process != first && self.is_of_these(*process) && is_there(*process))
            .collect()
    }

    /// The number of a process may be another's by now.
    fn is_of_these(&self, process: u32) -> bool {
        let folder = self.folder.path("").into_os_string().into_encoded_bytes();
        let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        environment.windows(folder.len()).any(|part| part == folder)
    }

    /// SIGUSR2, to that process.
    pub fn ask(&self, process: u32) {
        kill_process(pid(process), Signal::USR2).unwrap();
    }

    /// Waits until a successor was started: its number.
    pub fn started(&mut self) -> u32 {
        let event = self.event("successor_started");
        event["pid"].as_u64().unwrap() as u32
    }

    /// Waits for the next event of that name, of any process.
    pub fn event(&mut self, name: &str) -> serde_json::Value {
        event(&self.first.wait_for(&format!("\"event\":\"{name}\"")))
    }

    /// Waits for events of these names in whatever order: two processes that print side by side may be heard in either.
    pub fn events(&mut self, names: &[&str]) -> Vec<serde_json::Value> {
        let (mut missing, mut seen) = (names.to_vec(), Vec::new());
        while !missing.is_empty() {
            let event = event(&self.first.wait_for("\"event\":\""));
            if let Some(at) = missing.iter().position(|name| event["event"] == **name) {
                missing.swap_remove(at);
                seen.push(event);
            }
        }
        seen
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    /// What exists once has been through, by process.
    pub fn marks(&self) -> Vec<(u32, String)> {
        let text = std::fs::read_to_string(self.folder.path("marks")).unwrap();
        let mark = |line: &str| {
            let (process, what) = line.split_once(' ').unwrap();
            (process.parse().unwrap(), what.to_owned())
        };
        text.lines().map(mark).collect()
    }

    /// Who answers at the web server's address.
    pub fn serves(&self) -> u32 {
        get(self.web, "/").expect("somebody serves").parse().unwrap()
    }

    /// Waits until a process that is no child of this one is gone.
    pub fn gone(&self, process: u32) {
        let began = Instant::now();
        while is_there(process) {
            assert!(began.elapsed() < HANG, "{process} has not ended within {HANG:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends a process, and waits for that.
    pub fn stop(&self, process: u32) {
        kill_process(pid(process), Signal::TERM).unwrap();
        self.gone(process);
    }
}

impl Drop for Generations {
    fn drop(&mut self) {
        for process in self.others() {
            let _ = kill_process(pid(process), Signal::KILL);
        }
    }
}

/// An event, after the process that it is of.
fn event(line: &str) -> serde_json::Value {
    serde_json::from_str(line.split_once(' ').unwrap().1).unwrap()
}

pub fn pid(process: u32) -> Pid {
    Pid::from_raw(process as i32).unwrap()
}

/// Whether it runs: not one that has ended, and nobody has asked how.
pub fn is_there(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let mut fields = status.rsplit_once(") ").map(|(_, rest)| rest.split(' ')).into_iter().flatten();
    // While other threads of it end, its first one looks as if it were all of it: proc_pid_stat(5), `state` and `num_threads`.
    let (state, threads) = (fields.next(), fields.nth(16));
    let has_ended = state == Some("Z") && threads == Some("1");
    !has_ended && test_kill_process(pid(process)).is_ok()
}

/// `PID serves GRPC WEB`
pub fn addresses(line: &str) -> (u32, SocketAddr, SocketAddr) {
    let mut words = line.split_whitespace();
    let process = words.next().unwrap().parse().unwrap();
    let mut address = || words.by_ref().find_map(|word| word.parse().ok()).unwrap();
    let grpc = address();
    (process, grpc, address())
}
