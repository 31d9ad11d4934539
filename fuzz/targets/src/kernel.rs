//! The kernel core: several tasks that make any system calls, with faults, interrupts, time and console input in
//! between. After each step the kernel is compared with the model of the manual that its own properties use, and its
//! structure is checked.

use abi::Syscall;
use kernel_core::model::{CALLS, Start, Step, run as run_steps};

use crate::input::Input;

/// Most steps of a run: enough to create tasks and to destroy them. Short runs are made more often.
const STEPS: usize = 150;

/// What may be typed: nothing that closes the kernel debugger (`c`) or shows its log (`log`), which only the console
/// would know of.
const KEYS: &[u8] = b"abdefhijkmnpqrstuvwxyz 0123456789\r\x14\x7f\x08\x03";

/// Runs the steps that the bytes mean.
pub fn run(data: &[u8]) {
    let input = Input::new(data);
    let start: Vec<Start> = (0..2 + input.below(6))
        .map(|_| (input.value(), input.byte() as usize % 30, input.byte().is_multiple_of(8)))
        .collect();
    let mut steps = Vec::new();
    while !input.is_empty() && steps.len() < STEPS {
        steps.push(step(&input));
    }
    if let Err(text) = run_steps(&start, &steps) {
        panic!("{text}\nstart: {start:?}\nsteps: {steps:#?}");
    }
}

fn step(input: &Input) -> Step {
    let tag = input.byte();
    match tag % 32 {
        0..=2 => Step::Noise(usize::from(input.byte()), input.value::<[u64; 5]>().map(word)),
        3 => Step::Interrupt(input.byte() as usize % 16),
        4 => Step::Elapse { nanoseconds: u64::from(input.value::<u32>()) % 40_000_000, late: tag & 32 != 0 },
        5 => Step::Elapse { nanoseconds: u64::from(input.value::<u16>()) * 50, late: tag & 32 != 0 },
        6 => Step::Input(KEYS[input.byte() as usize % KEYS.len()]),
        7 => Step::PageFault(input.value()),
        8 => Step::Exception(u64::from(input.byte() % 8)),
        number => Step::Call(call(number), input.value()),
    }
}

fn call(number: u8) -> Syscall {
    CALLS[number as usize % CALLS.len()].1
}

/// Numbers near the ends of the range and small ones mean more than others.
fn word(number: u64) -> usize {
    match number % 4 {
        0 => (number >> 2) as usize & 0xffff,
        1 => !((number >> 2) as usize & 0xffff),
        2 => (1 << 47) + ((number >> 2) as usize & 0xff),
        _ => number as usize,
    }
}
