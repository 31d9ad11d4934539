//! The simulator itself: what a test can do with a system, and that every run can be repeated.

use ipc::Region;
use resea::abi::{Error, NOTIFY_IRQ, NOTIFY_TIMER};
use resea::{ExitKind, TaskId};
use sim::{Device, Program, System};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

fn echo(name: &'static str) -> Program {
    Program::new(name, "start = \"demand\"", || resea::println!("hello"))
}

/// Waits for the end of a task.
fn end_of(task: TaskId) -> resea::Exit {
    resea::watch(task).unwrap();
    loop {
        match resea::next_exit().unwrap() {
            Some(exit) => return exit,
            None => drop(resea::wait()),
        }
    }
}

/// Why a run failed.
fn failure(system: System, test: impl FnOnce() + Send + 'static) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| system.run(test))).expect_err("the run must fail");
    panic.downcast_ref::<String>().expect("a panic with a message").clone()
}

#[test]
fn a_program_is_launched_and_its_output_seen() {
    let report = System::new().program(echo("hello")).run(|| {
        let exit = end_of(resea::launch("hello", []).unwrap());
        assert_eq!((exit.status, exit.kind), (0, ExitKind::Exited));
    });
    assert!(report.console.contains("hello\n"), "{}", report.console);
    assert!(report.trace.contains("test → vm.launch(path=\"hello\""), "{}", report.trace);
}

#[test]
fn time_is_virtual() {
    let report = System::new().run(|| resea::sleep(Duration::from_secs(3600)));
    assert!(report.time >= 3_600_000_000_000);
}

#[test]
fn a_missing_program_is_an_error() {
    System::new().run(|| assert_eq!(resea::launch("fly", []).unwrap_err().error, Error::NotFound));
}

#[test]
fn a_panic_ends_one_task_and_not_the_test() {
    let program = Program::new("clumsy", "", || -> () { panic!("oh no") });
    let report = System::new().program(program).run(|| {
        let exit = end_of(resea::launch("clumsy", []).unwrap());
        assert_eq!((exit.status, exit.kind), (101, ExitKind::Panicked));
    });
    assert!(report.console.contains("clumsy: panicked at libs/sim/tests/system.rs:"), "{}", report.console);
    assert_eq!(report.panics.len(), 1);
    assert!(report.panics[0].1.ends_with(": oh no"), "{:?}", report.panics);
}

#[test]
fn a_panic_of_the_test_fails_it_with_the_last_messages() {
    let failure = failure(System::new(), || {
        let _ = resea::launch("fly", []);
        panic!("as it should");
    });
    assert!(failure.contains("as it should"), "{failure}");
    assert!(failure.contains("test → vm.launch(path=\"fly\""), "{failure}");
}

#[test]
fn a_system_in_which_nobody_can_go_on_fails() {
    let failure = failure(System::new(), || {
        resea::wait();
    });
    assert!(failure.contains("nobody can go on"), "{failure}");
    assert!(failure.contains("test waits for a message from anyone"), "{failure}");
}

#[test]
fn a_program_crashes_between_the_system_calls_that_the_test_says() {
    let counter = || {
        Program::new("counter", "", || {
            for number in 0..10 {
                resea::println!("count {number}");
            }
        })
    };
    for calls in [1, 3, 7] {
        let report = System::new().program(counter()).run(move || {
            sim::crash_after("counter", calls);
            let exit = end_of(resea::launch("counter", []).unwrap());
            assert_eq!(exit.kind, ExitKind::Crashed);
        });
        let counted = report.console.matches("count ").count() as u64;
        assert_eq!(counted, calls, "{}", report.console);
    }
}

