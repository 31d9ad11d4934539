//! Prints its arguments, with a space between them and a line's end after them; without the end after `-n`.
#![no_std]
#![forbid(unsafe_code)]

use resea::print;

/// Prints them.
pub fn run() {
    let mut arguments = resea::arguments().peekable();
    let end = if arguments.next_if_eq(&"-n").is_some() { "" } else { "\n" };
    let mut separator = "";
    for argument in arguments {
        print!("{separator}{argument}");
        separator = " ";
    }
    print!("{end}");
}
