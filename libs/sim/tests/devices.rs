//! Devices of the simulated machine: I/O ports, PCI functions, what they do to memory, how they interrupt.

use abi::NOTIFY_IRQ;
use ipc::{Region, port};
use resea::{Exit, ExitKind, SharedMemory};
use sim::pci::{Bar, Bus, Function, Header, Msix};
use sim::{Device, Program, Report, System};

/// Runs the program `driver` to its end.
fn run(system: System, manifest: &str, driver: impl Fn() + Send + Sync + 'static) -> (Report, Exit) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let report = system.program(Program::new("driver", manifest, driver)).run(move || {
        let task = resea::launch("driver", []).unwrap();
        resea::watch(task).unwrap();
        while resea::wait() & abi::NOTIFY_CHILD == 0 {}
        sender.send(resea::next_exit().unwrap().unwrap()).unwrap();
    });
    (report, receiver.recv().unwrap())
}

fn succeeds(system: System, manifest: &str, driver: impl Fn() + Send + Sync + 'static) {
    let (report, exit) = run(system, manifest, driver);
    assert_eq!((exit.kind, exit.status), (ExitKind::Exited, 0), "{}", report.console);
}

/// Ports that keep what is written to them; the line is raised while the first one is not 0.
#[derive(Default)]
struct Latch([u8; 4]);

impl Device for Latch {
    fn read(&mut self, offset: usize, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0[offset..offset + buffer.len()]);
    }

    fn write(&mut self, offset: usize, data: &[u8]) {
        self.0[offset..offset + data.len()].copy_from_slice(data);
    }

    fn interrupts(&mut self) -> bool {
        self.0[0] != 0
    }
}

#[test]
fn a_driver_uses_ports_that_it_has_the_right_to() {
    let system = System::new().ports(0x60..0x64, 5, Latch::default);
    succeeds(system, "ports = [\"0x60-0x63\", \"0x80-0x8f\"]\nirqs = [5]", || {
        ipc::irq_acquire(5, NOTIFY_IRQ).unwrap();
        port::write_u32(0x60, 0x4433_2211);
        assert_eq!(resea::wait(), NOTIFY_IRQ);
        assert_eq!((port::read_u8(0x61), port::read_u16(0x62)), (0x22, 0x4433));
        port::write_u8(0x60, 0);
        ipc::irq_acknowledge(5).unwrap();
        assert_eq!((port::read_u32(0x60), port::read_u32(0x80)), (0x4433_2200, u32::MAX));
    });
}

#[test]
fn ports_without_the_right_end_the_task() {
    for access in
        [|| assert_eq!(port::read_u8(0x64), 0), || port::write_u16(0x63, 1), || port::write_u8(0xcf8, 1)]
    {
        let system = System::new().ports(0x60..0x70, 5, Latch::default);
        let (_, exit) = run(system, "ports = [\"0x60-0x63\"]", access);
        assert_eq!(exit.kind, ExitKind::Crashed);
    }
}

const MESSAGES: usize = 2;

/// A device that copies memory: registers are source, destination, length; writing the length starts it. Its second
/// range are ports: reading one gives how often it has copied, and lowers the line.
#[derive(Default)]
struct Copier {
    registers: [u64; 2],
    copied: u8,
    raised: bool,
    messages: (bool, bool),
}

impl Function for Copier {
    fn header(&self) -> Header {
        let msix = Msix { vectors: MESSAGES as u16, bar: 0, offset: 0x800 };
        Header {
            vendor: 0x1234,
            device: 0x5678,
            subsystem: 9,
            class: 0x02_00_00,
            revision: 3,
            bars: [Bar::Wide(4096), Bar::None, Bar::Ports(16), Bar::Memory(16), Bar::None, Bar::None],
            msi: self.messages.0,
            msix: self.messages.1.then_some(msix),
            capabilities: vec![vec![9, 0, 6, 1, 2, 3]],
        }
    }

    fn read(&mut self, _: &mut Bus<'_>, bar: usize, _: usize, buffer: &mut [u8]) {
        assert_eq!(bar, 2);
        buffer[0] = self.copied;
        self.raised = false;
    }

    fn write(&mut self, bus: &mut Bus<'_>, bar: usize, offset: usize, data: &[u8]) {
        assert_eq!(bar, 0);
        let value = u64::from_le_bytes(data.try_into().unwrap());
        match self.registers.get_mut(offset / 8) {
            Some(register) => *register = value,
            None => {
                let mut bytes = vec![0; value as usize];
                let [source, destination] = self.registers;
                if bus.read(source, &mut bytes) && bus.write(destination, &bytes) {
                    self.copied += 1;
                }
                self.raised = true;
                bus.interrupt(1);
                bus.interrupt(0);
            }
        }
    }

    fn interrupts(&mut self) -> bool {
        self.raised
    }
}

/// The device is in place 3 of bus 0, with line 11.
fn copier(msi: bool, msix: bool) -> System {
    System::new()
        .configuration(0xb000_0000..0xb010_0000)
        .pci(3, 11, move || Copier { messages: (msi, msix), ..Copier::default() })
}

