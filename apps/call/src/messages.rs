//! What `call` knows of the interfaces: each message that a server receives, and where its values lie. The build script
//! makes the table from interfaces/all.idl, so a new message can be called as soon as it is declared.

use core::fmt;

/// Every message, in the order of the numbers.
pub static MESSAGES: &[Message] = include!(concat!(env!("OUT_DIR"), "/messages.rs"));

/// A message that a server receives.
#[derive(Debug)]
pub struct Message {
    /// The service, which is named like the interface.
    pub service: &'static str,
    /// The message's name.
    pub name: &'static str,
    /// Its number on the wire.
    pub number: u16,
    /// Whether the server replies.
    pub answered: bool,
    /// Length of the request's payload in words.
    pub words: usize,
    /// Length of the reply's payload in words.
    pub reply_words: usize,
    /// What is sent.
    pub arguments: &'static [Field],
    /// What is answered.
    pub replies: &'static [Field],
}

/// A value in a message.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its type, or that of its elements.
    pub ty: Type,
    /// How many values: more than 1 only in an array.
    pub count: usize,
    /// Where it is in the payload, in bytes; of lent memory, where its length is.
    pub offset: usize,
    /// Of lent memory that the server fills: where in the *request* its size is.
    pub capacity: usize,
}

/// The type of a value.
#[derive(Debug)]
pub enum Type {
    /// A number, or one of the `members`, which have names.
    Scalar {
        /// The type's name in the interface language.
        name: &'static str,
        /// Bytes in the payload.
        size: usize,
        /// Whether the number may be negative.
        signed: bool,
        /// The names of the values; empty if they are just numbers.
        members: &'static [(&'static str, u32)],
    },
    /// Lent text.
    Text,
    /// Lent bytes.
    Bytes,
}

impl Type {
    /// Whether it is memory that is lent.
    pub fn is_lent(&self) -> bool {
        matches!(self, Self::Text | Self::Bytes)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ty = match self.ty {
            Type::Scalar { name, .. } => name,
            Type::Text => "str",
            Type::Bytes => "bytes",
        };
        match self.count {
            1 => write!(f, "{}:{ty}", self.name),
            count => write!(f, "{}:[{ty};{count}]", self.name),
        }
    }
}

/// The message as one types it, with its values named: `example.put key:str value:bytes`.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service, self.name)?;
        self.arguments.iter().try_for_each(|field| write!(f, " {field}"))
    }
}
