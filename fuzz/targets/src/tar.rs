//! The reader of tar archives: whatever it accepts must lie in the archive, and it must come to an end.

use ipc::Error;
use tarfs::archive::{Bytes, Kind, Reader};

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
    let mut bytes = Memory(data);
    let mut reader = Reader::new(&mut bytes);
    let mut end = 0;
    loop {
        match reader.next_member() {
            Ok(Some(member)) => {
                assert!(member.at >= end + 512, "{member:?} is not behind the one before");
                end = member.at + member.size;
                assert!(end <= data.len() as u64, "{member:?} is not in the archive");
                assert!(member.kind != Kind::Directory || member.size == 0);
            }
            Ok(None) => break,
            Err(error) => {
                let expected = [Error::WrongFormat, Error::Damaged, Error::TooLarge];
                assert!(expected.contains(&error), "{error:?}");
                break;
            }
        }
    }
    assert_eq!(reader.next_member(), Ok(None));
}
