//! Every public error names who or what it is about, and a way out. A new one does not compile here until it is told.

use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::time::Duration;

use crate::api_errors::ReissueError;
use crate::grpc::{DrainError, ServerError, TlsError};
use crate::lifecycle::{Activity, BudgetError, Stage, Step};
use crate::manager::OrderError;
use crate::report::{
    ConfigError, ForcedError, HandoverError, Hold, NoAnswerError, ReturnedError, StageError, StuckError,
    SuccessorEnd,
};
use crate::service::{LeaseTermsError, ResourceError, RestartPolicyError};

const SECOND: Duration = Duration::from_secs(1);

/// Tells each of these, which must be all that there are of the type, with the words that help.
macro_rules! every {
    ($of:ident -> $type:ident { $($variant:ident),+ $(,)? }: $($error:expr => [$($word:literal),+ $(,)?],)+) => {{
        let name = |error: &$type| match error { $($type::$variant { .. } => stringify!($variant)),+ };
        let mut told = BTreeSet::new();
        $({
            let error = $error;
            told.insert(name($of(&error)));
            helps(&error, &[$($word),+]);
        })+
        assert_eq!(told, BTreeSet::from([$(stringify!($variant)),+]), "left: told here");
    }};
}

/// A sentence, all on one line, with these words.
fn helps(error: &dyn Error, words: &[&str]) {
    let text = error.to_string();
    assert!(!text.contains('\n') && !text.ends_with(['.', ':', ' ', ';']), "{text:?}");
    for word in words {
        assert!(text.contains(word), "expected {word:?} in {text:?}");
    }
}

fn itself<T>(error: &T) -> &T {
    error
}

fn hold(error: &ForcedError) -> &Hold {
    &error.hold
}

fn forced(activity: Activity, hold: Hold) -> ForcedError {
    ForcedError::new(activity, SECOND, hold, None)
}

fn denied() -> io::Error {
    io::Error::from(io::ErrorKind::PermissionDenied)
}

fn tls() -> TlsError {
    TlsError {
        origin: "the private key tls.key".into(),
        reason: "it is empty".into(),
        mend: "give it in PEM",
    }
}

