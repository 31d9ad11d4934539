//! From characters to tokens.
//!
//! Goes on after every error (the bad token becomes [`Token::Bad`], which the parser accepts in silence), so that one
//! run shows them all. Never fails, whatever the text is.

use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Span};

/// A token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token {
    /// A name or keyword.
    Word(String),
    /// A number without its sign.
    Number(i128),
    /// A character in quotes.
    Char(char),
    /// A string in quotes.
    Text(String),
    /// A line of documentation.
    Doc(String),
    /// Punctuation: one of [`PUNCTUATION`].
    Mark(&'static str),
    /// What could not be understood, and has been reported.
    Bad,
    /// The end of the file.
    End,
}

/// All punctuation; longer marks before those they begin with.
pub const PUNCTUATION: [&str; 13] = ["->", "::", "{", "}", "(", ")", "[", "]", ",", ";", ":", "=", "-"];

impl Token {
    /// The token in an error message.
    pub fn describe(&self) -> String {
        match self {
            Token::Word(word) => format!("`{word}`"),
            Token::Number(number) => format!("`{number}`"),
            Token::Char(_) => "a character".into(),
            Token::Text(_) => "a string".into(),
            Token::Doc(_) => "a documentation comment".into(),
            Token::Mark(mark) => format!("`{mark}`"),
            Token::Bad => "something unreadable".into(),
            Token::End => "the end of the file".into(),
        }
    }
}

/// The tokens of a file and where they are; the last is [`Token::End`].
pub fn lex(file: FileId, text: &str, errors: &mut Vec<Diagnostic>) -> Vec<(Token, Span)> {
    let mut lexer = Lexer { file, text, at: 0, errors };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank();
        let start = lexer.at;
        let token = lexer.token();
        let end = token == Token::End;
        tokens.push((token, lexer.span(start)));
        if end {
            return tokens;
        }
    }
}

