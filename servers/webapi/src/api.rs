//! The documents of the API: objects with one member for each [`Section`], made row by row, so that no reply needs more
//! memory than a piece of it, however long it is.

mod log;
mod network;
mod tasks;

use crate::http::PIECE;
use crate::json::Json;
use crate::system::System;
use abi::Error;
use alloc::vec::Vec;
use tasks::Names;

pub use log::Hidden;

/// More bytes than one row takes.
const ROW_MAX: usize = 3 << 10;

const _: () = assert!(2 * ROW_MAX < PIECE);

/// A member of a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// The version and how long the system runs.
    System,
    /// All tasks.
    Tasks,
    /// How many messages went from task to task.
    Messages,
    /// How much memory there is.
    Memory,
    /// The devices and their drivers.
    Devices,
    /// The network interfaces and their addresses.
    Interfaces,
    /// What the network has counted.
    Network,
    /// All sockets.
    Sockets,
    /// The text of the log, from a position on.
    Log,
}

impl Section {
    /// Its name.
    const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Tasks => "tasks",
            Self::Messages => "messages",
            Self::Memory => "memory",
            Self::Devices => "devices",
            Self::Interfaces => "interfaces",
            Self::Network => "network",
            Self::Sockets => "sockets",
            Self::Log => "log",
        }
    }

    /// The bytes before and after its rows.
    const fn brackets(self) -> (&'static [u8], &'static [u8]) {
        match self {
            // One value, which is all that there is to write.
            Self::System | Self::Memory | Self::Network => (b"", b""),
            // Its last row ends the text and the object.
            Self::Log => (b"{\"text\":\"", b""),
            _ => (b"[", b"]"),
        }
    }
}

/// How far a document has been made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Document {
    sections: &'static [Section],
    /// The section that is being made, and where in it.
    section: usize,
    started: bool,
    /// The next row: an index or a position.
    row: usize,
    /// Whether a row stands before the next one.
    after_row: bool,
    /// Where the log is to begin.
    log_from: usize,
}

/// What a row has led to.
enum Row {
    /// It is written, and another may follow, from this place on.
    Next(usize),
    /// There are no more; nothing was written.
    End,
}

impl Document {
    /// A document with these sections; the log from a position on.
    pub const fn new(sections: &'static [Section], log_from: usize) -> Self {
        Self { sections, section: 0, started: false, row: 0, after_row: false, log_from }
    }
}

/// What is remembered from document to document.
pub struct Api<Y> {
    /// The system that the documents tell about.
    pub system: Y,
    names: Names,
    hidden: Hidden,
}

impl<Y: System> Api<Y> {
    /// Tells about a system, but not what is hidden of its log.
    pub const fn new(system: Y, hidden: Hidden) -> Self {
        Self { system, names: Names::new(), hidden }
    }

    /// Appends as many rows as fit into a piece; whether there is more.
    pub fn produce(&mut self, document: &mut Document, out: &mut Vec<u8>) -> bool {
        let Some(room) = PIECE.checked_sub(ROW_MAX) else { return false };
        while out.len() < room {
            let Some(&section) = document.sections.get(document.section) else {
                out.extend_from_slice(b"}\n");
                return false;
            };
            let (open, close) = section.brackets();
            if !document.started {
                out.push(if document.section == 0 { b'{' } else { b',' });
                out.push(b'"');
                out.extend_from_slice(section.name().as_bytes());
                out.extend_from_slice(b"\":");
                out.extend_from_slice(open);
                document.started = true;
                document.after_row = false;
                document.row = if section == Section::Log { document.log_from } else { 0 };
            }
            match self.row(section, document.row, document.after_row, out) {
                Row::Next(row) => {
                    document.row = row;
                    document.after_row = true;
                }
                Row::End => {
                    out.extend_from_slice(close);
                    document.section += 1;
                    document.started = false;
                }
            }
        }
        true
    }

    /// Writes the next row of a section: that at `row`, or one after it.
    fn row(&mut self, section: Section, row: usize, after_row: bool, out: &mut Vec<u8>) -> Row {
        if section == Section::Log {
            return self.log_row(row, out);
        }
        let json = &mut Json::new(out, after_row);
        match section {
            Section::Tasks => self.task_row(row, json),
            Section::Messages => self.message_row(row, json),
            Section::Devices => self.device_row(row, json),
            Section::Interfaces => self.interface_row(row, json),
            Section::Sockets => self.socket_row(row, json),
            _ if after_row => Row::End,
            Section::Memory => self.memory_row(json),
            Section::Network => self.network_row(json),
            Section::System | Section::Log => self.system_row(json),
        }
    }

    fn system_row(&mut self, json: &mut Json<'_>) -> Row {
        let uptime = self.system.clock();
        json.object(|json| {
            json.name("version").text(env!("CARGO_PKG_VERSION"));
            json.name("uptime").number(uptime);
        });
        Row::Next(1)
    }

    fn memory_row(&mut self, json: &mut Json<'_>) -> Row {
        match self.system.memory() {
            Err(_) => json.null(),
            Ok(memory) => json.object(|json| {
                let members = [
                    ("total", memory.total),
                    ("free", memory.free),
                    ("tasks", memory.used),
                    ("tables", memory.tables),
                    ("shared", memory.shared),
                    ("vm", memory.vm),
                ];
                for (name, bytes) in members {
                    json.name(name).number(bytes as u64);
                }
            }),
        }
        Row::Next(1)
    }
}

/// The number of a row as the interfaces count.
fn index(row: usize) -> Result<u32, Error> {
    u32::try_from(row).or(Err(Error::NotFound))
}
