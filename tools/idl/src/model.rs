//! The checked interfaces: every name resolved, every message numbered, every byte placed. What backends read.
//!
//! Payload layout: fields in the order they are written, each at the next multiple of its size, from byte 0 of the
//! payload. Text and bytes are a lend each, and their length a 32-bit field at their place. Lends are numbered
//! arguments first, then replies; a reply's text or bytes also has a 32-bit field with its capacity in the request,
//! behind all arguments.

pub use crate::syntax::{Literal, MessageKind};
use std::path::PathBuf;

/// All interfaces of a compilation.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Interfaces {
    /// The namespaces in the order of their numbers.
    pub namespaces: Vec<Namespace>,
}

/// An interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Namespace {
    /// Its documentation, a line each.
    pub docs: Vec<String>,
    /// Its name.
    pub name: String,
    /// The file it is defined in.
    pub path: PathBuf,
    /// Its messages, by number.
    pub messages: Vec<Message>,
    /// Its enums.
    pub enums: Vec<Enum>,
    /// Its constants.
    pub consts: Vec<Const>,
}

impl Namespace {
    /// The messages of these kinds.
    pub fn of_kind(&self, kinds: &'static [MessageKind]) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| kinds.contains(&message.kind))
    }

    /// The messages that its server receives.
    pub fn to_server(&self) -> impl Iterator<Item = &Message> {
        self.of_kind(&[MessageKind::Rpc, MessageKind::DeferredRpc, MessageKind::Oneway])
    }

    /// The messages that its server queues for others.
    pub fn from_server(&self) -> impl Iterator<Item = &Message> {
        self.of_kind(&[MessageKind::AsyncOneway])
    }
}

/// A message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Its documentation.
    pub docs: Vec<String>,
    /// How it is exchanged.
    pub kind: MessageKind,
    /// Its name.
    pub name: String,
    /// Its number on the wire.
    pub number: u16,
    /// What is sent.
    pub arguments: Vec<Field>,
    /// What is answered.
    pub replies: Vec<Field>,
    /// The payload sent.
    pub request: Layout,
    /// The payload answered.
    pub reply: Layout,
}

impl Message {
    /// The fields that lend memory, in the order of the lends, and whether the server writes to it.
    pub fn lends(&self) -> impl Iterator<Item = (&Field, bool)> {
        let read = self.arguments.iter().filter(|field| field.lend.is_some()).map(|field| (field, false));
        read.chain(self.replies.iter().filter(|field| field.lend.is_some()).map(|field| (field, true)))
    }
}

/// A value in a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Where it is in its payload, in bytes; for text and bytes, where its length is.
    pub offset: usize,
    /// The number of its lend, if it is text or bytes.
    pub lend: Option<usize>,
    /// Where in the *request* the capacity for it is, if it is an answer of text or bytes.
    pub capacity: Option<usize>,
}

/// How the bytes of a payload are used.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Layout {
    /// Bytes in use, including gaps.
    pub bytes: usize,
    /// Aligned pieces (offset, size) that no field uses, up to the end of the last word.
    pub gaps: Vec<(usize, usize)>,
}

impl Layout {
    /// Size of the payload in 8-byte words.
    pub fn words(&self) -> usize {
        self.bytes.div_ceil(8)
    }

    /// Places `count` elements of `size` bytes (1, 2, 4 or 8), and returns where.
    pub fn place(&mut self, size: usize, count: usize) -> usize {
        self.fill(size);
        let offset = self.bytes;
        self.bytes = offset.saturating_add(size.saturating_mul(count));
        offset
    }

    /// Notes the gap behind the last field. Nothing can be placed after it.
    pub fn finish(&mut self) {
        let used = self.bytes;
        self.fill(8);
        self.bytes = used;
    }

    /// Adds gaps up to a multiple of `align`.
    fn fill(&mut self, align: usize) {
        for size in [1, 2, 4] {
            if size < align && !self.bytes.is_multiple_of(2 * size) {
                self.gaps.push((self.bytes, size));
                self.bytes = self.bytes.saturating_add(size);
            }
        }
    }
}

/// The type of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Type {
    /// One value.
    Scalar(Scalar),
    /// So many values.
    Array(Scalar, usize),
    /// UTF-8 text without NUL, lent.
    Str,
    /// Bytes, lent.
    Bytes,
}

/// A type of fixed size.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scalar {
    /// One of [`BUILTINS`].
    Builtin(&'static Builtin),
    /// An enum of a namespace.
    Enum {
        /// The namespace; `None`: the one it is used in.
        namespace: Option<String>,
        /// Its name.
        name: String,
    },
}

