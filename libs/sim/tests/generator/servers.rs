//! Servers for generated messages: one that looks at everything it gets, and one that refuses everything.

use crate::generated::{sample, shapes};
use interfaces::{bench, test, vm};
use ipc::{Error, Handle, ReadLend, StrLend, TaskId, WriteLend};

/// Longest text or data that [`Careful`] takes.
const LONGEST: usize = 16 * 1024;

/// A server of the sample that reads all that it is lent and writes all that it may.
#[derive(Default)]
pub struct Careful {
    /// Messages that have come through the dispatcher.
    pub reached: usize,
    /// Requests that had nothing wrong.
    pub whole: usize,
    /// Oneway messages.
    pub pokes: usize,
}

/// The greatest generations are those of handles that were never issued.
fn check(handle: Handle) -> Result<(), Error> {
    if handle.raw() == 0 || handle.raw() >= 1 << 31 { Err(Error::BadHandle) } else { Ok(()) }
}

fn text(lend: StrLend<'_>) -> Result<(), Error> {
    lend.read(&mut [0; LONGEST]).map(drop)
}

fn data(lend: ReadLend<'_>) -> Result<(), Error> {
    let mut buffer = [0; LONGEST];
    lend.read(0, buffer.get_mut(..lend.len()).ok_or(Error::TooLarge)?)
}

fn fill(lend: WriteLend<'_>) -> Result<usize, Error> {
    let zeros = [0; LONGEST];
    lend.write(0, zeros.get(..lend.len()).ok_or(Error::TooLarge)?)?;
    Ok(lend.len())
}

impl Careful {
    /// Counts a request, and again if it has been handled.
    fn serve<T>(&mut self, handle: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.reached += 1;
        let result = handle();
        self.whole += usize::from(result.is_ok());
        result
    }
}

