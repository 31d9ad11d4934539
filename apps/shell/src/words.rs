//! From a line to a command: words, quotes, and `&` at the end.
//!
//! Blanks separate words. Single quotes keep everything as it is; in double quotes a backslash keeps a quote or a
//! backslash; outside, it keeps whatever follows it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A line taken apart.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Command {
    /// The name and the arguments, without their quotes; empty for a line without words.
    pub words: Vec<String>,
    /// The line ended in `&`.
    pub background: bool,
}

/// Why a line is no command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseError {
    /// The quote that was opened is not closed.
    OpenQuote(char),
    /// The line ends in a backslash.
    NothingEscaped,
    /// An `&` stands elsewhere than at the end, or alone.
    Ampersand,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenQuote(quote) => write!(f, "the quote {quote} is not closed: add another {quote}"),
            Self::NothingEscaped => f.write_str("nothing follows the \\ at the end: write \\\\ for a backslash"),
            Self::Ampersand => f.write_str(
                "& belongs at the end of a command, which then runs in the background: write '&' for the character",
            ),
        }
    }
}

/// Takes a line apart.
pub fn parse(line: &str) -> Result<Command, ParseError> {
    let mut command = Command::default();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if command.background && character != ' ' {
            return Err(ParseError::Ampersand);
        }
        match character {
            ' ' | '\t' => command.words.extend(word.take()),
            '&' => {
                command.words.extend(word.take());
                command.background = true;
            }
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(character) => word.push(character),
                        None => return Err(ParseError::OpenQuote('\'')),
                    }
                }
            }
            '"' => double_quoted(&mut characters, word.get_or_insert_default())?,
            '\\' => {
                let escaped = characters.next().ok_or(ParseError::NothingEscaped)?;
                word.get_or_insert_default().push(escaped);
            }
            character => word.get_or_insert_default().push(character),
        }
    }
    command.words.extend(word);
    if command.background && command.words.is_empty() {
        return Err(ParseError::Ampersand);
    }
    Ok(command)
}

fn double_quoted(characters: &mut core::str::Chars<'_>, word: &mut String) -> Result<(), ParseError> {
    loop {
        match characters.next() {
            Some('"') => return Ok(()),
            Some('\\') => match characters.next() {
                Some(character @ ('"' | '\\')) => word.push(character),
                Some(character) => word.extend(['\\', character]),
                None => return Err(ParseError::OpenQuote('"')),
            },
            Some(character) => word.push(character),
            None => return Err(ParseError::OpenQuote('"')),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec;

    fn words(line: &str) -> Vec<String> {
        parse(line).unwrap().words
    }

    #[test]
    fn quotes_and_backslashes() {
        assert_eq!(words("  echo a  b\t"), ["echo", "a", "b"]);
        assert_eq!(words(r#"echo 'a b' "c \"d\" \n" e\ f'g'"h""#), ["echo", "a b", r#"c "d" \n"#, "e fgh"]);
        assert_eq!(words(r#"echo '' "" '\'"#), ["echo", "", "", "\\"]);
        assert_eq!(words("   "), Vec::<String>::new());
    }

    #[test]
    fn the_background() {
        assert_eq!(parse("sleep 5 &"), parse("sleep 5& "));
        assert_eq!(
            parse("sleep 5&"),
            Ok(Command { words: vec!["sleep".into(), "5".into()], background: true })
        );
        assert_eq!(words("echo '&' \\&"), ["echo", "&", "&"]);
        for line in ["&", " & ", "a & b", "a &&"] {
            assert_eq!(parse(line), Err(ParseError::Ampersand), "{line}");
        }
    }

    #[test]
    fn what_is_not_finished_is_refused() {
        assert_eq!(parse("echo 'x"), Err(ParseError::OpenQuote('\'')));
        assert_eq!(parse("echo \"x\\\""), Err(ParseError::OpenQuote('"')));
        assert_eq!(parse("echo \"x\\"), Err(ParseError::OpenQuote('"')));
        assert_eq!(parse("echo \\"), Err(ParseError::NothingEscaped));
    }

    proptest! {
        #[test]
        fn any_words_can_be_quoted(expected in proptest::collection::vec("[^\\p{C}]{0,10}", 1..5)) {
            let single: Vec<_> = expected.iter().map(|w| std::format!("'{}'", w.replace('\'', "'\\''"))).collect();
            prop_assert_eq!(&words(&single.join(" ")), &expected);
            let double: Vec<_> = expected
                .iter()
                .map(|w| std::format!("\"{}\"", w.replace('\\', "\\\\").replace('"', "\\\"")))
                .collect();
            prop_assert_eq!(&words(&double.join(" ")), &expected);
        }
    }
}
