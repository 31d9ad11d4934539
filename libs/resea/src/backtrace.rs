//! Where the program is: the return addresses on its stack, found by the chain of frame pointers.
//!
//! Every program is compiled with frame pointers. The chain is followed only within the stack that the start record
//! names, upwards, so that a damaged one ends the list and nothing worse.

/// Most frames that are printed.
#[cfg(target_os = "none")]
const MAX_FRAMES: usize = 32;

/// Prints the return addresses of the caller and its callers, one line in all.
#[cfg(target_os = "none")]
#[inline(never)]
pub(crate) fn print() {
    crate::print!("{}: backtrace:", crate::name());
    let frame: usize;
    // SAFETY: reads a register.
    unsafe { core::arch::asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack, preserves_flags)) };
    let (low, high) = match crate::start::startup() {
        Some(startup) => (startup.stack as usize, (startup.stack + startup.stack_size) as usize),
        None => (frame, frame),
    };
    walk(frame, low..high, |address| {
        // SAFETY: `walk` reads only aligned words in the stack it was given, which is mapped up to its high end.
        unsafe { core::ptr::with_exposed_provenance::<usize>(address).read() }
    })
    .take(MAX_FRAMES)
    .for_each(|address| crate::print!(" {address:#x}"));
    crate::println!();
}

/// On the host the debugger does this.
#[cfg(not(target_os = "none"))]
pub(crate) fn print() {}

/// The return addresses from `frame` on; `read` reads a word of the stack.
#[cfg(any(target_os = "none", test))]
fn walk(
    frame: usize,
    stack: core::ops::Range<usize>,
    read: impl Fn(usize) -> usize,
) -> impl Iterator<Item = usize> {
    let is_frame = move |frame: usize| {
        frame >= stack.start && stack.end.checked_sub(16) >= Some(frame) && frame.is_multiple_of(8)
    };
    let mut next = Some(frame);
    core::iter::from_fn(move || {
        let frame = next.filter(|&frame| is_frame(frame))?;
        let (before, address) = (read(frame), read(frame + 8));
        next = Some(before).filter(|&before| before > frame);
        Some(address).filter(|&address| address != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::walk;
    use std::vec::Vec;

    fn addresses(words: &[usize], frame: usize) -> Vec<usize> {
        walk(frame, 0x1000..0x1000 + words.len() * 8, |address| words[(address - 0x1000) / 8]).collect()
    }

    #[test]
    fn the_chain_is_followed_to_its_end() {
        assert_eq!(addresses(&[0, 0x1020, 0xa, 0, 0, 0xb], 0x1008), [0xa, 0xb]);
        assert_eq!(addresses(&[0x1010, 0xa, 0x1020, 0xb, 0, 0xc], 0x1000), [0xa, 0xb, 0xc]);
    }

    #[test]
    fn a_damaged_chain_ends_the_list() {
        assert_eq!(addresses(&[0x1000, 0xa], 0x1000), [0xa], "a loop");
        assert_eq!(addresses(&[0xffff_ffff_ffff_fff8, 0xa], 0x1000), [0xa], "out of the stack");
        assert_eq!(addresses(&[0x1009, 0xa, 0, 0], 0x1000), [0xa], "unaligned");
        assert_eq!(addresses(&[0, 0xa], 0x1008), [], "the frame does not fit");
    }
}