#[test]
fn a_task_is_ended_while_it_waits() {
    struct Dropped;
    impl Drop for Dropped {
        fn drop(&mut self) {
            // What it owned is dropped, but calls of a task that is no more do nothing.
            assert_eq!(resea::launch("sleeper", []).unwrap_err().error, Error::Aborted);
        }
    }
    let sleeper = Program::new("sleeper", "powers = [\"launch\"]", || {
        let _owned = Dropped;
        resea::sleep(Duration::from_secs(1_000_000));
    });
    let report = System::new().program(sleeper).run(|| {
        let task = resea::launch("sleeper", []).unwrap();
        resea::sleep(Duration::from_millis(1));
        assert_eq!(sim::kill("sleeper"), Ok(()));
        assert_eq!(resea::kill(task), Err(Error::NoTask));
        assert_eq!(sim::task("sleeper"), None);
    });
    assert!(report.killed && report.panics.is_empty());
}

#[test]
fn typed_text_arrives_at_who_reads_the_console() {
    System::new().run(|| {
        let mut buffer = [0; 16];
        assert_eq!(ipc::console_read(&mut buffer), Ok(0));
        sim::type_text("hi");
        assert_eq!(ipc::console_read(&mut buffer), Ok(2));
        assert_eq!(&buffer[..2], b"hi");
    });
}

/// A device that adds: two operands, a sum, and an interrupt when the sum is there, which writing to it takes back.
#[derive(Default)]
struct Adder {
    registers: [u64; 2],
    done: bool,
}

impl Device for Adder {
    fn read(&mut self, _: usize, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.registers.iter().sum::<u64>().to_le_bytes()[..buffer.len()]);
    }

    fn write(&mut self, offset: usize, data: &[u8]) {
        match self.registers.get_mut(offset / 8) {
            Some(register) => *register = u64::from_le_bytes(data.try_into().unwrap()),
            None => self.done = false,
        }
        self.done |= offset == 8;
    }

    fn interrupts(&mut self) -> bool {
        self.done
    }
}

#[test]
fn a_driver_uses_a_device_by_registers_and_interrupts() {
    const REGISTERS: usize = 0xfee0_0000;
    const ADDRESS: usize = Region::FIRST + 0x5000_0000;
    let driver =
        Program::new("driver", "irqs = [5]\nmmio = [\"0xfee00000-0xfee00fff\"]\npowers = [\"map\"]", || {
            map(ADDRESS, REGISTERS);
            let device = Region::new(ADDRESS, 4096).unwrap();
            ipc::irq_acquire(5, NOTIFY_IRQ).unwrap();
            device.store(0, 40).unwrap();
            device.store(8, 2).unwrap();
            assert_eq!(resea::wait(), NOTIFY_IRQ);
            resea::println!("sum {}", device.load(16).unwrap());
            device.store(16, 0).unwrap();
            ipc::irq_acknowledge(5).unwrap();
        });
    let system = System::new().device(REGISTERS..REGISTERS + 4096, 5, Adder::default).program(driver);
    let report = system.run(|| assert_eq!(end_of(resea::launch("driver", []).unwrap()).status, 0));
    assert!(report.console.contains("sum 42\n"), "{}", report.console);
}

/// As [`Adder`], but it says that it is done by a message, whose address and word are its registers 3 and 4.
#[derive(Default)]
struct Messenger {
    adder: Adder,
    message: [u64; 2],
}

impl Device for Messenger {
    fn read(&mut self, offset: usize, buffer: &mut [u8]) {
        self.adder.read(offset, buffer);
    }

    fn write(&mut self, offset: usize, data: &[u8]) {
        match (offset / 8).checked_sub(3).and_then(|register| self.message.get_mut(register)) {
            Some(register) => *register = u64::from_le_bytes(data.try_into().unwrap()),
            None => self.adder.write(offset, data),
        }
    }

    fn message(&mut self) -> Option<(u64, u32)> {
        let [address, word] = self.message;
        std::mem::take(&mut self.adder.done).then_some((address, word as u32))
    }
}

