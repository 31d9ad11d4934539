//! Lists the PCI devices: where each is, what it is, how it interrupts, and how its driver stands.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod class;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use interfaces::dm::{self, Client, ListResult, NAME_MAX, State};
use resea::{Arg, Error, LookupError, UsageError, print, println};

const COLUMNS: usize = 8;
const HEADER: [&str; COLUMNS] = ["PLACE", "ID", "KIND", "IRQ", "NAME", "DRIVER", "STATE", "STARTS"];

/// Why there is no list.
#[derive(PartialEq, Eq, Debug)]
pub enum ListError {
    /// The command line is wrong.
    Usage(UsageError),
    /// The device manager cannot be reached.
    NoManager(LookupError<'static>),
    /// The device manager does not answer.
    NoAnswer(Error),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::NoManager(error) => error.fmt(f),
            Self::NoAnswer(error) => write!(f, "the device manager does not tell: {error}; try again"),
        }
    }
}

impl core::error::Error for ListError {}

/// Lists them.
///
/// Errors: why not.
pub fn run() -> Result<(), ListError> {
    if let Some(more) = resea::arguments().next() {
        return Err(ListError::Usage(UsageError::unexpected(Arg::Positional(more), "lspci")));
    }
    let manager = Client::new(resea::lookup(dm::NAME).map_err(ListError::NoManager)?);
    let mut rows = Vec::new();
    let (mut name, mut driver) = ([0; NAME_MAX], [0; NAME_MAX]);
    for index in 0.. {
        match manager.list(index, &mut name, &mut driver) {
            Ok(device) => rows.push(row(&device)),
            Err(Error::NotFound) => break,
            Err(error) => return Err(ListError::NoAnswer(error)),
        }
    }
    if rows.is_empty() {
        println!("This machine has no PCI devices.");
    } else {
        print_table(&rows);
    }
    Ok(())
}

fn row(device: &ListResult<'_>) -> [String; COLUMNS] {
    let or_dash = |text: &str| if text.is_empty() { "-".into() } else { text.to_string() };
    let place = format!("{:02x}:{:02x}.{}", device.place >> 8, device.place >> 3 & 31, device.place & 7);
    let id = format!("{:04x}:{:04x}", device.vendor, device.device);
    // No vendor has this number: it is no PCI device.
    let [place, id, kind] = match device.vendor {
        0 => ["-".into(), "-".into(), "disk in memory".into()],
        _ => [place, id, class::words(device.class_code)],
    };
    [
        place,
        id,
        kind,
        match (device.irq, device.messages) {
            (0, _) => "-".into(),
            (irq, true) => format!("{irq} by message"),
            (irq, false) => irq.to_string(),
        },
        or_dash(device.name),
        or_dash(device.driver),
        match device.state {
            State::NoDriver => "-",
            State::Starting => "starting",
            State::Running => "running",
            State::Waiting => "waiting",
            State::Parked => "parked",
        }
        .into(),
        if device.state == State::NoDriver { "-".into() } else { device.starts.to_string() },
    ]
}

/// Prints columns that are as wide as their widest cell, with no spaces at the ends of lines.
fn print_table(rows: &[[String; COLUMNS]]) {
    let header = HEADER.map(String::from);
    let all = || core::iter::once(&header).chain(rows);
    let widths: [usize; COLUMNS] =
        core::array::from_fn(|column| all().map(|row| row[column].len()).max().unwrap_or(0));
    for row in all() {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        print!("{}\n", line.trim_end());
    }
}
