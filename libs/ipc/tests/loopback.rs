//! A hand-written server and client, as the interface compiler would generate them, over the loopback kernel: lends,
//! error replies, deferred replies, asynchronous messages.

use abi::TaskIndex;
use ipc::host::{Loopback, install};
use ipc::server::{Events, handle};
use ipc::{Answer, Error, Incoming, MessageInfo, Outbox, Pending, Received, Region, TaskId, stub};
use std::cell::RefCell;
use std::rc::Rc;

const REVERSE: u16 = 40;
const LATER: u16 = 41;
const CHANGED: u16 = 42;
const GREET: u16 = 43;
const STORE: u16 = 44;

fn task(index: usize) -> TaskId {
    TaskId::new(TaskIndex::new(index), 1).unwrap()
}

#[derive(Default)]
struct Server {
    pending: Vec<Pending>,
    outbox: Outbox,
    answer_at_once: bool,
}

impl Events for Server {
    fn outbox(&mut self) -> Option<&mut Outbox> {
        Some(&mut self.outbox)
    }
}

impl Server {
    fn reverse(&mut self, message: &Incoming) -> Result<usize, Error> {
        stub::expect(message, REVERSE, 1, 2, 0b10)?;
        let (input, room) = (message.read_lend(0, stub::get(0)), message.write_lend(1, stub::get(4)));
        let mut data = vec![0; input.len()];
        input.read(0, &mut data)?;
        data.reverse();
        if data.len() > room.len() {
            return Err(Error::TooLarge);
        }
        room.write(0, &data)?;
        stub::put(0, data.len() as u32);
        Ok(1)
    }

    /// Keeps what is lent in foreign memory, and gives it back from there.
    fn store(&mut self, message: &Incoming) -> Result<usize, Error> {
        stub::expect(message, STORE, 1, 2, 0b10)?;
        let (input, room) = (message.read_lend(0, stub::get(0)), message.write_lend(1, stub::get(4)));
        let region = Region::leak(input.len() + 6);
        assert_eq!(input.read_region(1, &region, 7, input.len()), Err(Error::OutOfBounds), "of the region");
        assert_eq!(input.read_region(2, &region, 0, input.len() - 1), Err(Error::OutOfBounds), "of the lend");
        input.read_region(0, &region, 3, input.len())?;
        let mut around = [1; 3];
        region.read(0, &mut around)?;
        assert_eq!(around, [0; 3]);
        room.write_region(0, &region, 3, input.len())?;
        stub::put(0, input.len() as u32);
        Ok(1)
    }

    fn greet(&mut self, message: &Incoming) -> Result<usize, Error> {
        stub::expect(message, GREET, 1, 1, 0)?;
        let mut buffer = [0; 16];
        let name = message.str_lend(0, stub::get(0)).read(&mut buffer)?;
        stub::put(0, name.chars().count() as u64);
        Ok(1)
    }
}

fn dispatch(server: &mut Server, message: &Incoming) -> Answer {
    match message.info.kind() {
        REVERSE => stub::answer(REVERSE, server.reverse(message)),
        GREET => stub::answer(GREET, server.greet(message)),
        STORE => stub::answer(STORE, server.store(message)),
        LATER => {
            let pending = Pending::new(message);
            if server.answer_at_once {
                stub::put(0, 9_u64);
                pending.reply(MessageInfo::new(LATER, 1));
            } else {
                server.pending.push(pending);
            }
            Answer::Nothing
        }
        CHANGED => {
            stub::put(0, 77_u64);
            stub::answer(CHANGED, server.outbox.send(message.sender, CHANGED, 1).map(|()| 0))
        }
        _ => Answer::Unknown,
    }
}

/// As the server loop does it: with the outbox behind the dispatcher.
fn serve(server: &mut Server, message: &Incoming) -> Answer {
    let received = Received { sender: Some(message.sender), info: message.info };
    match handle(server, &dispatch, received) {
        Some((client, info)) => {
            assert_eq!(client, message.sender);
            Answer::Reply(info)
        }
        None => Answer::Nothing,
    }
}

fn reverse(input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
    exchange(REVERSE, input, output)
}

fn exchange(kind: u16, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
    stub::put(0, input.len() as u32);
    stub::put(4, output.len() as u32);
    let capacity = output.len();
    stub::call(task(5), kind, 1, &[stub::Lend::read(input), stub::Lend::write(output)])?;
    stub::checked_length(stub::get(0), capacity)
}

fn greet(name: &[u8]) -> Result<u64, Error> {
    stub::put(0, name.len() as u32);
    stub::call(task(5), GREET, 1, &[stub::Lend::read(name)])?;
    Ok(stub::get(0))
}

fn world() -> (Rc<Loopback>, Rc<RefCell<Server>>) {
    let kernel = Loopback::new();
    let server = Rc::new(RefCell::new(Server::default()));
    kernel.serve(task(5), server.clone(), serve);
    kernel.act_as(task(9));
    (kernel, server)
}

