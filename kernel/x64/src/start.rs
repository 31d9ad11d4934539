//! From the boot loader's hands to the first task.
//!
//! Runs once, on the boot CPU, with interrupts off; the other CPUs stay parked. First on the boot loader's view of
//! memory (the first 4 GiB where they are), then on the kernel's own page tables.

use abi::{Range, Region};
use core::sync::atomic::AtomicU8;

use crate::acpi::{self, Wiring};
use crate::apic::{self, LocalApic};
use crate::clock::{SECOND, Scale};
use crate::entry::{Layout, enter_task};
use crate::frames::Frames;
use crate::kernel_map::{Builder, LargestPage};
use crate::loader::{self, Loaded};
use crate::memory::{DIRECT, Physical};
use crate::paging::{GLOBAL, MAX_RESERVED, Memory, UNCACHED, WRITABLE};
use crate::per_cpu::{KERNEL, is_guard};
use crate::processor::{self, Features};
use crate::ram::Ram;
use crate::regions::{PAGE, page_down};
use crate::report::{boot_failed, set_symbols};
use crate::{calibration, cpu, first_task, pic, serial};

/// Physical memory that the boot code can use for tables: what the boot loader's view maps.
const REACHABLE: u64 = 1 << 32;

/// What is known about memory while booting.
struct Boot {
    /// The time-stamp counter when the firmware handed over: the clock's zero.
    timestamp: u64,
    ram: Ram,
    wiring: Wiring,
    /// The interrupt controllers. I/O APICs have a page each, the local ones come after them; the rest is empty.
    devices: [Range; MAX_RESERVED],
    /// The PCI configuration space.
    configuration: Region,
    features: Features,
    layout: Layout,
}

/// Called by `boot.s` with the physical address of what the boot loader says.
pub extern "C" fn start(info: u64) -> ! {
    let timestamp = cpu::timestamp();
    serial::start();
    let mut boot = survey(info, timestamp);
    processor::prepare_paging(&boot.features);
    let Some(root) = make_tables(&mut boot) else {
        boot_failed("no memory for page tables, bytes free below 4 GiB", boot.ram.free.total())
    };
    // SAFETY: the new tables map the kernel where it is, its stack included; the boot loader's view is not used again.
    unsafe { cpu::set_cr3(root) }
    processor::start(&boot.features);
    let frames = make_frames(&mut boot);
    start_machine(&boot, frames, root);
    let place = boot.ram.bootfs;
    // SAFETY: the image is RAM that stays what it is: marked as boot files, it can only be mapped read-only.
    let bootfs =
        unsafe { core::slice::from_raw_parts((DIRECT + place.start) as *const u8, place.length as usize) };
    set_symbols(symbol_table(bootfs));
    // SAFETY: boot code runs alone; entries are made only after `enter_task`.
    let kernel = unsafe { &mut *KERNEL.get() };
    let memory = first_task::Memory {
        total: boot.ram.all.total(),
        free: &mut boot.ram.free,
        configuration: boot.configuration,
    };
    if let Err(problem) = first_task::create(kernel, bootfs, place, memory) {
        boot_failed(problem.text(), place.length);
    }
    #[cfg(feature = "reachable-panic")]
    assert!(boot.ram.free.total() > 0, "the feature reachable-panic exists to have a panic in the kernel");
    kernel.machine.enable_console();
    let context = kernel.machine.resume(kernel.current());
    // SAFETY: the context is that of the first task, and everything is set up for traps from it.
    unsafe { enter_task(context) }
}

/// Reads what the boot loader and the firmware say, before anything is written to memory that they may have used.
fn survey(info: u64, timestamp: u64) -> Boot {
    let Some(Loaded { memory, bootfs, rsdp }) = loader::parse(&Physical::boot(), info) else {
        boot_failed("not started by PVH or Multiboot2, information at", info)
    };
    let Some(bootfs) = bootfs else {
        boot_failed("there are no boot files; pass the image as initrd or module, information at", info)
    };
    let layout = Layout::get();
    let wiring = Wiring::read(&Physical::boot(), rsdp);
    let configuration = acpi::configuration(&Physical::boot(), rsdp);
    let devices = devices(&wiring);
    let ram = match Ram::new(memory, bootfs, layout.image, &devices, REACHABLE) {
        Ok(ram) => ram,
        Err(misplaced) => boot_failed(misplaced.text(), bootfs.start),
    };
    Boot { timestamp, ram, wiring, devices, configuration, features: Features::detect(), layout }
}

