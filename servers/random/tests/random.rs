//! The service as its clients see it: on the host, with the real kernel core and the real vm.
//!
//! The simulated machine has no source of random numbers, and its clock ticks evenly: its numbers can be guessed, and the
//! server must say so.

use interfaces::random::{BYTES_MAX, Client};
use resea::Error;
use sim::System;

fn system() -> System {
    System::new().program(sim::program!(random::run))
}

fn random() -> Client {
    Client::new(resea::lookup("random").unwrap())
}

#[test]
fn every_request_has_other_bytes() {
    system().run(|| {
        let random = random();
        let mut seen: Vec<[u8; 16]> = Vec::new();
        for _ in 0..100 {
            let mut bytes = [0; 16];
            assert_eq!(random.read(&mut bytes), Ok(16));
            assert!(!seen.contains(&bytes));
            seen.push(bytes);
        }
    });
}

#[test]
fn all_of_the_buffer_is_filled_up_to_the_most() {
    system().run(|| {
        let random = random();
        for length in [0, 1, 7, 64, BYTES_MAX - 1, BYTES_MAX] {
            let mut bytes = vec![0; length];
            assert_eq!(random.read(&mut bytes), Ok(length));
            let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
            // The run is always the same, so that this is not a matter of luck.
            assert!(zeros < 2, "{zeros} bytes of {length} were not filled");
        }
        assert_eq!(random.read(&mut vec![0; BYTES_MAX + 1]), Err(Error::TooLarge));
        assert_eq!(random.read(&mut [0; 8]), Ok(8));
    });
}

#[test]
fn the_log_says_that_the_numbers_can_be_guessed() {
    let report = system().run(|| _ = random().read(&mut [0; 8]));
    assert!(report.console.contains("the numbers can be guessed"), "{}", report.console);
}

/// Wherever the server is killed, its client gets its bytes or an error, and bytes when it looks again.
#[test]
fn a_killed_server_comes_back() {
    let read = || {
        let random = Client::new(resea::lookup("random").map_err(|failed| failed.error)?);
        let mut bytes = [0; 32];
        random.read(&mut bytes)?;
        random.read(&mut bytes).map(|length| (length, bytes))
    };
    system().killable(["random"]).explore(1_000, move || match read() {
        Ok((32, bytes)) => assert_ne!(bytes, [0; 32]),
        answer => {
            assert!(sim::was_killed(), "{answer:?} without a reason");
            assert!(read().is_ok());
        }
    });
}

// Random messages, good and bad, of the interface.
sim::messages!(random::run);
