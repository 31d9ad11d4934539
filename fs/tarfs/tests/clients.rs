//! Handles and the tasks that they belong to; what ends when a task ends; who may finish a file server.

mod support;

use interfaces::fs::{CREATE, Client, OPEN_MAX, READ, WRITE};
use resea::{Error, TaskId};
use sim::{Program, System};
use support::{mount, start, system};

/// Opens `/kept`, and stays until it is ended.
fn keeper() {
    let task = resea::arguments().next().and_then(|text| TaskId::from_raw(text.parse().ok()?)).unwrap();
    let client = Client::new(task);
    let file = client.open("/kept", READ | WRITE).unwrap();
    assert_eq!(file.raw().to_string(), resea::arguments().nth(1).unwrap(), "a place that was closed");
    resea::println!("kept");
    loop {
        resea::wait();
    }
}

fn system_with_keeper() -> System {
    system().program(Program::new("keeper", "uses = [\"fs\"]", keeper))
}

#[test]
fn files_are_closed_when_their_task_ends() {
    system_with_keeper().run(|| {
        let client = mount(&["none", "/tmp"]);
        let first = client.open("/kept", CREATE | READ).unwrap();
        // The next handle at the same place, which only its owner can use.
        client.close(first).unwrap();
        let own = client.open("/kept", READ).unwrap();
        client.close(own).unwrap();
        let next = own.raw() + (own.raw() - first.raw());
        let keeper =
            resea::launch("keeper", [&client.task().raw().to_string()[..], &next.to_string()]).unwrap();
        sim::wait_for("kept", 0, core::time::Duration::from_secs(10));
        let foreign = resea::Handle::from_raw(next);
        assert_eq!(client.attributes(foreign).map(drop), Err(Error::BadHandle), "another task's handle");
        assert_eq!(client.close(foreign), Err(Error::BadHandle));
        assert_eq!(client.remove("/kept"), Err(Error::Busy));
        assert_eq!(client.rename("/kept", "/other"), Ok(()), "an open file can get another name");
        resea::watch(keeper).unwrap();
        resea::kill(keeper).unwrap();
        resea::wait();
        while client.remove("/other") == Err(Error::Busy) {
            resea::sleep(core::time::Duration::from_millis(1));
        }
        assert_eq!(client.attributes_at("/other").map(drop), Err(Error::NotFound));
    });
}

#[test]
fn a_task_has_so_many_files_open_and_no_more() {
    system().run(|| {
        let client = mount(&["none", "/tmp"]);
        let open = |number: usize| client.open(&format!("/{number}"), CREATE | READ);
        let files: Vec<_> = (0..OPEN_MAX).map(|number| open(number).unwrap()).collect();
        assert_eq!(open(OPEN_MAX), Err(Error::TableFull));
        assert_eq!(client.attributes_at(&format!("/{OPEN_MAX}")).map(drop), Err(Error::NotFound), "nor made");
        client.close(files[7]).unwrap();
        assert!(open(OPEN_MAX).is_ok());
    });
}

#[test]
fn who_has_mounted_it_finishes_it() {
    system_with_keeper().run(|| {
        let task = start(&["none", "/tmp"]).unwrap();
        let client = Client::new(task);
        let file = client.open("/file", CREATE | WRITE).unwrap();
        assert_eq!(client.finish(false), Err(Error::Busy));
        assert_eq!(client.write(file, 0, b"more").map(|done| done.written), Ok(4));
        assert_eq!(client.finish(true), Ok(()));
        assert_eq!(client.write(file, 4, b"lost").map(drop), Err(Error::BadHandle));
        assert_eq!(client.open("/file", READ), Err(Error::Aborted));
        assert_eq!(client.rename("/file", "/other"), Err(Error::Aborted));
    });
    let stranger = Program::new("stranger", "uses = [\"fs\"]", || {
        let task = resea::arguments().next().and_then(|text| TaskId::from_raw(text.parse().ok()?)).unwrap();
        assert_eq!(Client::new(task).finish(true), Err(Error::NotPermitted));
        resea::println!("refused");
    });
    system().program(stranger).run(|| {
        let task = start(&["none", "/tmp"]).unwrap();
        resea::launch("stranger", [&task.raw().to_string()[..]]).unwrap();
        sim::wait_for("refused", 0, core::time::Duration::from_secs(10));
        assert!(Client::new(task).open("/file", CREATE | READ).is_ok());
    });
}

#[test]
fn a_full_tree_keeps_what_it_has() {
    system().run(|| {
        let client = mount(&["none", "/tmp"]);
        let (mut format, mut label) = ([0; 16], [0; 16]);
        let mut free = || client.statistics(&mut format, &mut label).unwrap().free;
        let before = free();
        let file = client.open("/large", CREATE | WRITE | READ).unwrap();
        let (data, mut size) = (vec![7; 65_000], 0);
        let error = loop {
            match client.write(file, size, &data) {
                Ok(done) => size = done.end,
                Err(error) => break error,
            }
        };
        assert_eq!(error, Error::NoSpace);
        assert_eq!(client.attributes(file).map(|known| known.size), Ok(size));
        assert!(size > before * 9 / 10, "{size} of {before} bytes");
        let mut last = [0; 10];
        assert_eq!(client.read(file, size - 10, &mut last), Ok(10));
        assert_eq!(last, [7; 10]);
        client.close(file).unwrap();
        assert_eq!(client.remove("/large"), Ok(()));
        assert_eq!(free(), before);
    });
}

/// Wherever the file server is killed, its client gets an answer or an error that says so, and the next one is empty.
#[test]
fn a_killed_server_is_an_error_and_not_a_wrong_answer() {
    let work = |client: &Client| -> Result<(), Error> {
        let file = client.open("/file", CREATE | READ | WRITE)?;
        for round in 0..5_u8 {
            client.write(file, u64::from(round) * 100, &[round; 100])?;
            let mut data = [0xff; 100];
            assert_eq!(client.read(file, u64::from(round) * 100, &mut data)?, 100);
            assert_eq!(data, [round; 100]);
        }
        client.close(file)
    };
    let summary = system().killable(["tarfs"]).explore(300, move || {
        let Ok(task) = start_or_killed() else { return };
        if let Err(error) = work(&Client::new(task)) {
            assert!(sim::was_killed(), "{error:?} without a reason");
            assert!(matches!(error, Error::Aborted | Error::NoTask), "{error:?}");
        }
    });
    assert!(summary.killed > 50, "{summary:?}");
}

/// As [`start`], where the server may die at once.
fn start_or_killed() -> Result<TaskId, ()> {
    let own = format!("VFS={}", resea::own_id().raw());
    let task = resea::launch_in("tarfs", ["none", "/tmp"], [&own[..]]).map_err(drop)?;
    resea::watch(task).map_err(drop)?;
    let bits = resea::wait();
    if bits & interfaces::vfs::NOTIFY_MOUNTED as usize != 0 { Ok(task) } else { Err(()) }
}
