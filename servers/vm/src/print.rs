//! Lines for the console.
//!
//! vm must not wait and has no heap, so text goes through a small buffer, one system call for each line.

use crate::kernel::Kernel;
use core::fmt;

const LENGTH: usize = 128;

/// Collects text and prints it by lines; what is left is printed at the end.
pub(crate) struct Printer<'k, K: Kernel> {
    kernel: &'k mut K,
    buffer: [u8; LENGTH],
    used: usize,
}

impl<'k, K: Kernel> Printer<'k, K> {
    pub(crate) const fn new(kernel: &'k mut K) -> Self {
        Self { kernel, buffer: [0; LENGTH], used: 0 }
    }

    fn flush(&mut self) {
        let text = self.buffer.get(..self.used).map(core::str::from_utf8);
        if let Some(Ok(text)) = text
            && !text.is_empty()
        {
            self.kernel.print(text);
        }
        self.used = 0;
    }
}

impl<K: Kernel> fmt::Write for Printer<'_, K> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let length = character.len_utf8();
            if self.used + length > LENGTH {
                self.flush();
            }
            if let Some(room) = self.buffer.get_mut(self.used..self.used + length) {
                character.encode_utf8(room);
                self.used += length;
            }
            if character == '\n' {
                self.flush();
            }
        }
        Ok(())
    }
}

impl<K: Kernel> Drop for Printer<'_, K> {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Prints a line with vm's name. Printing to the console cannot fail.
macro_rules! log {
    ($kernel:expr, $($line:tt)*) => {{
        use core::fmt::Write as _;
        let mut printer = $crate::print::Printer::new(&mut $kernel);
        let _ = printer.write_str("vm: ");
        let _ = writeln!(printer, $($line)*);
    }};
}

pub(crate) use log;
