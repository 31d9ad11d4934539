//! A reader of tar archives: what is in one, and where in it. POSIX.1-2017 (`pax`, under "ustar Interchange Format" and "pax
//! Interchange Format") and the GNU tar manual ("Basic Tar Format"), with what both leave to readers of old archives.
//!
//! An archive is an allegation: every number in it is checked, each step goes forward, and what is kept is bounded.

mod extension;
mod header;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use extension::{Extension, Said};
use header::{BLOCK, Header};
use ipc::Error;

/// Bytes of the longest extension of a header: paths are far shorter, attributes that nobody here reads may be longer.
const EXTENSION_MAX: u64 = 64 << 10;

/// The bytes of an archive.
pub trait Bytes {
    /// How many there are.
    fn size(&self) -> u64;

    /// Fills the buffer with those from `at` on, all below the size.
    ///
    /// Errors: those of the medium.
    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error>;
}

/// What a member is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A hard link: another name of a file before it.
    Link,
    /// A symbolic link, a device, a sparse file, or something else that is no plain file.
    Other,
}

/// Something in an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// What it is.
    pub kind: Kind,
    /// Its path, as it is written.
    pub path: String,
    /// The path of the file that a hard link leads to; empty of others.
    pub target: String,
    /// Where its content begins.
    pub at: u64,
    /// Bytes of its content, all in the archive; 0 of directories and links.
    pub size: u64,
    /// When it was modified, in milliseconds since 1970-01-01 00:00 UTC.
    pub modified: i64,
}

/// Reads an archive from its beginning to its end.
pub struct Reader<'a> {
    bytes: &'a mut dyn Bytes,
    /// Where the next header is.
    at: u64,
    /// What holds for all members that do not say otherwise.
    global: Extension,
    is_ended: bool,
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub fn new(bytes: &'a mut dyn Bytes) -> Self {
        Self { bytes, at: 0, global: Extension::default(), is_ended: false }
    }

    /// The next member; `None` at the end.
    ///
    /// Errors: `WrongFormat` (it does not begin as an archive), `Damaged` (it is not one all along, or ends early), `TooLarge` (an
    /// extension of a header), `OutOfMemory`, and those of the bytes. After an error there is nothing more.
    pub fn next_member(&mut self) -> Result<Option<Member>, Error> {
        let member = if self.is_ended { Ok(None) } else { self.member() };
        self.is_ended = !matches!(member, Ok(Some(_)));
        member
    }

    fn member(&mut self) -> Result<Option<Member>, Error> {
        let mut own = None;
        loop {
            let Some(header) = self.header()? else {
                // What is said of a member, and there is none.
                return if own.is_some() { Err(Error::Damaged) } else { Ok(None) };
            };
            match header.flag {
                b'g' => {
                    let records = self.content(&header)?;
                    self.global.read_records(&records)?;
                }
                // The label of the archive.
                b'V' => drop(self.content(&header)?),
                b'x' | b'X' | b'L' | b'K' => {
                    let content = self.content(&header)?;
                    let own = own.get_or_insert_with(Extension::default);
                    match header.flag {
                        b'L' => own.path = Said::Value(text(&content)),
                        b'K' => own.target = Said::Value(text(&content)),
                        _ => own.read_records(&content)?,
                    }
                }
                _ => return self.plain(header, &own.unwrap_or_default()).map(Some),
            }
        }
    }

    /// The header at the place that has been reached. `None` at the archive's end.
    fn header(&mut self) -> Result<Option<Header>, Error> {
        let left = self.bytes.size().saturating_sub(self.at);
        if left == 0 {
            // An archive may end without an end.
            return Ok(None);
        }
        if left < BLOCK {
            return Err(self.wrong());
        }
        let mut block = [0; BLOCK as usize];
        self.bytes.read(self.at, &mut block)?;
        if block == [0; BLOCK as usize] {
            return Ok(None);
        }
        let header = Header::parse(&block).ok_or_else(|| self.wrong())?;
        self.at += BLOCK;
        Ok(Some(header))
    }

    const fn wrong(&self) -> Error {
        if self.at == 0 { Error::WrongFormat } else { Error::Damaged }
    }

    /// Takes so many bytes of content: where they begin.
    fn skip(&mut self, size: u64) -> Result<u64, Error> {
        let at = self.at;
        if size > self.bytes.size().saturating_sub(at) {
            return Err(Error::Damaged);
        }
        // What fills the last block may be missing at the very end.
        // A header lies before it: rounded up, it is still a number.
        self.at = size.next_multiple_of(BLOCK).saturating_add(at).min(self.bytes.size());
        Ok(at)
    }

    /// The content of an extension.
    fn content(&mut self, header: &Header) -> Result<Vec<u8>, Error> {
        let size = header.size.ok_or(Error::Damaged)?;
        if size > EXTENSION_MAX {
            return Err(Error::TooLarge);
        }
        let at = self.skip(size)?;
        let mut content = vec![0; size as usize];
        self.bytes.read(at, &mut content)?;
        Ok(content)
    }

    /// A member that is not only about the next.
    fn plain(&mut self, header: Header, own: &Extension) -> Result<Member, Error> {
        let path = own.path.or(&self.global.path).unwrap_or(header.path);
        let size = own.size.or(&self.global.size).or(header.size);
        let size = match header.flag {
            // Old archives have the size of the file there. Only POSIX's later format has content behind links.
            b'1' if !own.is_pax => 0,
            // Links, devices, directories and pipes: what stands there is not the size of content.
            b'2'..=b'6' => 0,
            _ => size.ok_or(Error::Damaged)?,
        };
        let kind = match header.flag {
            b'0' | b'\0' | b'7' if path.ends_with('/') => Kind::Directory,
            // Its content is not what it looks like.
            b'0' | b'\0' | b'7' if own.is_sparse => Kind::Other,
            b'0' | b'\0' | b'7' => Kind::File,
            b'1' if size == 0 => Kind::Link,
            b'1' => Kind::File,
            // The second one is of an incremental archive: its content is a list.
            b'5' | b'D' => Kind::Directory,
            _ => Kind::Other,
        };
        let target = match kind {
            Kind::Link => own.target.or(&self.global.target).unwrap_or(header.target),
            _ => String::new(),
        };
        if header.flag == b'S' && header.is_extended {
            self.skip_sparse_map()?;
        }
        let at = self.skip(size)?;
        let modified = own.modified.or(&self.global.modified).unwrap_or(header.modified);
        let size = if kind == Kind::Directory { 0 } else { size };
        Ok(Member { kind, path, target, at, size, modified })
    }

    /// More blocks with the places of a GNU sparse file's pieces, as long as each says that there is another.
    fn skip_sparse_map(&mut self) -> Result<(), Error> {
        loop {
            let at = self.skip(BLOCK)?;
            let mut is_extended = [0];
            self.bytes.read(at + 504, &mut is_extended)?;
            if is_extended == [0] {
                return Ok(());
            }
        }
    }
}

/// Text up to its NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    decode(bytes.get(..end).unwrap_or_default())
}

/// Text that is UTF-8, or else Latin-1: so no two names become one.
fn decode(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) => String::from(text),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}
