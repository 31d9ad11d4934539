//! How values look: tables, times, sizes, and the kernel log without its control characters.

use crate::width;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Blanks between two columns.
const GAP: usize = 2;

/// A table: `header` and `rows` in columns as wide as their widest cell. Columns in `right` are aligned to the right.
/// Rows end in a line feed and have no blanks at their end.
pub fn table<const N: usize>(header: [&str; N], right: &[usize], rows: &[[String; N]]) -> String {
    let header = header.map(String::from);
    let mut widths = [0; N];
    for row in core::iter::once(&header).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = columns(cell).max(*width);
        }
    }
    let mut text = String::new();
    for row in core::iter::once(&header).chain(rows) {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                let blanks = " ".repeat(width.saturating_sub(columns(cell)));
                if right.contains(&column) { blanks + cell } else { cell.clone() + &blanks }
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// The columns that a text takes, which has no control characters.
pub fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// A text with a `?` in place of each control character, so that no name of a file can make the terminal do anything.
pub fn visible(text: &str) -> Cow<'_, str> {
    match text.contains(char::is_control) {
        true => Cow::Owned(text.replace(char::is_control, "?")),
        false => Cow::Borrowed(text),
    }
}

/// Texts in columns, from top to bottom and then to the right, in as few rows as fit into so many columns of the terminal.
/// Rows end in a line feed and have no blanks at their end.
pub fn grid(texts: &[String], room: usize) -> String {
    let width = texts.iter().map(|text| columns(text)).max().unwrap_or(0) + GAP;
    let rows = texts.len().div_ceil(((room + GAP) / width).max(1));
    let mut grid = String::new();
    for row in 0..rows {
        let mut blanks = 0;
        for text in texts.iter().skip(row).step_by(rows) {
            grid.extend(core::iter::repeat_n(' ', blanks));
            grid.push_str(text);
            blanks = width - columns(text);
        }
        grid.push('\n');
    }
    grid
}

/// A duration in a unit that fits, with three digits or more: `850 ns`, `12.3 µs`, `4.56 s`.
pub fn duration(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => scaled(nanoseconds, 1_000, "µs"),
        1_000_000..1_000_000_000 => scaled(nanoseconds, 1_000_000, "ms"),
        _ => scaled(nanoseconds, 1_000_000_000, "s"),
    }
}

/// A size in a unit that fits: `512 bytes`, `4.00 KiB`, `127 MiB`.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => scaled(bytes, 1024, "KiB"),
        1_048_576..1_073_741_824 => scaled(bytes, 1_048_576, "MiB"),
        _ => scaled(bytes, 1_073_741_824, "GiB"),
    }
}

fn scaled(value: u64, unit: u64, name: &str) -> String {
    let whole = value / unit;
    // Below the unit, so the product stays below 10^11.
    let hundredths = value % unit * 100 / unit;
    match whole {
        0..10 => format!("{whole}.{hundredths:02} {name}"),
        10..100 => format!("{whole}.{} {name}", hundredths / 10),
        _ => format!("{whole} {name}"),
    }
}

/// The text of the kernel log, which holds what went to the console, without escape sequences and control characters.
/// What is no UTF-8 (the ring's start may cut a character) becomes U+FFFD.
pub fn plain(log: &[u8]) -> String {
    let mut text = String::new();
    let mut characters = log.utf8_chunks().flat_map(|chunk| {
        let broken = (!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER);
        chunk.valid().chars().chain(broken)
    });
    while let Some(character) = characters.next() {
        match character {
            '\x1b' => skip_sequence(&mut characters),
            // Backspace of the line editor: what follows is written over it.
            '\x08' if !text.ends_with('\n') => drop(text.pop()),
            '\n' | '\t' => text.push(character),
            character if character.is_control() => {}
            character => text.push(character),
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn skip_sequence(characters: &mut impl Iterator<Item = char>) {
    match characters.next() {
        Some('[') => {
            characters.find(|character| ('\x40'..='\x7e').contains(character));
        }
        Some(']') => {
            characters.find(|&character| matches!(character, '\x07' | '\\' | '\n'));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tables_are_as_wide_as_their_cells() {
        let rows = [["1".into(), "vm".into(), "".into()], ["12".into(), "語語語".into(), "x".into()]];
        let expected = "ID  NAME    LAST\n 1  vm\n12  語語語  x\n";
        assert_eq!(table(["ID", "NAME", "LAST"], &[0], &rows), expected);
    }

    #[test]
    fn a_grid_has_as_few_rows_as_fit() {
        let texts = ["a", "grün", "c", "語語", "e"].map(String::from);
        assert_eq!(grid(&texts, 16), "a     c     e\ngrün  語語\n");
        assert_eq!(grid(&texts, 15), "a     語語\ngrün  e\nc\n");
        assert_eq!(grid(&texts, 10), grid(&texts, 15));
        assert_eq!(grid(&texts, 1), "a\ngrün\nc\n語語\ne\n");
        assert_eq!(grid(&[], 80), "");
    }

    #[test]
    fn units_fit() {
        for (value, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (12_345, "12.3 µs"),
            (999_999_999, "999 ms"),
            (61_000_000_000, "61.0 s"),
            (u64::MAX, "18446744073 s"),
        ] {
            assert_eq!(duration(value), text);
        }
        for (value, text) in
            [(0, "0 bytes"), (4096, "4.00 KiB"), (133_000_000, "126 MiB"), (1 << 33, "8.00 GiB")]
        {
            assert_eq!(size(value), text);
        }
    }

    #[test]
    fn the_log_is_shown_without_control_characters() {
        let log = b"\xbcboot\n\x1b]133;A\x07resea> \x1b]133;B\x07pp\x08s\x1b[K\r\nend";
        assert_eq!(plain(log), "\u{fffd}boot\nresea> ps\nend\n");
    }

    proptest! {
        #[test]
        fn no_log_writes_control_characters(log in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = plain(&log);
            prop_assert!(!text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')));
        }
    }
}
