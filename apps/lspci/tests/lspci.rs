//! What `lspci` prints: with a device manager that says what the test wants, and with the real one on a machine without PCI.

use interfaces::dm::{self, Class, DeviceReply, DriverReply, ListReply, MemoryReply, State};
use ipc::{Error, StrLend, TaskId, WriteLend};
use sim::{Program, System};

/// A device manager with some devices.
struct Manager;

impl ipc::server::Events for Manager {}

impl dm::Server for Manager {
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

    fn subscribe(&mut self, _: TaskId, _: Class) -> Result<(), Error> {
        Ok(())
    }

    fn driver(&mut self, _: TaskId, _: Class, _: u32, _: WriteLend<'_>) -> Result<DriverReply, Error> {
        Err(Error::NotFound)
    }

    fn driver_of(&mut self, call: dm::DriverOfCall) {
        call.fail(Error::NotFound);
    }

    fn list(
        &mut self,
        _: TaskId,
        index: u32,
        name: WriteLend<'_>,
        driver: WriteLend<'_>,
    ) -> Result<ListReply, Error> {
        let (place, id, class_code, irq, messages, state, starts, names) = match index {
            0 => (0x0000, 0x8086_29c0_u32, 0x06_00_00, 0, false, State::NoDriver, 0, ("", "")),
            1 => (0x0018, 0x1af4_1041, 0x02_00_00, 48, true, State::Running, 12, ("net0", "virtio-net")),
            2 => (0xc8ff, 0x8086_100e, 0x42_00_00, 11, false, State::Parked, 6, ("net1", "e1000")),
            _ => return Err(Error::NotFound),
        };
        let give = |text: &str, room: WriteLend<'_>| room.write(0, text.as_bytes()).map(|()| text.len());
        Ok(ListReply {
            place,
            vendor: (id >> 16) as u16,
            device: id as u16,
            class_code,
            irq,
            messages,
            state,
            starts,
            task: 0,
            name: give(names.0, name)?,
            driver: give(names.1, driver)?,
        })
    }

    fn restart(&mut self, _: TaskId, _: StrLend<'_>) -> Result<(), Error> {
        Err(Error::NotFound)
    }
}

/// What is printed with these arguments, and the exit status.
fn printed(manager: Program, arguments: &'static [&str], status: i32) -> String {
    let report = System::new().program(manager).program(sim::program!(lspci::run)).run(move || {
        resea::watch(resea::launch("lspci", arguments.iter().copied()).unwrap()).unwrap();
        loop {
            if let Some(exit) = resea::next_exit().unwrap() {
                assert_eq!(exit.status, status);
                break;
            }
            resea::wait();
        }
    });
    report.console
}

fn with_devices() -> Program {
    Program::new("dm", "provides = [\"dm\"]", || resea::serve(dm::NAME, dm::dispatch, Manager))
}

#[test]
fn devices_are_a_table() {
    let table = "\
PLACE    ID         KIND         IRQ            NAME  DRIVER      STATE    STARTS
00:00.0  8086:29c0  host bridge  -              -     -           -        -
00:03.0  1af4:1041  Ethernet     48 by message  net0  virtio-net  running  12
c8:1f.7  8086:100e  class 4200   11             net1  e1000       parked   6
";
    assert_eq!(printed(with_devices(), &[], 0), table);
}

#[test]
fn a_machine_without_devices_says_so() {
    let text = printed(sim::Program::of_package(env!("CARGO_MANIFEST_DIR"), "dm", ::dm::run), &[], 0);
    assert_eq!(text, "This machine has no PCI devices.\n");
}

#[test]
fn arguments_are_refused() {
    let text = printed(with_devices(), &["-v"], 1);
    assert_eq!(text, "lspci: `-v` is one argument too many; usage: lspci\n");
}
