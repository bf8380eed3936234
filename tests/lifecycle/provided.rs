//! G2, G4: what services share by `provide` and `require`, and services of a set-up and a loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use majordomo::{BoxError, RequireError, RestartPolicy, RestartService, provider_fn, service_with_setup};
use support::{Journal, ms, observe, options, within};

/// Stands for a pool.
#[derive(Clone, Debug, PartialEq)]
struct Pool(usize);

fn again() -> RestartPolicy {
    RestartPolicy::on_failure().backoff(ms(0), ms(0))
}

#[actix::test]
async fn g04_what_is_required_is_that_of_the_life_of_who_provides_it() {
    let (lives, journal) = (Arc::<AtomicUsize>::default(), Journal::default());
    let counted = Arc::clone(&lives);
    let db = provider_fn("db", move |setup| {
        setup.provide(Pool(counted.fetch_add(1, Ordering::Relaxed) + 1));
        async { Ok(()) }
    });
    let noted = journal.clone();
    let api = service_with_setup(
        "api",
        |setup| async move { Ok(setup.require::<Pool>()?) },
        move |run, pool: Pool| {
            noted.note(format!("{pool:?} {:?}", run.require::<Pool>()));
            async move {
                run.shutdown.requested().await;
                Ok(())
            }
        },
    );
    let (db, api) = (db.restart(again()), api.depends_on("db").restart(again()));
    let mut observed = observe(options(), |manager| manager.service(api).service(db));
    observed.running().await;
    within("the restart", observed.manager.send(RestartService("db".into()))).await.unwrap().unwrap();
    journal.until("Pool(2) Ok(Pool(2))", 1).await;
    assert_eq!(journal.count("Pool(1) Ok(Pool(1))"), 1);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g03_what_is_missing_fails_the_set_up_and_names_who_has_it() {
    let provides = service_with_setup(
        "db",
        |setup| {
            setup.provide(Pool(1));
            async { Ok(()) }
        },
        |_, ()| async { Ok(()) },
    );
    let requires = |id| {
        let require = |setup: majordomo::Setup| async move { Ok::<_, BoxError>(setup.require::<Pool>()?) };
        service_with_setup(id, require, |_, _| async { Ok(()) })
    };
    // It is set up after who provides, but depends on another.
    let late = requires("late").depends_on("between");
    let between =
        service_with_setup("between", |_| async { Ok(()) }, |_, ()| async { Ok(()) }).depends_on("db");
    let observed = observe(options(), |manager| {
        manager.service(provides).service(between).service(late).service(requires("stranger"))
    });
    let ended = observed.ended().await;
    let errors = ended.setup_errors().errors();
    assert_eq!(support::whos(errors), ["stranger (setup)"], "late finds it through between");
    let error = errors[0].source.downcast_ref::<RequireError>().expect("a RequireError");
    assert_eq!((&*error.service, error.type_name.ends_with("Pool")), ("stranger", true));
}
