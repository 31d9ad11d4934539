//! Messages of all interfaces: dispatchers that are sent anything, clients that are answered anything, and calls that
//! must arrive as they were made.
//!
//! The server and the calls are generated from the interface files by the build script.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::rc::Rc;

use abi::{LendSelector, MAX_COPY, MAX_LENDS};
use ipc::host::{Backend, Lent, Loopback, first_task, install, set_payload};
use ipc::{Answer, Error, Incoming, MessageInfo, ReadLend, StrLend, TaskId, TaskIndex, WriteLend};

use crate::input::{Input, Value};

/// What a dispatcher must accept for a message, and no more.
struct Expected {
    name: &'static str,
    number: u16,
    words: usize,
    lends: usize,
    writable: u32,
    /// Words of the reply to a call that is answered at once.
    reply: Option<usize>,
    dispatch: fn(&mut Server, &Incoming) -> Answer,
}

include!(concat!(env!("OUT_DIR"), "/messages.rs"));

/// The first byte chooses one of the three.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let input = Rc::new(Input::new(rest));
    match choice % 4 {
        0 => honest(input),
        1 => hostile_server(input),
        _ => hostile_client(input),
    }
}

/// Calls a server: its arguments and its reply must be the same on both sides.
fn honest(input: Rc<Input>) {
    let kernel = Loopback::new();
    let log = Rc::new(Log::default());
    let server = Server { input: input.clone(), log: log.clone() };
    let any = |server: &mut Server, message: &Incoming| dispatch_all(server, message);
    kernel.serve(server_task(), Rc::new(RefCell::new(server)), any);
    let _installed = install(kernel);
    while !input.is_empty() {
        call(input.byte() as usize % MESSAGES.len(), server_task(), &input, &log);
        log.compare();
    }
}

/// Calls a server that answers anything.
fn hostile_server(input: Rc<Input>) {
    let _installed = install(Rc::new(Hostile { input: input.clone() }));
    let log = Log::default();
    while !input.is_empty() {
        call(input.byte() as usize % MESSAGES.len(), server_task(), &input, &log);
    }
}

/// Sends anything to a server, whatever the kernel lets through.
fn hostile_client(input: Rc<Input>) {
    let _installed = install(Rc::new(Hostile { input: input.clone() }));
    while !input.is_empty() {
        let expected = &MESSAGES[input.byte() as usize % MESSAGES.len()];
        let right =
            MessageInfo::new(expected.number, expected.words).with_lends(expected.lends, expected.writable);
        let Some(info) = MessageInfo::from_raw(right.raw() ^ damage(&input)) else { continue };
        set_payload(&input.value::<[u64; abi::PAYLOAD_WORDS]>());
        let log = Rc::new(Log::default());
        let mut server = Server { input: input.clone(), log: log.clone() };
        let answer = (expected.dispatch)(&mut server, &Incoming { sender: first_task(), info });
        let name = expected.name;
        let refused = Answer::error(Error::BadMessage);
        if info != right {
            let one = MESSAGES.iter().find(|one| one.number == info.kind()).is_some_and(|one| {
                MessageInfo::new(one.number, one.words).with_lends(one.lends, one.writable) == info
            });
            assert!(one || !log.was_reached(), "{name}: the server was given {info:?}");
        }
        match answer {
            Answer::Reply(reply) if info == right && answer != refused && reply.as_error().is_ok() => {
                assert_eq!(Some(reply.words()), expected.reply, "{name}: the reply is of another length");
                assert!(reply.kind() == info.kind() && reply.lends() == 0, "{name}: {reply:?}");
                assert!(log.was_reached(), "{name}: answered without the server");
            }
            Answer::Unknown => {
                assert!(info.kind() != expected.number, "{name}: not known to its own dispatcher")
            }
            _ => {}
        }
    }
}

/// Bits of an info word to change: mostly none.
fn damage(input: &Input) -> usize {
    match input.byte() {
        byte @ 0..32 => 1 << byte,
        32..48 => input.value::<u32>() as usize,
        _ => 0,
    }
}

fn dispatch_all(server: &mut Server, message: &Incoming) -> Answer {
    let known = MESSAGES.iter().find(|one| one.number == message.info.kind());
    known.map_or(Answer::Unknown, |one| (one.dispatch)(server, message))
}

fn server_task() -> TaskId {
    TaskId::new(TaskIndex::new(5), 3).unwrap_or(first_task())
}

/// A server of every interface that answers whatever the input says.
struct Server {
    input: Rc<Input>,
    log: Rc<Log>,
}

/// What the server does with a call.
enum Decision {
    Answer,
    Fail(Error),
    Drop,
}

impl Server {
    /// The bytes of a lend, some of it at a time; none of it if it is said to be very large.
    fn lent_bytes(&self, lend: &ReadLend<'_>) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; lend.len().min(2 * MAX_COPY)];
        let middle = self.input.below(bytes.len() + 1);
        let (first, second) = bytes.split_at_mut(middle);
        lend.read(middle, second)?;
        lend.read(0, first)?;
        assert_eq!(lend.read(lend.len(), &mut [0]), Err(Error::OutOfBounds));
        assert_eq!(lend.read(usize::MAX, &mut [0]), Err(Error::OutOfBounds));
        Ok(bytes)
    }

    fn lent_text(&self, lend: &StrLend<'_>) -> Result<String, Error> {
        let mut buffer = vec![0; 2 * MAX_COPY];
        let text = lend.read(&mut buffer)?;
        assert!(text.len() == lend.len() && !text.contains('\0'), "{text:?}");
        Ok(text.into())
    }

