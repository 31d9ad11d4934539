//! The content of a file: what its archive says, under chunks that were written. What is neither reads as zeros.
//!
//! Two things always hold: no chunk and no part of the origin lies past the file's size, and in the last chunk all bytes
//! past it are zero. So a file grows by setting its size.

use crate::space::Space;
use crate::store::{Origin, Store};
use alloc::boxed::Box;
use alloc::vec::Vec;
use fileserver::{Sink, Source};
use ipc::Error;

/// Bytes of a chunk.
pub const CHUNK: usize = 4096;
/// What a chunk takes of the space: with its place in the list, which may be twice as long as needed.
const COST: u64 = (CHUNK + 64) as u64;
/// Bytes of the largest file: as many as chunks have numbers.
pub const SIZE_MAX: u64 = (CHUNK as u64) << 32;
/// What is read where nothing is.
static ZEROS: [u8; CHUNK] = [0; CHUNK];

/// The content of a file.
#[derive(Default)]
pub struct Content {
    size: u64,
    /// What is below the chunks, from the file's beginning.
    origin: Origin,
    /// By number.
    chunks: Vec<(u32, Box<[u8]>)>,
}

/// What part of a chunk an access is about.
struct Piece {
    number: u32,
    at: usize,
    length: usize,
}

/// The part of an access to `length` bytes from `offset` on that lies in the first chunk.
fn piece(offset: u64, length: usize) -> Piece {
    let at = (offset % CHUNK as u64) as usize;
    Piece { number: (offset / CHUNK as u64) as u32, at, length: length.min(CHUNK - at) }
}

impl Content {
    /// What lies in a store, at most [`SIZE_MAX`] bytes.
    pub const fn of(origin: Origin) -> Self {
        Self { size: origin.length, origin, chunks: Vec::new() }
    }

    /// What is below what was written.
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// Bytes of the file.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Puts content into a sink, as [`fileserver::FileSystem::read`] says.
    pub fn read(
        &self,
        store: &mut impl Store,
        offset: u64,
        length: usize,
        sink: &mut dyn Sink,
    ) -> Result<usize, Error> {
        let left = self.size.saturating_sub(offset);
        let length = usize::try_from(left).map_or(length, |left| left.min(length));
        let mut done = 0;
        while done < length {
            let from = offset + done as u64;
            let Piece { number, at, length: in_chunk } = piece(from, length - done);
            let count = match self.find(number) {
                Ok(index) => {
                    let chunk = self.chunks.get(index).map_or(&ZEROS[..], |(_, chunk)| chunk);
                    sink.put(done, chunk.get(at..at + in_chunk).unwrap_or_default())?;
                    in_chunk
                }
                // As much from the store at once as lies between chunks.
                Err(index) if from < self.origin.length => {
                    let next = self.chunks.get(index).map_or(u64::MAX, |(next, _)| start(*next));
                    let end = self.origin.length.min(next).min(offset + length as u64);
                    let count = (end - from) as usize;
                    store.send(self.origin.part, self.origin.at + from, count, sink, done)?;
                    count
                }
                Err(_) => {
                    sink.put(done, ZEROS.get(..in_chunk).unwrap_or_default())?;
                    in_chunk
                }
            };
            done += count;
        }
        Ok(length)
    }

    /// Takes content from a source, as [`fileserver::FileSystem::write`] says.
    pub fn write(
        &mut self,
        store: &mut impl Store,
        space: &mut Space,
        offset: u64,
        length: usize,
        source: &mut dyn Source,
    ) -> Result<usize, Error> {
        if offset.checked_add(length as u64).is_none_or(|end| end > SIZE_MAX) {
            return Err(Error::TooLarge);
        }
        let mut done = 0;
        while done < length {
            let to = offset + done as u64;
            let piece = piece(to, length - done);
            let (at, count) = (piece.at, piece.length);
            let written = self
                .chunk(store, space, &piece)
                .and_then(|chunk| source.take(done, chunk.get_mut(at..at + count).unwrap_or_default()));
            match written {
                Ok(()) => {}
                Err(Error::NoSpace) if done > 0 => break,
                Err(error) => {
                    self.clear_end(space);
                    return Err(error);
                }
            }
            done += count;
            self.size = self.size.max(to + count as u64);
        }
        Ok(done)
    }

