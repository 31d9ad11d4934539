//! A driver whose controller does what a test says: four disks in memory, which answer when they may.

use blocks::{Controller, Disk, Ended, Operation, PAGE, Request, SECTOR, Start, Transfer, Unit};
use ipc::Error;
use resea::Never;
use sim::pci::{Bus, Function, Header};
use sim::{Program, System};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

/// Sectors of each disk.
pub const SECTORS: u64 = 1000;
/// What the tests call the driver.
pub const NAME: &str = "fake";

/// The device, and what is seen of it.
pub struct State {
    pub units: [Option<Unit>; 4],
    /// The byte that each sector is full of.
    pub content: [Vec<u8>; 4],
    /// Most requests of a disk that it has at once.
    pub room: [usize; 4],
    /// The driver ends when it is asked for something.
    pub dies: bool,
    /// It ends no request of this disk.
    pub held: [bool; 4],
    /// What it has: token and transfer, in the order of their start.
    pub has: Vec<(u16, Transfer)>,
    /// The first sector of each request that was started.
    pub started: Vec<u64>,
    /// Flushes it has done, resets.
    pub flushes: u32,
    pub resets: u32,
}

/// Shared by the test and the driver.
pub type Shared = Arc<Mutex<State>>;

pub fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A device with four disks, which answers at once.
pub fn shared() -> Shared {
    let unit = Unit { sectors: SECTORS, read_only: false, volatile: true };
    Arc::new(Mutex::new(State {
        units: [Some(unit); 4],
        content: core::array::from_fn(|_| vec![0; SECTORS as usize]),
        room: [usize::MAX; 4],
        dies: false,
        held: [false; 4],
        has: Vec::new(),
        started: Vec::new(),
        flushes: 0,
        resets: 0,
    }))
}

impl State {
    /// Does what a request asks for.
    fn perform(&mut self, transfer: &Transfer) {
        let content = &mut self.content[transfer.unit as usize];
        let mut sector = transfer.sector() as usize;
        self.flushes += u32::from(transfer.operation() == Operation::Flush);
        for part in transfer.parts() {
            for offset in (0..part.memory.len()).step_by(SECTOR) {
                let mut bytes = [content[sector]; SECTOR];
                if transfer.operation() == Operation::Read {
                    part.memory.write(offset, &bytes).unwrap();
                } else {
                    part.memory.read(offset, &mut bytes).unwrap();
                    content[sector] = bytes[0];
                }
                sector += 1;
            }
        }
    }
}

struct Fake(Shared);

impl Controller for Fake {
    type Fault = Infallible;

    fn interrupts(&self) -> u32 {
        0
    }

    fn unit(&self, unit: u32) -> Option<Unit> {
        *lock(&self.0).units.get(unit as usize)?
    }

    fn start(&mut self, token: u16, transfer: &Transfer) -> Result<Start, Infallible> {
        if lock(&self.0).dies {
            ipc::exit(1);
        }
        let mut state = lock(&self.0);
        let unit = state.units[transfer.unit as usize].expect("the disk exists");
        let is_flush = transfer.operation() == Operation::Flush;
        assert!(is_flush || transfer.sector() + u64::from(transfer.sectors()) <= unit.sectors);
        assert!(!is_flush || unit.volatile && transfer.sector() == 0, "a flush of nothing");
        assert!(!unit.read_only || transfer.operation() != Operation::Write, "a write to what is read-only");
        assert!(state.has.iter().all(|(had, _)| *had != token), "each token is one request");
        let count = state.has.iter().filter(|(_, had)| had.unit == transfer.unit).count();
        if count >= state.room[transfer.unit as usize] {
            return Ok(Start::Busy);
        }
        state.has.push((token, *transfer));
        state.started.push(transfer.sector());
        Ok(Start::Accepted)
    }

    /// The newest first.
    fn finished(&mut self) -> Result<Option<Ended>, Infallible> {
        let mut state = lock(&self.0);
        let held = state.held;
        let newest = state.has.iter().rposition(|(_, transfer)| !held[transfer.unit as usize]);
        let Some(place) = newest else { return Ok(None) };
        let (token, transfer) = state.has.remove(place);
        state.perform(&transfer);
        Ok(Some((token, Ok(()))))
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        let mut state = lock(&self.0);
        (state.has, state.resets) = (Vec::new(), state.resets + 1);
        Ok(())
    }
}

fn run(shared: Shared) -> Result<Never, driver::DriverError> {
    // One that was started again has reset its device.
    lock(&shared).has.clear();
    blocks::run(driver::Device::claim()?, Fake(shared), 30)
}

/// An IDE controller's place on the bus, for dm.
struct Nothing;

impl Function for Nothing {
    fn header(&self) -> Header {
        Header { vendor: 0x8086, device: 0x7010, class: 0x01_0180, ..Header::default() }
    }

    fn read(&mut self, _: &mut Bus<'_>, _: usize, _: usize, buffer: &mut [u8]) {
        buffer.fill(0xff);
    }

    fn write(&mut self, _: &mut Bus<'_>, _: usize, _: usize, _: &[u8]) {}
}

const MANIFEST: &str = "devices = [\"pci:8086:7010\"]\nclass = \"block\"\nprovides = [\"blk\"]\nuses = [\"dm\"]\n\
    dma = \"1MiB\"\nshared = \"1MiB\"\npriority = 11";

pub fn system(shared: &Shared) -> System {
    let shared = Arc::clone(shared);
    System::new()
        .memory(32 << 20)
        .pci(1, 0, || Nothing)
        .program(sim::program!(dm::run))
        .program(Program::new(NAME, MANIFEST, move || run(Arc::clone(&shared))))
}

/// A program that uses disks.
pub fn user(name: &str, work: impl Fn() + Send + Sync + 'static) -> Program {
    Program::new(name, "uses = [\"dm\", \"blk\"]", work)
}

/// The device goes on with these disks.
pub fn release(shared: &Shared) {
    lock(shared).held = [false; 4];
    ipc::notify(sim::task(NAME).unwrap(), interfaces::blk::NOTIFY_DRIVER as usize).unwrap();
}

/// Asks for sectors of one page, which is filled with `byte` if it is a write.
pub fn submit(disk: &mut Disk, tag: u16, operation: Operation, sector: u64, byte: u8) {
    if operation == Operation::Write {
        disk.page(tag).write(0, &[byte; PAGE]).unwrap();
    }
    let (pages, sectors) = if operation == Operation::Flush { (&[][..], 0) } else { (&[tag][..], 8) };
    disk.submit(tag, &Request { operation, sector, sectors, pages }).unwrap();
}

/// Writes eight sectors and waits.
pub fn write(disk: &mut Disk, sector: u64, byte: u8) -> Result<(), Error> {
    submit(disk, 29, Operation::Write, sector, byte);
    disk.wait().and_then(|(_, result)| result)
}

/// Reads eight sectors and waits: the byte that they are full of.
pub fn read(disk: &mut Disk, sector: u64) -> Result<u8, Error> {
    submit(disk, 29, Operation::Read, sector, 0);
    disk.wait().and_then(|(_, result)| result)?;
    Ok(byte(disk, 29))
}

/// The byte that a page is full of.
pub fn byte(disk: &Disk, page: u16) -> u8 {
    let mut bytes = [0; PAGE];
    disk.page(page).read(0, &mut bytes).unwrap();
    assert!(bytes.iter().all(|byte| *byte == bytes[0]), "the page is of one request");
    bytes[0]
}