    /// Writes to a lend; how much of it the server says that it has written.
    fn fill(&self, lend: &WriteLend<'_>) -> usize {
        let data = self.input.some(300);
        let outside = data.len() > lend.len();
        let written = lend.write(0, &data);
        assert!(!outside || written == Err(Error::OutOfBounds), "{written:?}");
        match self.input.byte() {
            0 => usize::MAX,
            1 => lend.len() + 1,
            _ => data.len(),
        }
    }
}

/// What was sent and what arrived, in words.
#[derive(Default)]
struct Log {
    sent: RefCell<String>,
    received: RefCell<String>,
    answer: RefCell<String>,
    back: RefCell<Option<String>>,
    reached: Cell<bool>,
}

impl Log {
    fn sent(&self, name: &str, arguments: &dyn Debug) {
        self.received.borrow_mut().clear();
        self.answer.borrow_mut().clear();
        *self.back.borrow_mut() = None;
        *self.sent.borrow_mut() = format!("{name} {arguments:?}");
    }

    fn received(&self, name: &str, arguments: &dyn Debug) {
        self.reached.set(true);
        *self.received.borrow_mut() = format!("{name} {arguments:?}");
    }

    fn was_reached(&self) -> bool {
        self.reached.get()
    }

    fn decide(&self, input: &Input) -> Decision {
        match input.byte() {
            0 => Decision::Fail(Error::from_code(usize::from(input.byte()))),
            1 => Decision::Drop,
            _ => Decision::Answer,
        }
    }

    fn answered(&self, result: &dyn Debug) {
        *self.answer.borrow_mut() = format!("{result:?}");
    }

    /// A result that is not the server's word for word: text, or nothing.
    fn came_back(&self, result: &dyn Debug) {
        let _ = format!("{result:?}");
    }

    fn came_back_same(&self, result: &dyn Debug) {
        *self.back.borrow_mut() = Some(format!("{result:?}"));
    }

    /// An asynchronous message was queued: it is pulled and received.
    fn queued(&self, outbox: &mut ipc::Outbox, to: TaskId, queued: Result<(), Error>) {
        assert_eq!(outbox.is_empty(), queued.is_err(), "{queued:?}");
        let info = outbox.answer(to);
        assert!(outbox.is_empty() && info.as_error().is_ok() == queued.is_ok(), "{info:?}");
        if queued.is_ok() {
            let input = Rc::new(Input::new(&[]));
            let log = Rc::new(Log::default());
            let mut server = Server { input, log: log.clone() };
            dispatch_all(&mut server, &Incoming { sender: to, info });
            self.received.replace(log.received.take());
        }
    }

    fn compare(&self) {
        assert_eq!(*self.sent.borrow(), *self.received.borrow(), "other arguments arrived");
        if let Some(back) = &*self.back.borrow() {
            assert_eq!(*back, *self.answer.borrow(), "{}: another result came back", self.sent.borrow());
        }
    }
}

/// A kernel whose other tasks do anything.
struct Hostile {
    input: Rc<Input>,
}

impl Hostile {
    fn fate(&self) -> Result<(), Error> {
        match self.input.byte() {
            0 => Err(Error::from_code(usize::from(self.input.byte()))),
            _ => Ok(()),
        }
    }

    fn check(&self, selector: LendSelector, offset: usize, length: usize) {
        assert!(selector.index < MAX_LENDS && length <= MAX_COPY, "{selector:?} {length}");
        assert!(offset.checked_add(length).is_some(), "{offset} {length}");
    }
}

impl Backend for Hostile {
    fn send(&self, _: TaskId, info: MessageInfo, _: ipc::SendFlags) -> Result<(), Error> {
        assert!(MessageInfo::from_raw(info.raw()) == Some(info) && info.lends() == 0, "{info:?}");
        self.fate()
    }

    fn call(&self, _: TaskId, info: MessageInfo, lends: &mut [Lent<'_>]) -> Result<MessageInfo, Error> {
        assert_eq!(MessageInfo::from_raw(info.raw()), Some(info));
        assert_eq!(info.lends(), lends.len());
        for lend in lends {
            if let Lent::Writable(memory) = lend {
                let data = self.input.some(memory.len());
                memory[..data.len()].copy_from_slice(&data);
            }
        }
        self.fate()?;
        let known = MESSAGES.iter().find(|one| one.number == info.kind());
        let right = MessageInfo::new(info.kind(), known.and_then(|one| one.reply).unwrap_or_default());
        set_payload(&self.input.value::<[u64; abi::PAYLOAD_WORDS]>());
        Ok(MessageInfo::from_raw(right.raw() ^ damage(&self.input)).unwrap_or(right))
    }

    fn reply(&self, _: TaskId, info: MessageInfo) -> Result<(), Error> {
        assert!(MessageInfo::from_raw(info.raw()) == Some(info) && info.lends() == 0, "{info:?}");
        self.fate()
    }

    fn notify(&self, _: TaskId, _: usize) -> Result<(), Error> {
        self.fate()
    }

    fn lend_read(
        &self,
        _: TaskId,
        selector: LendSelector,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<(), Error> {
        self.check(selector, offset, buffer.len());
        let data = self.input.some(buffer.len().min(64));
        buffer[..data.len()].copy_from_slice(&data);
        self.fate()
    }

    fn lend_write(&self, _: TaskId, selector: LendSelector, offset: usize, data: &[u8]) -> Result<(), Error> {
        self.check(selector, offset, data.len());
        self.fate()
    }
}
