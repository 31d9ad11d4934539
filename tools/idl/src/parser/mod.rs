//! From tokens to the syntax tree, by recursive descent: one function for each rule of the grammar in docs/idl.md.
//!
//! After an error it skips to where the next item can begin and goes on, so that one run reports the errors of all
//! items. Does not know what names mean.

mod cursor;

use crate::diagnostic::Diagnostic;
use crate::lexer::Token;
use crate::source::{Span, Spanned};
use crate::syntax::{
    Const, Enum, Field, File, FileItem, Item, Length, Literal, Member, Message, MessageKind, Namespace, Path,
    Type,
};
use cursor::{ITEM_KEYWORDS, Parsed, Parser, Reported};

/// The tree of a file. Errors go to `errors`; what could not be parsed is left out.
///
/// `end` is the span to blame when the tokens are over (there are none in a list that `lex` did not make).
pub fn parse(tokens: &[(Token, Span)], end: Span, errors: &mut Vec<Diagnostic>) -> File {
    let mut parser = Parser::new(tokens, end, errors);
    let mut file = File::default();
    while !parser.at_end() {
        let before = parser.at;
        match parser.file_item() {
            Ok(item) => file.items.push(item),
            Err(Reported) => parser.skip_file_item(before),
        }
    }
    file
}

