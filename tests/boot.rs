//! The system boots on every kind of machine, as it is built for development and for use, and halts cleanly.

use system_tests::{Machine, Options, Profile, System};

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
    let mut system = System::boot_with(&options);
    assert_eq!(system.succeed("hello"), "Hello, world!\n");
    system.halt();
}

#[test]
fn more_cpus_than_are_used_do_no_harm() {
    let mut options = Options::default();
    options.machine.smp = 2;
    let mut system = System::boot_with(&options);
    assert_eq!(system.succeed("echo alive"), "alive\n");
    system.halt();
}
