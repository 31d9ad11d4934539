//! The generated code of the sample, compiled and run: what a client passes reaches the server, and the other way
//! round, over a kernel emulation in this process.

/// The golden output itself, so that what is compared is also what is compiled.
#[allow(dead_code, reason = "a crate has all of it public; here some is not used")]
mod generated {
    include!("../sample/sample.rs");
}

mod echo;

use echo::Echo;
use generated::sample::{self, Client, Colour, Receiver};
use generated::shapes;
use ipc::host::{Loopback, install};
use ipc::{Answer, Error, Handle, Incoming, MessageInfo, TaskId, TaskIndex};
use std::cell::RefCell;
use std::rc::Rc;

fn task(index: usize) -> TaskId {
    TaskId::new(TaskIndex::new(index), 3).unwrap()
}

/// Runs the test with a client of an [`Echo`].
fn with_echo(test: impl FnOnce(Client, &RefCell<Echo>, &Loopback)) {
    let (kernel, server) = (Loopback::new(), Rc::new(RefCell::new(Echo::default())));
    kernel.serve(task(5), server.clone(), |server: &mut Echo, message: &Incoming| {
        if message.info.kind() == ipc::kind::ASYNC_PULL {
            return Answer::Reply(server.outbox.answer(message.sender));
        }
        sample::dispatch(server, message)
    });
    let _installed = install(kernel.clone());
    test(Client::new(task(5)), &server, &kernel);
}

#[test]
fn calls_reach_the_server_and_replies_come_back() {
    with_echo(|client, server, _| {
        assert_eq!(client.task(), task(5));
        assert_eq!(client.ping(), Ok(()));
        assert_eq!(server.borrow().pinged, 1);
        assert_eq!(client.add(-2, 1 << 40), Ok((1 << 40) - 2));
        assert_eq!(client.add(1, i64::MAX), Err(Error::InvalidArgument));
        assert_eq!(client.poke(9), Ok(()));
        assert_eq!(client.parent(task(7)), Ok(task(7)));
        assert_eq!(client.mixed_colour(Colour::DarkGreen), Ok(Colour::DarkGreen));
        assert_eq!((client.is_even(4), client.is_even(5)), (Ok(true), Ok(false)));
        assert_eq!(server.borrow().poked, [9]);
    });
}

#[test]
fn every_scalar_survives() {
    with_echo(|client, _, _| {
        for (bit, c, letter) in [(false, i8::MIN, '\0'), (true, i8::MAX, char::MAX)] {
            let (handle, kind) = (Handle::from_raw(u32::MAX), shapes::Kind::FreeForm);
            let reply = client
                .scalars(
                    bit,
                    letter,
                    c,
                    -2,
                    -3,
                    i64::MIN,
                    255,
                    65535,
                    u32::MAX,
                    u64::MAX,
                    -1,
                    1,
                    usize::MAX,
                    2,
                    3,
                    4,
                    task(6),
                    handle,
                    0x80,
                    Colour::DarkGreen,
                    kind,
                )
                .unwrap();
            assert_eq!((reply.a, reply.b, reply.c, reply.d, reply.e), (bit, letter, c, -2, -3));
            assert_eq!((reply.f, reply.g, reply.h, reply.i), (i64::MIN, 255, 65535, u32::MAX));
            assert_eq!((reply.j, reply.k, reply.l, reply.m), (u64::MAX, -1, 1, usize::MAX));
            assert_eq!((reply.n, reply.o, reply.p, reply.q, reply.r), (2, 3, 4, task(6), handle));
            assert_eq!((reply.s, reply.t, reply.u), (0x80, Colour::DarkGreen, kind));
        }
    });
}

#[test]
fn arrays_survive() {
    with_echo(|client, _, _| {
        let reply = client.arrays(
            [1, 2, 3, 4, 5, 6],
            [1, 2, 3, u64::MAX],
            [true, false, true],
            ['a', 'é'],
            [task(1), task(2)],
            [0, usize::MAX],
            [Colour::Red, Colour::DarkGreen],
            [shapes::Kind::Round],
            [Handle::from_raw(1), Handle::from_raw(2)],
        );
        let reply = reply.unwrap();
        assert_eq!((reply.mac, reply.words), ([1, 2, 3, 4, 5, 6], [1, 2, 3, u64::MAX]));
        assert_eq!((reply.flags, reply.letters), ([true, false, true], ['a', 'é']));
        assert_eq!((reply.tasks, reply.sizes), ([task(1), task(2)], [0, usize::MAX]));
        assert_eq!((reply.colours, reply.kinds), ([Colour::Red, Colour::DarkGreen], [shapes::Kind::Round]));
        assert_eq!(reply.handles, [Handle::from_raw(1), Handle::from_raw(2)]);
    });
}