#[rustfmt::skip]
impl sample::Server for Careful {
    fn ping(&mut self, _: TaskId) -> Result<(), Error> { self.serve(|| Ok(())) }
    fn add(&mut self, _: TaskId, left: i32, right: i64) -> Result<i64, Error> {
        self.serve(|| Ok(right.wrapping_add(left.into())))
    }
    fn scalars(
        &mut self, _: TaskId, a: bool, b: char, c: i8, d: i16, e: i32, f: i64, g: u8, h: u16, i: u32, j: u64, k: i32,
        l: u32, m: usize, n: u64, o: usize, p: u64, q: TaskId, r: Handle, s: u32, t: sample::Colour, u: shapes::Kind,
    ) -> Result<sample::ScalarsReply, Error> {
        self.serve(|| {
            check(r)?;
            Ok(sample::ScalarsReply { a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u })
        })
    }
    fn arrays(
        &mut self, _: TaskId, mac: [u8; 6], words: [u64; 4], flags: [bool; 3], letters: [char; 2], tasks: [TaskId; 2],
        sizes: [usize; 2], colours: [sample::Colour; 2], kinds: [shapes::Kind; 1], handles: [Handle; 2],
    ) -> Result<sample::ArraysReply, Error> {
        self.serve(|| {
            handles.into_iter().try_for_each(check)?;
            Ok(sample::ArraysReply { mac, words, flags, letters, tasks, sizes, colours, kinds, handles })
        })
    }
    fn shout(&mut self, _: TaskId, said: StrLend<'_>, loud: WriteLend<'_>) -> Result<usize, Error> {
        self.serve(|| text(said).and_then(|()| fill(loud)))
    }
    fn copy(&mut self, _: TaskId, from: ReadLend<'_>, to: WriteLend<'_>) -> Result<usize, Error> {
        self.serve(|| data(from).and_then(|()| fill(to)))
    }
    fn length(&mut self, _: TaskId, said: StrLend<'_>, from: ReadLend<'_>) -> Result<usize, Error> {
        self.serve(|| text(said).and_then(|()| data(from)).map(|()| 0))
    }
    fn mixed(
        &mut self, _: TaskId, _: bool, name: StrLend<'_>, from: ReadLend<'_>, title: WriteLend<'_>, content: WriteLend<'_>,
    ) -> Result<sample::MixedReply, Error> {
        self.serve(|| {
            text(name)?;
            data(from)?;
            Ok(sample::MixedReply { count: 0, title: fill(title)?, content: fill(content)?, last: 0 })
        })
    }
    fn wait(&mut self, call: sample::WaitCall) {
        match self.serve(|| text(call.name())) {
            Ok(()) => call.reply(0),
            Err(error) => call.fail(error),
        }
    }
    fn wait_for_data(&mut self, call: sample::WaitForDataCall) {
        match self.serve(|| fill(call.data())) {
            Ok(length) => call.reply(length, false),
            Err(error) => call.fail(error),
        }
    }
    fn forgotten(&mut self, _: sample::ForgottenCall) { self.reached += 1; }
    fn poke(&mut self, _: TaskId, _: u8) { (self.reached, self.pokes) = (self.reached + 1, self.pokes + 1); }
    fn r#type(
        &mut self, _: TaskId, server: u8, _: u16, _: u32, _: u64, message: bool,
    ) -> Result<sample::TypeReply, Error> {
        self.serve(|| Ok(sample::TypeReply { reply: server, r#fn: message }))
    }
    fn r#match(&mut self, call: sample::MatchCall) { self.reached += 1; call.reply(0); }
    fn parent(&mut self, _: TaskId, child: TaskId) -> Result<TaskId, Error> { self.serve(|| Ok(child)) }
    fn mixed_colour(&mut self, _: TaskId, from: sample::Colour) -> Result<sample::Colour, Error> {
        self.serve(|| Ok(from))
    }
    fn is_even(&mut self, _: TaskId, _: usize) -> Result<bool, Error> { self.serve(|| Ok(false)) }
}

/// A server of some of the system's interfaces that answers every request with `Empty`.
pub struct Refusing;

macro_rules! refuse {
    ($($name:ident($($argument:ty),*) -> $reply:ty;)*) => {$(
        fn $name(&mut self, _: TaskId, $(_: $argument),*) -> Result<$reply, Error> { Err(Error::Empty) }
    )*};
}

impl vm::Server for Refusing {
    refuse! {
        serve(StrLend<'_>) -> ();
        launch(StrLend<'_>, ReadLend<'_>, ReadLend<'_>) -> TaskId;
        launch_image(StrLend<'_>, Handle, ReadLend<'_>, ReadLend<'_>) -> TaskId;
        boot_file(u32, WriteLend<'_>) -> vm::BootFileReply;
        boot_read(u32, usize, WriteLend<'_>) -> usize;
        watch(TaskId) -> ();
        next_exit() -> vm::NextExitReply;
        kill(TaskId) -> ();
        task_name(TaskId, WriteLend<'_>) -> usize;
        program(u32, WriteLend<'_>, WriteLend<'_>) -> vm::ProgramReply;
        memory() -> vm::MemoryReply;
        share_create(usize) -> Handle;
        share_map(Handle, bool) -> vm::ShareMapReply;
        share_close(Handle) -> ();
        share_grant(Handle, TaskId, bool) -> Handle;
        map_device(u64, usize) -> usize;
        manifest(u32, WriteLend<'_>) -> usize;
        platform() -> vm::PlatformReply;
        dma_create(u64, usize) -> vm::DmaCreateReply;
        launch_driver(StrLend<'_>, [u64; 8], [u64; 8], [u64; 8]) -> TaskId;
        message_irq(u32) -> vm::MessageIrqReply;
    }
    fn lookup(&mut self, call: vm::LookupCall) {
        call.fail(Error::Empty);
    }
}

impl bench::Server for Refusing {
    refuse! {
        nothing() -> ();
        words4(u64, u64, u64, u64) -> bench::Words4Reply;
        words24([u64; 24]) -> [u64; 24];
        lend(ReadLend<'_>) -> ();
    }
}

impl test::Server for Refusing {
    refuse! {
        add(u64, u64) -> u64;
        increment(ReadLend<'_>, WriteLend<'_>) -> usize;
        characters(StrLend<'_>) -> usize;
        release(u64) -> usize;
        open(u64) -> Handle;
        value(Handle) -> u64;
        give(Handle, TaskId) -> Handle;
        close(Handle) -> ();
        objects() -> usize;
        subscribe(u32) -> u32;
    }
    fn wait(&mut self, call: test::WaitCall) {
        call.fail(Error::Empty);
    }
}