/// Where the interrupt controllers are.
fn devices(wiring: &Wiring) -> [Range; MAX_RESERVED] {
    let io_apics = wiring.io_apics.iter().flatten().map(|io_apic| page_down(io_apic.address));
    let devices = io_apics.map(|start| (start, start + PAGE)).chain([(apic::ADDRESS, apic::ADDRESS_END)]);
    let mut ranges = [Range::default(); MAX_RESERVED];
    for (place, (start, end)) in ranges.iter_mut().zip(devices) {
        *place = Range { start, end };
    }
    ranges
}

/// Makes the kernel's half of all address spaces. Returns the root.
fn make_tables(boot: &mut Boot) -> Option<u64> {
    let Boot { ram, devices, features, layout, .. } = boot;
    let bootfs = ram.bootfs_pages();
    let Ram { all, free, .. } = ram;
    let root = free.take(PAGE, REACHABLE)?;
    let mut physical = Physical::boot();
    physical.clear(root);
    let mut builder = Builder {
        memory: &mut physical,
        allocate: &mut || free.take(PAGE, REACHABLE),
        root,
        largest: LargestPage(if features.huge_pages { 3 } else { 2 }),
    };
    let constant = GLOBAL | features.no_execute;
    let variable = constant | WRITABLE;
    let fixed = [(layout.text.0 - layout.base, layout.rodata.1 - layout.base), bootfs];
    let mut writable = *all;
    for (start, end) in fixed {
        writable.remove(start, end);
        builder.map(DIRECT + start, start, end - start, constant)?;
    }
    for Region { start, length } in writable.iter() {
        builder.map(DIRECT + start, start, length, variable)?;
    }
    // The registers of each are in its first page.
    for device in devices.iter().filter(|device| device.end > 0) {
        builder.map(DIRECT + device.start, device.start, PAGE, variable | UNCACHED)?;
    }
    for ((start, end), flags) in [(layout.text, GLOBAL), (layout.rodata, constant), (layout.data, variable)] {
        builder.map(start, start - layout.base, end - start, flags)?;
    }
    for page in (layout.cpu.0..layout.cpu.1).step_by(PAGE as usize) {
        if !is_guard(page) {
            builder.map(page, layout.cpu_load + (page - layout.cpu.0), PAGE, variable)?;
        }
    }
    Some(root)
}

/// Makes the frame table.
fn make_frames(boot: &mut Boot) -> Frames<'static> {
    let length = boot.ram.frames();
    let Some(start) = boot.ram.free.take(length, u64::MAX) else {
        boot_failed("no memory for the frame table, bytes needed", length)
    };
    // SAFETY: the memory was free and is taken now; it is mapped, and bytes have no invalid values.
    let states = unsafe { core::slice::from_raw_parts_mut((DIRECT + start) as *mut u8, length as usize) };
    boot.ram.mark(states);
    // SAFETY: an atomic byte is laid out as a byte, and the exclusive reference ends here.
    Frames::new(unsafe { core::slice::from_raw_parts(states.as_ptr().cast::<AtomicU8>(), states.len()) })
}

/// Starts this CPU's interrupt controllers and clock.
fn start_machine(boot: &Boot, frames: Frames<'static>, root: u64) {
    // SAFETY: boot code runs alone.
    let machine = unsafe { &mut (*KERNEL.get()).machine };
    pic::disable();
    machine.apic = LocalApic::start();
    machine.irqs.start(&boot.wiring, machine.apic.id());
    machine.frames = frames;
    machine.kernel_root = root;
    machine.has_bases = boot.features.bases;
    machine.no_flush = if boot.features.pcid { 1 << 63 } else { 0 };
    machine.limits.no_execute = boot.features.no_execute;
    machine.limits.physical_end = boot.features.physical_end;
    machine.limits.reserved = boot.devices;
    let found = calibration::measure(&machine.apic);
    machine.apic.start_timer(found.timer, found.timestamp);
    machine.to_nanoseconds = Scale::new(found.timestamp, SECOND);
    machine.first_timestamp = boot.timestamp;
}

fn symbol_table(bootfs: &'static [u8]) -> &'static [u8] {
    let files = bootfs::Bootfs::parse(bootfs).ok();
    files.and_then(|files| files.find("symbols/kernel")).map_or(&[], |file| file.content)
}
