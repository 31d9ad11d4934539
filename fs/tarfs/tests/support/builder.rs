//! Makes archives block by block, also such as no program makes.
#![allow(dead_code, reason = "each test uses a part of it")]

use fileserver::Sink;
use ipc::Error;
use tarfs::archive::Bytes;
use tarfs::store::Store;

/// An archive in memory: what is read, and what files are in.
#[derive(Clone)]
pub struct Memory(pub Vec<u8>);

impl Bytes for Memory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.copy_from_slice(&self.0[at as usize..][..buffer.len()]);
        Ok(())
    }
}

impl Store for Memory {
    fn read(&mut self, _: u32, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        Bytes::read(self, at, buffer)
    }

    fn send(
        &mut self,
        _: u32,
        at: u64,
        length: usize,
        sink: &mut dyn Sink,
        offset: usize,
    ) -> Result<(), Error> {
        sink.put(offset, &self.0[at as usize..][..length])
    }
}

/// A header that can be changed.
#[derive(Clone)]
pub struct Header(pub [u8; 512]);

impl Header {
    /// A header as POSIX wants it, of 1970-01-01 00:00:10.
    pub fn new(flag: u8, path: &[u8], size: u64) -> Self {
        let mut header = Self([0; 512]);
        header.put(0, path).put(100, b"0000644\0").put(108, b"0000000\0").put(116, b"0000000\0");
        header.put(124, format!("{size:011o}\0").as_bytes()).put(136, b"00000000012\0");
        header.0[156] = flag;
        header.put(257, b"ustar\x0000");
        header
    }

    /// Overwrites a field.
    pub fn put(&mut self, at: usize, field: &[u8]) -> &mut Self {
        self.0[at..at + field.len()].copy_from_slice(field);
        self
    }

    /// With its sum right.
    pub fn block(&self) -> [u8; 512] {
        let mut block = self.0;
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

/// An archive that is being made.
#[derive(Clone, Default)]
pub struct Archive(pub Vec<u8>);

impl Archive {
    /// A header and content, which fills whole blocks.
    pub fn add(&mut self, header: &Header, content: &[u8]) -> &mut Self {
        self.0.extend(header.block());
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// A member with this flag.
    pub fn member(&mut self, flag: u8, path: &str, content: &[u8]) -> &mut Self {
        self.add(&Header::new(flag, path.as_bytes(), content.len() as u64), content)
    }

    /// A hard or symbolic link.
    pub fn link(&mut self, flag: u8, path: &str, target: &str) -> &mut Self {
        self.add(Header::new(flag, path.as_bytes(), 0).put(157, target.as_bytes()), b"")
    }

    /// An extended header with such records: `x` for the next member, `g` for all.
    pub fn records(&mut self, flag: u8, records: &[(&str, &[u8])]) -> &mut Self {
        let content: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
        self.member(flag, "records", &content)
    }

    /// With the end that it has to have.
    pub fn end(&self) -> Memory {
        Memory([&self.0[..], &[0; 1024]].concat())
    }
}

fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let length = (1..).find(|length| rest + format!("{length}").len() == *length).unwrap();
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}
