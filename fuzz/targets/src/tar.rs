//! The reader of tar archives and the tree that it fills: whatever is accepted must lie in the archive, it must come to an end, and
//! take no more memory than it may.

use fileserver::{FileSystem, Kind as NodeKind, Sink};
use ipc::{Error, Region};
use tarfs::Files;
use tarfs::archive::{Bytes, Kind, Reader};
use tarfs::fill::fill;
use tarfs::store::Store;

/// Memory for names: too little for some archives.
const SPACE: u64 = 20_000;

#[derive(Clone, Copy)]
struct Memory<'a>(&'a [u8]);

impl Bytes for Memory<'_> {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let bytes = self.0.get(at as usize..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(bytes.expect("only what is there is asked for"));
        Ok(())
    }
}

impl Store for Memory<'_> {
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
        let bytes = self.0.get(at as usize..).and_then(|rest| rest.get(..length));
        sink.put(offset, bytes.expect("content lies in the archive"))
    }
}

/// Counts what it gets.
struct Counter(usize);

impl Sink for Counter {
    fn put(&mut self, offset: usize, data: &[u8]) -> Result<(), Error> {
        assert_eq!(offset, self.0, "content comes in order");
        self.0 += data.len();
        Ok(())
    }

    fn put_region(&mut self, _: usize, _: &Region, _: usize, _: usize) -> Result<(), Error> {
        Err(Error::NotSupported)
    }
}

/// Reads the bytes as an archive, as they are and with the sums put right that a change has made wrong.
pub fn run(data: &[u8]) {
    read(data);
    let mut mended = data.to_vec();
    for block in mended.as_chunks_mut::<512>().0 {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    read(&mended);
}

fn read(data: &[u8]) {
    let members = read_members(data);
    let mut files = Files::new(Memory(data), "tar", SPACE, 0);
    match (fill(&mut files, 0, &mut Memory(data)), members) {
        (Ok(left_out), Ok(count)) => {
            assert!(left_out.count <= count, "{left_out:?} of {count}");
            walk(&mut files);
        }
        (Err(Error::OutOfMemory), _) => {}
        (filled, members) => assert_eq!(filled.err(), members.err(), "the tree has what the reader tells"),
    }
    let space = &files.tree.space;
    assert!(space.free() <= space.total() && space.total() == SPACE);
}

/// How many members there are, or why it is no archive.
fn read_members(data: &[u8]) -> Result<usize, Error> {
    let mut bytes = Memory(data);
    let mut reader = Reader::new(&mut bytes);
    let (mut end, mut count) = (0, 0);
    let result = loop {
        match reader.next_member() {
            Ok(Some(member)) => {
                assert!(member.at >= end + 512, "{member:?} is not behind the one before");
                end = member.at + member.size;
                assert!(end <= data.len() as u64, "{member:?} is not in the archive");
                assert!(!matches!(member.kind, Kind::Directory | Kind::Link) || member.size == 0);
                count += 1;
            }
            Ok(None) => break Ok(count),
            Err(error) => {
                let expected = [Error::WrongFormat, Error::Damaged, Error::TooLarge];
                assert!(expected.contains(&error), "{error:?}");
                break Err(error);
            }
        }
    };
    assert_eq!(reader.next_member(), Ok(None));
    result
}

/// Reads all that is in the tree.
fn walk(files: &mut Files<Memory<'_>>) {
    let mut directories = vec![(files.root(), 0)];
    let mut name = String::new();
    while let Some((mut directory, position)) = directories.pop() {
        let entry = files.entry(&mut directory, position, &mut name).expect("a directory can be listed");
        let Some((next, known)) = entry else { continue };
        assert!(!name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']), "{name:?}");
        directories.push((directory, next));
        let mut inner = files.lookup(directory, &name).expect("what is listed is found");
        match known.kind {
            NodeKind::Directory => directories.push((inner, 0)),
            NodeKind::File => {
                let mut counter = Counter(0);
                let length = files.read(&mut inner, 0, usize::MAX, &mut counter).expect("a file can be read");
                assert_eq!((length as u64, counter.0 as u64), (known.size, known.size), "{name}");
            }
        }
    }
}
