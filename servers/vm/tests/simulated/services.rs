//! Services: found, started, lost, started again; and what those get who may not.

use crate::programs::{end_of, launch, numbers, store, system};
use interfaces::example::Client;
use resea::{Error, ExitKind, ExitStatus, SharedMemory, TaskId};
use sim::Program;
use std::time::Duration;

#[test]
fn a_service_is_found_before_and_after_its_server_offers_it() {
    let late = Program::new("late", "provides = [\"late\"]\nstart = \"boot\"", || {
        resea::sleep(Duration::from_millis(50));
        resea::serve("late", interfaces::example::dispatch, example::Example::default())
    });
    let twice = Program::new("twice", "provides = [\"late\"]", || {
        resea::serve("late", interfaces::example::dispatch, example::Example::default())
    });
    let report = system().program(late).program(twice).run(|| {
        let server = resea::lookup("late").unwrap();
        assert!(resea::clock() >= 50_000_000, "the lookup waits until it is served");
        assert_eq!(sim::task("late"), Some(server));
        assert_eq!(resea::lookup("late"), Ok(server));
        let exit = end_of(launch("twice", &[]));
        assert_eq!((exit.status, exit.kind), (1, ExitKind::Exited), "there is a server already");
        assert_eq!(resea::lookup("late"), Ok(server));
    });
    assert!(report.console.contains("twice: cannot serve `late`: it exists already"), "{}", report.console);
}

#[test]
fn a_server_is_started_when_it_is_asked_for_and_once_for_all_who_ask() {
    let asks = Program::new("asks", "uses = [\"example\"]", || {
        ExitStatus(resea::lookup("example").unwrap().raw() as i32)
    });
    system().program(asks).run(|| {
        assert_eq!(sim::task("example"), None);
        let tasks: Vec<_> = (0..5).map(|_| launch("asks", &[])).collect();
        let found: Vec<_> = tasks.into_iter().map(|task| end_of(task).status).collect();
        let server = sim::task("example").expect("it runs").raw() as i32;
        assert_eq!(found, [server; 5]);
    });
}

#[test]
fn a_server_that_ends_before_it_serves_is_an_error_for_those_who_wait() {
    let fails = Program::new("fails", "provides = [\"nothing\"]", || ExitStatus(3));
    system().program(fails).run(|| {
        assert_eq!(resea::lookup("nothing").unwrap_err().error, Error::Aborted);
        assert_eq!(resea::lookup("nothing").unwrap_err().error, Error::Aborted, "the next one tries again");
    });
}

#[test]
fn what_the_manifest_does_not_give_is_refused() {
    let humble = Program::new("humble", "", || {
        assert_eq!(resea::lookup("example").unwrap_err().error, Error::NotPermitted);
        assert_eq!(resea::vm().serve("example"), Err(Error::NotPermitted));
        assert_eq!(resea::launch("ends", []).unwrap_err().error, Error::NotPermitted);
        let server = TaskId::from_raw(numbers(resea::arguments())[0] as usize).unwrap();
        assert_eq!(Client::new(server).count(), Err(Error::NotPermitted), "the kernel refuses it too");
        assert_eq!(resea::kill(server), Err(Error::NotPermitted));
        assert_eq!(SharedMemory::create(2 << 20).unwrap_err(), Error::TooLarge);
        ExitStatus(9)
    });
    let hopeful = Program::new("hopeful", "uses = [\"net\"]", || {
        assert_eq!(resea::lookup("net").unwrap_err().error, Error::NotFound, "nobody provides it");
    });
    system().program(humble).program(hopeful).run(|| {
        assert_eq!(end_of(launch("hopeful", &[])).status, 0);
        assert_eq!(resea::vm().serve(&"x".repeat(100)), Err(Error::TooLarge));
        assert_eq!(resea::vm().serve("f\0s"), Err(Error::BadText));
        assert_eq!(resea::lookup("example\0").unwrap_err().error, Error::BadText);
        assert_eq!(resea::lookup("unheard-of").unwrap_err().error, Error::NotPermitted);
        let server: &'static str = store().task().raw().to_string().leak();
        assert_eq!(end_of(launch("humble", &[server])).status, 9);
        assert_eq!(store().count(), Ok(0), "it lives");
    });
}

#[test]
fn clients_of_a_server_that_dies_get_an_error_at_once() {
    let deaf = Program::new("deaf", "provides = [\"deaf\"]", || {
        resea::vm().serve("deaf").unwrap();
        // Takes requests and answers none of them.
        while ipc::receive(None).is_ok() {}
    });
    let client = Program::new("client", "uses = [\"deaf\"]", || {
        let server = Client::new(resea::lookup("deaf").unwrap());
        let before = resea::clock();
        assert_eq!(server.count(), Err(Error::Aborted));
        assert!(resea::clock() - before < 20_000_000, "nothing had to expire");
        assert_eq!(server.count(), Err(Error::NoTask));
        ExitStatus(9)
    });
    system().program(deaf).program(client).run(|| {
        let clients: Vec<_> = (0..4).map(|_| launch("client", &[])).collect();
        resea::sleep(Duration::from_millis(10));
        sim::kill("deaf").unwrap();
        for client in clients {
            assert_eq!(end_of(client).status, 9);
        }
    });
}

#[test]
fn a_server_that_keeps_dying_is_restarted_later_each_time_and_then_given_up() {
    let report = system().run(|| {
        let mut waits = Vec::new();
        loop {
            let server = resea::lookup("example").unwrap();
            assert_eq!(Client::new(server).count(), Ok(0));
            let died = resea::clock();
            sim::crash("example");
            assert_eq!(Client::new(server).count(), Err(Error::Aborted));
            if waits.len() == 5 {
                break;
            }
            assert_ne!(resea::lookup("example"), Ok(server), "it is another task");
            waits.push((resea::clock() - died) / 1_000_000);
        }
        for (wait, expected) in waits.iter().zip([100, 200, 400, 800, 1600]) {
            assert!((expected..expected + 2).contains(wait), "{waits:?}");
        }
        let refused = resea::lookup("example").map_err(|refused| refused.error);
        assert_eq!(refused, Err(Error::Aborted), "nobody can keep the machine busy with it");
        resea::sleep(Duration::from_secs(60));
        assert_eq!(sim::task("example"), None, "it is not started by itself any more");
        assert_eq!(store().count(), Ok(0), "but for who asks for it");
    });
    assert!(report.console.contains("example keeps ending soon after its start"), "{}", report.console);
}

#[test]
fn a_server_that_somebody_ends_is_back_soon_however_often() {
    system().run(|| {
        for _ in 0..20 {
            store().count().unwrap();
            let died = resea::clock();
            sim::kill("example").unwrap();
            store().count().unwrap();
            assert!(resea::clock() - died < 102_000_000);
        }
    });
}

#[test]
fn a_server_that_lived_long_is_restarted_soon() {
    system().run(|| {
        for _ in 0..10 {
            store().count().unwrap();
            resea::sleep(Duration::from_secs(11));
            let died = resea::clock();
            sim::crash("example");
            assert_eq!(store().count(), Err(Error::Aborted));
            store().count().unwrap();
            assert!(resea::clock() - died < 102_000_000);
        }
    });
}
