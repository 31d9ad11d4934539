//! The system boots on every kind of machine, as it is built for development and for use, and halts cleanly.

use object::{Object, ObjectSection};
use system_tests::{Machine, Nic, Options, Profile, System, built};

/// Boots, asks for a sign of life, and halts.
fn boots(profile: Profile, machine: Machine) {
    let mut system = System::boot_with(&Options::new(profile, machine));
    assert_eq!(system.succeed("echo alive"), "alive\n");
    system.halt();
}

#[test]
fn debug_boots_on_q35() {
    boots(Profile::Debug, Machine::Q35);
}

#[test]
fn debug_boots_on_pc() {
    boots(Profile::Debug, Machine::Pc);
}

#[test]
fn debug_boots_on_microvm() {
    boots(Profile::Debug, Machine::Microvm);
}

#[test]
fn release_boots_on_q35() {
    boots(Profile::Release, Machine::Q35);
}

#[test]
fn release_boots_on_pc() {
    boots(Profile::Release, Machine::Pc);
}

#[test]
fn release_boots_on_microvm() {
    boots(Profile::Release, Machine::Microvm);
}

#[test]
fn it_boots_under_instruction_counting() {
    let mut options = Options::new(Profile::Release, Machine::Q35);
    options.machine.icount = true;
    let mut system = System::boot_with(&options);
    assert_eq!(system.succeed("echo alive"), "alive\n");
    system.halt();
}

#[test]
fn a_release_runs_programs_in_8_mib() {
    let mut options = Options::new(Profile::Release, Machine::Q35);
    options.machine.mem = "8M".into();
    // A card's buffers alone are 1 MiB.
    options.machine.network.nic = Some(Nic::None);
    let mut system = System::boot_with(&options);
    assert_eq!(system.succeed("hello"), "Hello, world!\n");
    system.halt();
}

/// A table of vm that is not all zeros while it is empty is there twice: in the boot image, and as vm's own copy.
#[test]
fn vms_empty_tables_take_no_room_in_the_boot_image() {
    let build = built(Profile::Release);
    let vm = build.programs.iter().find(|program| program.name == "vm").expect("vm is a program");
    let elf = std::fs::read(&vm.elf).expect("vm is built");
    let elf = object::File::parse(&*elf).expect("it is an ELF file");
    let size = |name| elf.section_by_name(name).map_or(0, |section| section.size());
    assert!(size(".bss") > 100_000, "vm's tables are {} bytes", size(".bss"));
    assert!(size(".data") < 4096, "{} bytes start as something else than 0", size(".data"));
}

#[test]
fn more_cpus_than_are_used_do_no_harm() {
    let mut options = Options::default();
    options.machine.smp = 2;
    let mut system = System::boot_with(&options);
    assert_eq!(system.succeed("echo alive"), "alive\n");
    system.halt();
}

/// Multiboot2 specification 1.6, section 3.1: the header lies in the first 32 KiB, aligned, and its words add up to 0.
#[test]
fn boot_loaders_find_the_multiboot2_header() {
    let kernel = std::fs::read(built(Profile::Release).kernel.elf).expect("the kernel is built");
    let start = &kernel[..kernel.len().min(32 * 1024)];
    let words = |bytes: &[u8]| -> Vec<u32> {
        bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("4 bytes"))).collect()
    };
    let header = start.chunks_exact(8).position(|place| words(place) == [0xe852_50d6, 0]);
    let header = header.expect("there is a header for 32-bit mode") * 8;
    let sum = words(&start[header..header + 16]).into_iter().fold(0, u32::wrapping_add);
    assert_eq!(sum, 0, "the checksum at offset {header:#x} of the kernel");
}