const MANIFEST: &str = "powers = [\"devices\"]\nports = [\"0xcf8-0xcff\", \"0xc000-0xc00f\"]\nirqs = [11, 50, 51]\n\
    mmio = [\"0x800000000-0x800000fff\"]\nshared = \"1MiB\"";

/// A word of the configuration space of the device in a place, by configuration mechanism #1.
fn select(place: u32, offset: u32) {
    port::write_u32(0xcf8, 1 << 31 | place << 11 | offset);
}

fn word(offset: u32) -> u32 {
    select(3, offset);
    port::read_u32(0xcfc)
}

fn set_word(offset: u32, value: u32) {
    select(3, offset);
    port::write_u32(0xcfc, value);
}

#[test]
fn the_configuration_space_is_that_of_the_specification() {
    succeeds(copier(true, true), MANIFEST, || {
        select(2, 0);
        assert_eq!(port::read_u32(0xcfc), u32::MAX, "there is no device");
        assert_eq!([0, 8, 0x2c, 0x3c].map(word), [0x5678_1234, 0x0200_0003, 0x0009_1234, 0x0000_010b]);
        select(3, 0);
        assert_eq!((port::read_u16(0xcfe), port::read_u8(0xcfd)), (0x5678, 0x12));
        // Base address registers, and their sizes.
        assert_eq!([0x10, 0x14, 0x18, 0x1c, 0x20].map(word), [4, 8, 0xc001, 0xe000_0000, 0]);
        for (offset, mask) in
            [(0x10, 0xffff_f004), (0x14, !0), (0x18, 0xffff_fff1), (0x1c, 0xffff_fff0), (0x20, 0)]
        {
            let before = word(offset);
            set_word(offset, !0);
            assert_eq!(word(offset), mask, "{offset:#x}");
            set_word(offset, before);
        }
        // What cannot be written stays.
        set_word(0, 0);
        assert_eq!(word(0), 0x5678_1234);
        // Capabilities: of the vendor, MSI, MSI-X.
        assert_eq!((word(4), word(0x34)), (0x10_0003, 0x40));
        assert_eq!([0x40, 0x44].map(word), [0x0106_4809, 0x0302]);
        assert_eq!([0x48, 0x58, 0x5c, 0x60].map(word), [0x0080_5805, 0x0001_0011, 0x800, 0x820]);
        // The same in memory.
        let platform = resea::vm().platform().unwrap();
        assert_eq!((platform.configuration, platform.buses), (0xb000_0000, 1));
        let space = resea::vm().map_device(platform.configuration, 1 << 20).unwrap();
        let space = Region::new(space, 1 << 20).unwrap();
        let own = space.part(3 << 15, 4096).unwrap();
        assert_eq!(
            (own.read_u32(0), own.read_u16(0x2e), own.read_u8(0x34)),
            (Ok(0x5678_1234), Ok(9), Ok(0x40))
        );
        assert_eq!((own.read_u32(0x100), space.read_u32(4 << 15)), (Ok(0), Ok(u32::MAX)));
    });
}

/// Memory for the device, with data in it; and the device's registers.
fn prepare() -> (SharedMemory, u64, Region) {
    let made = resea::vm().dma_create(1, 4096).unwrap();
    let memory = SharedMemory::open(made.handle, true).unwrap();
    memory.region().write(0, b"some data").unwrap();
    let registers = resea::vm().map_device(0x8_0000_0000, 4096).unwrap();
    (memory, made.physical, Region::new(registers, 4096).unwrap())
}

/// Has the device copy the data 100 bytes further.
fn copy(registers: &Region, physical: u64) {
    registers.write_u64(0, physical).unwrap();
    registers.write_u64(8, physical + 100).unwrap();
    registers.write_u64(16, 9).unwrap();
}

fn copied(memory: &SharedMemory) -> [u8; 9] {
    let mut bytes = [0; 9];
    memory.region().read(100, &mut bytes).unwrap();
    bytes
}

/// Whether a notification is there without waiting for one.
fn is_notified() -> bool {
    ipc::timer(1_000_000);
    resea::wait() & NOTIFY_IRQ != 0
}

#[test]
fn only_a_bus_master_gets_at_memory_and_only_ranges_that_are_on_answer() {
    succeeds(copier(false, false), MANIFEST, || {
        let (memory, physical, registers) = prepare();
        copy(&registers, physical);
        assert_eq!((copied(&memory), port::read_u8(0xc000)), ([0; 9], 0), "it is no bus master");
        set_word(4, 4);
        copy(&registers, physical);
        assert_eq!((copied(&memory), port::read_u8(0xc000)), ([0; 9], 0xff), "its registers do not answer");
        set_word(4, 7);
        copy(&registers, physical);
        assert_eq!((&copied(&memory), port::read_u8(0xc000)), (b"some data", 1));
        copy(&registers, 1 << 40);
        assert_eq!(port::read_u8(0xc000), 1, "there is no memory");
        // Somewhere else.
        set_word(0x18, 0xc009);
        assert_eq!(port::read_u8(0xc000), 1, "the lower bits are fixed");
        set_word(0x18, 0xd001);
        assert_eq!(port::read_u8(0xc000), 0xff);
    });
}

