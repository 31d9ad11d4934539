//! From a line to a command: words, quotes, `<`, `>` and `>>` with files, `$` with a variable, and `&` at the end.
//!
//! Blanks separate words. Single quotes keep everything as it is; in double quotes a backslash keeps a quote, a `$` or a
//! backslash; outside, it keeps whatever follows it. The value of a variable is never taken apart. From a `#` on that begins
//! a word, the rest is a comment.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::Chars;

/// A file that output goes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    /// Its path.
    pub path: String,
    /// To its end, instead of what it has.
    pub append: bool,
}

/// A line taken apart.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Command {
    /// The name and the arguments, without their quotes; empty for a line without words.
    pub words: Vec<String>,
    /// The line ended in `&`.
    pub background: bool,
    /// The path after `<`.
    pub input: Option<String>,
    /// What follows `>` or `>>`.
    pub output: Option<Output>,
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
    /// No file follows a `<`, `>` or `>>`.
    NoFile(&'static str),
    /// There are two files for input or for output.
    TwoFiles(&'static str),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenQuote(quote) => write!(f, "the quote {quote} is not closed: add another {quote}"),
            Self::NothingEscaped => f.write_str("nothing follows the \\ at the end: write \\\\ for a backslash"),
            Self::Ampersand => f.write_str(
                "& belongs at the end of a command, which then runs in the background: write '&' for the character",
            ),
            Self::NoFile(mark) => {
                write!(f, "no file follows {mark}: add its path, or write '{mark}' for the characters")
            }
            Self::TwoFiles(mark) => write!(f, "{mark} is there twice: a command has one file for it"),
        }
    }
}

/// Takes a line apart. `value` tells the value of the variables, `?` and the digits.
pub fn parse(line: &str, value: impl Fn(char) -> String) -> Result<Command, ParseError> {
    let mut parser = Parser { command: Command::default(), word: None, mark: None };
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if parser.command.background && !matches!(character, ' ' | '#') {
            return Err(ParseError::Ampersand);
        }
        match character {
            ' ' | '\t' => parser.end_word()?,
            '#' if parser.word.is_none() => break,
            '&' => {
                parser.end_word()?;
                parser.command.background = true;
            }
            '<' => parser.redirect("<")?,
            '>' if characters.as_str().starts_with('>') => {
                characters.next();
                parser.redirect(">>")?;
            }
            '>' => parser.redirect(">")?,
            '\'' => single_quoted(&mut characters, parser.word())?,
            '"' => double_quoted(&mut characters, parser.word(), &value)?,
            '\\' => {
                let escaped = characters.next().ok_or(ParseError::NothingEscaped)?;
                parser.word().push(escaped);
            }
            '$' => {
                let text = variable(&mut characters, &value);
                // No value, no word.
                if !text.is_empty() {
                    parser.word().push_str(&text);
                }
            }
            character => parser.word().push(character),
        }
    }
    parser.end()
}

/// A command that is being put together.
struct Parser {
    command: Command,
    word: Option<String>,
    /// The next word is the file for this.
    mark: Option<&'static str>,
}

