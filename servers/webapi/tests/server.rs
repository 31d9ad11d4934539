//! The event loop with a network that sends as little as it likes, and whose clients are slow, many, or gone.

mod support;

use abi::Error;
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use support::{Sample, answers};
use webapi::network::{Interest, Network, Ready};
use webapi::server::{CONNECTIONS_MAX, Server};

const REQUEST: &[u8] = b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n";

/// A connection's two ends.
#[derive(Default)]
struct Wire {
    to_server: Vec<u8>,
    ended: bool,
    to_client: Vec<u8>,
    /// How much the client's end takes.
    room: usize,
    watched: Option<Interest>,
    finished: bool,
    closed: bool,
    /// Calls of the network before the first byte went to the client.
    served_after: usize,
    /// What was not read when the connection was closed: a real one would be reset.
    unread: usize,
}

#[derive(Default)]
struct World {
    wires: BTreeMap<u32, Wire>,
    backlog: VecDeque<u32>,
    told: Vec<Ready<u32>>,
    calls: usize,
    gone: bool,
}

/// The network, as server and test share it.
#[derive(Clone, Default)]
struct Wires(Rc<RefCell<World>>);

struct Socket(u32, Wires);

impl Drop for Socket {
    fn drop(&mut self) {
        let mut world = self.1.0.borrow_mut();
        let wire = world.wires.get_mut(&self.0).expect("it was made");
        wire.closed = true;
        wire.unread = wire.to_server.len();
    }
}

impl World {
    fn check(&mut self) -> Result<(), Error> {
        self.calls += 1;
        if self.gone { Err(Error::Aborted) } else { Ok(()) }
    }

    fn tell(&mut self, id: u32) {
        let Some(wire) = self.wires.get(&id) else { return };
        let is_ready = match wire.watched {
            Some(Interest::Read) => !wire.to_server.is_empty() || wire.ended,
            Some(Interest::Write) => wire.room > 0,
            None => false,
        };
        if is_ready && !wire.closed {
            self.told.push(Ready::Connection(id));
        }
    }
}

impl Network for Wires {
    type Connection = Socket;
    type Id = u32;

    fn accept(&mut self) -> Result<Option<Socket>, Error> {
        let mut world = self.0.borrow_mut();
        world.check()?;
        Ok(world.backlog.pop_front().map(|id| Socket(id, self.clone())))
    }

    fn id(connection: &Socket) -> u32 {
        connection.0
    }

    fn receive(&mut self, Socket(id, _): &Socket, buffer: &mut [u8]) -> Result<Option<usize>, Error> {
        let mut world = self.0.borrow_mut();
        world.check()?;
        let wire = world.wires.get_mut(id).expect("it was made");
        let count = buffer.len().min(wire.to_server.len());
        assert!(!buffer.is_empty());
        if count == 0 && !wire.ended {
            return Ok(None);
        }
        buffer[..count].copy_from_slice(&wire.to_server[..count]);
        wire.to_server.drain(..count);
        // What is left is told again.
        if !wire.to_server.is_empty() || wire.ended {
            world.tell(*id);
        }
        Ok(Some(count))
    }

    fn send(&mut self, Socket(id, _): &Socket, data: &[u8]) -> Result<Option<usize>, Error> {
        let mut world = self.0.borrow_mut();
        world.check()?;
        let calls = world.calls;
        let wire = world.wires.get_mut(id).expect("it was made");
        assert!(!wire.finished && !data.is_empty());
        if wire.to_client.is_empty() {
            wire.served_after = calls;
        }
        let count = wire.room.min(data.len());
        wire.room -= count;
        wire.to_client.extend_from_slice(&data[..count]);
        Ok((count > 0).then_some(count))
    }

    fn finish(&mut self, Socket(id, _): &Socket) -> Result<(), Error> {
        let mut world = self.0.borrow_mut();
        world.check()?;
        world.wires.get_mut(id).expect("it was made").finished = true;
        Ok(())
    }

    fn watch(&mut self, Socket(id, _): &Socket, interest: Interest) -> Result<(), Error> {
        let mut world = self.0.borrow_mut();
        world.check()?;
        world.wires.get_mut(id).expect("it was made").watched = Some(interest);
        world.tell(*id);
        Ok(())
    }