    /// Sets the size.
    pub fn resize(&mut self, space: &mut Space, size: u64) -> Result<(), Error> {
        if size > SIZE_MAX {
            return Err(Error::TooLarge);
        }
        let is_smaller = size < self.size;
        self.size = size;
        if is_smaller {
            self.clear_end(space);
        }
        Ok(())
    }

    /// Gives back all that it has taken from the space.
    pub fn clear(&mut self, space: &mut Space) {
        self.size = 0;
        self.clear_end(space);
    }

    /// Where a chunk is, or belongs.
    fn find(&self, number: u32) -> Result<usize, usize> {
        self.chunks.binary_search_by_key(&number, |(number, _)| *number)
    }

    /// The chunk that is about to be written, with what is in it now.
    fn chunk(
        &mut self,
        store: &mut impl Store,
        space: &mut Space,
        piece: &Piece,
    ) -> Result<&mut [u8], Error> {
        let index = match self.find(piece.number) {
            Ok(index) => index,
            Err(index) => {
                self.chunks.try_reserve(1).map_err(|_| Error::NoSpace)?;
                space.take(COST)?;
                match self.new_chunk(store, piece) {
                    Ok(chunk) => self.chunks.insert(index, (piece.number, chunk)),
                    Err(error) => {
                        space.give(COST);
                        return Err(error);
                    }
                }
                index
            }
        };
        self.chunks.get_mut(index).map(|(_, chunk)| &mut chunk[..]).ok_or(Error::Unknown)
    }

    fn new_chunk(&self, store: &mut impl Store, piece: &Piece) -> Result<Box<[u8]>, Error> {
        let mut chunk = Vec::new();
        chunk.try_reserve_exact(CHUNK).map_err(|_| Error::NoSpace)?;
        chunk.resize(CHUNK, 0);
        let start = start(piece.number);
        let in_origin = usize::try_from(self.origin.length.saturating_sub(start)).unwrap_or(CHUNK).min(CHUNK);
        let is_covered = in_origin == 0 || piece.at == 0 && piece.length >= in_origin;
        if !is_covered && let Some(below) = chunk.get_mut(..in_origin) {
            store.read(self.origin.part, self.origin.at + start, below)?;
        }
        Ok(chunk.into_boxed_slice())
    }

    /// Makes true again, after the size has become smaller or a write has failed, that nothing lies past it.
    fn clear_end(&mut self, space: &mut Space) {
        self.origin.length = self.origin.length.min(self.size);
        let kept = self.chunks.partition_point(|(number, _)| start(*number) < self.size);
        space.give(COST * (self.chunks.len() - kept) as u64);
        self.chunks.truncate(kept);
        if let Some((number, chunk)) = self.chunks.last_mut()
            && let Ok(end) = usize::try_from(self.size - start(*number))
            && let Some(rest) = chunk.get_mut(end..)
        {
            rest.fill(0);
        }
        if kept == 0 {
            // Of a file that was large.
            self.chunks = Vec::new();
        }
    }
}

