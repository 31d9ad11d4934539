//! A reader of tar archives: what is in one, and where in it. POSIX.1-2017 (`pax`, under "ustar Interchange Format" and "pax
//! Interchange Format") and the GNU tar manual ("Basic Tar Format"), with what both leave to readers of old archives.
//!
//! An archive is an allegation: every number in it is checked, each step goes forward, and what is kept is bounded.

mod extension;
mod header;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use extension::Extension;
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
    /// A link, a device, or something else that is no plain file.
    Other,
}

/// Something in an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// What it is.
    pub kind: Kind,
    /// Its path, as it is written.
    pub path: String,
    /// Where its content begins.
    pub at: u64,
    /// Bytes of its content, all in the archive; 0 of directories.
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
        let mut own = Extension::default();
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            match header.flag {
                b'x' => own.read_records(&self.content(&header)?)?,
                b'g' => {
                    let records = self.content(&header)?;
                    self.global.read_records(&records)?;
                }
                b'L' => own.path = Some(text(&self.content(&header)?)),
                // The name that a link leads to.
                b'K' => drop(self.content(&header)?),
                _ => return self.plain(&header, own).map(Some),
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
    fn plain(&mut self, header: &Header, own: Extension) -> Result<Member, Error> {
        let path = own.path.or_else(|| self.global.path.clone()).unwrap_or_else(|| header.path.clone());
        let mut kind = match header.flag {
            b'0' | b'\0' | b'7' if path.ends_with('/') => Kind::Directory,
            b'0' | b'\0' | b'7' => Kind::File,
            b'5' => Kind::Directory,
            _ => Kind::Other,
        };
        if own.is_sparse && kind == Kind::File {
            // Its content is not what it looks like.
            kind = Kind::Other;
        }
        let size = match header.flag {
            // Links, devices, directories and pipes: what stands there is not the size of content.
            b'1'..=b'6' => 0,
            _ => own.size.or(self.global.size).or(header.size).ok_or(Error::Damaged)?,
        };
        if header.flag == b'S' && header.is_extended {
            self.skip_sparse_map()?;
        }
        let at = self.skip(size)?;
        let modified = own.modified.or(self.global.modified).unwrap_or(header.modified);
        let size = if kind == Kind::Directory { 0 } else { size };
        Ok(Member { kind, path, at, size, modified })
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

/// Text up to its NUL; what is not UTF-8 becomes the replacement character.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}