    fn ready(&mut self, sockets: &mut Vec<Ready<u32>>) -> Result<(), Error> {
        let mut world = self.0.borrow_mut();
        world.check()?;
        sockets.append(&mut world.told);
        Ok(())
    }
}

/// The server, and its clients.
struct Test {
    wires: Wires,
    server: Server<Wires, Sample>,
    next: u32,
}

impl Test {
    fn new() -> Self {
        let wires = Wires::default();
        Self { server: Server::new(wires.clone(), Sample::default()), wires, next: 0 }
    }

    fn connect(&mut self) -> u32 {
        self.next += 1;
        let mut world = self.wires.0.borrow_mut();
        world.wires.insert(self.next, Wire { room: usize::MAX, ..Wire::default() });
        world.backlog.push_back(self.next);
        world.told.push(Ready::Listener);
        self.next
    }

    fn wire<T>(&self, id: u32, look: impl FnOnce(&mut Wire) -> T) -> T {
        let mut world = self.wires.0.borrow_mut();
        let result = look(world.wires.get_mut(&id).unwrap());
        world.tell(id);
        result
    }

    fn send(&mut self, id: u32, bytes: &[u8]) {
        self.wire(id, |wire| wire.to_server.extend_from_slice(bytes));
        self.server.ready().unwrap();
    }

    fn ticks(&mut self, count: usize) {
        for _ in 0..count {
            self.server.tick().unwrap();
            self.server.ready().unwrap();
        }
    }

    fn is_closed(&self, id: u32) -> bool {
        self.wire(id, |wire| wire.closed)
    }

    fn calls(&self) -> usize {
        std::mem::take(&mut self.wires.0.borrow_mut().calls)
    }
}

#[test]
fn a_request_costs_as_much_with_many_connections_as_with_one() {
    let mut test = Test::new();
    let cost = |test: &mut Test, id| {
        test.calls();
        test.send(id, REQUEST);
        test.calls()
    };
    let first = test.connect();
    test.send(first, REQUEST);
    let alone = cost(&mut test, first);
    for _ in 1..CONNECTIONS_MAX {
        let id = test.connect();
        test.send(id, b"GET");
    }
    assert_eq!(cost(&mut test, first), alone);
    assert!(alone <= 5, "{alone} calls: ready, receive, send, receive, ready");
    assert_eq!(answers(&test.wire(first, |wire| wire.to_client.clone())).len(), 3);
}

#[test]
fn short_connections_cost_little_and_leave_nothing() {
    let mut test = Test::new();
    for _ in 0..1000 {
        let id = test.connect();
        test.wire(id, |wire| wire.to_server.extend_from_slice(b"GET /small HTTP/1.0\r\n\r\n"));
        test.calls();
        test.server.ready().unwrap();
        // Ready, accept, receive, send; accept, ready to see that there is no more.
        assert!(test.calls() <= 6);
        assert!(test.is_closed(id));
    }
    assert_eq!(test.server.connections(), 0);
    assert!(!test.server.needs_ticks(), "an idle server is idle");
}

#[test]
fn more_connections_than_places_wait_and_are_served() {
    let mut test = Test::new();
    let clients: Vec<u32> = (0..3 * CONNECTIONS_MAX).map(|_| test.connect()).collect();
    test.server.ready().unwrap();
    assert_eq!(test.server.connections(), CONNECTIONS_MAX);
    // Those that have a place do nothing: they lose it to those that wait.
    for id in &clients[CONNECTIONS_MAX..] {
        test.wire(*id, |wire| wire.to_server.extend_from_slice(b"GET /small HTTP/1.0\r\n\r\n"));
    }
    test.ticks(3);
    for id in &clients[CONNECTIONS_MAX..] {
        assert!(test.wire(*id, |wire| wire.to_client.starts_with(b"HTTP/1.1 200")), "{id}");
    }
}