impl Scalar {
    /// Bytes on the wire.
    pub fn size(&self) -> usize {
        match self {
            Self::Builtin(builtin) => builtin.wire.size(),
            Self::Enum { .. } => Wire::U32.size(),
        }
    }
}

/// What a value is on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Wire {
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
}

impl Wire {
    /// Bytes, and also the alignment.
    pub const fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 => 4,
            Self::U64 | Self::I64 => 8,
        }
    }

    /// The Rust type that has this form.
    pub const fn rust(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }

    /// The least and the greatest number.
    pub const fn range(self) -> (i128, i128) {
        match self {
            Self::U8 => (0, u8::MAX as i128),
            Self::U16 => (0, u16::MAX as i128),
            Self::U32 => (0, u32::MAX as i128),
            Self::U64 => (0, u64::MAX as i128),
            Self::I8 => (i8::MIN as i128, i8::MAX as i128),
            Self::I16 => (i16::MIN as i128, i16::MAX as i128),
            Self::I32 => (i32::MIN as i128, i32::MAX as i128),
            Self::I64 => (i64::MIN as i128, i64::MAX as i128),
        }
    }
}

/// A type that the language has.
#[derive(PartialEq, Eq, Debug)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its form on the wire.
    pub wire: Wire,
    /// Its Rust type.
    pub rust: &'static str,
    /// What it is for.
    pub meaning: &'static str,
}

const fn builtin(name: &'static str, wire: Wire, rust: &'static str, meaning: &'static str) -> Builtin {
    Builtin { name, wire, rust, meaning }
}

/// The types of fixed size that the language has.
pub static BUILTINS: [Builtin; 19] = [
    builtin("bool", Wire::U8, "bool", "0 or 1"),
    builtin("char", Wire::U32, "char", "a Unicode scalar value"),
    builtin("int8", Wire::I8, "i8", "a signed number"),
    builtin("int16", Wire::I16, "i16", "a signed number"),
    builtin("int32", Wire::I32, "i32", "a signed number"),
    builtin("int64", Wire::I64, "i64", "a signed number"),
    builtin("uint8", Wire::U8, "u8", "a number or a byte"),
    builtin("uint16", Wire::U16, "u16", "a number"),
    builtin("uint32", Wire::U32, "u32", "a number"),
    builtin("uint64", Wire::U64, "u64", "a number"),
    builtin("int", Wire::I32, "i32", "a signed number, when its size does not matter"),
    builtin("uint", Wire::U32, "u32", "a number, when its size does not matter"),
    builtin("size", Wire::U64, "usize", "a size of something in memory, in bytes"),
    builtin("offset", Wire::U64, "u64", "a position in a file or device, in bytes"),
    builtin("vaddr", Wire::U64, "usize", "a virtual address"),
    builtin("paddr", Wire::U64, "u64", "a physical address"),
    builtin("task", Wire::U32, "ipc::TaskId", "a task"),
    builtin("handle", Wire::U32, "ipc::Handle", "an object of the server that belongs to its client"),
    builtin("notifications", Wire::U32, "u32", "a set of notification bits"),
];

/// An enumeration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enum {
    /// Its documentation.
    pub docs: Vec<String>,
    /// Its name.
    pub name: String,
    /// Its members; at least one.
    pub members: Vec<Member>,
}

/// A member of an enumeration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its documentation.
    pub docs: Vec<String>,
    /// Its name.
    pub name: String,
    /// Its value, which no other member has.
    pub value: u32,
}

/// A constant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Const {
    /// Its documentation.
    pub docs: Vec<String>,
    /// Its name.
    pub name: String,
    /// Its type; `None` for text.
    pub ty: Option<&'static Builtin>,
    /// Its value, which the type can hold.
    pub value: Literal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_aligned_and_gaps_are_known() {
        let mut layout = Layout::default();
        assert_eq!(
            (layout.place(1, 1), layout.place(4, 2), layout.place(8, 1), layout.place(1, 3)),
            (0, 4, 16, 24)
        );
        layout.finish();
        assert_eq!(layout.gaps, [(1, 1), (2, 2), (12, 4), (27, 1), (28, 4)]);
        assert_eq!((layout.bytes, layout.words()), (27, 4));
    }

    #[test]
    fn huge_layouts_do_not_overflow() {
        let mut layout = Layout::default();
        layout.place(8, usize::MAX);
        layout.place(8, usize::MAX);
        layout.finish();
        assert!(layout.bytes > usize::MAX - 16);
    }
}