#[test]
fn text_and_bytes_are_lent() {
    with_echo(|client, server, _| {
        let (mut text, mut data) = ([0; 16], [0; 4]);
        assert_eq!(client.shout("héllo", &mut text), Ok("HÉLLO"));
        assert_eq!(client.shout("", &mut []), Ok(""));
        assert_eq!(client.shout("a\0b", &mut text), Err(Error::BadText));
        assert_eq!(client.shout("longer than sixteen bytes", &mut text), Err(Error::TooLarge));
        assert_eq!(client.shout("four", &mut text[..3]), Err(Error::OutOfBounds));
        assert_eq!(client.copy(&[1, 2, 3], &mut data), Ok(3));
        assert_eq!(data, [1, 2, 3, 0]);
        assert_eq!(client.length("abc", &[0; 1000]), Ok(1003));
        let reply = client.mixed(true, "x", &[5], &mut text, &mut data).unwrap();
        assert_eq!((reply.count, reply.title, reply.content, reply.last), (1, "X", 1, 77));
        server.borrow_mut().lies = true;
        assert_eq!(
            client.shout("four", &mut text[..4]),
            Err(Error::TooLarge),
            "the stub checks the server's reply"
        );
    });
}

#[test]
fn deferred_calls_are_answered_through_their_token() {
    with_echo(|client, _, _| {
        assert_eq!(client.wait(40, "ab"), Ok(42));
        assert_eq!(client.wait(40, "more than eight"), Err(Error::TooLarge));
        let mut data = [0; 3];
        let reply = client.wait_for_data(2, &mut data).unwrap();
        assert_eq!((reply.data, reply.more, data), (2, true, [7, 7, 0]));
        assert_eq!(client.wait_for_data(4, &mut data), Err(Error::TooLarge));
        assert_eq!(client.forgotten(), Err(Error::Aborted));
        assert_eq!(client.r#match(1, 2, [false, true]), Ok(4));
        assert_eq!(client.r#type(8, 2, 3, 4, true), Ok(sample::TypeReply { reply: 8, r#fn: true }));
    });
}

#[test]
fn asynchronous_messages_are_pulled() {
    #[derive(Default)]
    struct Heard(Vec<String>);
    impl Receiver for Heard {
        fn changed(&mut self, sender: TaskId, handle: Handle, colour: Colour) {
            self.0.push(format!("changed {handle} {colour:?} by {sender}"));
        }
        fn stopped(&mut self, _: TaskId) {
            self.0.push("stopped".into());
        }
        fn r#impl(&mut self, _: TaskId, outbox: u8, to: u16) {
            self.0.push(format!("impl {outbox} {to}"));
        }
    }
    with_echo(|client, server, kernel| {
        let own = ipc::host::first_task();
        {
            let outbox = &mut server.borrow_mut().outbox;
            assert_eq!(sample::changed(outbox, own, Handle::from_raw(4), Colour::Red), Ok(()));
            assert_eq!(sample::stopped(outbox, own), Ok(()));
            assert_eq!(sample::r#impl(outbox, own, 1, 2), Ok(()));
        }
        assert_ne!(kernel.take_notifications(own), 0);
        let mut heard = Heard::default();
        while let Ok(message) = ipc::pull(client.task()) {
            assert_eq!(sample::receive(&mut heard, &message), Answer::Nothing);
        }
        assert_eq!(heard.0, ["changed 4 Red by 5.3", "stopped", "impl 1 2"]);
    });
}

/// Sends words that no generated client would.
fn raw(kind: u16, words: &[u64]) -> Result<MessageInfo, Error> {
    ipc::host::set_payload(words);
    ipc::stub::call(task(5), kind, words.len(), &[])
}

#[test]
fn malformed_messages_are_refused() {
    with_echo(|client, server, _| {
        use sample::message::{ADD, COPY, PING, POKE, TYPE};
        let bad = Err(Error::BadMessage);
        assert_eq!(raw(PING, &[0]).map(drop), bad, "too long");
        assert_eq!(raw(ADD, &[0]).map(drop), bad, "too short");
        assert_eq!(raw(COPY, &[0]).map(drop), bad, "no lends");
        assert_eq!(raw(TYPE, &[0, 0, 2]).map(drop), bad, "a bool of 2");
        assert_eq!(raw(5000, &[]).map(drop), Err(Error::NotSupported));
        let lends = [ipc::stub::Lend::read(&[1]), ipc::stub::Lend::read(&[2])];
        let not_writable = ipc::stub::call(task(5), COPY, 1, &lends);
        assert_eq!(not_writable.map(drop), bad);
        let message = Incoming { sender: task(1), info: MessageInfo::new(POKE, 2) };
        assert_eq!(sample::dispatch(&mut *server.borrow_mut(), &message), Answer::Nothing);
        let error = Incoming { sender: task(1), info: MessageInfo::error(Error::Aborted) };
        assert_eq!(sample::dispatch(&mut *server.borrow_mut(), &error), Answer::Unknown);
        assert_eq!(
            (server.borrow().pinged, server.borrow().poked.len()),
            (0, 0),
            "nothing reached the server"
        );
        assert_eq!(client.ping(), Ok(()), "and it goes on");
    });
}

#[test]
fn values_out_of_range_are_refused() {
    with_echo(|client, _, _| {
        // The request of `scalars` as its client makes it, then with each checked value spoilt.
        let fill = || {
            let (handle, kind) = (Handle::from_raw(1), shapes::Kind::Round);
            let reply = client.scalars(
                true,
                'a',
                1,
                1,
                1,
                1,
                1,
                1,
                1,
                1,
                1,
                1,
                1,
                1,
                1,
                1,
                task(1),
                handle,
                1,
                Colour::Red,
                kind,
            );
            reply.unwrap();
            ipc::host::payload() // the reply has the layout of the request
        };
        let good = fill();
        let words = 13;
        assert!(raw(sample::message::SCALARS, &good[..words]).is_ok());
        // Byte offsets: bool 0, char 4, task, colour and kind as the reference says.
        for (offset, value) in [(0, 2_u32), (4, 0xd800), (80, 0), (92, 3), (96, 0)] {
            let mut spoilt = good;
            let word = &mut spoilt[offset / 8];
            let shift = offset % 8 * 8;
            *word = *word & !(0xffff_ffff << shift) | u64::from(value) << shift;
            let result = raw(sample::message::SCALARS, &spoilt[..words]);
            assert_eq!(result.map(drop), Err(Error::BadMessage), "byte {offset}");
        }
    });
}

#[test]
fn replies_out_of_range_are_refused() {
    let kernel = Loopback::new();
    kernel.serve(task(5), Rc::new(RefCell::new(())), |(), message: &Incoming| {
        ipc::host::set_payload(&[0xffff_ffff_ffff_ffff; 30]);
        Answer::Reply(MessageInfo::new(message.info.kind(), 1))
    });
    let _installed = install(kernel.clone());
    let client = Client::new(task(5));
    assert_eq!(client.ping(), Ok(()), "nothing is read from a reply without values");
    assert_eq!(client.copy(&[], &mut [0; 8]), Err(Error::BadMessage), "longer than the buffer");
    assert_eq!(client.shout("", &mut [0; 8]), Err(Error::BadMessage));
    assert_eq!(client.r#type(0, 0, 0, 0, false), Err(Error::BadMessage), "a bool of 255");
    assert_eq!(client.mixed(true, "", &[], &mut [], &mut []).map(drop), Err(Error::BadMessage), "too short");
}

#[test]
fn gaps_are_zero() {
    let seen = Rc::new(RefCell::new([0_u64; 2]));
    let kernel = Loopback::new();
    kernel.serve(task(5), seen.clone(), |seen: &mut [u64; 2], message: &Incoming| {
        *seen = [ipc::payload_word(0), ipc::payload_word(1)];
        Answer::reply(message.info.kind(), 1)
    });
    let _installed = install(kernel.clone());
    ipc::host::set_payload(&[u64::MAX; 30]);
    let _ = Client::new(task(5)).add(1, 2);
    assert_eq!(*seen.borrow(), [1, 2]);
}

#[test]
fn constants_and_enums_have_their_values() {
    assert_eq!((sample::NAME, sample::LIMIT, sample::MINUS, sample::YES), ("sample", 1000, -128, true));
    assert_eq!((sample::LETTER, sample::GREETING), ('é', "hello \"world\"\n"));
    assert_eq!((sample::GREATEST, shapes::SIDES), (u64::MAX, 4));
    assert_eq!(u32::from(shapes::Kind::Square), 16);
    assert_eq!(shapes::Kind::try_from(4_294_967_295), Ok(shapes::Kind::FreeForm));
    assert_eq!(Colour::try_from(0), Err(Error::BadMessage));
}
