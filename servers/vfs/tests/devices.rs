//! Disks come and go: with a device manager that says what the test tells it to say.

mod support;

use fs::MountState;
use interfaces::dm::{
    self, Class, DeviceReply, DriverReply, ListReply, MemoryReply, NAME_MAX, NOTIFY_DEVICES, State,
};
use ipc::{Error, StrLend, TaskId, WriteLend};
use resea::abi::NOTIFY_CHILD;
use sim::{Program, System};
use std::time::Duration;

/// The disk `disk0`, which is in a state, and whose driver has a number.
struct Manager {
    state: State,
    driver: Option<TaskId>,
    subscribers: Vec<TaskId>,
}

impl ipc::server::Events for Manager {}

impl dm::Server for Manager {
    fn subscribe(&mut self, sender: TaskId, class: Class) -> Result<(), Error> {
        assert_eq!(class, Class::Block);
        self.subscribers.push(sender);
        Ok(())
    }

    fn driver(
        &mut self,
        _: TaskId,
        class: Class,
        index: u32,
        name: WriteLend<'_>,
    ) -> Result<DriverReply, Error> {
        match self.driver {
            Some(task) if self.state == State::Running && index == 0 && class == Class::Block => {
                name.write(0, b"disk0")?;
                Ok(DriverReply { task, unit: 0, name: 5 })
            }
            _ => Err(Error::NotFound),
        }
    }

    /// Another device comes first, which is no disk and is always starting.
    fn list(
        &mut self,
        _: TaskId,
        index: u32,
        _: WriteLend<'_>,
        _: WriteLend<'_>,
    ) -> Result<ListReply, Error> {
        let (class_code, state) = match index {
            0 => (0x02_0000, State::Starting),
            1 => (0x01_0000, self.state),
            _ => return Err(Error::NotFound),
        };
        Ok(ListReply {
            place: 0,
            vendor: 1,
            device: 1,
            class_code,
            irq: 0,
            messages: false,
            state,
            starts: 0,
            task: 0,
            name: 0,
            driver: 0,
        })
    }

    /// What the test says: the state, and who is the driver.
    fn restart(&mut self, sender: TaskId, name: StrLend<'_>) -> Result<(), Error> {
        let mut buffer = [0; NAME_MAX];
        (self.state, self.driver) = match name.read(&mut buffer)? {
            "starting" => (State::Starting, None),
            "running" => (State::Running, Some(resea::own_id())),
            "running again" => (State::Running, Some(sender)),
            _ => (State::Parked, None),
        };
        self.subscribers.retain(|task| ipc::notify(*task, NOTIFY_DEVICES as usize).is_ok());
        Ok(())
    }

    fn driver_of(&mut self, call: dm::DriverOfCall) {
        panic!("vfs never waits for a driver, as {} did", call.sender());
    }

    fn device(&mut self, _: TaskId) -> Result<DeviceReply, Error> {
        Err(Error::NotPermitted)
    }

    fn configuration(&mut self, _: TaskId, _: u32) -> Result<[u32; 16], Error> {
        Err(Error::NotPermitted)
    }

    fn memory(&mut self, _: TaskId, _: u32, _: usize, _: bool) -> Result<MemoryReply, Error> {
        Err(Error::NotPermitted)
    }

    fn ready(&mut self, _: TaskId, _: u32) -> Result<(), Error> {
        Err(Error::NotPermitted)
    }

    fn alive(&mut self, _: TaskId) -> Result<(), Error> {
        Err(Error::NotPermitted)
    }
}

fn serve(state: State) -> ! {
    resea::vm().serve(dm::NAME).unwrap();
    let driver = (state == State::Running).then(resea::own_id);
    ipc::server::run(&mut Manager { state, driver, subscribers: Vec::new() }, dm::dispatch)
}

/// A system whose disk is in this state at first.
fn system(fstab: &str, manager: fn()) -> System {
    let manifest = "provides = [\"dm\"]\nuses = [\"vfs\", \"fs\"]\nstart = \"boot\"\nrestart = \"always\"";
    support::system(fstab).program(Program::new("dm", manifest, manager))
}

/// Has the disk's state changed.
fn disk(state: &str) {
    dm::Client::new(resea::lookup("dm").unwrap()).restart(state).unwrap();
}