#[test]
fn lends_carry_data_both_ways() {
    let (kernel, _) = world();
    let _installed = install(kernel);
    let mut output = [0; 8];
    assert_eq!(reverse(b"hello", &mut output), Ok(5));
    assert_eq!(&output, b"olleh\0\0\0");
    let input: Vec<u8> = (0..100_000).map(|byte| byte as u8).collect();
    let mut output = vec![0; input.len()];
    assert_eq!(reverse(&input, &mut output), Ok(input.len()), "longer than one copy may be");
    assert!(input.iter().rev().eq(&output));
    assert_eq!(reverse(b"", &mut []), Ok(0));
}

#[test]
fn lends_are_copied_to_and_from_foreign_memory() {
    let (kernel, _) = world();
    let _installed = install(kernel);
    let input: Vec<u8> = (0..100_000).map(|byte| byte as u8).collect();
    let mut output = vec![0; input.len()];
    assert_eq!(exchange(STORE, &input, &mut output), Ok(input.len()), "longer than one copy may be");
    assert!(input == output);
    assert_eq!(exchange(STORE, b"hello", &mut [0; 4]), Err(Error::OutOfBounds), "no room");
}

#[test]
fn an_error_reply_is_an_error() {
    let (kernel, _) = world();
    let _installed = install(kernel);
    assert_eq!(reverse(b"hello", &mut [0; 4]), Err(Error::TooLarge));
    assert_eq!(stub::call(task(5), 99, 0, &[]), Err(Error::NotSupported));
    assert_eq!(stub::call(task(6), REVERSE, 0, &[]), Err(Error::NoTask));
}

#[test]
fn messages_that_are_not_as_the_interface_says_are_refused() {
    let (kernel, _) = world();
    let _installed = install(kernel);
    let mut memory = [0; 4];
    assert_eq!(stub::call(task(5), REVERSE, 1, &[]), Err(Error::BadMessage));
    assert_eq!(
        stub::call(task(5), REVERSE, 1, &[stub::Lend::read(b"x"), stub::Lend::read(&memory)]),
        Err(Error::BadMessage)
    );
    stub::put(0, 100_u32);
    stub::put(4, 4_u32);
    assert_eq!(
        stub::call(task(5), REVERSE, 1, &[stub::Lend::read(b"x"), stub::Lend::write(&mut memory)]),
        Err(Error::OutOfBounds),
        "a length that is not that of the lend"
    );
}

#[test]
fn text_is_checked_by_the_receiver() {
    let (kernel, _) = world();
    let _installed = install(kernel);
    assert_eq!(greet("Résea".as_bytes()), Ok(5));
    assert_eq!(greet(b"a\0b"), Err(Error::BadText));
    assert_eq!(greet(b"\xc3"), Err(Error::BadText));
    assert_eq!(greet(&[b'x'; 17]), Err(Error::TooLarge));
}

#[test]
fn a_call_can_be_answered_through_its_token() {
    let (kernel, server) = world();
    let _installed = install(kernel);
    server.borrow_mut().answer_at_once = true;
    assert_eq!(stub::call(task(5), LATER, 0, &[]), Ok(MessageInfo::new(LATER, 1)));
    assert_eq!(stub::get::<u64>(0), 9);
    server.borrow_mut().answer_at_once = false;
    assert_eq!(
        stub::call(task(5), LATER, 0, &[]),
        Err(Error::TimedOut),
        "kept: in one thread it stays unanswered"
    );
    assert_eq!(server.borrow().pending[0].client(), task(9));
}

#[test]
fn a_dropped_token_aborts_the_call() {
    let kernel = Loopback::new();
    kernel.serve(task(5), Rc::new(RefCell::new(())), |(), message| {
        drop(Pending::new(message));
        Answer::Nothing
    });
    let _installed = install(kernel);
    assert_eq!(stub::call(task(5), LATER, 0, &[]), Err(Error::Aborted));
}

#[test]
fn lends_must_go_through_a_stub() {
    let (kernel, _) = world();
    let _installed = install(kernel);
    let info = MessageInfo::new(REVERSE, 1).with_lends(2, 0b10);
    assert_eq!(ipc::call(task(5), info), Err(Error::InvalidArgument));
}

#[test]
fn asynchronous_messages_are_notified_and_pulled() {
    let (kernel, server) = world();
    let _installed = install(kernel.clone());
    assert_eq!(ipc::pull(task(5)), Err(Error::Empty));
    stub::call(task(5), CHANGED, 0, &[]).unwrap();
    assert_eq!(kernel.take_notifications(task(9)), abi::NOTIFY_ASYNC);
    stub::put(0, 0_u64);
    let message = ipc::pull(task(5)).unwrap();
    assert_eq!((message.sender, message.info), (task(5), MessageInfo::new(CHANGED, 1)));
    assert_eq!(stub::get::<u64>(0), 77);
    assert_eq!(ipc::pull(task(5)), Err(Error::Empty));
    assert!(server.borrow().outbox.is_empty());
}