impl Parser {
    fn word(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn end_word(&mut self) -> Result<(), ParseError> {
        let Some(word) = self.word.take() else { return Ok(()) };
        let was_there = match self.mark.take() {
            None => {
                self.command.words.push(word);
                return Ok(());
            }
            Some(mark @ "<") => self.command.input.replace(word).map(|_| mark),
            Some(mark) => {
                let output = Output { path: word, append: mark == ">>" };
                self.command.output.replace(output).map(|_| mark)
            }
        };
        was_there.map_or(Ok(()), |mark| Err(ParseError::TwoFiles(mark)))
    }

    fn redirect(&mut self, mark: &'static str) -> Result<(), ParseError> {
        self.end_word()?;
        match self.mark.replace(mark) {
            Some(earlier) => Err(ParseError::NoFile(earlier)),
            None => Ok(()),
        }
    }

    fn end(mut self) -> Result<Command, ParseError> {
        self.end_word()?;
        if let Some(mark) = self.mark {
            return Err(ParseError::NoFile(mark));
        }
        if self.command.background && self.command.words.is_empty() {
            return Err(ParseError::Ampersand);
        }
        Ok(self.command)
    }
}

fn single_quoted(characters: &mut Chars<'_>, word: &mut String) -> Result<(), ParseError> {
    loop {
        match characters.next() {
            Some('\'') => return Ok(()),
            Some(character) => word.push(character),
            None => return Err(ParseError::OpenQuote('\'')),
        }
    }
}

fn double_quoted(
    characters: &mut Chars<'_>,
    word: &mut String,
    value: &impl Fn(char) -> String,
) -> Result<(), ParseError> {
    loop {
        match characters.next() {
            Some('"') => return Ok(()),
            Some('\\') => match characters.next() {
                Some(character @ ('"' | '\\' | '$')) => word.push(character),
                Some(character) => word.extend(['\\', character]),
                None => return Err(ParseError::OpenQuote('"')),
            },
            Some('$') => word.push_str(&variable(characters, value)),
            Some(character) => word.push(character),
            None => return Err(ParseError::OpenQuote('"')),
        }
    }
}

/// What a `$` before `characters` stands for: the value of a variable, or itself.
fn variable(characters: &mut Chars<'_>, value: &impl Fn(char) -> String) -> String {
    match characters.clone().next() {
        Some(name @ ('?' | '1'..='9')) => {
            characters.next();
            value(name)
        }
        _ => "$".into(),
    }
}

/// Where the last word of an unfinished line begins: behind the last blank, `<` or `>` that no backslash keeps.
pub fn last_word(line: &str) -> usize {
    let (mut start, mut kept) = (0, false);
    for (index, character) in line.char_indices() {
        if !kept && matches!(character, ' ' | '<' | '>' | '&') {
            start = index + 1;
        }
        kept = character == '\\' && !kept;
    }
    start
}

/// The word with a backslash before whatever would mean something.
pub fn escape(word: &str) -> String {
    let mut escaped = String::new();
    for character in word.chars() {
        if " \t&<>'\"\\$#".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// The word without the backslashes of [`escape`].
pub fn unescape(word: &str) -> String {
    let (mut text, mut characters) = (String::new(), word.chars());
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec;

    fn parse(line: &str) -> Result<Command, ParseError> {
        super::parse(line, |name| match name {
            '?' => "7".into(),
            '1' => "one 1".into(),
            _ => String::new(),
        })
    }

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
            Ok(Command { words: vec!["sleep".into(), "5".into()], background: true, ..Command::default() })
        );
        assert_eq!(words("echo '&' \\&"), ["echo", "&", "&"]);
        for line in ["&", " & ", "a & b", "a &&"] {
            assert_eq!(parse(line), Err(ParseError::Ampersand), "{line}");
        }
    }

    #[test]
    fn files_for_input_and_output() {
        let command = parse("sort <in -r>out").unwrap();
        assert_eq!(command.words, ["sort", "-r"]);
        assert_eq!(command.input.as_deref(), Some("in"));
        assert_eq!(command.output, Some(Output { path: "out".into(), append: false }));
        let command = parse(">> 'a b' echo x '>' \\< &").unwrap();
        assert_eq!(command.words, ["echo", "x", ">", "<"]);
        assert_eq!(command.output, Some(Output { path: "a b".into(), append: true }));
        assert!(command.background);
        for (line, mark) in [("x >", ">"), ("x > > y", ">"), ("x >>", ">>"), ("x < >y", "<"), ("x <&", "<")] {
            assert_eq!(parse(line), Err(ParseError::NoFile(mark)), "{line}");
        }
        assert_eq!(parse("x >a >>b"), Err(ParseError::TwoFiles(">>")));
        assert_eq!(parse("x <a <b"), Err(ParseError::TwoFiles("<")));
    }

    #[test]
    fn variables_are_one_word_or_none() {
        assert_eq!(words("a $1$? \"<$1>\" $2 \"$2\""), ["a", "one 17", "<one 1>", ""]);
        assert_eq!(words("$ '$1' \\$1 \"\\$1\" $x a$"), ["$", "$1", "$1", "$1", "$x", "a$"]);
    }

    #[test]
    fn comments_begin_words() {
        assert_eq!(words("a b#c # d 'e"), ["a", "b#c"]);
        assert_eq!(words("# all of it"), Vec::<String>::new());
        assert_eq!(words("a '#' \\#"), ["a", "#", "#"]);
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
                .map(|w| std::format!("\"{}\"", w.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$")))
                .collect();
            prop_assert_eq!(&words(&double.join(" ")), &expected);
        }

        #[test]
        fn any_word_can_be_escaped(word in "[^\\p{C}]{1,10}", before in "[a-z <>]{0,5}") {
            let escaped = escape(&word);
            prop_assert_eq!(words(&escaped), [word.as_str()]);
            prop_assert_eq!(unescape(&escaped), word);
            prop_assert_eq!(last_word(&std::format!("{before} {escaped}")), before.len() + 1);
        }
    }
}