fn mount_at(point: &str) -> fs::Mount {
    fs::mounts().unwrap().into_iter().find(|mount| mount.point == point).unwrap()
}

const FSTAB: &str = "disk0 /mnt/disk0 memfs\ndisk1p1 /mnt/disk1 memfs optional\n";

#[test]
fn a_disk_that_is_there_is_mounted() {
    let report = system(FSTAB, || serve(State::Running)).run(|| {
        fs::write("/mnt/disk0/x", "").unwrap();
        assert_eq!(fs::metadata("/mnt/disk1/x").unwrap_err().kind, Error::NotFound);
        assert_eq!(fs::read_dir("/mnt").unwrap().count(), 1);
        assert_eq!(fs::mount("disk0", "/other", "memfs", false).unwrap_err().kind, Error::Busy);
        assert_eq!(fs::mount("disk0p1", "/other", "memfs", false).unwrap_err().kind, Error::Busy);
        fs::unmount("/mnt/disk0", false).unwrap();
        fs::mount("disk0p1", "/other", "memfs", false).unwrap();
        fs::mount("disk0p2", "/another", "memfs", false).unwrap();
    });
    assert!(report.console.contains("vfs: /mnt/disk0 is disk0, served by memfs\n"), "{}", report.console);
    assert!(!report.console.contains("disk1"), "it is optional: {}", report.console);
}

#[test]
fn who_asks_for_a_disk_that_is_starting_waits() {
    fn starter() {
        resea::sleep(Duration::from_millis(50));
        disk("running");
    }
    let report = system(FSTAB, || serve(State::Starting))
        .program(Program::new("starter", "uses = [\"dm\"]", starter))
        .run(|| {
            assert_eq!(mount_at("/mnt/disk0").state, MountState::Starting);
            resea::launch("starter", []).unwrap();
            fs::write("/mnt/disk0/x", "").unwrap();
            assert!(ipc::clock() > 50_000_000);
            assert_eq!(fs::metadata("/mnt/disk1").unwrap_err().kind, Error::NotFound);
        });
    assert!(!report.console.contains("no device"), "{}", report.console);
}

#[test]
fn a_disk_that_comes_later_is_mounted_then() {
    let report = system(FSTAB, || serve(State::Parked)).run(|| {
        assert_eq!(fs::metadata("/mnt/disk0").unwrap_err().kind, Error::NotFound);
        let mount = mount_at("/mnt/disk0");
        assert_eq!((mount.state, mount.error, mount.starts), (MountState::Waiting, Some(Error::NotFound), 0));
        disk("running");
        fs::write("/mnt/disk0/x", "").unwrap();
        // A driver that is started again is the file server's own affair.
        disk("starting");
        disk("running again");
        assert_eq!(fs::exists("/mnt/disk0/x"), Ok(true));
        assert_eq!(mount_at("/mnt/disk0").starts, 1);
        // Without its disk a file server is not started again.
        disk("parked");
        sim::kill("memfs").unwrap();
        assert_eq!(fs::metadata("/mnt/disk0").unwrap_err().kind, Error::NotFound);
        disk("running");
        assert_eq!(fs::exists("/mnt/disk0/x"), Ok(false));
    });
    let line = "vfs: warning: /mnt/disk0: there is no device disk0; it is mounted when the device comes\n";
    assert_eq!(report.console.matches(line).count(), 2, "{}", report.console);
}

/// What was found wrong with a disk stays wrong until there is another one.
#[test]
fn a_refused_disk_is_tried_again_when_it_has_come_again() {
    fn refusing() {
        ipc::exit(Error::WrongFormat.code() as i32);
    }
    let fstab = "disk0 /mnt/disk0 refusing\n";
    system(fstab, || serve(State::Running))
        .program(Program::new("refusing", support::MANIFEST, refusing))
        .run(|| {
            assert_eq!(fs::metadata("/mnt/disk0").unwrap_err().kind, Error::WrongFormat);
            disk("running");
            assert_eq!(mount_at("/mnt/disk0").starts, 1, "the same driver");
            disk("running again");
            assert_eq!(fs::metadata("/mnt/disk0").unwrap_err().kind, Error::WrongFormat);
            assert_eq!(mount_at("/mnt/disk0").starts, 2);
        });
}

