//! The sorting hat, as its users see it: the built example, over real connections and a real database.
//!
//! What needs PostgreSQL is ignored unless it is asked for: `.ci/postgres cargo test -p sorting-hat -- --ignored`.

mod hat;

use std::process::Stdio;
use std::thread;

use hat::{Answered, Hat, ask, command};
use support::Folder;

const USAGE: i32 = 64;

/// Two frames: the server's, then the client's.
fn has_both_ends(told: &str) -> bool {
    let traced: Vec<_> = told.lines().filter_map(|line| line.trim().strip_prefix("at ")).collect();
    matches!(traced[..], [server, client] if server.starts_with("SortingHat on ") && client.starts_with("Deputy Headmistress on "))
}

#[track_caller]
fn is_refused(answered: &Answered, wanted: &str) {
    assert_eq!((answered.code, &*answered.out), (1, ""), "{}", answered.err);
    assert_eq!(answered.err.lines().next(), Some(wanted), "{}", answered.err);
    assert!(has_both_ends(&answered.err), "{}", answered.err);
}

#[track_caller]
fn is(answered: &Answered, wanted: &str) {
    assert_eq!((answered.code, &*answered.out, &*answered.err), (0, wanted, ""));
}

/// Whatever database keeps it.
fn plays(database: &str) {
    let hat = Hat::serve(database);
    is(&hat.sort("Harry Potter"), "Harry Potter: Gryffindor\n");

    let twice = hat.sort("Harry Potter");
    is_refused(&twice, "(AlreadyExists | GRPEAKEC | 1002) resource already exists: a pupil is sorted once");
    assert_eq!(twice.err.lines().nth(1), Some("  pupil: Harry Potter"), "{}", twice.err);

    is(&hat.find("Harry Potter"), "Harry Potter: Gryffindor\n");
    is_refused(&hat.find("harry potter"), "(ResourceExists | GRPEAKEC | 1001) requested resource not found");
    for empty in ["", " "] {
        for refused in [hat.sort(empty), hat.find(empty)] {
            is_refused(
                &refused,
                "(Validation | GRPEAKEC | 1003) client argument failed validation: a pupil has a name",
            );
        }
    }
    for (refused, why) in [
        (hat.sort(&"Ha".repeat(501)), "a name of 1002 bytes is too long: 1000 are allowed"),
        (hat.find("Tom\nRiddle"), "a name has no control characters"),
    ] {
        let wanted = "(Validation | GRPEAKEC | 1003) client argument failed validation";
        is_refused(&refused, &format!("{wanted}: {why}"));
    }
    // A name is data, whatever it says.
    is(&hat.sort("Robert'); DROP TABLE pupils;--"), "Robert'); DROP TABLE pupils;--: Ravenclaw\n");
    hat.end();

    let hat = Hat::serve(database);
    is(&hat.find("Harry Potter"), "Harry Potter: Gryffindor\n");
    is_refused(
        &hat.sort("Harry Potter"),
        "(AlreadyExists | GRPEAKEC | 1002) resource already exists: a pupil is sorted once",
    );
    hat.end();
}