#[test]
fn what_cannot_work_is_refused_by_name_and_with_a_way_out() {
    every!(itself -> ConfigError {
        DuplicateId, EmptyId, UnfitId, ReservedId, Address, HttpServer, HttpAddress, SameAddress, Sentinels, Budget, Tls, UnknownDependency, DependencyCycle,
        SurvivesNonDependency, Nested, NestedTooDeep, CannotFollow, ServesAfterHandover, BeforeHandover, NestedAfterHandover, Handover, Lease, ServesWithLease, NeedsLeased, PausedLease, Restart, RetrySetup, Replacement, StopTimeout, StopTimeoutTooShort,
        Option, WithoutGrpc, WithoutGrpcAddress, OperationsAddress, OperationsUnbound, OperationsToken, PausedSocket, Thread, Signals,
    }:
        ConfigError::DuplicateId("api".into()) => ["\"api\"", "give each its own"],
        ConfigError::EmptyId(3) => ["service number 3", "give it a name"],
        ConfigError::UnfitId { id: "\"a\\n\"".into(), reason: "which has control characters in it" }
            => ["\"a\\n\"", "control characters", "choose one"],
        ConfigError::ReservedId("liveness".into()) => ["\"liveness\"", "give it another"],
        ConfigError::Address { address: "1".into(), reason: "it has no port".into() }
            => ["\"1\"", "it has no port", "write HOST:PORT"],
        ConfigError::HttpServer { service: "web".into(), error: ConfigError::EmptyId(1).into() }
            => ["\"web\"", "service number 1", "give it a name"],
        ConfigError::HttpAddress { address: "1".into(), reason: "it has no port".into() }
            => ["\"1\"", "it has no port", "write HOST:PORT"],
        ConfigError::SameAddress { first: "web".into(), second: "api".into(), address: "127.0.0.1:80".into() }
            => ["\"web\" and \"api\"", "127.0.0.1:80", "an address of its own"],
        ConfigError::Sentinels(ReissueError::Issuer { variable: "A_ERROR_ISSUER".into(), value: "".into(), issuer: "A" })
            => ["A_ERROR_ISSUER", "unset it"],
        ConfigError::Budget(BudgetError::ReserveExceedsWhole { reserve: 2 * SECOND, whole: SECOND })
            => ["release_reserve is 2s", "max_shutdown_duration, 1s", "shorten it"],
        ConfigError::Tls(tls()) => ["tls.key", "give it in PEM"],
        ConfigError::UnknownDependency { service: "api".into(), on: "db".into() }
            => ["\"api\"", "\"db\"", "mend the id"],
        ConfigError::DependencyCycle("a -> b -> a".into()) => ["a -> b -> a", "take one depends_on out"],
        ConfigError::SurvivesNonDependency { service: "api".into(), on: "db".into() }
            => ["\"api\"", "add depends_on(\"db\")"],
        ConfigError::Nested { service: "tenant".into(), error: ConfigError::EmptyId(1).into() }
            => ["\"tenant\"", "service number 1", "give it a name"],
        ConfigError::NestedTooDeep { service: "tenant".into(), depth: 65, most: 64 } => ["\"tenant\"", "65 deep", "let fewer"],
        ConfigError::CannotFollow { service: "api".into(), on: "db".into() }
            => ["\"api\"", "\"db\"", "give it a restart(..)"],
        ConfigError::ServesAfterHandover("api".into()) => ["\"api\"", "a service of its own"],
        ConfigError::BeforeHandover { service: "api".into(), on: "lock".into() }
            => ["\"api\"", "\"lock\"", "mark it as after_handover(), too"],
        ConfigError::Handover(HandoverError::Incomplete { received: 1 }) => ["1 socket", "start this process by itself"],
        ConfigError::NestedAfterHandover("lock".into()) => ["\"lock\"", "mark the nested manager"],
        ConfigError::Lease { service: "api".into(), error: LeaseTermsError::NoMargin } => ["\"api\"", "margin", "give it one"],
        ConfigError::ServesWithLease("api".into()) => ["\"api\"", "a service of its own"],
        ConfigError::NeedsLeased { service: "api".into(), on: "cron".into() } => ["\"api\"", "\"cron\"", "have \"cron\" do the work"],
        ConfigError::PausedLease("cron".into()) => ["\"cron\"", "paused time", "Manager::start"],
        ConfigError::RetrySetup("api".into(), RestartPolicyError::Jitter(2.0)) => ["\"api\"", "set-up", "2", "from 0 to 1"],
        ConfigError::Restart("api".into(), RestartPolicyError::Jitter(2.0)) => ["\"api\"", "2", "from 0 to 1"],
        ConfigError::Replacement { service: "api".into(), reason: "it is never restarted: give it a RestartPolicy" }
            => ["\"api\"", "give it a RestartPolicy"],
        ConfigError::StopTimeoutTooShort { service: "api".into(), timeout: SECOND, least: 2 * SECOND }
            => ["\"api\"", "1s", "at least 2s"],
        ConfigError::StopTimeout { service: "api".into(), timeout: 2 * SECOND, time: SECOND }
            => ["\"api\"", "2s", "1s", "allow more time"],
        ConfigError::WithoutGrpc("api".into()) => ["\"api\"", "without_grpc", "leave one"],
        ConfigError::WithoutGrpcAddress => ["http_fallback", "without_grpc", "http_service"],
        ConfigError::Option { option: "service_threads", value: "0".into(), mend: "give at least 1 and at most 1024" }
            => ["service_threads is 0", "at most 1024"],
        ConfigError::OperationsAddress { address: "x".into(), reason: "it has no port".into() }
            => ["\"x\"", "operations endpoint", "it has no port", "HOST:PORT"],
        ConfigError::OperationsUnbound { address: "127.0.0.1:1".into(), reason: "it is in use".into() }
            => ["operations endpoint", "127.0.0.1:1", "it is in use", "choose another address"],
        ConfigError::OperationsToken { origin: "the token file t".into(), reason: "it has 3 bytes".into() }
            => ["the token file t", "it has 3 bytes", "give 16 visible characters or more"],
        ConfigError::PausedSocket { service: "web".into(), address: "127.0.0.1:80".into(), mend: "give it a place in memory" }
            => ["\"web\"", "127.0.0.1:80", "paused time", "give it a place in memory", "Manager::start"],
        ConfigError::Thread { whom: "services".into(), error: "no more".into() } => ["services (no more)", "lower service_threads"],
        ConfigError::Signals("no more".into()) => ["no more", "handle_signals(false)"],
    );
    every!(itself -> BudgetError { ReserveExceedsWhole, DrainDelayTooLong }:
        BudgetError::ReserveExceedsWhole { reserve: SECOND, whole: SECOND } => ["release_reserve", "allow more time"],
        BudgetError::DrainDelayTooLong { drain_delay: SECOND, left: SECOND, whole: SECOND } => ["drain_delay", "shorten"],
    );
    every!(itself -> RestartPolicyError { Backoff, Jitter, TooMany, NoPeriod }:
        RestartPolicyError::Backoff { first: 2 * SECOND, most: SECOND } => ["2s", "1s", "swap them"],
        RestartPolicyError::Jitter(1.5) => ["1.5", "from 0 to 1"],
        RestartPolicyError::TooMany(20_000) => ["20000", "at most 10000", "`unlimited`"],
        RestartPolicyError::NoPeriod => ["`within`", "`unlimited`"],
    );
    let end = || SuccessorEnd::Hung;
    every!(itself -> HandoverError {
        Option, Program, Directory, Refused, TooManySockets, NeverAsked, Version, Failed, Ended, TimedOut, CalledOff, Protocol, Incomplete, Untaken,
    }:
        HandoverError::Option { option: "timeout", value: "0".into(), mend: "give it time" } => ["timeout", "0", "give it time"],
        HandoverError::Program { program: "/shop".into(), reason: "it is gone".into() } => ["/shop", "gone", "put it back"],
        HandoverError::Directory { directory: "/srv".into(), reason: "it is gone".into() } => ["/srv", "gone", "make it again"],
        HandoverError::Refused { what: "a process".into(), source: denied().into() } => ["a process", "raise the limits"],
        HandoverError::TooManySockets { count: 2000, most: 1024 } => ["2000", "1024", "fewer addresses"],
        HandoverError::NeverAsked { end: end() } => ["took too long", "ManagerOptions::handover"],
        HandoverError::Version { successor: 2, predecessor: 1 } => ["version 2", "version 1", "stop the old process"],
        HandoverError::Failed { text: "no table".into() } => ["no table", "before it was in charge"],
        HandoverError::Ended { end: end(), in_charge: true } => ["took too long", "after it was in charge", "its own log"],
        HandoverError::TimedOut { limit: SECOND, doing: Some("database (setup)".into()) }
            => ["1s", "database (setup)", "Handover::timeout"],
        HandoverError::CalledOff { reason: "it stops".into() } => ["called off", "it stops"],
        HandoverError::Protocol { from: "successor", what: "a hello".into() } => ["successor", "a hello", "the same version"],
        HandoverError::Incomplete { received: 1 } => ["1 socket", "start this process by itself"],
        HandoverError::Untaken { what: "no room".into(), mend: "raise the limit" } => ["no room", "raise the limit"],
    );
    every!(itself -> ReissueError { Offset, Issuer, Range }:
        ReissueError::Offset { variable: "A_OFFSET".into(), value: "x".into(), issuer: "A" } => ["A_OFFSET", "unset it"],
        ReissueError::Issuer { variable: "A_ISSUER".into(), value: "".into(), issuer: "A" } => ["A_ISSUER", "give the name"],
        ReissueError::Range { name: "Gate", issuer: "A", code: 7, offset: -8 } => ["Gate", "-8", "choose another offset"],
    );
}