#[test]
fn a_disk_has_one_server() {
    fn refusing() {
        ipc::exit(Error::WrongFormat.code() as i32);
    }
    let fstab = "disk0 /a refusing\ndisk0p1 /b memfs\ndisk0 /c memfs optional\n";
    let report = system(fstab, || serve(State::Running))
        .program(Program::new("refusing", support::MANIFEST, refusing))
        .run(|| {
            assert_eq!(fs::metadata("/a").unwrap_err().kind, Error::WrongFormat);
            assert_eq!(fs::mounts().unwrap().len(), 1);
            fs::mount("disk0", "/other", "memfs", false).unwrap();
            disk("running again");
            assert_eq!(fs::metadata("/a").unwrap_err().kind, Error::Busy);
            assert_eq!((mount_at("/a").starts, mount_at("/other").state), (1, MountState::Mounted));
            fs::unmount("/other", false).unwrap();
            assert_eq!(fs::mount("disk0", "/a", "refusing", false).unwrap_err().kind, Error::WrongFormat);
        });
    for line in [
        "fstab:2: disk0p1 is to be mounted elsewhere already; the line",
        "fstab:3: disk0 is to be mounted elsewhere already; the line",
    ] {
        assert!(report.console.contains(line), "{line}: {}", report.console);
    }
}

#[test]
fn a_device_manager_that_was_killed_is_found_again() {
    system(FSTAB, || serve(State::Running)).run(|| {
        fs::write("/mnt/disk0/x", "").unwrap();
        sim::kill("dm").unwrap();
        resea::sleep(Duration::from_millis(10));
        // Nobody knows now whether it is there.
        assert_eq!(mount_at("/mnt/disk0").state, MountState::Mounted);
        sim::kill("memfs").unwrap();
        assert_eq!(mount_at("/mnt/disk0").state, MountState::Starting);
        assert_eq!(fs::exists("/mnt/disk0/x"), Ok(false));
        disk("parked");
        sim::kill("memfs").unwrap();
        assert_eq!(fs::metadata("/mnt/disk0").unwrap_err().kind, Error::NotFound, "it is told again");
    });
}

#[test]
fn kills_at_any_instant_are_survived() {
    system(FSTAB, || serve(State::Running)).killable(["vfs", "memfs", "dm"]).explore(500, || {
        let mut attempts = 0;
        while let Err(error) = fs::write("/mnt/disk0/x", "1").and_then(|()| fs::read("/mnt/disk0/x")) {
            let is_late = error.kind == Error::TimedOut;
            assert!(sim::was_killed() || is_late, "{error} without a reason");
            attempts += 1;
            assert!(attempts < 10, "{error}, for ever");
            if is_late {
                let _ = fs::mount("disk0", "/mnt/disk0", "memfs", false);
            }
        }
    });
}

/// A vfs that is killed again and again, while a file server that does not notice is still there.
#[test]
fn a_server_that_does_not_end_with_its_vfs_is_ended() {
    fn deaf() {
        let vfs = TaskId::from_raw(resea::environment("VFS").unwrap().parse().unwrap()).unwrap();
        ipc::notify(vfs, interfaces::vfs::NOTIFY_MOUNTED as usize).unwrap();
        loop {
            resea::wait();
        }
    }
    let fstab = "none /deaf deaf\n";
    support::system(fstab).program(Program::new("deaf", support::MANIFEST, deaf)).run(|| {
        while mount_at("/deaf").state != MountState::Mounted {}
        let old = sim::task("deaf").unwrap();
        resea::watch(old).unwrap();
        sim::kill("vfs").unwrap();
        let killed = ipc::clock();
        let mount = mount_at("/deaf");
        assert_eq!((mount.state, mount.starts), (MountState::Starting, 0), "two at once");
        while resea::wait() & NOTIFY_CHILD == 0 {}
        assert_eq!(resea::next_exit().unwrap().unwrap().task, old);
        assert!(ipc::clock() - killed >= 5_000_000_000, "{} ns", ipc::clock() - killed);
        while mount_at("/deaf").state != MountState::Mounted {}
        assert_ne!(sim::task("deaf"), Some(old));
    });
}