/// Where a chunk begins.
const fn start(number: u32) -> u64 {
    number as u64 * CHUNK as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;

    /// A store of so many bytes, each a function of its place.
    struct Numbers(u64);

    fn byte(at: u64) -> u8 {
        (at % 251) as u8 + 1
    }

    impl Store for Numbers {
        fn read(&mut self, part: u32, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
            assert!(part == 3 && at + buffer.len() as u64 <= self.0, "outside of the store");
            buffer.iter_mut().zip(at..).for_each(|(to, at)| *to = byte(at));
            Ok(())
        }

        fn send(
            &mut self,
            part: u32,
            at: u64,
            length: usize,
            sink: &mut dyn Sink,
            offset: usize,
        ) -> Result<(), Error> {
            let mut bytes = vec![0; length];
            self.read(part, at, &mut bytes)?;
            sink.put(offset, &bytes)
        }
    }

    struct Bytes(Vec<u8>);

    impl Sink for Bytes {
        fn put(&mut self, offset: usize, data: &[u8]) -> Result<(), Error> {
            self.0[offset..][..data.len()].copy_from_slice(data);
            Ok(())
        }

        fn put_region(&mut self, _: usize, _: &ipc::Region, _: usize, _: usize) -> Result<(), Error> {
            Err(Error::NotSupported)
        }
    }

    /// Gives a byte again and again, but only so often.
    struct Fill(u8, usize);

    impl Source for Fill {
        fn take(&mut self, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
            let (first, rest) = buffer.split_at_mut(buffer.len().min(self.1.saturating_sub(offset)));
            first.fill(self.0);
            if rest.is_empty() { Ok(()) } else { Err(Error::BadLend) }
        }

        fn take_region(&mut self, _: usize, _: &ipc::Region, _: usize, _: usize) -> Result<(), Error> {
            Err(Error::NotSupported)
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Write(u64, usize),
        Fail(u64, usize),
        Resize(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let offset = || prop_oneof![0_u64..40_000, (0_u64..10).prop_map(|chunk| chunk * CHUNK as u64)];
        let length = || prop_oneof![0_usize..10_000, Just(CHUNK)];
        let step = prop_oneof![
            3 => (offset(), length()).prop_map(|(offset, length)| Step::Write(offset, length)),
            1 => (offset(), length()).prop_map(|(offset, length)| Step::Fail(offset, length)),
            1 => offset().prop_map(Step::Resize),
        ];
        prop::collection::vec(step, 1..20)
    }

    /// Compares with the model, in reads that begin and end anywhere.
    fn compare(content: &Content, store: &mut Numbers, model: &[u8]) {
        assert_eq!(content.size(), model.len() as u64);
        for from in [0, 1, 4095, 4096, 10_000, 50_000] {
            let mut bytes = Bytes(vec![0xee; model.len() + 10]);
            let length = content.read(store, from as u64, model.len() + 10, &mut bytes);
            let expected = model.get(from..).unwrap_or_default();
            assert_eq!(length, Ok(expected.len()));
            assert!(bytes.0[..expected.len()] == *expected, "from {from}");
        }
    }

    proptest! {
        #[test]
        fn it_is_what_was_written(length in 0_u64..30_000, chunks in 0_u64..12, steps in steps()) {
            let origin = Origin { part: 3, at: 17, length };
            let (mut store, mut space) = (Numbers(17 + length), Space::new(chunks * COST));
            let mut content = Content::of(origin);
            let mut model: Vec<u8> = (17..17 + length).map(byte).collect();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Write(offset, length) => {
                        let mut source = Fill(number as u8 + 100, usize::MAX);
                        match content.write(&mut store, &mut space, offset, length, &mut source) {
                            Ok(0) => prop_assert_eq!(length, 0),
                            Ok(written) => {
                                prop_assert!(written == length || space.free() < COST);
                                let end = offset as usize + written;
                                model.resize(model.len().max(end), 0);
                                model[offset as usize..end].fill(number as u8 + 100);
                            }
                            Err(error) => {
                                prop_assert_eq!(error, Error::NoSpace);
                                prop_assert!(space.free() < COST);
                            }
                        }
                    }
                    Step::Fail(offset, length) => {
                        // What is written over may have changed, but neither the size nor what is past it.
                        let size = model.len();
                        let mut source = Fill(99, length / 2);
                        let written = content.write(&mut store, &mut space, offset, length, &mut source);
                        prop_assert!(written != Ok(length) || length == 0);
                        let kept = content.size() as usize;
                        prop_assert!(kept >= size);
                        let mut now = Bytes(vec![0; kept]);
                        content.read(&mut store, 0, kept, &mut now).unwrap();
                        model.resize(kept, 0);
                        let end = kept.min(offset as usize + length);
                        let touched = (offset as usize).min(end)..end;
                        model[touched.clone()].copy_from_slice(&now.0[touched]);
                    }
                    Step::Resize(size) => {
                        content.resize(&mut space, size).unwrap();
                        model.resize(size as usize, 0);
                    }
                }
                compare(&content, &mut store, &model);
                prop_assert_eq!(space.total() - space.free(), COST * content.chunks.len() as u64);
            }
            content.clear(&mut space);
            prop_assert_eq!(space.free(), space.total());
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let (mut content, mut space) = (Content::default(), Space::new(10 * COST));
        assert_eq!(content.resize(&mut space, SIZE_MAX + 1), Err(Error::TooLarge));
        assert_eq!(content.resize(&mut space, SIZE_MAX), Ok(()));
        let mut write = |offset| content.write(&mut Numbers(0), &mut space, offset, 1, &mut Fill(1, 1));
        assert_eq!(write(SIZE_MAX), Err(Error::TooLarge));
        assert_eq!(write(u64::MAX), Err(Error::TooLarge));
        assert_eq!(write(SIZE_MAX - 1), Ok(1), "a chunk, whatever the size");
    }
}