#[test]
fn what_was_ordered_in_vain_is_told_by_name_and_with_a_way_out() {
    every!(itself -> OrderError { Unknown, NotRunning, Id, Spec, NotRestartable, Server, Needed, Failed, Forced, NoLease, NotHolding, StayOut, NothingToReload,
        ReloadRefused, ReloadIncomplete, ReloadCalledOff, NotReadyToHandOver, NoHandover, HandoverUnderWay, PredecessorLeft, HandoverFailed,
        HandoverCalledOff, Overtaken }:
        OrderError::NotReadyToHandOver(Stage::SettingUp) => ["setting up", "while all of its services run"],
        OrderError::NoHandover => ["ManagerOptions::handover"],
        OrderError::HandoverUnderWay => ["under way", "wait"],
        OrderError::PredecessorLeft => ["its own predecessor", "after_handover()"],
        OrderError::HandoverFailed { reason: "it is late".into() } => ["it is late", "serves on as before"],
        OrderError::HandoverCalledOff => ["called off", "shutdown"],
        OrderError::NoLease("a".into()) => ["\"a\"", "only_with"],
        OrderError::NotHolding { service: "a".into(), lease: "l".into() } => ["\"a\"", "\"l\"", "see GetStatus"],
        OrderError::StayOut { service: "a".into(), given: SECOND, least: 2 * SECOND, most: 3 * SECOND } => ["\"a\"", "1s", "2s", "3s", "give a time between"],
        OrderError::Unknown("a".into()) => ["\"a\"", "see GetStatus"],
        OrderError::NothingToReload => ["reloadable()", "files of TLS"],
        OrderError::ReloadRefused { by: vec!["a: no".into()] } => ["a: no", "nobody has changed", "reload again"],
        OrderError::ReloadIncomplete { by: vec!["a: no".into()] } => ["a: no", "restarted where their policy says so"],
        OrderError::ReloadCalledOff => ["shutdown"],
        OrderError::NotRunning(Stage::Stopping) => ["stopping", "while it is running"],
        OrderError::Id("a".into()) => ["\"a\"", "give it an id of its own"],
        OrderError::Spec { service: "a".into(), reason: "no".into() } => ["\"a\"", "no"],
        OrderError::NotRestartable("a".into()) => ["\"a\"", "restart(..)"],
        OrderError::Server("a".into()) => ["\"a\"", "use StartShutdown"],
        OrderError::Needed { service: "a".into(), dependents: vec!["b".into()] } => ["\"a\"", "b depend", "remove or stop"],
        OrderError::Failed { service: "a".into(), reason: "no".into() } => ["\"a\"", "no", "add it again"],
        OrderError::Forced("a".into()) => ["\"a\"", "allow it more time"],
        OrderError::Overtaken("a".into()) => ["\"a\"", "see GetStatus"],
    );
    every!(itself -> ResourceError { Duplicate, Unnamed, Unfit, TooMany, Closed, Thread }:
        ResourceError::Duplicate { service: "a".into(), name: "r".into() } => ["a ", "\"r\"", "give each its own name"],
        ResourceError::Unnamed { service: "a".into() } => ["a ", "give it one"],
        ResourceError::Unfit { service: "a".into(), name: "\"r\\n\"".into(), reason: "which has control characters in it" }
            => ["a ", "\"r\\n\"", "control characters", "choose a name"],
        ResourceError::TooMany { service: "a".into(), name: "r".into() } => ["a ", "\"r\"", "65536", "have one resource"],
        ResourceError::Closed { service: "a".into(), name: "r".into() } => ["a ", "\"r\"", "start it in Setup"],
        ResourceError::Thread { service: "a".into(), name: "r".into(), source: denied() } => ["\"r\"", "raise the limits"],
    );
}