impl Parser<'_> {
    fn docs(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Token::Doc(line) = self.peek() {
            lines.push(line.clone());
            self.bump();
        }
        lines
    }

    /// Refuses documentation in front of what has none.
    fn no_docs(&mut self, docs: &[String], before: Span, what: &str) -> Parsed<()> {
        if docs.is_empty() {
            return Ok(());
        }
        let message = format!("documentation in front of {what}, which cannot have any");
        let hint = "write `//` for a comment, or move it to a namespace, message, enum, member or constant";
        self.errors.push(Diagnostic::new(message, before, "documents nothing").hint(hint));
        Err(Reported)
    }

    fn file_item(&mut self) -> Parsed<FileItem> {
        let first = self.span();
        let docs = self.docs();
        if self.is_word("namespace") {
            return Ok(FileItem::Namespace(self.namespace(docs)?));
        }
        if self.is_word("include") {
            self.no_docs(&docs, first, "an include")?;
            self.bump();
            let path = match self.peek() {
                Token::Text(path) => Spanned { value: path.clone(), span: self.bump() },
                _ => return self.expected("a file name in quotes", "write `include \"net.idl\";`"),
            };
            self.mark(";", "an include ends with `;`")?;
            return Ok(FileItem::Include(path));
        }
        if self.at_end() {
            self.no_docs(&docs, first, "the end of the file")?;
        }
        let hint = match self.peek() {
            Token::Word(word) if ITEM_KEYWORDS.contains(&word.as_str()) => {
                "messages, enums and constants stand inside of `namespace NAME { … }`"
            }
            Token::Mark("}") => "there is one `}` too many",
            _ => "a file consists of `namespace NAME { … }` and `include \"FILE\";`",
        };
        self.expected("`namespace` or `include`", hint)
    }

    fn namespace(&mut self, docs: Vec<String>) -> Parsed<Namespace> {
        self.bump();
        let name = self.name("the namespace", "write `namespace fs { … }`")?;
        self.mark("{", "what is in a namespace stands in `{` and `}`")?;
        let mut items = Vec::new();
        while !self.is_mark("}") {
            if self.at_end() {
                let message = format!("the namespace `{}` is not closed", name.value);
                let error = Diagnostic::new(message, self.span(), "the file ends here");
                self.errors.push(error.also(name.span, "it begins here").hint("add `}` at its end"));
                break;
            }
            let before = self.at;
            match self.item() {
                Ok(item) => items.push(item),
                // Most likely the end of this one is missing: go on as if it were there.
                Err(Reported) if self.is_word("namespace") => return Ok(Namespace { docs, name, items }),
                Err(Reported) => self.skip_item(before),
            }
        }
        self.bump();
        Ok(Namespace { docs, name, items })
    }

    fn item(&mut self) -> Parsed<Item> {
        let first = self.span();
        let docs = self.docs();
        if self.take_word("rpc") {
            return Ok(Item::Message(self.message(docs, MessageKind::Rpc)?));
        }
        if self.take_word("deferred") {
            if !self.take_word("rpc") {
                return self.expected("`rpc`", "only what is answered can be deferred: write `deferred rpc`");
            }
            return Ok(Item::Message(self.message(docs, MessageKind::DeferredRpc)?));
        }
        if self.take_word("oneway") {
            return Ok(Item::Message(self.message(docs, MessageKind::Oneway)?));
        }
        if self.take_word("async") {
            if !self.take_word("oneway") {
                return self.expected("`oneway`", "an asynchronous message has no answer: `async oneway`");
            }
            return Ok(Item::Message(self.message(docs, MessageKind::AsyncOneway)?));
        }
        if self.take_word("enum") {
            return Ok(Item::Enum(self.enumeration(docs)?));
        }
        if self.take_word("const") {
            return Ok(Item::Const(Box::new(self.constant(docs)?)));
        }
        if self.is_mark("}") {
            self.no_docs(&docs, first, "the end of the namespace")?;
        }
        let hint = match self.peek() {
            Token::Word(word) if word == "include" => "includes stand outside of namespaces",
            Token::Word(word) if word == "namespace" => "namespaces cannot be nested; is a `}` missing?",
            Token::Word(_) => {
                "an item begins with `rpc`, `deferred rpc`, `oneway`, `async oneway`, `enum` or `const`"
            }
            _ => "remove it",
        };
        self.expected("a message, an enum or a constant", hint)
    }

    fn message(&mut self, docs: Vec<String>, kind: MessageKind) -> Parsed<Message> {
        let name = self.name("the message", "write `rpc NAME(ARGUMENT: TYPE) -> (REPLY: TYPE);`")?;
        let arguments = self.fields("argument")?;
        let start = self.span();
        let (replies, reply_span) = if self.take_mark("->") {
            let replies = self.fields("reply")?;
            let last = self.previous();
            (replies, Some(start.to(last)))
        } else {
            (Vec::new(), None)
        };
        self.mark(";", "a message ends with `;`")?;
        Ok(Message { docs, kind, name, arguments, replies, reply_span })
    }

    fn fields(&mut self, of: &str) -> Parsed<Vec<Field>> {
        let several = if of == "reply" { "replies" } else { "arguments" };
        let hint = format!("{several} stand in parentheses: `(NAME: TYPE, …)`, `()` if there are none");
        self.mark("(", &hint)?;
        let mut fields = Vec::new();
        while !self.is_mark(")") {
            let name = self.name(&format!("the {of}"), &hint)?;
            self.mark(":", &format!("write `{}: TYPE`", name.value))?;
            fields.push(Field { name, ty: self.ty()? });
            if !self.is_mark(")") && !self.take_mark(",") {
                return self.expected("`,` or `)`", &format!("{several} are separated by commas"));
            }
        }
        self.bump();
        Ok(fields)
    }

    fn ty(&mut self) -> Parsed<Type> {
        let start = self.span();
        if self.take_mark("[") {
            let hint = "an array is written `[uint8; 6]`";
            if self.is_mark("[") {
                return self.expected("a type name", "arrays of arrays do not exist; use a longer array");
            }
            let element = self.path("a type name", hint)?;
            self.mark(";", hint)?;
            let length = match self.peek() {
                Token::Number(value) => Length::Number(Spanned { value: *value, span: self.bump() }),
                _ => Length::Constant(self.path("a length", "a length is a number or a constant")?),
            };
            let end = self.mark("]", hint)?;
            return Ok(Type::Array { element, length, span: start.to(end) });
        }
        Ok(Type::Named(self.path("a type", "types are listed in docs/idl.md; an array is `[uint8; 6]`")?))
    }

    fn path(&mut self, wanted: &str, hint: &str) -> Parsed<Path> {
        let first = match self.peek() {
            Token::Word(word) => Spanned { value: word.clone(), span: self.bump() },
            _ => return self.expected(wanted, hint),
        };
        if !self.take_mark("::") {
            return Ok(Path { namespace: None, name: first });
        }
        let name = self.name("what is meant in the namespace", "write `NAMESPACE::NAME`")?;
        Ok(Path { namespace: Some(first), name })
    }

    fn enumeration(&mut self, docs: Vec<String>) -> Parsed<Enum> {
        let name = self.name("the enum", "write `enum kind { FILE = 1, DIRECTORY = 2 }`")?;
        self.mark("{", "members stand in `{` and `}`")?;
        let mut members = Vec::new();
        while !self.is_mark("}") {
            if self.at_end()
                || matches!(self.peek(), Token::Word(word) if ITEM_KEYWORDS.contains(&word.as_str()))
            {
                return self.expected("`}`", "close the enum before the next item");
            }
            match self.member() {
                Ok(member) => members.extend(member),
                Err(Reported) => self.skip_member(),
            }
        }
        self.bump();
        self.take_mark(";");
        Ok(Enum { docs, name, members })
    }

    /// A member and the comma behind it; `None` at the end of the enum.
    fn member(&mut self) -> Parsed<Option<Member>> {
        let first = self.span();
        let docs = self.docs();
        if self.is_mark("}") {
            self.no_docs(&docs, first, "the end of the enum")?;
            return Ok(None);
        }
        let name = self.name("the member", "write `FILE = 1`")?;
        self.mark("=", "each member needs its value, which must never change: `FILE = 1`")?;
        let value = self.signed("a number", "the value of a member is a number from 0 to 4294967295")?;
        if !self.is_mark("}") && !self.take_mark(",") {
            return self.expected("`,` or `}`", "members are separated by commas");
        }
        Ok(Some(Member { docs, name, value }))
    }

    fn signed(&mut self, wanted: &str, hint: &str) -> Parsed<Spanned<i128>> {
        let start = self.span();
        let negative = self.take_mark("-");
        match self.peek() {
            Token::Number(value) => {
                let value = if negative { -*value } else { *value };
                Ok(Spanned { value, span: start.to(self.bump()) })
            }
            _ => self.expected(wanted, hint),
        }
    }

    fn constant(&mut self, docs: Vec<String>) -> Parsed<Const> {
        let hint = "write `const NAME: TYPE = VALUE;`";
        let name = self.name("the constant", hint)?;
        self.mark(":", hint)?;
        let ty = self.ty()?;
        self.mark("=", hint)?;
        let literal = match self.peek() {
            Token::Word(word) if word == "true" => Literal::Bool(true),
            Token::Word(word) if word == "false" => Literal::Bool(false),
            Token::Char(value) => Literal::Char(*value),
            Token::Text(value) => Literal::Text(value.clone()),
            _ => {
                let number =
                    self.signed("a value", "a value is a number, `true`, `false`, 'c' or \"text\"")?;
                let value = Spanned { value: Literal::Number(number.value), span: number.span };
                self.mark(";", "a constant ends with `;`")?;
                return Ok(Const { docs, name, ty, value });
            }
        };
        let value = Spanned { value: literal, span: self.bump() };
        self.mark(";", "a constant ends with `;`")?;
        Ok(Const { docs, name, ty, value })
    }
}
