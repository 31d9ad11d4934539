//! How long `sleep` sleeps: on the host, in virtual time.

use sim::System;

/// Exit status, milliseconds that it took, and what was printed.
fn sleep(arguments: &'static [&str]) -> (i32, u64, String) {
    let report = System::new().program(sim::program!(sleep::run)).run(|| {
        let before = resea::clock();
        resea::watch(resea::launch("sleep", arguments.iter().copied()).unwrap()).unwrap();
        resea::wait();
        let status = resea::next_exit().unwrap().expect("it has ended").status;
        resea::println!("{status} {}", (resea::clock() - before) / 1_000_000);
    });
    let (said, figures) =
        report.console.trim_end().rsplit_once('\n').unwrap_or(("", report.console.trim_end()));
    let (status, time) = figures.split_once(' ').unwrap();
    (status.parse().unwrap(), time.parse().unwrap(), said.to_string())
}

#[test]
fn it_sleeps_as_long_as_it_is_told_to() {
    assert_eq!(sleep(&["0"]), (0, 0, String::new()));
    assert_eq!(sleep(&["0.25"]), (0, 250, String::new()));
    assert_eq!(sleep(&["86400"]), (0, 86_400_000, String::new()));
}

#[test]
fn what_is_no_time_is_refused_at_once() {
    let (status, time, said) = sleep(&["soon"]);
    assert_eq!((status, time), (1, 0));
    assert_eq!(said, "sleep: `soon` is not a number of seconds; write it like 2 or 0.5");
    for wrong in [&[][..], &["1", "2"]] {
        let (status, time, said) = sleep(wrong);
        assert_eq!((status, time), (1, 0));
        assert!(said.contains("sleep SECONDS"), "{said}");
    }
}