struct Lexer<'a> {
    file: FileId,
    text: &'a str,
    at: usize,
    errors: &'a mut Vec<Diagnostic>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn span(&self, start: usize) -> Span {
        Span { file: self.file, start, end: self.at }
    }

    fn error(&mut self, start: usize, message: impl Into<String>, label: &str, hint: &str) -> Token {
        self.errors.push(Diagnostic::new(message, self.span(start), label).hint(hint));
        Token::Bad
    }

    /// Skips white space and comments that are not documentation.
    fn skip_blank(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            let rest = self.rest();
            let is_doc = rest.starts_with("///") && !rest.starts_with("////");
            if !rest.starts_with("//") || is_doc {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn token(&mut self) -> Token {
        let start = self.at;
        let Some(first) = self.peek() else { return Token::End };
        if self.rest().starts_with("///") {
            let line = self.take_while(|c| c != '\n');
            return self.doc(start, line);
        }
        if self.rest().starts_with("/*") {
            return self.block_comment(start);
        }
        for mark in PUNCTUATION {
            if self.rest().starts_with(mark) {
                self.at += mark.len();
                return Token::Mark(mark);
            }
        }
        match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                Token::Word(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_').into())
            }
            '0'..='9' => self.number(start),
            '\'' => self.character(start),
            '"' => self.string(start),
            _ => {
                self.bump();
                let shown = first.escape_debug();
                let hint = match first {
                    c if c.is_alphabetic() => "names consist of the letters a to z, digits and `_`",
                    '<' | '>' => "there are no generic types; an array is written `[uint8; 6]`",
                    _ => "remove it",
                };
                self.error(start, format!("the character `{shown}` has no meaning here"), "", hint)
            }
        }
    }

    fn doc(&mut self, start: usize, line: &str) -> Token {
        let line = line.strip_suffix('\r').unwrap_or(line);
        // Marks of writing direction can make text look like code, and Rust refuses them.
        let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if let Some(bad) = line.chars().find(|c| (c.is_control() && *c != '\t') || turns(*c)) {
            let message =
                format!("the documentation contains the control character `{}`", bad.escape_debug());
            return self.error(start, message, "", "remove it");
        }
        let text = line.get(3..).unwrap_or_default();
        Token::Doc(text.strip_prefix(' ').unwrap_or(text).trim_end().into())
    }

    fn block_comment(&mut self, start: usize) -> Token {
        self.at += 2;
        let bad = self.error(start, "block comments do not exist", "", "begin each line with `//`");
        let rest = self.rest();
        self.at += rest.find("*/").map_or(rest.len(), |length| length + 2);
        bad
    }

    fn number(&mut self, start: usize) -> Token {
        let written = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        let (radix, digits) = match written.get(..2) {
            Some("0x") => (16, &written[2..]),
            Some("0o") => (8, &written[2..]),
            Some("0b") => (2, &written[2..]),
            _ => (10, written),
        };
        let digits = digits.replace('_', "");
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            let hint = "numbers are written 255, 1_000, 0xff, 0o17 or 0b101";
            return self.error(start, format!("`{written}` is not a number"), "", hint);
        }
        match i128::from_str_radix(&digits, radix) {
            Ok(number) if number <= i128::from(u64::MAX) => Token::Number(number),
            _ => {
                let hint = format!("the largest number is {}", u64::MAX);
                self.error(start, format!("the number `{written}` is too large"), "", &hint)
            }
        }
    }

    fn character(&mut self, start: usize) -> Token {
        self.bump();
        let hint = "a character is written 'a', '\\n', '\\t', '\\0', '\\\\', '\\'' or '\\u{e9}'";
        let value = match self.peek() {
            None | Some('\n' | '\r' | '\'') => {
                self.take_while(|c| c == '\'');
                return self.error(start, "the character is missing", "", hint);
            }
            Some('\\') => self.escape(),
            Some(_) => self.bump(),
        };
        let closed = self.peek() == Some('\'');
        if !closed {
            self.take_while(|c| !matches!(c, '\'' | '\n' | '\r' | ';'));
        }
        if self.peek() == Some('\'') {
            self.bump();
        }
        match value {
            Some(value) if closed => Token::Char(value),
            Some(_) => self.error(start, "this is not one character in quotes", "", hint),
            None => Token::Bad, // the escape was reported
        }
    }

    fn string(&mut self, start: usize) -> Token {
        self.bump();
        let (mut value, mut good) = (String::new(), true);
        loop {
            match self.peek() {
                None | Some('\n') => {
                    let hint = "close it with `\"` on the same line; a line break in it is written `\\n`";
                    return self.error(start, "the string does not end", "begins here", hint);
                }
                Some('"') => break,
                Some('\\') => match self.escape() {
                    Some(c) => value.push(c),
                    None => good = false,
                },
                Some(c) => {
                    self.bump();
                    value.push(c);
                }
            }
        }
        self.bump();
        if good { Token::Text(value) } else { Token::Bad }
    }

    /// An escape, from its backslash on; reports if there is no such escape.
    fn escape(&mut self) -> Option<char> {
        let start = self.at;
        self.bump();
        let value = match self.bump() {
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('0') => Some('\0'),
            Some(c @ ('\\' | '\'' | '"')) => Some(c),
            Some('u') if self.peek() == Some('{') => {
                self.bump();
                let code = u32::from_str_radix(self.take_while(|c| c.is_ascii_hexdigit()), 16).ok();
                if self.peek() == Some('}') {
                    self.bump();
                    code.and_then(char::from_u32)
                } else {
                    None
                }
            }
            _ => None,
        };
        if value.is_none() {
            let written = self.text.get(start..self.at).unwrap_or_default().escape_debug().to_string();
            let hint = "escapes are \\n, \\t, \\0, \\\\, \\', \\\" and \\u{HEX}";
            self.error(start, format!("`{}` is not an escape", written.replace("\\\\", "\\")), "", hint);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    fn tokens(text: &str) -> (Vec<Token>, usize) {
        let mut errors = Vec::new();
        let file = Sources::default().add("t".into(), String::new());
        let tokens = lex(file, text, &mut errors).into_iter().map(|(token, _)| token).collect();
        (tokens, errors.len())
    }

    #[test]
    fn every_token_is_read() {
        let (read, errors) = tokens("/// d \n a1 0xf_f 1_0 'é' '\\u{41}' \"a\\n\" -> :: : = // no\n//// no");
        assert_eq!(errors, 0);
        let mark = |mark| Token::Mark(mark);
        assert_eq!(
            read,
            [
                Token::Doc("d".into()),
                Token::Word("a1".into()),
                Token::Number(255),
                Token::Number(10),
                Token::Char('é'),
                Token::Char('A'),
                Token::Text("a\n".into()),
                mark("->"),
                mark("::"),
                mark(":"),
                mark("="),
                Token::End,
            ]
        );
    }

    #[test]
    fn one_run_finds_every_bad_token() {
        let (read, errors) = tokens("0x 99999999999999999999 '' \"\\q\" é /* x */ 08f \"open");
        assert_eq!(errors, 8, "{read:?}");
    }
}
