//! The parser's place among the tokens: looking at them, taking them, and finding a place to go on after an error.

use crate::diagnostic::Diagnostic;
use crate::lexer::Token;
use crate::source::{Span, Spanned};
use crate::syntax::Name;

/// An error that is in the list already.
pub(super) struct Reported;

/// What was parsed.
pub(super) type Parsed<T> = Result<T, Reported>;

/// The words that items of a namespace begin with.
pub(super) const ITEM_KEYWORDS: [&str; 6] = ["rpc", "deferred", "oneway", "async", "enum", "const"];

/// The tokens of a file and how far they are read.
pub(super) struct Parser<'a> {
    tokens: &'a [(Token, Span)],
    end: Span,
    /// Index of the next token.
    pub(super) at: usize,
    pub(super) errors: &'a mut Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    /// At the first token.
    pub(super) fn new(tokens: &'a [(Token, Span)], end: Span, errors: &'a mut Vec<Diagnostic>) -> Self {
        Self { tokens, end, at: 0, errors }
    }

    /// The next token.
    pub(super) fn peek(&self) -> &'a Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    /// Where the next token is.
    pub(super) fn span(&self) -> Span {
        self.tokens.get(self.at).map_or(self.end, |(_, span)| *span)
    }

    /// Where the token before the next one is.
    pub(super) fn previous(&self) -> Span {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        before.map_or(self.end, |(_, span)| *span)
    }

    /// Takes the next token, whatever it is.
    pub(super) fn bump(&mut self) -> Span {
        let span = self.span();
        self.at = (self.at + 1).min(self.tokens.len());
        span
    }

    /// Whether there is nothing more.
    pub(super) fn at_end(&self) -> bool {
        *self.peek() == Token::End
    }

    /// Whether the next token is this punctuation.
    pub(super) fn is_mark(&self, mark: &str) -> bool {
        matches!(self.peek(), Token::Mark(found) if *found == mark)
    }

    /// Whether the next token is this word.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found == word)
    }

    /// Takes this punctuation if it is next.
    pub(super) fn take_mark(&mut self, mark: &str) -> bool {
        let found = self.is_mark(mark);
        if found {
            self.bump();
        }
        found
    }

    /// Takes this word if it is next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.bump();
        }
        found
    }

    /// Reports that `wanted` is missing here, unless the token was reported already.
    pub(super) fn expected<T>(&mut self, wanted: &str, hint: &str) -> Parsed<T> {
        if *self.peek() != Token::Bad {
            let message = format!("expected {wanted}, found {}", self.peek().describe());
            let label = format!("expected {wanted}");
            self.errors.push(Diagnostic::new(message, self.span(), label).hint(hint));
        }
        Err(Reported)
    }

    /// Takes this punctuation, or reports that it is missing.
    pub(super) fn mark(&mut self, mark: &str, hint: &str) -> Parsed<Span> {
        if self.is_mark(mark) { Ok(self.bump()) } else { self.expected(&format!("`{mark}`"), hint) }
    }

    /// Takes a name, or reports that it is missing.
    pub(super) fn name(&mut self, of: &str, hint: &str) -> Parsed<Name> {
        match self.peek() {
            Token::Word(word) => Ok(Spanned { value: word.clone(), span: self.bump() }),
            _ => self.expected(&format!("the name of {of}"), hint),
        }
    }

    /// Goes to where the next item of the file can begin; `before` is where the broken one began.
    pub(super) fn skip_file_item(&mut self, before: usize) {
        if self.at == before {
            self.bump();
        }
        while !self.at_end() && !self.is_word("namespace") && !self.is_word("include") {
            self.bump();
        }
    }

    /// Goes to the next item of a namespace, or to its end.
    pub(super) fn skip_item(&mut self, before: usize) {
        if self.at == before {
            self.bump();
        }
        let mut depth = 0_usize;
        while !self.at_end() {
            match self.peek() {
                Token::Word(word) if ITEM_KEYWORDS.contains(&word.as_str()) => return,
                Token::Word(word) if word == "namespace" => return,
                Token::Doc(_) if depth == 0 => return,
                // A `;` can also be the one of an array.
                Token::Mark(";") if depth == 0 && self.ends_item() => {
                    self.bump();
                    return;
                }
                Token::Mark("{") => depth += 1,
                Token::Mark("}") if depth == 0 => return,
                Token::Mark("}") => {
                    self.bump();
                    return;
                }
                _ => {}
            }
            self.bump();
        }
    }

    /// Whether the token after this one can be the first of an item, or the end of all items.
    fn ends_item(&self) -> bool {
        let next = self.tokens.get(self.at + 1).map_or(&Token::End, |(token, _)| token);
        matches!(next, Token::Word(_) | Token::Doc(_) | Token::Mark("}") | Token::End)
    }

    /// Goes to the next member, to the end of the enum or to the next item.
    pub(super) fn skip_member(&mut self) {
        while !self.at_end() && !self.is_mark("}") && !self.is_mark(";") {
            if matches!(self.peek(), Token::Word(word) if ITEM_KEYWORDS.contains(&word.as_str())) {
                return;
            }
            if self.take_mark(",") {
                return;
            }
            self.bump();
        }
        self.take_mark(";");
    }
}
