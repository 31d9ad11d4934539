//! What generated stubs call. Not meant to be written by hand, but nothing here is unsafe to use.
//!
//! A stub puts its scalars in the payload, passes its lends, executes the call and gets the results. With constant
//! offsets all of it becomes stores, one `syscall` and loads.

use crate::{Answer, Error, Incoming, MessageInfo, SendFlags, TaskId, calls, page};
use core::marker::PhantomData;

mod sealed {
    pub trait Sealed {}
}

/// A value that is a plain bit pattern: integers and fixed arrays of them.
pub trait Scalar: Copy + sealed::Sealed {}

macro_rules! scalars {
    ($($type:ty)*) => {$(
        impl sealed::Sealed for $type {}
        impl Scalar for $type {}
    )*};
}

scalars!(u8 u16 u32 u64 i8 i16 i32 i64);

impl<T: Scalar, const N: usize> sealed::Sealed for [T; N] {}
impl<T: Scalar, const N: usize> Scalar for [T; N] {}

/// Writes `value` at byte `offset` of the payload. Panics if it does not fit there.
#[inline(always)]
pub fn put<T: Scalar>(offset: usize, value: T) {
    page::write(offset, value);
}

/// Reads the value at byte `offset` of the payload. Panics if it would lie past its end.
#[inline(always)]
pub fn get<T: Scalar>(offset: usize) -> T {
    page::read(offset)
}

/// Memory to lend for one call.
pub struct Lend<'a> {
    address: usize,
    length: usize,
    writable: bool,
    memory: PhantomData<&'a mut [u8]>,
}

impl<'a> Lend<'a> {
    /// Lends memory for reading. Touches each of its pages: the kernel copies only from memory that is present.
    #[inline(always)]
    pub fn read(memory: &'a [u8]) -> Self {
        for_each_page(memory.as_ptr() as usize, memory.len(), |offset| {
            // SAFETY: `for_each_page` gives offsets below the length only; the slice may be read.
            unsafe { memory.as_ptr().add(offset).read_volatile() };
        });
        Self {
            address: memory.as_ptr().expose_provenance(),
            length: memory.len(),
            writable: false,
            memory: PhantomData,
        }
    }

    /// Lends memory for reading and writing. Touches each of its pages for writing.
    #[inline(always)]
    pub fn write(memory: &'a mut [u8]) -> Self {
        let first = memory.as_mut_ptr();
        for_each_page(first as usize, memory.len(), |offset| {
            // SAFETY: `for_each_page` gives offsets below the length only; the slice is exclusively borrowed.
            unsafe { first.add(offset).write_volatile(first.add(offset).read_volatile()) };
        });
        Self { address: first.expose_provenance(), length: memory.len(), writable: true, memory: PhantomData }
    }
}

/// Calls `touch` with an offset in each page that `length` bytes from `address` lie in.
#[inline(always)]
fn for_each_page(address: usize, length: usize, touch: impl Fn(usize)) {
    if length == 0 {
        return;
    }
    touch(0);
    let mut offset = page::PAGE_SIZE - address % page::PAGE_SIZE;
    while offset < length {
        touch(offset);
        offset += page::PAGE_SIZE;
    }
}

/// Sends the request in the payload, lends `lends` (at most four) until the reply, and waits for it. The payload then
/// holds the reply.
///
/// Panics if there are more lends. Errors: those of [`calls::call`], and whatever error the server answers with.
#[inline(always)]
pub fn call(to: TaskId, kind: u16, words: usize, lends: &[Lend<'_>]) -> Result<MessageInfo, Error> {
    let mut writable = 0;
    for (index, lend) in lends.iter().enumerate() {
        page::set_lend(index, lend.address, lend.length);
        writable |= (lend.writable as u32) << index;
    }
    let info = MessageInfo::new(kind, words).with_lends(lends.len(), writable);
    // SAFETY: the message page holds the `lends`, which are borrowed until this function returns.
    unsafe { calls::call_lending(to, info) }
}

/// Sends the one-way message in the payload and waits until it is received. Errors: those of [`calls::send`].
#[inline(always)]
pub fn send(to: TaskId, kind: u16, words: usize) -> Result<(), Error> {
    calls::send(to, MessageInfo::new(kind, words))
}

/// As [`send`], but fails with `WouldBlock` if the receiver is not waiting.
#[inline(always)]
pub fn send_nonblocking(to: TaskId, kind: u16, words: usize) -> Result<(), Error> {
    calls::send_with(to, MessageInfo::new(kind, words), SendFlags::NOBLOCK)
}

/// Whether the message has exactly this type, length and lends (`writable`: a bit for each lend); if not,
/// `BadMessage`. Dispatchers check this before they read anything.
#[inline(always)]
pub fn expect(message: &Incoming, kind: u16, words: usize, lends: usize, writable: u32) -> Result<(), Error> {
    let expected = MessageInfo::new(kind, words).with_lends(lends, writable);
    if message.info == expected { Ok(()) } else { Err(Error::BadMessage) }
}

/// The length of a reply's text or data, which must not be more than there is room for: `BadMessage` else.
#[inline(always)]
pub fn checked_length(length: u32, capacity: usize) -> Result<usize, Error> {
    let length = length as usize;
    if length <= capacity { Ok(length) } else { Err(Error::BadMessage) }
}

/// Text of a reply: must be UTF-8 without NUL, else `BadText`.
pub fn checked_text(text: &[u8]) -> Result<&str, Error> {
    match core::str::from_utf8(text) {
        Ok(valid) if !text.contains(&0) => Ok(valid),
        _ => Err(Error::BadText),
    }
}

/// The answer to a call: `Ok` holds the reply's length in words, its payload being in place.
#[inline(always)]
pub fn answer(kind: u16, result: Result<usize, Error>) -> Answer {
    match result {
        Ok(words) => Answer::reply(kind, words),
        Err(error) => Answer::error(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn scalars_come_back_as_they_were_put() {
        put(0, 0x1122_3344_5566_7788_u64);
        put(8, -5_i16);
        put(12, [1_u32, 2, 3]);
        assert_eq!(get::<u8>(0), 0x88);
        assert_eq!(get::<i16>(8), -5);
        assert_eq!(get::<[u32; 3]>(12), [1, 2, 3]);
    }

    #[test]
    fn every_page_of_a_lend_is_touched_once() {
        for (address, length, expected) in [
            (0, 0, 0),
            (4095, 0, 0),
            (4095, 1, 1),
            (4095, 2, 2),
            (4096, 4096, 1),
            (4097, 4096, 2),
            (100, 3 * 4096, 4),
        ] {
            let touched = std::cell::RefCell::new(Vec::new());
            for_each_page(address, length, |offset| touched.borrow_mut().push((address + offset) / 4096));
            let touched = touched.into_inner();
            assert_eq!(touched.len(), expected, "{address}+{length}");
            assert!(touched.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{touched:?}");
        }
    }

    #[test]
    fn replies_are_checked() {
        assert_eq!(checked_length(4, 4), Ok(4));
        assert_eq!(checked_length(5, 4), Err(Error::BadMessage));
        assert_eq!(checked_text("é".as_bytes()), Ok("é"));
        assert_eq!(checked_text(b"a\0"), Err(Error::BadText));
        assert_eq!(checked_text(b"\xff"), Err(Error::BadText));
    }
}
