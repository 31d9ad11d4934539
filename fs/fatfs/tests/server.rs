//! The file server as a task of a system: what every file server has to do, and messages of any kind.

mod support;

use fileserver::conformance::Conformance;
use interfaces::fs::{CREATE, READ};
use ipc::Error;
use support::server::{forget_disk, mount, new_disk, programs, system, with_file};

#[test]
fn it_does_what_every_file_server_has_to() {
    system().explore(100, || {
        let number = sim::random_number();
        let disk = new_disk(number);
        let client = mount(number);
        let mut test = Conformance::new(client);
        test.may_be_full = true;
        for _ in 0..4 {
            for _ in 0..60 {
                test.step(&mut |below| sim::random_number() % below);
            }
            test.verify();
        }
        assert_eq!(client.finish(true), Ok(()));
        with_file(&disk.image(), |image| programs::check(image, "after it was unmounted"));
        test.restarted(mount(number));
        test.verify();
        forget_disk(number);
    });
}

#[test]
fn every_message_is_answered() {
    system().explore(100, || {
        // The other test has disks with the numbers that the same seeds give it.
        let number = !sim::random_number();
        new_disk(number);
        let client = mount(number);
        sim::send_random(client.task(), &["fs"]);
        match client.open("/it lives", CREATE | READ) {
            Ok(file) => assert_eq!(client.read(file, 0, &mut [0; 10]), Ok(0)),
            // One of the messages was to finish, from who may say so.
            error => assert_eq!((error, client.sync_all()), (Err(Error::Aborted), Ok(()))),
        }
        forget_disk(number);
    });
}