/// Two servers of one roster, and clients of both.
fn decides_who_was_first(database: &str) {
    let hats = [Hat::serve(database), Hat::serve(database)];
    let answered: Vec<_> = thread::scope(|scope| {
        let asking = hats.iter().cycle().take(6);
        let clients: Vec<_> = asking.map(|hat| scope.spawn(|| hat.sort("Luna Lovegood"))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let (first, others): (Vec<_>, Vec<_>) = answered.iter().partition(|answered| answered.code == 0);
    assert_eq!(first.len(), 1, "{answered:#?}");
    is(first[0], "Luna Lovegood: Ravenclaw\n");
    for other in others {
        is_refused(
            other,
            "(AlreadyExists | GRPEAKEC | 1002) resource already exists: a pupil is sorted once",
        );
    }
    hats.into_iter().for_each(Hat::end);
}

#[test]
fn pupils_are_sorted_once_and_found_after_a_restart() {
    let folder = Folder::new();
    plays(folder.path("roster").to_str().unwrap());
}

#[test]
fn one_of_many_who_sort_the_same_pupil_at_once_succeeds() {
    let folder = Folder::new();
    decides_who_was_first(folder.path("roster").to_str().unwrap());
}

#[test]
fn a_database_that_fails_is_told_with_its_error_and_asked_again_when_it_is_mended() {
    let folder = Folder::new();
    let file = folder.path("roster");
    let hat = Hat::serve(file.to_str().unwrap());
    is(&hat.sort("Cho Chang"), "Cho Chang: Ravenclaw\n");
    let beside = rusqlite::Connection::open(&file).unwrap();
    beside.execute("ALTER TABLE pupils RENAME TO hidden", ()).unwrap();
    for refused in [hat.sort("Draco Malfoy"), hat.find("Cho Chang")] {
        is_refused(
            &refused,
            "(RosterUpdate | Hogwarts | 2000) the roster could not be read or updated | from: SQLite: no such table: pupils",
        );
    }
    beside.execute("ALTER TABLE hidden RENAME TO pupils", ()).unwrap();
    is(&hat.find("Cho Chang"), "Cho Chang: Ravenclaw\n");
    beside.execute("UPDATE pupils SET house = 'Durmstrang'", ()).unwrap();
    let strange = hat.find("Cho Chang");
    assert!(
        strange.err.contains("\"Cho Chang\" is in a house \"Durmstrang\", which is none"),
        "{}",
        strange.err
    );
    drop(beside);
    hat.end();
}

#[test]
fn the_house_is_the_same_on_every_machine_and_on_every_day() {
    let folder = Folder::new();
    let hat = Hat::serve(folder.path("roster").to_str().unwrap());
    for (name, house) in [
        ("Hermione Granger", "Gryffindor"),
        ("Ron Weasley", "Gryffindor"),
        ("Neville Longbottom", "Gryffindor"),
        ("Cedric Diggory", "Hufflepuff"),
        ("Luna Lovegood", "Ravenclaw"),
        ("Draco Malfoy", "Slytherin"),
        ("Jožin z bažin", "Gryffindor"),
    ] {
        is(&hat.sort(name), &format!("{name}: {house}\n"));
    }
    hat.end();
}

#[test]
fn g03_a_database_that_cannot_be_opened_fails_the_set_up_and_is_named_without_its_password() {
    let folder = Folder::new();
    let text = folder.path("text");
    std::fs::write(&text, "no database at all, but long enough to be looked into by whoever opens it")
        .unwrap();
    for (file, why) in [(folder.path("nowhere/roster"), "unable to open"), (text, "not a database")] {
        let file = file.to_str().unwrap();
        let ended = ask(&["serve", "127.0.0.1:0", file]);
        assert_eq!((ended.code, &*ended.out), (1, ""), "{}", ended.err);
        let wanted = format!("the roster cannot be opened in the SQLite database {file}: SQLite: ");
        assert!(ended.err.contains(&wanted) && ended.err.contains(why), "{}", ended.err);
        assert!(
            ended.err.contains("give a file of SQLite, or a new one in a folder that exists"),
            "{}",
            ended.err
        );
    }
    let url =
        format!("postgres://hat:secret@{}/roster", folder.path("").to_str().unwrap().replace('/', "%2F"));
    let ended = ask(&["serve", "127.0.0.1:0", &url]);
    assert_eq!((ended.code, &*ended.out), (1, ""), "{}", ended.err);
    assert!(
        ended.err.contains("the roster cannot be opened in the PostgreSQL database roster at "),
        "{}",
        ended.err
    );
    assert!(!ended.err.contains("secret"), "{}", ended.err);
}

#[test]
fn without_a_database_the_roster_is_in_the_current_folder() {
    let folder = Folder::new();
    let hat = Hat::of(command(&["serve", "127.0.0.1:0"]).current_dir(folder.path("")));
    is(&hat.sort("Harry Potter"), "Harry Potter: Gryffindor\n");
    hat.end();
    assert!(folder.path("sorting_hat.sqlite3").exists());
}

#[test]
fn the_address_that_the_server_prints_is_what_clients_are_given_also_of_a_unix_socket() {
    let folder = Folder::new();
    let (socket, roster) = (folder.path("hat.sock"), folder.path("roster"));
    let address = format!("unix:{}", socket.display());
    let hat = Hat::of(&mut command(&["serve", &address, roster.to_str().unwrap()]));
    assert_eq!(hat.address(), address);
    is(&hat.sort("Harry Potter"), "Harry Potter: Gryffindor\n");
    hat.end();
}

#[test]
fn a_server_that_is_not_there_is_told_with_its_reason() {
    let folder = Folder::new();
    let hat = Hat::serve(folder.path("roster").to_str().unwrap());
    let address = hat.address().to_owned();
    hat.end();
    let answered = ask(&["find", &address, "Harry Potter"]);
    assert_eq!((answered.code, &*answered.out), (1, ""));
    assert!(answered.err.starts_with("Unavailable: "), "{}", answered.err);
    assert!(answered.err.contains("Connection refused"), "{}", answered.err);
}

#[test]
fn a_command_that_cannot_be_meant_is_refused_with_the_usage() {
    for (args, why) in [
        (&["sort"][..], "sort takes other arguments than []"),
        (&["find", "127.0.0.1:1"], "find takes other arguments than"),
        (&["serve"], "serve takes other arguments"),
        (&["serve", "127.0.0.1:0", "a", "b"], "serve takes other arguments"),
        (&["sing"], "\"sing\" is no command"),
        (&["sort", "not an address", "Harry"], "ADDRESS \"not an address\": "),
        (
            &["serve", "127.0.0.1:0", "mysql://root:secret@localhost/x"],
            "DATABASE: mysql:// is none that is known",
        ),
        (
            &["serve", "127.0.0.1:0", "postgres://localhost:port/x"],
            "DATABASE: invalid value for option `port`",
        ),
        (&["serve", "127.0.0.1:0", ""], "DATABASE: it is empty"),
    ] {
        let refused = ask(args);
        assert_eq!((refused.code, &*refused.out), (USAGE, ""), "{args:?}: {}", refused.err);
        assert!(refused.err.starts_with(why), "{args:?}: {}", refused.err);
        assert!(
            refused.err.contains("usage: 05_sorting_hat") && !refused.err.contains("secret"),
            "{}",
            refused.err
        );
    }
    let help = ask(&["--help"]);
    assert_eq!((help.code, &*help.err), (0, ""));
    assert!(help.out.contains("sorting_hat.sqlite3"), "{}", help.out);
}

#[test]
fn the_demonstration_shows_both_ends() {
    let folder = Folder::new();
    let ended = hat::output(command(&[]).env_remove("RUST_LOG").env("TMPDIR", folder.path("")));
    assert_eq!((ended.code, &*ended.err), (0, ""), "{}", ended.out);
    assert!(ended.out.ends_with("nothing was left behind\n"), "{}", ended.out);
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 0);
}

fn url() -> String {
    std::env::var("DATABASE_URL").expect("DATABASE_URL names a PostgreSQL to play in")
}

#[test]
#[ignore = "needs PostgreSQL"]
fn postgres_keeps_the_roster_as_sqlite_does() {
    let database = hat::Schema::new(&url());
    plays(database.url());
}

#[test]
#[ignore = "needs PostgreSQL"]
fn postgres_decides_who_was_first() {
    let database = hat::Schema::new(&url());
    decides_who_was_first(database.url());
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_connection_to_postgres_that_is_lost_is_told_and_made_again() {
    let database = hat::Schema::new(&url());
    let mut hat = Hat::of(command(&["serve", "127.0.0.1:0", database.url()]).stderr(Stdio::piped()));
    is(&hat.sort("Cho Chang"), "Cho Chang: Ravenclaw\n");

    // While a call waits for its answer.
    database.lock();
    let cut = thread::scope(|scope| {
        let waits = scope.spawn(|| hat.sort("Draco Malfoy"));
        database.cut_who_waits();
        waits.join().unwrap()
    });
    database.unlock();
    // The database's last words get lost where TCP resets the connection.
    let from = "(RosterUpdate | Hogwarts | 2000) the roster could not be read or updated | from: ";
    let told = cut.err.strip_prefix(from).unwrap_or_else(|| panic!("{}", cut.err));
    let words =
        ["terminating connection due to administrator command", "the connection to PostgreSQL was lost: "];
    assert!(cut.code == 1 && words.iter().any(|words| told.contains(words)), "{told}");
    hat.wait_for("the next call connects again");
    is(&hat.sort("Draco Malfoy"), "Draco Malfoy: Slytherin\n");

    // While nobody waits.
    database.cut_all();
    let told = hat.wait_for("the next call connects again");
    assert!(told.contains("the connection to PostgreSQL was lost: "), "{told}");
    is(&hat.find("Cho Chang"), "Cho Chang: Ravenclaw\n");

    // In the end, too: there is nothing to close then.
    database.cut_all();
    hat.wait_for("the next call connects again");
    hat.end();
}