#[test]
fn a_device_interrupts_by_messages_which_wait_until_they_are_let_through() {
    const REGISTERS: usize = 0xfebc_0000;
    const ADDRESS: usize = Region::FIRST + 0x5000_0000;
    let keys = "irqs = [50]\nmmio = [\"0xfebc0000-0xfebc0fff\"]\npowers = [\"map\"]";
    let driver = Program::new("driver", keys, || {
        map(ADDRESS, REGISTERS);
        let device = Region::new(ADDRESS, 4096).unwrap();
        assert_eq!(ipc::irq_message(51), Err(Error::NotPermitted));
        let (address, word) = ipc::irq_message(50).unwrap();
        device.store(24, address).unwrap();
        device.store(32, word.into()).unwrap();
        // One comes before the interrupt is acquired, two before it is acknowledged: each time one notification.
        device.store(8, 1).unwrap();
        ipc::irq_acquire(50, NOTIFY_IRQ).unwrap();
        assert_eq!(resea::wait(), NOTIFY_IRQ);
        device.store(8, 2).unwrap();
        device.store(8, 3).unwrap();
        ipc::timer(1_000_000);
        assert_eq!(resea::wait(), NOTIFY_TIMER, "it is masked");
        ipc::irq_acknowledge(50).unwrap();
        assert_eq!(resea::wait(), NOTIFY_IRQ);
        ipc::irq_acknowledge(50).unwrap();
        ipc::timer(1_000_000);
        assert_eq!(resea::wait(), NOTIFY_TIMER, "none is left");
    });
    let system = System::new().device(REGISTERS..REGISTERS + 4096, 0, Messenger::default).program(driver);
    system.run(|| assert_eq!(end_of(resea::launch("driver", []).unwrap()).status, 0));
}

#[test]
fn messages_are_counted_between_tasks() {
    System::new().program(echo("hello")).run(|| {
        let vm = resea::vm().task().index().get();
        let count = || {
            let mut counts = [0; resea::abi::COUNTED_TASKS];
            ipc::inspect_messages(vm, &mut counts).unwrap();
            counts[resea::own_id().index().get()]
        };
        let before = count();
        end_of(resea::launch("hello", []).unwrap());
        assert!(count() >= before + 3, "launch, watch and next_exit are three calls");
        let mut counts = [0; resea::abi::COUNTED_TASKS];
        let refused = ipc::inspect_messages(resea::abi::COUNTED_TASKS, &mut counts);
        assert_eq!(refused, Err(Error::InvalidArgument));
    });
}

/// Maps a page of registers; frames for the page table are the last of RAM, which vm has no use for so early.
fn map(address: usize, registers: usize) {
    let flags = ipc::MapFlags(ipc::MapFlags::WRITE.0 | ipc::MapFlags::DEVICE.0);
    let mut table = (4 << 20) - 4096;
    while !ipc::map(resea::own_id(), address, registers, flags, table).unwrap().mapped {
        table -= 4096;
    }
}

#[test]
fn addresses_end_where_those_of_x86_64_do() {
    let mapper = Program::new("mapper", "powers = [\"map\"]", || {
        let (frame, table) = ((4 << 20) - 4096, (4 << 20) - 2 * 4096);
        let map = |address, frame, table| {
            let flags = ipc::MapFlags::READ.and_more(63);
            ipc::map(resea::own_id(), address, frame, flags, table)
        };
        let end = 0x7fff_ffff_f000;
        for (address, frame, table) in [
            (end, frame, table),
            (end - 4096, !4095, table),
            (end - 4096, frame, !4095),
            (end - 4096, frame, 1),
        ] {
            assert_eq!(map(address, frame, table).err(), Some(Error::InvalidArgument));
        }
        let mapped = map(end - 4096, frame, table).unwrap();
        assert_eq!((mapped.mapped, mapped.table_used, mapped.more), (true, true, 0));
    });
    let system = System::new().program(mapper);
    system.run(|| assert_eq!(end_of(resea::launch("mapper", []).unwrap()).status, 0));
}

#[test]
fn a_name_that_no_program_has_is_refused() {
    assert!(failure(System::new(), || sim::crash("fly")).contains("fly is to crash, but"));
    let explored = catch_unwind(|| System::new().killable(["fly"]).explore(2, || ()));
    let why = explored.expect_err("there is nothing to kill");
    let why = why.downcast_ref::<String>().expect("a panic with a message");
    assert_eq!(why, "fly is to be killed, but the system has no such program");
}
