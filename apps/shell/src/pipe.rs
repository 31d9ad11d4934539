//! A pipe: what one task writes, another reads, or the shell itself.
//!
//! Both ends are calls that wait in the shell, which so never waits itself. A write is answered when the reader asks for more:
//! then it has done with what it got, and a writer that was told so has nothing left to lose. Nothing is stored between
//! the ends but the shell's own text.

use crate::system::{Reading, Writing};
use abi::Error;
use alloc::vec;
use alloc::vec::Vec;

/// Most bytes that are passed on at once.
const PIECE: usize = 16 << 10;

/// Most bytes that the shell reads itself.
pub const MAX_KEPT: usize = 64 << 10;

/// A pipe.
#[derive(Debug)]
pub struct Pipe<W, R> {
    /// What the shell itself has written, or what is kept for it; then nobody else reads.
    text: Vec<u8>,
    kept: bool,
    /// The write that waits, and how much of it was passed on.
    writing: Option<(W, usize)>,
    reading: Option<R>,
    /// Nothing more will be written; why, if not all was.
    ended: Option<Result<(), Error>>,
    /// Nothing more will be read, and why.
    broken: Option<Error>,
}

impl<W: Writing, R: Reading> Pipe<W, R> {
    /// A pipe between two tasks.
    pub const fn new() -> Self {
        Self { text: Vec::new(), kept: false, writing: None, reading: None, ended: None, broken: None }
    }

    /// A pipe to the shell itself: [`Pipe::text`].
    pub fn to_shell() -> Self {
        Self { kept: true, ..Self::new() }
    }

    /// A task has written.
    pub fn write(&mut self, call: W) {
        if let Some(error) = self.broken {
            call.finish(Err(error));
        } else if self.kept {
            let result = self.keep(&call);
            call.finish(result);
        } else {
            self.writing = Some((call, 0));
            self.pass_on();
        }
    }

    fn keep(&mut self, call: &W) -> Result<(), Error> {
        let start = self.text.len();
        if call.len() > MAX_KEPT - start {
            return Err(Error::TooLarge);
        }
        self.text.resize(start + call.len(), 0);
        call.read(0, self.text.get_mut(start..).unwrap_or_default())
    }

    /// A task wants to read.
    pub fn read(&mut self, call: R) {
        self.reading = Some(call);
        self.pass_on();
    }

    /// The shell itself writes.
    pub fn put(&mut self, text: &[u8]) {
        if self.broken.is_none() {
            self.text.extend_from_slice(text);
            self.pass_on();
        }
    }

    /// Who wrote has ended; others may follow.
    pub fn writer_ended(&mut self) {
        self.writing = None;
    }

    /// Who read has ended; others may follow.
    pub fn reader_ended(&mut self) {
        self.reading = None;
    }

    /// Nothing more will be written; an error if not all was.
    pub fn end(&mut self, result: Result<(), Error>) {
        self.writing = None;
        self.ended = Some(result);
        self.pass_on();
    }

    /// Nothing more will be read: that, and what is written from now on, fails with `error`.
    pub fn break_off(&mut self, error: Error) {
        self.broken = Some(error);
        self.reading = None;
        self.text.clear();
        if let Some((call, _)) = self.writing.take() {
            call.finish(Err(error));
        }
    }

    /// Whether nothing more will be written.
    pub const fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Why nothing more is read.
    pub const fn broken(&self) -> Option<Error> {
        self.broken
    }

    /// What was written to the shell.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    fn pass_on(&mut self) {
        let Some(reading) = self.reading.take() else { return };
        if !self.text.is_empty() {
            let length = self.text.len().min(reading.len());
            let result = reading.write(self.text.get(..length).unwrap_or_default());
            self.text.drain(..length);
            return reading.finish(result.map(|()| length));
        }
        let Some((writing, done)) = self.writing.take() else {
            match self.ended {
                Some(result) => reading.finish(result.map(|()| 0)),
                None => self.reading = Some(reading),
            }
            return;
        };
        if done == writing.len() {
            writing.finish(Ok(()));
            return self.reading = Some(reading);
        }
        let length = (writing.len() - done).min(reading.len()).min(PIECE);
        let mut piece = vec![0; length];
        match writing.read(done, &mut piece) {
            Ok(()) => {
                self.writing = Some((writing, done + length));
                let result = reading.write(&piece);
                reading.finish(result.map(|()| length));
            }
            Err(error) => {
                writing.finish(Err(error));
                self.reading = Some(reading);
            }
        }
    }
}

impl<W: Writing, R: Reading> Default for Pipe<W, R> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use alloc::rc::Rc;
    use core::cell::{Cell, RefCell};

    struct Write(Vec<u8>, Rc<Cell<Option<Result<(), Error>>>>);

    impl Writing for Write {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), Error> {
            buffer.copy_from_slice(self.0.get(offset..offset + buffer.len()).ok_or(Error::OutOfBounds)?);
            Ok(())
        }

        fn finish(self, result: Result<(), Error>) {
            self.1.set(Some(result));
        }
    }

    #[derive(Clone, Default)]
    struct Read(Rc<RefCell<Vec<u8>>>, Rc<Cell<Option<Result<usize, Error>>>>);

    impl Reading for Read {
        fn len(&self) -> usize {
            4
        }

        fn write(&self, data: &[u8]) -> Result<(), Error> {
            self.0.borrow_mut().extend(data);
            Ok(())
        }

        fn finish(self, result: Result<usize, Error>) {
            self.1.set(Some(result));
        }
    }

    fn write(pipe: &mut Pipe<Write, Read>, text: &str) -> Rc<Cell<Option<Result<(), Error>>>> {
        let answer = Rc::default();
        pipe.write(Write(text.into(), Rc::clone(&answer)));
        answer
    }

    fn read(pipe: &mut Pipe<Write, Read>) -> Read {
        let call = Read::default();
        pipe.read(call.clone());
        call
    }

    #[test]
    fn a_write_is_answered_when_all_of_it_is_done_with() {
        let mut pipe = Pipe::new();
        let written = write(&mut pipe, "abcdef");
        let first = read(&mut pipe);
        assert_eq!((first.0.borrow().as_slice(), first.1.get()), (&b"abcd"[..], Some(Ok(4))));
        let second = read(&mut pipe);
        assert_eq!((second.0.borrow().as_slice(), second.1.get()), (&b"ef"[..], Some(Ok(2))));
        assert_eq!(written.get(), None, "the reader may not have stored the last piece yet");
        let third = read(&mut pipe);
        assert_eq!((written.get(), third.1.get()), (Some(Ok(())), None));
        pipe.put(b"own");
        assert_eq!(third.0.borrow().as_slice(), b"own");
        pipe.end(Ok(()));
        assert_eq!(read(&mut pipe).1.get(), Some(Ok(0)));
    }

    #[test]
    fn a_broken_pipe_fails_what_waits_and_what_comes() {
        let mut pipe = Pipe::new();
        let waiting = write(&mut pipe, "x");
        read(&mut pipe);
        pipe.break_off(Error::NoSpace);
        assert_eq!(waiting.get(), Some(Err(Error::NoSpace)));
        assert_eq!(write(&mut pipe, "y").get(), Some(Err(Error::NoSpace)));
    }

    #[test]
    fn the_shell_keeps_so_much_and_no_more() {
        let mut pipe = Pipe::to_shell();
        assert_eq!(write(&mut pipe, "abc").get(), Some(Ok(())));
        assert_eq!(pipe.text(), b"abc");
        assert_eq!(write(&mut pipe, &"x".repeat(MAX_KEPT)).get(), Some(Err(Error::TooLarge)));
    }
}
