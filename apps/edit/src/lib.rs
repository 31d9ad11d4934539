//! `edit FILE` edits a text file on the whole screen. Ctrl-S saves, Ctrl-Q quits; docs/files-at-the-shell.md has all keys.
//!
//! [`cells`] knows how text looks on a terminal, [`text`] is the text with its cursor and [`history`], [`screen`] shows it, and
//! [`editor`] makes edits of keys. [`stored`] is the file.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod cells;
pub mod editor;
pub mod history;
pub mod screen;
pub mod stored;
pub mod text;

use alloc::format;
use alloc::string::String;

use editor::{Editor, KEYS, Request};
use resea::{Arg, UsageError};
use stored::Stored;

const USAGE: &str = "edit FILE";

/// Does what the command line says.
///
/// Errors: a sentence that says what is wrong with the command line, the file or the console.
pub fn run() -> Result<(), String> {
    let (stored, text) = Stored::load(path()?)?;
    let mut buffer = [0; abi::MAX_CONSOLE];
    let mut read = || match ipc::console_read(&mut buffer) {
        Ok(count) => Ok(buffer.get(..count).unwrap_or_default().to_vec()),
        Err(error) => Err(format!("the console cannot be read: {error}")),
    };
    // Whoever reads is notified from then on.
    let mut typed = read()?;
    let message = match (stored.is_read_only(), stored.is_new()) {
        (true, _) => "read-only: what is changed here cannot be saved; Ctrl-Q quits".into(),
        (_, true) => format!("a new file; {KEYS}"),
        _ => KEYS.into(),
    };
    let mut editor = Editor::new(stored.path(), text, message);
    let mut out = String::new();
    editor.start(&mut out);
    loop {
        for byte in typed {
            let request = editor.push(byte, &mut out);
            let saved = match request {
                Some(Request::Save | Request::SaveAndQuit) => save(&stored, &mut editor),
                _ => true,
            };
            if saved && matches!(request, Some(Request::Quit | Request::SaveAndQuit)) {
                editor.leave(&mut out);
                ipc::console_write(out.as_bytes());
                return Ok(());
            }
        }
        typed = read()?;
        if typed.is_empty() {
            editor.draw(&mut out);
            ipc::console_write(out.as_bytes());
            out.clear();
            resea::wait();
            typed = read()?;
        }
    }
}

/// The only argument.
fn path() -> Result<&'static str, String> {
    let mut options = resea::options();
    let mut path = None;
    while let Some(argument) = options.next_arg().map_err(|error| format!("{error}; usage: {USAGE}"))? {
        match argument {
            Arg::Positional(word) if path.is_none() => path = Some(word),
            other => return Err(format!("{}", UsageError::unexpected(other, USAGE))),
        }
    }
    path.ok_or_else(|| format!("{}", UsageError::Missing("FILE", USAGE)))
}

/// Whether the text is on the medium now; the editor tells.
fn save(stored: &Stored, editor: &mut Editor) -> bool {
    let result = stored.save(editor.text());
    let saved = result.is_ok();
    editor.saved(result);
    saved
}
