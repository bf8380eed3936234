use std::os::unix::fs::symlink;

use super::*;

/// A folder of its own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("majordomo-command-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    fn program(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn variables(all: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    all.iter().map(|(key, value)| (key.into(), value.into())).collect()
}

/// A start of a process that was called so in this directory.
fn started(name: &str, folder: &Folder) -> Start {
    Start {
        name: Some(name.into()),
        program: None,
        args: vec!["--port".into(), "7".into()],
        env: variables(&[("PATH", "bin:/nowhere"), ("NOTIFY_SOCKET", "/run/n"), ("WATCHDOG_USEC", "9")]),
        directory: Some(folder.0.clone()),
    }
}

fn found(start: Start, options: &Changes) -> Result<PathBuf, String> {
    let command = SuccessorCommand::new(start, options).look_up();
    command.map(|command| PathBuf::from(command.get_program())).map_err(|error| error.to_string())
}

#[test]
fn g24_a_program_is_found_by_the_name_that_it_was_started_by() {
    let folder = Folder::new("found");
    let (here, in_path) = (folder.program("shop", 0o755), folder.program("bin/shop", 0o700));
    for (name, program) in [
        ("./shop", folder.0.join("./shop")),
        (here.to_str().unwrap(), here.clone()),
        ("bin/shop", in_path.clone()),
        ("shop", in_path.clone()),
    ] {
        assert_eq!(found(started(name, &folder), &Changes::default()).unwrap(), program, "{name}");
    }
}

#[test]
fn g24_a_link_that_was_switched_leads_to_the_new_program() {
    let folder = Folder::new("switched");
    let (old, new) = (folder.program("1/shop", 0o755), folder.program("2/shop", 0o755));
    let link = folder.0.join("current");
    symlink("1", &link).unwrap();
    let command = SuccessorCommand::new(started("current/shop", &folder), &Changes::default());
    let program = |command: &SuccessorCommand| {
        PathBuf::from(command.look_up().unwrap().get_program()).canonicalize().unwrap()
    };
    assert_eq!(program(&command), old);
    fs::remove_file(&link).unwrap();
    symlink("2", &link).unwrap();
    assert_eq!(program(&command), new);
}

#[test]
fn g24_where_the_name_leads_nowhere_the_program_of_the_start_is_taken() {
    let folder = Folder::new("nowhere");
    let program = folder.program("real", 0o755);
    let start = Start { program: Some(program.clone()), ..started("gone", &folder) };
    assert_eq!(found(start, &Changes::default()).unwrap(), program);
}

#[test]
fn g24_a_name_that_is_another_program_s_is_not_believed() {
    // The test program is called by its path, which leads to it.
    let start = Start::of_process();
    assert!(start.leads_here(start.program.as_ref().unwrap().as_os_str()));
    assert!(!start.leads_here(OsStr::new("/bin/sh")) && !start.leads_here(OsStr::new("sh")));
}

#[test]
fn g24_what_cannot_be_started_is_refused_with_its_name_and_what_to_do() {
    let folder = Folder::new("refused");
    folder.program("no-mode", 0o644);
    let file = folder.program("file", 0o755);
    let program = |path: &str| Changes { program: Some(path.into()), ..Changes::default() };
    let directory = |path: &Path| Changes { current_dir: Some(path.into()), ..Changes::default() };
    let gone = folder.0.join("gone");
    for (name, options, words) in [
        ("./gone", Changes::default(), ["/gone\"", "No such file", "Handover::program"]),
        ("gone", Changes::default(), ["\"gone\"", "nowhere in PATH", "Handover::program"]),
        ("./no-mode", Changes::default(), ["no-mode", "nobody may execute it", "Handover::program"]),
        ("/", Changes::default(), ["\"/\"", "it is no file", "Handover::program"]),
        ("./file", program("/no/such"), ["\"/no/such\"", "No such file", "put it back"]),
        ("./file", directory(&gone), ["gone", "No such file", "Handover::current_dir"]),
        ("./file", directory(&file), ["file", "no directory", "Handover::current_dir"]),
    ] {
        let error = found(started(name, &folder), &options).unwrap_err();
        for word in words {
            assert!(error.contains(word), "{word:?} is not in: {error}");
        }
    }
}

#[test]
fn g24_the_successor_has_arguments_environment_and_directory_of_the_start_but_what_is_one_process_s() {
    let folder = Folder::new("environment");
    folder.program("shop", 0o755);
    let mut start = started("./shop", &folder);
    for variable in NOT_PASSED_ON {
        start.env.push((variable.into(), "3".into()));
    }
    let env = variables(&[("COLOR", "red"), ("PATH", "/bin"), ("COLOR", "blue")]);
    let options = Changes { env, ..Changes::default() };
    let command = SuccessorCommand::new(start.clone(), &options).look_up().unwrap();
    let mut env: Vec<_> = command.get_envs().map(|(key, value)| (key, value.unwrap())).collect();
    env.sort();
    let wanted = [("COLOR", "blue"), ("NOTIFY_SOCKET", "/run/n"), ("PATH", "/bin"), ("WATCHDOG_USEC", "9")];
    assert_eq!(env, wanted.map(|(key, value)| (OsStr::new(key), OsStr::new(value))));
    assert_eq!(command.get_args().collect::<Vec<_>>(), ["--port", "7"]);
    assert_eq!(command.get_current_dir(), Some(folder.0.as_path()));
    let options =
        Changes { args: Some(vec!["--fast".into()]), current_dir: Some("/".into()), ..Changes::default() };
    let command = SuccessorCommand::new(Start { name: Some("/bin/sh".into()), ..start }, &options).look_up();
    let command = command.unwrap();
    assert_eq!(command.get_args().collect::<Vec<_>>(), ["--fast"]);
    assert_eq!(command.get_current_dir(), Some(Path::new("/")));
}
