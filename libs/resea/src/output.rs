//! Standard output: the console, or a task that the environment names as `OUTPUT`, which writes it to a file.
//!
//! What goes to a task is collected and sent when there is much of it, when the program reads input, and when it ends.
//! A program whose output cannot be written is ended: nobody would see that the rest is missing.

use crate::local::task_local;
use crate::{environment, eprintln, name};
use core::cell::RefCell;
use interfaces::stdio::Client;

/// Bytes that are collected before they are sent.
const BUFFER: usize = 1024;

/// The exit status of a program whose output cannot be written.
const FAILED: i32 = 1;

task_local! {
    /// Output that is not sent yet.
    static WAITING: RefCell<Buffer> = RefCell::new(Buffer { bytes: [0; BUFFER], length: 0 });
}

struct Buffer {
    bytes: [u8; BUFFER],
    length: usize,
}

impl Buffer {
    /// Takes `data` if there is room for it.
    fn take(&mut self, data: &[u8]) -> bool {
        let Some(place) = self.bytes.get_mut(self.length..self.length + data.len()) else { return false };
        place.copy_from_slice(data);
        self.length += data.len();
        true
    }

    /// Sends what was collected; it is gone then, whether that worked or not.
    fn send(&mut self, to: Client) -> Result<(), ipc::Error> {
        match core::mem::take(&mut self.length) {
            0 => Ok(()),
            length => to.write(self.bytes.get(..length).unwrap_or_default()),
        }
    }
}

/// Writes bytes to the output: the console, or where the launcher has redirected it to. If they cannot be written, says
/// so on the console and ends the program.
pub fn write_output(data: &[u8]) {
    match redirected("OUTPUT") {
        None => ipc::console_write(data),
        Some(task) => ended_by(WAITING.with(|waiting| {
            let mut waiting = waiting.borrow_mut();
            if waiting.take(data) {
                return Ok(());
            }
            waiting.send(task)?;
            if waiting.take(data) { Ok(()) } else { task.write(data) }
        })),
    }
}

/// Sends redirected output that is still collected. Needed only by a program that is waited for, without ending or
/// reading input.
pub fn flush_output() {
    if let Some(task) = redirected("OUTPUT") {
        ended_by(WAITING.with(|waiting| waiting.borrow_mut().send(task)));
    }
}

/// As [`flush_output`], after a panic: that may have happened here, and there is an error already.
#[cfg(target_os = "none")]
pub(crate) fn flush_if_possible() {
    if let Some(task) = redirected("OUTPUT") {
        WAITING.with(|waiting| {
            if let Ok(mut waiting) = waiting.try_borrow_mut() {
                let _ = waiting.send(task);
            }
        });
    }
}

/// The task that the environment names as `variable`.
pub(crate) fn redirected(variable: &str) -> Option<Client> {
    environment(variable)?.parse().ok().map(Client::new)
}

/// Goes on only if all went well.
fn ended_by(result: Result<(), ipc::Error>) {
    if let Err(error) = result {
        eprintln!("{}: the output cannot be written: {error}", name());
        ipc::exit(FAILED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_collected() {
        let mut buffer = Buffer { bytes: [0; BUFFER], length: 0 };
        assert!(buffer.take(&[1; BUFFER - 1]));
        assert!(!buffer.take(&[2; 2]));
        assert!(buffer.take(&[3]) && buffer.take(&[]) && !buffer.take(&[4]));
        assert_eq!(buffer.bytes[BUFFER - 2..], [1, 3]);
    }
}
