//! The file server does what every file server has to do.

mod support;

use fileserver::conformance::Conformance;
use support::{mount, system};

#[test]
fn it_does_what_every_file_server_has_to() {
    system().explore(100, || {
        let mut test = Conformance::new(mount(&["none", "/tmp"]));
        for _ in 0..10 {
            for _ in 0..30 {
                test.step(&mut |below| sim::random_number() % below);
            }
            test.verify();
        }
    });
}
