//! The kernel debugger and what comes after: Ctrl-T answers even when the whole system hangs, and what it prints can be
//! turned into functions and lines.
//!
//! Systems that hang are made by writing a few instructions over a function of vm's in the boot image.

use object::{Object, ObjectSection, ObjectSymbol};
use resea_tool::symbolize::{DebugInfo, Symbolizer};
use system_tests::{Build, MachineOptions, Profile, System, built, workspace};

const CONTROL_C: &str = "\x03";
const CONTROL_T: &str = "\x14";

/// Opens the debugger.
fn open(system: &mut System) {
    let place = system.place();
    system.press(CONTROL_T);
    system.expect("kernel> ", place);
}

/// Types a command into the open debugger and returns what it answers.
fn ask(system: &mut System, command: &str) -> String {
    let place = system.place();
    system.press(&format!("{command}\r"));
    system.expect("kernel> ", place);
    system.printed(place)
}

/// Repeats a command until it shows what `seen` looks for.
fn ask_until(system: &mut System, command: &str, what: &str, mut seen: impl FnMut(&str) -> bool) -> String {
    let mut text = String::new();
    for _ in 0..500 {
        text = ask(system, command);
        if seen(&text) {
            return text;
        }
    }
    panic!("the debugger should show {what}, but shows:\n{text}");
}

/// The debug system, but vm executes `code` when it is to report a crash.
fn with_other_report(folder: &std::path::Path, code: &[u8]) -> Build {
    let build = built(Profile::Debug);
    let vm = build.programs.iter().find(|program| program.name == "vm").expect("there is vm");
    let elf = std::fs::read(&vm.elf).expect("it is built");
    let elf = object::File::parse(&*elf).expect("it is an ELF file");
    let functions = elf.symbols().filter(|symbol| symbol.is_definition());
    let is_report = |name: &str| ["2vm", "5fault", "6report"].iter().all(|part| name.contains(part));
    let report = functions.filter(|function| function.name().is_ok_and(is_report));
    let report =
        report.min_by_key(|function| function.name().map_or(0, str::len)).expect("vm reports crashes");
    let section = report.section_index().and_then(|index| elf.section_by_index(index).ok());
    let start = section.expect("it is in a section").data_range(report.address(), 48);
    let start = start.expect("the section can be read").expect("it is in its section");
    let mut image = std::fs::read(&build.image).expect("it is built");
    let places: Vec<usize> =
        (0..image.len() - 48).filter(|place| image[*place..].starts_with(start)).collect();
    let [place] = places[..] else { panic!("the function is in the image at {places:?}") };
    image[place..place + code.len()].copy_from_slice(code);
    let file = folder.join("boot.img");
    std::fs::write(&file, image).expect("it can be written");
    Build { image: file, ..build }
}

/// `jmp` to itself.
const LOOP: &[u8] = &[0xeb, 0xfe];

/// Waits for a message from the task whose crash is to be reported, the function's second argument, and no other: `mov eax, 2;
/// mov edi, esi; syscall; jmp` to itself.
const RECEIVE: &[u8] = &[0xb8, 2, 0, 0, 0, 0x89, 0xf7, 0x0f, 0x05, 0xeb, 0xfe];

#[test]
fn a_deadlock_is_told_with_names_and_the_system_goes_on() {
    let mut system = System::boot();
    system.succeed("test deadlock");
    open(&mut system);
    let text = ask(&mut system, "ps");
    let cycle = text.lines().find(|line| line.starts_with("DEADLOCK: ")).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(cycle.matches("(test) → ").count(), 2, "{cycle}");
    assert_eq!(text.matches("  deadlocked").count(), 2, "{text}");
    assert_eq!(text.matches("  behind the deadlock of ").count(), 1, "{text}");
    let messages = ask(&mut system, "messages");
    assert!(messages.contains(" (shell)           0 (vm)"), "{messages}");
    // Closed, it leaves the keys to the shell.
    system.press(CONTROL_T);
    system.press("\r");
    assert_eq!(system.succeed("echo alive"), "alive\n");
    system.halt();
}

#[test]
fn it_answers_while_vm_loops_at_the_highest_priority() {
    let folder = tempfile::tempdir().expect("a folder");
    let build = with_other_report(folder.path(), LOOP);
    let mut system = System::boot_build(&build, &MachineOptions::default());
    system.start("crash null");
    open(&mut system);
    let text = ask_until(&mut system, "ps", "that vm runs", |text| {
        let rows: Vec<&str> = text.lines().collect();
        let row = |name: &str| rows.iter().copied().find(|row| row.contains(name)).unwrap_or_default();
        row(" vm ").ends_with("running") && row(" crash ").contains("faulted    0 (vm)")
    });
    assert!(!text.contains("eadlock"), "a loop is no deadlock:\n{text}");
    let debug_info = DebugInfo::of(&build, "debug", &workspace().root).expect("it is built");
    let mut symbolizer = Symbolizer::new(vec![debug_info]);
    let mut symbolize = |log: &str| {
        let mut output = Vec::new();
        symbolizer.log(log.as_bytes(), &mut output, false).expect("memory does not fail");
        String::from_utf8(output).expect("it is text")
    };
    // vm also runs for the page faults before the crash, so that it runs does not tell that it loops already.
    ask_until(&mut system, "where", "where vm loops, and the crash", |text| {
        let output = symbolize(text);
        output.contains("servers/vm/src/fault.rs") && output.contains("apps/crash/src/fault.rs")
    });
    let output = symbolize(&system.transcript());
    assert!(!output.contains("WARNING"), "it is the build at hand:\n{output}");
}

#[test]
fn it_answers_when_every_task_waits_for_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let build = with_other_report(folder.path(), RECEIVE);
    let mut system = System::boot_build(&build, &MachineOptions::default());
    system.start("crash null");
    open(&mut system);
    ask_until(&mut system, "ps", "vm and crash in a deadlock", |text| {
        let cycle = text.lines().find_map(|line| line.strip_prefix("DEADLOCK: 0 (vm) → "));
        cycle.is_some_and(|rest| rest.contains(" (crash) → 0 (vm): each waits for the next"))
    });
    system.press(CONTROL_T);
    // The shell wants vm to kill the program.
    system.press(CONTROL_C);
    open(&mut system);
    ask_until(&mut system, "ps", "the shell behind it", |text| {
        text.lines().any(|row| row.contains(" shell ") && row.contains("behind the deadlock of 0 (vm)"))
    });
}
