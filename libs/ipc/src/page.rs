//! The message page: where messages are composed and found.
//!
//! On bare metal it is at a fixed address, mapped for the task's whole life; on the host each thread has its own.
//! The kernel reads and writes it only during system calls. Everything here copies; no reference into the part that
//! changes ever exists.

use abi::{BootInfo, MessagePage, PAYLOAD_BYTES, PAYLOAD_WORDS, STARTUP_OFFSET, Startup};
use core::mem::{offset_of, size_of};

/// Size of the page.
pub(crate) const PAGE_SIZE: usize = 4096;
const ARGUMENTS_OFFSET: usize = STARTUP_OFFSET + size_of::<Startup>();

const _: () = assert!(size_of::<MessagePage>() <= STARTUP_OFFSET);
const _: () = assert!(STARTUP_OFFSET + size_of::<BootInfo>() <= PAGE_SIZE);

/// The page's first byte.
#[cfg(target_os = "none")]
#[inline(always)]
pub(crate) fn base() -> *mut u8 {
    core::ptr::with_exposed_provenance_mut(abi::MESSAGE_PAGE)
}

#[cfg(not(target_os = "none"))]
pub(crate) use crate::host::page as base;

/// Writes `value` at byte `offset` of the payload.
#[inline(always)]
pub(crate) fn write<T: crate::stub::Scalar>(offset: usize, value: T) {
    assert!(offset <= PAYLOAD_BYTES && size_of::<T>() <= PAYLOAD_BYTES - offset, "outside of the payload");
    // SAFETY: the page is mapped writable (ABI) and the assertion keeps the access inside of the payload. No
    // reference to the payload exists.
    unsafe { base().add(offset).cast::<T>().write_unaligned(value) }
}

/// Reads the value at byte `offset` of the payload.
#[inline(always)]
pub(crate) fn read<T: crate::stub::Scalar>(offset: usize) -> T {
    assert!(offset <= PAYLOAD_BYTES && size_of::<T>() <= PAYLOAD_BYTES - offset, "outside of the payload");
    // SAFETY: as in `write`; every bit pattern is a value of a `Scalar`.
    unsafe { base().add(offset).cast::<T>().read_unaligned() }
}

/// Records a lend for the next call. `index` is below [`abi::MAX_LENDS`].
#[inline(always)]
pub(crate) fn set_lend(index: usize, address: usize, length: usize) {
    assert!(index < abi::MAX_LENDS, "more lends than a message can have");
    let lend = abi::Lend { address: address as u64, length: length as u64 };
    // SAFETY: as in `write`; the assertion keeps the access inside of the array of lends, which is 16-byte aligned.
    unsafe { base().add(offset_of!(MessagePage, lends)).cast::<abi::Lend>().add(index).write(lend) }
}

/// Word `index` of the payload; 0 past its end. For messages that have no interface, such as the kernel's.
#[inline]
pub fn payload_word(index: usize) -> u64 {
    if index < PAYLOAD_WORDS { read(index * 8) } else { 0 }
}

/// Sets word `index` of the payload; nothing past its end.
#[inline]
pub fn set_payload_word(index: usize, value: u64) {
    if index < PAYLOAD_WORDS {
        write(index * 8, value);
    }
}

/// The first `N` words of the payload, zero past its end.
#[inline]
pub fn payload_words<const N: usize>() -> [u64; N] {
    core::array::from_fn(payload_word)
}

/// The start record that vm left for the program. Meaningless in the first task.
pub fn startup() -> Startup {
    // SAFETY: the record lies in the page (checked above), aligned, and consists of integers. Nothing writes to this
    // part of the page while the task runs.
    unsafe { base().add(STARTUP_OFFSET).cast::<Startup>().read() }
}

/// The arguments: each followed by a NUL, the program's name first. UTF-8 if the launcher kept to the ABI.
pub fn startup_arguments() -> &'static [u8] {
    startup_text().split_at(arguments_length()).0
}

/// The environment: texts of the form `NAME=value`, each followed by a NUL. UTF-8 if the launcher kept to the ABI.
pub fn startup_environment() -> &'static [u8] {
    startup_text().split_at(arguments_length()).1
}

fn arguments_length() -> usize {
    (startup().arguments as usize).min(startup_text().len())
}

/// Arguments and environment.
fn startup_text() -> &'static [u8] {
    let length = startup().arguments.saturating_add(startup().environment);
    let length = (length as usize).min(PAGE_SIZE - ARGUMENTS_OFFSET);
    #[cfg(not(target_os = "none"))]
    return crate::host::arguments(ARGUMENTS_OFFSET, length);
    #[cfg(target_os = "none")]
    // SAFETY: the bytes lie in the page, which lives as long as the task; neither the kernel nor any function of
    // this crate writes to this part of it.
    unsafe {
        core::slice::from_raw_parts(base().add(ARGUMENTS_OFFSET), length)
    }
}

/// The record that the kernel left for the first task. Meaningless in every other task.
pub fn boot_info() -> BootInfo {
    // SAFETY: as in `startup`.
    unsafe { base().add(STARTUP_OFFSET).cast::<BootInfo>().read() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_past_the_end_are_zero() {
        set_payload_word(PAYLOAD_WORDS - 1, 7);
        set_payload_word(PAYLOAD_WORDS, 8);
        assert_eq!(payload_word(PAYLOAD_WORDS - 1), 7);
        assert_eq!(payload_word(PAYLOAD_WORDS), 0);
        assert_eq!(payload_words::<31>()[29..], [7, 0]);
    }

    #[test]
    #[should_panic(expected = "outside of the payload")]
    fn an_offset_past_the_payload_is_refused() {
        write(PAYLOAD_BYTES - 4, 1_u64);
    }

    #[test]
    #[should_panic(expected = "outside of the payload")]
    fn an_offset_that_overflows_is_refused() {
        read::<u8>(usize::MAX);
    }
}
