//! Printing without `core::fmt`, whose machinery is large and can panic.
//!
//! [`say!`](crate::say) prints its arguments one after the other: text, numbers in decimal, [`Hex`] numbers, task IDs.

use abi::TaskId;

/// Something that takes text.
pub trait Sink {
    /// Takes these bytes.
    fn write(&mut self, bytes: &[u8]);
}

/// Something that can be printed.
pub trait Print {
    /// Writes the value as text.
    fn print(&self, sink: &mut dyn Sink);
}

impl Print for &str {
    fn print(&self, sink: &mut dyn Sink) {
        sink.write(self.as_bytes());
    }
}

impl Print for usize {
    fn print(&self, sink: &mut dyn Sink) {
        number(*self as u64, 10, sink);
    }
}

impl Print for u64 {
    fn print(&self, sink: &mut dyn Sink) {
        number(*self, 10, sink);
    }
}

/// A number printed in hexadecimal, with `0x`.
#[derive(Clone, Copy, Debug)]
pub struct Hex(pub usize);

impl Print for Hex {
    fn print(&self, sink: &mut dyn Sink) {
        sink.write(b"0x");
        number(self.0 as u64, 16, sink);
    }
}

impl Print for TaskId {
    fn print(&self, sink: &mut dyn Sink) {
        self.index().get().print(sink);
        if self.generation() != 1 {
            sink.write(b".");
            (self.generation() as usize).print(sink);
        }
    }
}

/// Something printed at the left of a column of this width.
#[derive(Clone, Copy, Debug)]
pub struct Column<P>(pub P, pub usize);

impl<P: Print> Print for Column<P> {
    fn print(&self, sink: &mut dyn Sink) {
        let mut counter = Counter(0);
        self.0.print(&mut counter);
        self.0.print(sink);
        for _ in counter.0..self.1 {
            sink.write(b" ");
        }
    }
}

struct Counter(usize);

impl Sink for Counter {
    fn write(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

#[inline(never)]
fn number(mut value: u64, base: u64, sink: &mut dyn Sink) {
    // 20 decimal digits are enough for 64 bits.
    let mut digits = [0; 20];
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        let digit = (value % base) as u8;
        *place = if digit < 10 { b'0' + digit } else { b'a' + (digit - 10) };
        used += 1;
        value /= base;
        if value == 0 {
            break;
        }
    }
    if let Some(text) = digits.get(digits.len().saturating_sub(used)..) {
        sink.write(text);
    }
}

/// Prints its arguments to the kernel's log and console: `say!(kernel, "irq ", 4usize, "\n")`.
#[macro_export]
macro_rules! say {
    ($sink:expr, $($part:expr),+ $(,)?) => {{
        $( $crate::Print::print(&$part, $sink); )+
    }};
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use abi::TaskIndex;
    use std::string::String;

    impl Sink for String {
        fn write(&mut self, bytes: &[u8]) {
            self.push_str(str::from_utf8(bytes).unwrap());
        }
    }

    #[test]
    fn values_are_printed() {
        let mut text = String::new();
        let id = TaskId::new(TaskIndex::new(7), 3).unwrap();
        say!(&mut text, "a ", 0usize, " ", u64::MAX, " ", Hex(0xdead_beef), " ", id, "|", Column(id, 5), "|");
        assert_eq!(text, "a 0 18446744073709551615 0xdeadbeef 7.3|7.3  |");
    }
}
