//! A system that does nothing uses next to nothing of the host.
#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use system_tests::{Machine, Options, Profile, System};

/// How long it is watched.
const WATCHED: Duration = Duration::from_secs(5);
/// The clock ticks in which Linux counts a process's time, in each second (`man 5 proc`; USER_HZ is fixed).
const TICKS_PER_SECOND: f64 = 100.0;
/// The goal is 1 % of a core; a bound that only a system with periodic work or a busy wait breaks.
const MOST: f64 = 0.05;

/// Processor time that a process has used, in seconds (`man 5 proc`, /proc/PID/stat, fields 14 and 15).
fn processor_time(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("QEMU runs");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
    let ticks: f64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_SECOND
}

#[test]
fn an_idle_system_leaves_the_host_alone() {
    let mut system = System::boot_with(&Options::new(Profile::Release, Machine::Q35));
    // What the start left to do is done.
    system.watch(Duration::from_secs(1));
    let (start, before) = (Instant::now(), processor_time(system.process_id()));
    system.watch(WATCHED);
    let share = (processor_time(system.process_id()) - before) / start.elapsed().as_secs_f64();
    println!("an idle system uses {:.2} % of a core", share * 100.0);
    assert!(share < MOST, "an idle system uses {:.1} % of a core", share * 100.0);
    system.halt();
}