#[test]
fn slow_clients_are_told_and_closed() {
    let mut test = Test::new();
    let (idle, slow, deaf) = (test.connect(), test.connect(), test.connect());
    test.wire(deaf, |wire| wire.room = 10);
    test.send(deaf, REQUEST);
    // One byte a second is too slow: the whole request must be there in time.
    for byte in b"GET /small " {
        assert!(!test.is_closed(slow));
        test.send(slow, &[*byte]);
        test.ticks(1);
    }
    test.ticks(1);
    assert!(test.wire(slow, |wire| wire.to_client.starts_with(b"HTTP/1.1 408")));
    assert!(test.wire(slow, |wire| wire.finished && !wire.closed), "it has time to read that");
    test.ticks(3);
    assert!(test.is_closed(slow) && !test.is_closed(idle) && !test.is_closed(deaf));
    test.ticks(20);
    assert!(test.is_closed(idle) && test.is_closed(deaf));
    assert_eq!(test.wire(idle, |wire| wire.to_client.len()), 0, "nothing to say to who has asked nothing");
    assert!(!test.server.needs_ticks());
}

#[test]
fn a_busy_client_is_not_idle() {
    let mut test = Test::new();
    let id = test.connect();
    for _ in 0..100 {
        test.send(id, REQUEST);
        test.ticks(20);
    }
    assert!(!test.is_closed(id));
    test.ticks(11);
    assert!(test.is_closed(id));
}

#[test]
fn nothing_is_closed_with_something_unread() {
    let mut test = Test::new();
    let id = test.connect();
    let body = [b'x'; 100_000];
    test.send(id, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    for part in body.chunks(7000) {
        test.send(id, part);
    }
    assert!(
        test.wire(id, |wire| wire.to_client.starts_with(b"HTTP/1.1 413") && wire.finished && !wire.closed)
    );
    test.wire(id, |wire| wire.ended = true);
    test.server.ready().unwrap();
    assert!(test.wire(id, |wire| wire.closed && wire.unread == 0));
}

#[test]
fn one_that_never_stops_lets_others_have_their_turn() {
    let mut test = Test::new();
    let (greedy, other) = (test.connect(), test.connect());
    test.server.ready().unwrap();
    test.wire(greedy, |wire| wire.to_server = REQUEST.repeat(900));
    test.wire(greedy, |wire| wire.to_server.extend_from_slice(&[b'x'; 3_000_000]));
    test.wire(other, |wire| wire.to_server.extend_from_slice(REQUEST));
    test.server.ready().unwrap();
    assert_eq!(answers(&test.wire(other, |wire| wire.to_client.clone())).len(), 1);
    let (served_after, all) = (test.wire(other, |wire| wire.served_after), test.calls());
    assert!(served_after + 30 < all, "after {served_after} calls of {all}");
    let replies = answers(&test.wire(greedy, |wire| wire.to_client.clone()));
    assert_eq!((replies.len(), replies[900].status), (901, 414));
}

#[test]
fn the_end_of_the_network_is_an_error_wherever_it_comes() {
    let mut test = Test::new();
    let id = test.connect();
    test.send(id, REQUEST);
    test.wire(id, |wire| wire.to_server.extend_from_slice(REQUEST));
    test.wires.0.borrow_mut().gone = true;
    assert_eq!(test.server.ready(), Err(Error::Aborted));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Every request is answered, once and in order, however little room there is and in whatever parts it comes.
    #[test]
    fn all_requests_are_answered(
        steps in proptest::collection::vec((0_usize..6, 1_usize..80, 0_usize..3000), 1..120),
    ) {
        let mut test = Test::new();
        let clients: Vec<u32> = (0..6).map(|_| test.connect()).collect();
        let request = b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut sent = [0_usize; 6];
        for (client, count, room) in steps {
            let id = clients[client];
            let bytes: Vec<u8> = request.iter().cycle().skip(sent[client] % request.len()).take(count).copied().collect();
            sent[client] += count;
            test.wire(id, |wire| wire.room = room);
            test.send(id, &bytes);
        }
        for (id, sent) in clients.iter().zip(sent) {
            test.wire(*id, |wire| wire.room = usize::MAX);
            test.server.ready().unwrap();
            let replies = answers(&test.wire(*id, |wire| wire.to_client.clone()));
            prop_assert_eq!(replies.len(), sent / request.len());
            prop_assert!(replies.iter().all(|reply| reply.content == support::long()));
        }
    }
}