#[test]
fn where_the_server_cannot_serve_the_address_is_told_and_a_way_out() {
    let address = || "127.0.0.1:1".to_owned();
    let (owner, service) = (|| "api".to_owned(), || "a.B".to_owned());
    every!(itself -> ServerError {
        InUse, Bind, Unusable, Listen, AddedTwice, TooLate, Unnameable, DescriptorSet, Undescribed, Thread, NotSetUp, Lost,
    }:
        ServerError::AddedTwice { owner: owner(), service: service(), first: "b".into(), mend: "add it once" }
            => ["\"api\"", "a.B", "\"b\"", "add it once"],
        ServerError::TooLate { owner: owner(), service: service() } => ["\"api\"", "a.B", "while handling RegisterOnServer"],
        ServerError::Unnameable { owner: owner(), service: "a b".into() } => ["\"api\"", "\"a b\"", "name it package.Service"],
        ServerError::DescriptorSet { owner: owner(), reason: "it is empty".into() } => ["\"api\"", "it is empty"],
        ServerError::InUse { address: address(), waited: SECOND, asked: false, source: denied() }
            => ["127.0.0.1:1", "1.0s", "choose another address"],
        ServerError::Bind { address: address(), source: denied() } => ["127.0.0.1:1", "choose an address"],
        ServerError::Unusable { address: address(), reason: "no".into(), mend: "make it" } => ["127.0.0.1:1", "no", "make it"],
        ServerError::Listen { address: address(), source: denied() } => ["127.0.0.1:1", "stop whoever took it"],
        ServerError::Undescribed("a.B".into()) => ["a.B", "add_file_descriptor_set", "grpc_server_middleware"],
        ServerError::Thread(denied()) => ["lower GrpcServerOptions::workers"],
        ServerError::NotSetUp => ["this is a bug in majordomo"],
        ServerError::Lost => ["this is a bug in majordomo"],
    );
    let slow = DrainError { connections: 1, unavailable: 2, ..DrainError::default() };
    helps(&slow, &["1 connection held on", "2 calls", "request_timeout"]);
    let blocked = DrainError { blocked_workers: vec!["server-worker-0".into()], ..DrainError::default() };
    helps(&blocked, &["server-worker-0", "spawn_blocking"]);
}

