//! The server of the round-trip tests.

use crate::generated::sample::{self, Colour, Server};
use crate::generated::shapes;
use ipc::{Error, Handle, Outbox, ReadLend, StrLend, TaskId, WriteLend};

/// Answers with what it was asked, where that fits.
#[derive(Default)]
pub struct Echo {
    pub pinged: usize,
    pub poked: Vec<u8>,
    /// Replies with one byte more than there is room for.
    pub lies: bool,
    pub outbox: Outbox,
}

impl Server for Echo {
    fn ping(&mut self, _sender: TaskId) -> Result<(), Error> {
        self.pinged += 1;
        Ok(())
    }

    fn add(&mut self, sender: TaskId, left: i32, right: i64) -> Result<i64, Error> {
        assert_eq!(sender, ipc::host::first_task());
        i64::from(left).checked_add(right).ok_or(Error::InvalidArgument)
    }

    #[rustfmt::skip]
    fn scalars(
        &mut self, _: TaskId, a: bool, b: char, c: i8, d: i16, e: i32, f: i64, g: u8, h: u16, i: u32, j: u64, k: i32,
        l: u32, m: usize, n: u64, o: usize, p: u64, q: TaskId, r: Handle, s: u32, t: Colour, u: shapes::Kind,
    ) -> Result<sample::ScalarsReply, Error> {
        ipc::stub::put::<[u64; 30]>(0, [u64::MAX; 30]); // as if it had sent messages itself
        Ok(sample::ScalarsReply { a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u })
    }

    #[rustfmt::skip]
    fn arrays(
        &mut self, _: TaskId, mac: [u8; 6], words: [u64; 4], flags: [bool; 3], letters: [char; 2], tasks: [TaskId; 2],
        sizes: [usize; 2], colours: [Colour; 2], kinds: [shapes::Kind; 1], handles: [Handle; 2],
    ) -> Result<sample::ArraysReply, Error> {
        Ok(sample::ArraysReply { mac, words, flags, letters, tasks, sizes, colours, kinds, handles })
    }

    fn shout(&mut self, _: TaskId, text: StrLend<'_>, loud: WriteLend<'_>) -> Result<usize, Error> {
        let mut buffer = [0; 16];
        let upper = text.read(&mut buffer)?.to_uppercase();
        loud.write(0, upper.as_bytes())?;
        Ok(upper.len() + usize::from(self.lies))
    }

    fn copy(&mut self, _: TaskId, from: ReadLend<'_>, to: WriteLend<'_>) -> Result<usize, Error> {
        let mut buffer = vec![0; from.len()];
        from.read(0, &mut buffer)?;
        to.write(0, &buffer)?;
        Ok(buffer.len())
    }

    fn length(&mut self, _: TaskId, text: StrLend<'_>, data: ReadLend<'_>) -> Result<usize, Error> {
        Ok(text.len() + data.len())
    }

    fn mixed(
        &mut self,
        sender: TaskId,
        flag: bool,
        name: StrLend<'_>,
        data: ReadLend<'_>,
        title: WriteLend<'_>,
        content: WriteLend<'_>,
    ) -> Result<sample::MixedReply, Error> {
        let (title, content) = (self.shout(sender, name, title)?, self.copy(sender, data, content)?);
        Ok(sample::MixedReply { count: u8::from(flag), title, content, last: 77 })
    }

    fn wait(&mut self, call: sample::WaitCall) {
        let mut buffer = [0; 8];
        match call.name().read(&mut buffer).map(str::len) {
            Ok(length) => {
                let woken = u64::from(call.ticks) + length as u64;
                call.reply(woken);
            }
            Err(error) => call.fail(error),
        }
    }

    fn wait_for_data(&mut self, call: sample::WaitForDataCall) {
        assert_eq!(call.sender(), ipc::host::first_task());
        let length = usize::from(call.most);
        let written = call.data().write(0, &vec![7; length.min(call.data().len())]);
        assert_eq!(written, Ok(()));
        call.reply(length, true);
    }

    fn forgotten(&mut self, call: sample::ForgottenCall) {
        drop(call);
    }

    fn poke(&mut self, _: TaskId, value: u8) {
        self.poked.push(value);
    }

    fn r#type(
        &mut self,
        sender_: TaskId,
        server: u8,
        incoming: u16,
        info: u32,
        sender: u64,
        message: bool,
    ) -> Result<sample::TypeReply, Error> {
        assert_eq!((sender_, incoming, info, sender), (ipc::host::first_task(), 2, 3, 4));
        Ok(sample::TypeReply { reply: server, r#fn: message })
    }

    fn r#match(&mut self, call: sample::MatchCall) {
        let ok = call.pending + call.call + u8::from(call.r#mut[1]);
        call.reply(ok);
    }

    fn parent(&mut self, _: TaskId, child: TaskId) -> Result<TaskId, Error> {
        Ok(child)
    }

    fn mixed_colour(&mut self, _: TaskId, from: Colour) -> Result<Colour, Error> {
        Ok(from)
    }

    fn is_even(&mut self, _: TaskId, number: usize) -> Result<bool, Error> {
        Ok(number.is_multiple_of(2))
    }
}