#[test]
fn the_line_is_raised_until_the_device_lowers_it() {
    succeeds(copier(false, false), MANIFEST, || {
        let (_memory, physical, registers) = prepare();
        ipc::irq_acquire(11, NOTIFY_IRQ).unwrap();
        set_word(4, 7 | 1 << 10);
        copy(&registers, physical);
        assert!(!is_notified(), "the line is switched off");
        set_word(4, 7);
        assert!(is_notified());
        ipc::irq_acknowledge(11).unwrap();
        assert!(is_notified(), "it was not lowered");
        assert_eq!(port::read_u8(0xc000), 1);
        ipc::irq_acknowledge(11).unwrap();
        assert!(!is_notified());
    });
}

#[test]
fn a_message_of_msi_is_sent_once() {
    succeeds(copier(true, false), MANIFEST, || {
        let (_memory, physical, registers) = prepare();
        ipc::irq_acquire(11, NOTIFY_IRQ).unwrap();
        ipc::irq_acquire(50, NOTIFY_IRQ).unwrap();
        let message = resea::vm().message_irq(50).unwrap();
        set_word(0x4c, message.address as u32);
        set_word(0x54, message.data);
        set_word(0x48, 1 << 16);
        set_word(4, 3);
        copy(&registers, physical);
        assert!(!is_notified(), "a message is a write to memory, which only a bus master can do");
        set_word(4, 7);
        copy(&registers, physical);
        assert!(is_notified());
        ipc::irq_acknowledge(50).unwrap();
        assert!(!is_notified(), "neither again nor by the line");
        set_word(0x48, 0);
        assert!(is_notified(), "the line is raised");
    });
}

#[test]
fn masked_messages_of_msix_wait() {
    succeeds(copier(false, true), MANIFEST, || {
        let (_memory, physical, registers) = prepare();
        ipc::irq_acquire(50, NOTIFY_IRQ).unwrap();
        ipc::irq_acquire(51, NOTIFY_IRQ).unwrap();
        for (entry, irq) in [(0x800, 50), (0x810, 51)] {
            let message = resea::vm().message_irq(irq).unwrap();
            registers.write_u32(entry, message.address as u32).unwrap();
            registers.write_u32(entry + 4, (message.address >> 32) as u32).unwrap();
            registers.write_u32(entry + 8, message.data).unwrap();
            assert_eq!(registers.read_u32(entry + 12), Ok(1), "masked out of reset");
        }
        set_word(4, 7);
        // MSI-X on, all masked.
        set_word(0x48, 3 << 30);
        registers.write_u32(0x80c, 0).unwrap();
        copy(&registers, physical);
        assert_eq!(registers.read_u64(0x820), Ok(0b11));
        assert!(!is_notified());
        set_word(0x48, 1 << 31);
        assert!(is_notified());
        assert_eq!(registers.read_u64(0x820), Ok(0b10), "the other one is masked");
        ipc::irq_acknowledge(50).unwrap();
        assert!(!is_notified());
        registers.write_u32(0x81c, 0).unwrap();
        assert!(is_notified());
        assert_eq!(registers.read_u64(0x820), Ok(0));
    });
}

/// A device that wakes up by itself, and writes the time to memory.
struct Clock {
    next: u64,
}

impl Function for Clock {
    fn header(&self) -> Header {
        Header { vendor: 1, device: 1, msi: true, ..Header::default() }
    }

    fn read(&mut self, _: &mut Bus<'_>, _: usize, _: usize, _: &mut [u8]) {}

    fn write(&mut self, _: &mut Bus<'_>, _: usize, _: usize, _: &[u8]) {}

    fn next_event(&self) -> Option<u64> {
        (self.next < 10_000_000_000).then_some(self.next)
    }

    fn event(&mut self, bus: &mut Bus<'_>) {
        assert!(bus.now() >= self.next);
        self.next += 1_000_000_000;
        bus.interrupt(0);
    }
}

#[test]
fn a_device_acts_when_its_time_has_come() {
    let system = System::new().pci(3, 11, || Clock { next: 5_000_000_000 });
    succeeds(system, MANIFEST, || {
        ipc::irq_acquire(50, NOTIFY_IRQ).unwrap();
        let message = resea::vm().message_irq(50).unwrap();
        set_word(0x44, message.address as u32);
        set_word(0x4c, message.data);
        set_word(0x40, 1 << 16);
        set_word(4, 7);
        for second in 5..10 {
            assert_eq!(resea::wait(), NOTIFY_IRQ);
            assert_eq!(ipc::clock() / 1_000_000_000, second);
            ipc::irq_acknowledge(50).unwrap();
        }
    });
}
