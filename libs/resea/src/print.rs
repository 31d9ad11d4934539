//! Printing: text for the output, which is the console unless it is redirected, and for the log and the console.
//!
//! Built in a small buffer on the stack: nothing here allocates or fails. What goes to the console reaches the kernel
//! as one write for each macro call, unless the text is longer than the buffer.

use crate::name;
use core::fmt::{self, Write};

/// Bytes of text that are collected before they are written.
const BUFFER: usize = 256;

/// Prints text to the output: the console, or where the launcher has redirected it to.
#[macro_export]
macro_rules! print {
    ($($arguments:tt)*) => { $crate::write(::core::format_args!($($arguments)*)) };
}

/// Prints a line to the output.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($format:literal $($arguments:tt)*) => { $crate::print!("{}\n", ::core::format_args!($format $($arguments)*)) };
}

/// Prints text to the console, wherever the output goes: what is wrong, for example.
#[macro_export]
macro_rules! eprint {
    ($($arguments:tt)*) => { $crate::write_error(::core::format_args!($($arguments)*)) };
}

/// Prints a line to the console, wherever the output goes.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::eprint!("\n") };
    ($format:literal $($arguments:tt)*) => { $crate::eprint!("{}\n", ::core::format_args!($format $($arguments)*)) };
}

/// Logs a line about every step, with the task's name. Debug builds only.
#[macro_export]
macro_rules! trace {
    ($($arguments:tt)*) => { $crate::debug_line!($crate::Level::Trace, $($arguments)*) };
}

/// Logs a line that helps to find a mistake, with the task's name. Debug builds only.
#[macro_export]
macro_rules! debug {
    ($($arguments:tt)*) => { $crate::debug_line!($crate::Level::Debug, $($arguments)*) };
}

/// Logs a line, with the task's name.
#[macro_export]
macro_rules! info {
    ($($arguments:tt)*) => { $crate::write_line($crate::Level::Info, ::core::format_args!($($arguments)*)) };
}

/// Logs a warning, with the task's name: something is wrong, but the program goes on.
#[macro_export]
macro_rules! warn {
    ($($arguments:tt)*) => { $crate::write_line($crate::Level::Warn, ::core::format_args!($($arguments)*)) };
}

/// Logs a warning and a backtrace, with the task's name: something happened that should be impossible, but the program
/// goes on.
#[macro_export]
macro_rules! oops {
    ($($arguments:tt)*) => { $crate::oops(::core::format_args!($($arguments)*)) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! debug_line {
    ($level:expr, $($arguments:tt)*) => {
        // The arguments are type-checked in release builds too, and cost nothing there.
        if ::core::cfg!(debug_assertions) {
            $crate::write_line($level, ::core::format_args!($($arguments)*))
        }
    };
}

/// How important a line of the log is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// Every step.
    Trace,
    /// Helps to find a mistake.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is wrong.
    Warn,
    /// Something impossible happened.
    Oops,
}

impl Level {
    /// What stands before the text.
    const fn mark(self) -> &'static str {
        match self {
            Self::Trace => "trace: ",
            Self::Debug => "debug: ",
            Self::Info => "",
            Self::Warn => "warning: ",
            Self::Oops => "oops: ",
        }
    }
}

/// Prints text; what [`print!`] stands for.
pub fn write(text: fmt::Arguments<'_>) {
    write_to(crate::write_output, text);
}

/// Prints text to the console; what [`eprint!`] stands for.
pub fn write_error(text: fmt::Arguments<'_>) {
    write_to(ipc::console_write, text);
}

fn write_to(target: fn(&[u8]), text: fmt::Arguments<'_>) {
    let mut line = Line::new(target);
    // The buffer takes everything; an error can only come from the program's own `Display`, and what it wrote is out.
    let _ = line.write_fmt(text);
    line.flush();
}

/// Prints a line with the task's name and the level.
pub fn write_line(level: Level, text: fmt::Arguments<'_>) {
    write_error(format_args!("{}: {}{text}\n", name(), level.mark()));
}

/// Prints a line and where the program is.
#[inline(never)]
pub fn oops(text: fmt::Arguments<'_>) {
    write_line(Level::Oops, text);
    crate::backtrace::print();
}

/// Collects text and writes it when the buffer is full.
struct Line {
    target: fn(&[u8]),
    buffer: [u8; BUFFER],
    length: usize,
}

impl Line {
    const fn new(target: fn(&[u8])) -> Self {
        Self { target, buffer: [0; BUFFER], length: 0 }
    }

    fn flush(&mut self) {
        (self.target)(self.buffer.get(..self.length).unwrap_or_default());
        self.length = 0;
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while !rest.is_empty() {
            let room = self.buffer.get_mut(self.length..).unwrap_or_default();
            // Characters are not cut in two.
            let (now, later) = rest.split_at(rest.floor_char_boundary(room.len()));
            for (byte, from) in room.iter_mut().zip(now.bytes()) {
                *byte = from;
            }
            self.length += now.len();
            rest = later;
            if !rest.is_empty() {
                self.flush();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::string::String;
    use std::vec::Vec;

    #[derive(Default)]
    struct Console(RefCell<Vec<String>>);

    impl ipc::host::Backend for Console {
        fn console_write(&self, text: &[u8]) -> Result<usize, ipc::Error> {
            self.0.borrow_mut().push(String::from_utf8(text.into()).expect("characters must not be cut"));
            Ok(text.len())
        }
    }

    fn written(work: impl FnOnce()) -> Vec<String> {
        let console = Rc::new(Console::default());
        let _installed = ipc::host::install(console.clone());
        work();
        console.0.take()
    }

    #[test]
    fn a_line_is_one_write() {
        assert_eq!(written(|| crate::println!("{} and {}", 1, "two")), ["1 and two\n"]);
        assert_eq!(written(|| crate::println!()), ["\n"]);
        assert_eq!(
            written(|| crate::warn!("it is {}", "late")),
            [std::format!("{}: warning: it is late\n", name())]
        );
        assert_eq!(written(|| crate::info!("up")), [std::format!("{}: up\n", name())]);
    }

    #[test]
    fn long_text_is_written_in_pieces_at_characters() {
        let text = "€".repeat(300);
        let pieces = written(|| crate::print!("{text}"));
        assert_eq!(pieces.concat(), text);
        assert!(pieces.len() > 3 && pieces.iter().all(|piece| piece.len() <= BUFFER));
    }
}
