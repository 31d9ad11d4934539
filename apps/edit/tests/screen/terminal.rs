//! A terminal that understands what the editor writes, and nothing else.

use unicode_width::UnicodeWidthChar;

/// Rows of places; one holds a character and what combines with it, or nothing if what is left of it is wide.
#[derive(PartialEq, Eq, Debug)]
pub struct Terminal {
    pub rows: Vec<Vec<String>>,
    pub row: usize,
    pub column: usize,
    /// How often it was asked where the cursor is.
    pub asked: usize,
}

impl Terminal {
    pub fn new(rows: usize, columns: usize) -> Self {
        Self { rows: vec![vec![String::from("#"); columns]; rows], row: 0, column: 0, asked: 0 }
    }

    pub fn write(&mut self, output: &str) {
        let mut rest = output.chars();
        while let Some(character) = rest.next() {
            match character {
                '\x07' => {}
                '\x1b' => {
                    assert_eq!(rest.next(), Some('['));
                    let mut parameters = String::new();
                    let last = loop {
                        match rest.next().expect("a sequence has an end") {
                            end if end.is_ascii_alphabetic() => break end,
                            other => parameters.push(other),
                        }
                    };
                    self.control(last, &parameters);
                }
                character => self.put(character),
            }
        }
    }

    fn control(&mut self, last: char, parameters: &str) {
        let numbers: Vec<usize> = parameters.split(';').map(|number| number.parse().unwrap_or(1)).collect();
        match (last, parameters) {
            ('H', _) => {
                self.row = numbers[0].min(self.rows.len()) - 1;
                self.column = numbers.get(1).map_or(0, |column| column.min(&self.rows[0].len()) - 1);
            }
            ('K', "") => self.rows[self.row][self.column..].fill(" ".into()),
            ('J', "2") => self.rows.iter_mut().for_each(|row| row.fill(" ".into())),
            ('m', "" | "7") => {}
            ('n', "6") => self.asked += 1,
            other => panic!("unknown sequence {other:?}"),
        }
    }

    fn put(&mut self, character: char) {
        let row = &mut self.rows[self.row];
        match character.width().expect("no control character is text") {
            0 => {
                let base = row[..self.column].iter().rposition(|place| !place.is_empty());
                row[base.expect("it combines with something")].push(character);
            }
            width => {
                assert!(self.column + width <= row.len(), "the row would wrap");
                row[self.column] = character.into();
                row[self.column + 1..self.column + width].fill(String::new());
                self.column += width;
            }
        }
    }

    /// A row as it is seen, without the spaces at its end.
    pub fn text(&self, row: usize) -> String {
        self.rows[row].concat().trim_end().into()
    }

    /// What the cursor is on.
    pub fn under_cursor(&self) -> &str {
        &self.rows[self.row][self.column]
    }
}
