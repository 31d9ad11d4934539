//! Random order: every run can be repeated, and a program can be killed at any instant of it.

use interfaces::example::Client;
use resea::Error;
use sim::System;

fn store() -> Result<Client, Error> {
    resea::lookup("example").map(Client::new).map_err(|error| error.error)
}

/// Puts and gets; whether everything could be done.
fn use_store() -> Result<(), Error> {
    let mut buffer = [0; 16];
    store()?.put("colour", b"blue")?;
    let length = store()?.get("colour", &mut buffer)?;
    assert_eq!(&buffer[..length], b"blue");
    Ok(())
}

fn system() -> System {
    System::new().program(sim::program!(example::run))
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let trace = |seed| system().seed(seed).run(|| use_store().unwrap()).trace;
    assert_eq!(trace(7), trace(7));
    assert!((0..20).any(|seed| trace(seed) != trace(7)), "no seed changes anything");
}

#[test]
fn a_killed_server_is_an_error_for_its_client_and_comes_back() {
    let summary = system().killable(["example"]).explore(2000, || match use_store() {
        Ok(()) => {}
        Err(error) => {
            assert!(sim::was_killed(), "{error}");
            assert!(matches!(error, Error::Aborted | Error::NoTask | Error::NotFound), "{error}");
            // Its values are gone, but it serves again.
            use_store().unwrap();
        }
    });
    println!("{summary:?}");
    assert!(summary.killed > 300, "{summary:?}");
}

sim::messages!(example::run);
