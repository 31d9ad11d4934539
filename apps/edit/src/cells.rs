//! How text looks on a terminal: which characters belong together, and which columns they take.
//!
//! A cell is what the cursor steps over at once: a character with those that combine with it. Control characters are cells
//! of their own and are shown as `^A`, so that no text can make the terminal do anything; a tab goes to the next multiple of
//! [`TAB`] columns. Relies on a terminal that uses as many columns for a character as `unicode-width` says.

use alloc::string::String;
use core::iter;

use terminal::width;

/// Tabs end at multiples of this many columns.
pub const TAB: usize = 8;
/// Most characters of a cell that are shown.
const SHOWN: usize = 8;

/// Whether a character is drawn over the one before it.
fn combines(character: char) -> bool {
    width(character) == 0 && !character.is_control()
}

/// The first cell of a text; empty only if the text is.
pub fn first(text: &str) -> &str {
    let mut rest = text.chars();
    match rest.next() {
        Some(character) if !character.is_control() => {
            let rest = rest.as_str().trim_start_matches(combines);
            text.get(..text.len() - rest.len()).unwrap_or_default()
        }
        Some(character) => text.get(..character.len_utf8()).unwrap_or_default(),
        None => "",
    }
}

/// The last cell of a text; empty only if the text is.
pub fn last(text: &str) -> &str {
    let before = text.trim_end_matches(combines);
    let start = match before.chars().next_back() {
        // Nothing combines with a control character.
        Some(character) if character.is_control() && before.len() < text.len() => before.len(),
        Some(character) => before.len() - character.len_utf8(),
        None => 0,
    };
    text.get(start..).unwrap_or_default()
}

/// The cells of a text, each with its first column and the number of its columns.
fn cells(text: &str) -> impl Iterator<Item = (&str, usize, usize)> {
    let (mut rest, mut column) = (text, 0);
    iter::from_fn(move || {
        let cell = first(rest);
        let at = column;
        let columns = match cell.chars().next()? {
            '\t' => TAB - at % TAB,
            character if character.is_ascii_control() => 2,
            character if character.is_control() => 4,
            // What combines with nothing is drawn over a space.
            character => width(character).max(1),
        };
        column += columns;
        rest = rest.get(cell.len()..).unwrap_or_default();
        Some((cell, at, columns))
    })
}

/// How many columns a text takes from the first one on.
pub fn columns(text: &str) -> usize {
    cells(text).last().map_or(0, |(_, at, columns)| at + columns)
}

/// Where in a line the cell is that covers a column; the line's end if none does.
pub fn offset(line: &str, column: usize) -> usize {
    cells(line).take_while(|&(_, at, columns)| at + columns <= column).map(|(cell, ..)| cell.len()).sum()
}

/// Draws the part of a line that is in the columns from `left` on, `room` of them; the last is for a `>`, which says that the
/// line goes on, and the first is a `<` if something is left of it. `room` is at least 2.
pub fn draw(line: &str, left: usize, room: usize, out: &mut String) {
    let (mut column, end) = (left, left + room.saturating_sub(1));
    for (cell, at, columns) in cells(line) {
        if at + columns <= left {
            continue;
        }
        if column == left && left > 0 {
            out.push('<');
            column += 1;
        }
        if at >= end {
            out.extend(iter::repeat_n(' ', end.saturating_sub(column)));
            out.push('>');
            return;
        }
        if at >= column && at + columns <= end {
            draw_cell(cell, columns, out);
        } else {
            out.extend(iter::repeat_n(' ', (at + columns).min(end).saturating_sub(column)));
        }
        column = column.max((at + columns).min(end));
        if at + columns > end {
            out.push('>');
            return;
        }
    }
}

fn draw_cell(cell: &str, columns: usize, out: &mut String) {
    match cell.chars().next() {
        Some('\t') => out.extend(iter::repeat_n(' ', columns)),
        Some(control @ ('\0'..='\x1f' | '\x7f')) => {
            out.push('^');
            out.push((control as u8 ^ 0x40).into());
        }
        Some(control) if control.is_control() => {
            let digit = |value: u32| char::from_digit(value & 15, 16).unwrap_or('?');
            out.extend(['<', digit(control as u32 >> 4), digit(control as u32), '>']);
        }
        first => {
            out.extend(first.filter(|&character| combines(character)).map(|_| ' '));
            out.extend(cell.chars().take(SHOWN));
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn drawn(line: &str, left: usize, room: usize) -> String {
        let mut out = String::new();
        draw(line, left, room, &mut out);
        out
    }

    #[test]
    fn what_belongs_together_is_a_cell() {
        let all = |text| cells(text).map(|(cell, ..)| cell).collect::<Vec<_>>();
        assert_eq!(all("e\u{301}\u{302}x"), ["e\u{301}\u{302}", "x"]);
        assert_eq!(all("\u{301}\t\u{301}"), ["\u{301}", "\t", "\u{301}"]);
        assert_eq!((first(""), last("")), ("", ""));
        assert_eq!(last("語\u{301}"), "語\u{301}");
    }

    #[test]
    fn everything_has_columns() {
        assert_eq!(columns("a\tb"), 9);
        assert_eq!(columns("語e\u{301}"), 3);
        assert_eq!(columns("\u{1}\u{85}\u{301}"), 2 + 4 + 1);
        assert_eq!(drawn("a\tb\u{1b}[2J\u{85}", 0, 80), "a       b^[[2J<85>");
        assert_eq!(drawn("\u{301}", 0, 80), " \u{301}");
        assert_eq!(
            (offset("a\tb", 0), offset("a\tb", 5), offset("a\tb", 8), offset("a\tb", 99)),
            (0, 1, 2, 3)
        );
    }

    #[test]
    fn long_lines_are_marked_at_both_ends() {
        assert_eq!(drawn("0123456789", 0, 11), "0123456789");
        assert_eq!(drawn("0123456789", 0, 10), "012345678>");
        assert_eq!(drawn("0123456789", 3, 5), "<456>");
        assert_eq!(drawn("0123456789", 5, 20), "<6789");
        assert_eq!(drawn("0123", 4, 20), "");
        assert_eq!(drawn("語語語", 1, 20), "<語語");
        assert_eq!(drawn("語語語", 0, 4), "語 >", "half a character is a space");
    }

    proptest! {
        #[test]
        fn first_and_last_agree(text in "[a\u{301}\u{200d}\t\n語\u{85}]{0,12}") {
            let forward: Vec<_> = cells(&text).map(|(cell, ..)| cell).collect();
            let (mut rest, mut backward) = (text.as_str(), Vec::new());
            while !rest.is_empty() {
                let cell = last(rest);
                rest = &rest[..rest.len() - cell.len()];
                backward.push(cell);
            }
            backward.reverse();
            prop_assert_eq!(forward, backward);
        }

        #[test]
        fn no_row_is_too_wide(line in any::<String>(), left in 0usize..40, room in 2usize..40) {
            let row = drawn(&line, left, room);
            prop_assert!(!row.contains(char::is_control));
            prop_assert!(columns(&row) <= room, "{:?}", row);
        }

        #[test]
        fn a_column_leads_back_to_its_cell(line in "[a\u{301}\t語\u{1}]{0,12}", column in 0usize..60) {
            let at = offset(&line, column);
            prop_assert!(columns(&line[..at]) <= column);
            prop_assert!(at == line.len() || columns(&line[..at + first(&line[at..]).len()]) > column);
        }
    }
}