#[test]
fn who_was_forced_is_told_for_what_and_what_to_do() {
    let asked = SECOND;
    every!(hold -> Hold { NotAsked, Silent, WentOn, Panicked, Blocking, Starved, Unresponsive }:
        forced(Activity::Step(Step::Setup), Hold::NotAsked) => ["of setup", "before it had been asked", "limit what its set-up waits for"],
        forced(Activity::Step(Step::Run), Hold::NotAsked) => ["of run", "before it had been asked", "StartShutdown"],
        forced(Activity::Step(Step::Run), Hold::Silent { asked }) => ["1.0 s ago", "have its Run return"],
        forced(Activity::Release, Hold::Silent { asked }) => ["of release", "limit what its Release waits for"],
        forced(Activity::Step(Step::Run), Hold::WentOn { asked }) => ["1.0 s ago", "have its Run return"],
        forced(Activity::Step(Step::Run), Hold::Panicked) => ["had panicked", "mend the panic"],
        forced(Activity::Step(Step::Run), Hold::Blocking { lasted: SECOND }) => ["for 1.0 s", "spawn_blocking"],
        forced(Activity::Ending, Hold::Starved { by: "b".into(), lasted: SECOND }) => ["could not be ended", "by b", "dedicated thread"],
        forced(Activity::Step(Step::Run), Hold::Unresponsive) => ["does not react", "look for blocking calls"],
    );
    helps(&NoAnswerError::new(Activity::Release), &["release", "answer first, then stop"]);
    let stuck = StuckError { lasted: 2 * SECOND, limit: SECOND, thread: "arbiter 3".into() };
    helps(&stuck, &["2.0 s", "1.0 s", "arbiter 3", "spawn_blocking"]);
    helps(&ReturnedError, &["RestartPolicy", "on_failure()"]);
    helps(&StageError::NotRunning, &["start another"]);
    helps(&StageError::Gone("closed".into()), &["closed", "wait for WaitForShutdown"]);
}
