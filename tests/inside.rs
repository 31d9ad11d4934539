//! Programs that misbehave, and the tests that run inside the system.

use system_tests::{Machine, Options, Profile, System};

/// Every kind of crash, and a part of what its report must say.
const CRASHES: [(&str, &str); 10] = [
    ("null", "0x0"),
    ("kernel", "0xffffffff80100000"),
    ("noncanonical", "protection violation"),
    ("stack", "times"),
    ("ud", "illegal instruction"),
    ("divide", "division error"),
    ("write-text", "writ"),
    ("exec-data", "execute of address"),
    ("panic", "as you asked"),
    ("alloc", "heap"),
];

/// Each crash ends its own task with a report, and the system goes on.
fn crashes_are_survived(profile: Profile) {
    let mut system = System::boot_with(&Options::new(profile, Machine::Q35));
    for (kind, report) in CRASHES {
        let output = system.run(&format!("crash {kind}"));
        assert_ne!(output.status, 0, "crash {kind} should fail");
        assert!(!output.text.contains("did not end the task"), "crash {kind} was survived:\n{}", output.text);
        assert!(
            output.text.contains(report),
            "the report of crash {kind} lacks {report:?}:\n{}",
            output.text
        );
        assert_eq!(system.succeed("echo alive"), "alive\n", "after crash {kind}");
    }
    system.halt();
}

#[test]
fn debug_survives_every_crash() {
    crashes_are_survived(Profile::Debug);
}

/// Nobody makes a frame where no code is; the return address on the stack still tells who called.
#[test]
fn a_call_to_data_shows_its_caller() {
    let mut system = System::boot();
    let report = system.run("crash exec-data").text;
    assert!(report.contains("crash::fault::execute_data"), "the caller is missing:\n{report}");
    system.halt();
}

#[test]
fn release_survives_every_crash() {
    crashes_are_survived(Profile::Release);
}

#[test]
fn reports_have_backtraces_with_names() {
    let mut system = System::boot();
    let text = system.run("crash panic").text;
    assert!(text.contains("crash::"), "a function of the program should be named:\n{text}");
    system.halt();
}

#[test]
fn the_tests_inside_pass_in_debug() {
    let mut system = System::boot();
    system.succeed("test");
    system.halt();
}

#[test]
fn the_tests_inside_pass_in_release() {
    let mut system = System::boot_with(&Options::new(Profile::Release, Machine::Q35));
    system.succeed("test");
    system.halt();
}

#[test]
fn ten_thousand_launches_leave_the_memory_as_it_was() {
    let mut system = System::boot_with(&Options::new(Profile::Release, Machine::Q35));
    system.succeed("test launches 10000");
    system.halt();
}

#[test]
fn the_benchmark_measures_everything() {
    let mut options = Options::new(Profile::Release, Machine::Q35);
    options.machine.icount = true;
    let mut system = System::boot_with(&options);
    let text = system.succeed("benchmark");
    let figures = resea_tool::commands::bench::figures(&text).expect("its lines are fine");
    let names: Vec<_> = figures.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "null_call",
        "ipc_0",
        "ipc_4",
        "ipc_24",
        "lend_64",
        "lend_4096",
        "notify",
        "page_fault",
        "launch",
        "boot",
    ];
    for name in expected {
        assert!(names.contains(&name), "{name} is missing from {names:?}");
    }
    system.halt();
}
