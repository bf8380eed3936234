//! Sentinels as the environment has them issued, each time in a process of its own.

use std::process::Command;
use support::child;

use majordomo::api_errors::{
    ERR_NOT_FOUND, ERR_UNKNOWN, ErrorGenerator, SentinelError, SentinelIssuer, reissue_default_sentinels,
};
use majordomo::{Manager, ManagerOptions, resource_fn, service_fn};
use tonic::{Code, Status};

static CASTLE: SentinelIssuer = SentinelIssuer::new("Castle", true);
static GATE: SentinelError = CASTLE.sentinel("Gate", 40, Code::Aborted, "the gate is shut");
static DEAF: SentinelIssuer = SentinelIssuer::new("Castle", false);
static WALL: SentinelError = DEAF.sentinel("Wall", 41, Code::Aborted, "the wall is high");

/// Runs a program in an environment: what it printed, and its exit code.
fn run(program: &str, environment: &[(&str, &str)]) -> (String, i32) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.envs(environment.iter().copied());
    let mut process = child::start_by(command, module_path!(), program);
    let line = process.wait_for("> ");
    (line.split_once("> ").unwrap().1.to_owned(), process.end().code().unwrap())
}

#[test]
fn child_program() {
    let Some(program) = child::program() else { return };
    match program.as_str() {
        "texts" => println!("> {GATE}; {WALL}; {ERR_NOT_FOUND}"),
        "status" => println!("> {}", Status::from(GATE).message()),
        "reissue" => {
            let texts = [("Kingdom", 5_000), ("Realm", -1_000), ("GRPEAKEC", 0)].map(|(issuer, offset)| {
                reissue_default_sentinels(issuer, offset).unwrap();
                let error = ErrorGenerator::new("castle").error(&ERR_NOT_FOUND);
                assert!(error.is(&ERR_NOT_FOUND) && !error.is(&ERR_UNKNOWN));
                format!("{} {}", error.issuer(), error.code())
            });
            let refused = reissue_default_sentinels("Nowhere", -1_001).unwrap_err();
            println!("> {}; {refused}; {}", texts.join(", "), ERR_NOT_FOUND.issuer());
        }
        "use" => {
            let panic = std::panic::catch_unwind(|| ErrorGenerator::new("castle").error(&GATE)).unwrap_err();
            println!("> {}", panic.downcast_ref::<String>().unwrap());
        }
        "manager" => actix::System::new().block_on(async {
            let options = ManagerOptions::new()
                .grpc_server_address("127.0.0.1:0")
                .handle_signals(false)
                .error_generator(ErrorGenerator::new("castle"));
            let service = service_fn("never set up", |run: majordomo::Run| async move {
                run.resources.start("never", resource_fn(|| async { Ok(()) }))?;
                println!("> it runs");
                Ok(())
            });
            let error = Manager::new(options).service(service).run().await.unwrap_err();
            println!("> {}", error.to_string().replace('\n', " "));
            majordomo::exit(Err(error));
        }),
        other => panic!("no program {other}"),
    }
}

#[test]
fn the_environment_gives_two_services_one_issuer_and_codes_that_do_not_collide() {
    let (texts, _) = run("texts", &[("Castle_ERROR_ISSUER", "Kingdom"), ("Castle_ERROR_CODE_OFFSET", "-30")]);
    assert_eq!(
        texts,
        "(Gate | Kingdom | 10) the gate is shut; (Wall | Castle | 41) the wall is high; \
         (ResourceExists | GRPEAKEC | 1001) requested resource not found"
    );
    let (texts, _) =
        run("texts", &[("GRPEAKEC_ERROR_ISSUER", "Kingdom"), ("GRPEAKEC_ERROR_CODE_OFFSET", "5000")]);
    assert!(texts.ends_with("(ResourceExists | Kingdom | 6001) requested resource not found"), "{texts}");
}

#[test]
fn default_sentinels_are_reissued_relative_to_their_own_codes_twice_in_a_row_and_back() {
    // In place of what the environment says.
    let (text, _) = run("reissue", &[("GRPEAKEC_ERROR_CODE_OFFSET", "7")]);
    let (texts, rest) = text.split_once("; ").unwrap();
    assert_eq!(texts, "Kingdom 6001, Realm 1, GRPEAKEC 1001");
    assert!(
        rest.starts_with("Unknown of \"GRPEAKEC\" has the code 1000, which an offset of -1001"),
        "{rest}"
    );
    assert!(rest.ends_with("; GRPEAKEC"), "nothing changes when it is refused: {rest}");
}

#[test]
fn what_cannot_be_is_a_clear_error_at_first_use() {
    for (offset, parts) in [
        ("many", ["Castle_ERROR_CODE_OFFSET is \"many\"", "no whole number"]),
        ("-41", ["Gate of \"Castle\" has the code 40", "an offset of -41"]),
        ("4294967256", ["Gate of \"Castle\" has the code 40", "an offset of 4294967256"]),
    ] {
        for program in ["use", "status"] {
            let (text, _) = run(program, &[("Castle_ERROR_CODE_OFFSET", offset)]);
            assert!(parts.iter().all(|part| text.contains(part)), "{program}: {text}");
        }
    }
}

#[test]
fn a_manager_with_errors_that_cannot_be_issued_starts_nothing() {
    for offset in ["many", "-1001"] {
        let (text, code) = run("manager", &[("GRPEAKEC_ERROR_CODE_OFFSET", offset)]);
        assert!(text.contains(offset) && text.contains("GRPEAKEC"), "{text}");
        assert_eq!(code, 1);
    }
}
