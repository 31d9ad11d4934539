//! The syntax tree: a file as it was written, nothing resolved, every name with its place.
//!
//! Made by the parser, read by the checker, unknown to everything behind it.

use crate::source::{Span, Spanned};

/// A name as written.
pub type Name = Spanned<String>;

/// A file.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct File {
    /// Includes and namespaces in their order.
    pub items: Vec<FileItem>,
}

/// What stands at the top of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileItem {
    /// `include "path";`
    Include(Spanned<String>),
    /// `namespace name { … }`
    Namespace(Namespace),
}

/// A namespace: one interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Namespace {
    /// Its documentation, a line each.
    pub docs: Vec<String>,
    /// Its name.
    pub name: Name,
    /// What is in it.
    pub items: Vec<Item>,
}

/// What stands in a namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// A message.
    Message(Message),
    /// An enumeration.
    Enum(Enum),
    /// A constant.
    Const(Box<Const>),
}

/// How a message is exchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageKind {
    /// `rpc`: the caller waits, the server answers before it takes the next message.
    Rpc,
    /// `deferred rpc`: the caller waits, the server answers when it can.
    DeferredRpc,
    /// `oneway`: sent, not answered.
    Oneway,
    /// `async oneway`: queued at the sender, pulled by the receiver.
    AsyncOneway,
}

/// A message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Its documentation.
    pub docs: Vec<String>,
    /// How it is exchanged.
    pub kind: MessageKind,
    /// Its name.
    pub name: Name,
    /// What is sent.
    pub arguments: Vec<Field>,
    /// What is answered, and where that is written.
    pub replies: Vec<Field>,
    /// The span of `-> (…)`, if it is there.
    pub reply_span: Option<Span>,
}

/// A named value in a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
}

/// A type as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// `name` or `namespace::name`.
    Named(Path),
    /// `[element; length]`.
    Array {
        /// The type of the elements.
        element: Path,
        /// How many there are.
        length: Length,
        /// All of it.
        span: Span,
    },
}

/// The length of an array.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Length {
    /// A number.
    Number(Spanned<i128>),
    /// A constant.
    Constant(Path),
}

/// A name, perhaps in another namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Path {
    /// The namespace, if it is written.
    pub namespace: Option<Name>,
    /// The name.
    pub name: Name,
}

impl Path {
    /// Where it is written.
    pub fn span(&self) -> Span {
        self.namespace.as_ref().map_or(self.name.span, |namespace| namespace.span.to(self.name.span))
    }
}

/// An enumeration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enum {
    /// Its documentation.
    pub docs: Vec<String>,
    /// Its name.
    pub name: Name,
    /// Its members.
    pub members: Vec<Member>,
}

/// A member of an enumeration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its documentation.
    pub docs: Vec<String>,
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Spanned<i128>,
}

/// A constant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Const {
    /// Its documentation.
    pub docs: Vec<String>,
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// Its value.
    pub value: Spanned<Literal>,
}

/// A value as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Literal {
    /// A whole number.
    Number(i128),
    /// `true` or `false`.
    Bool(bool),
    /// `'c'`.
    Char(char),
    /// `"text"`.
    Text(String),
}
