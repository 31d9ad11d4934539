//! The page on the host, with a made-up system: `cargo run -p webapi --example preview`, to work on the page without
//! booting. The server is the real one; only the sockets are the host's.

#[path = "../tests/model/mod.rs"]
mod model;

use model::Model;
use resea::Error;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};
use webapi::api::Hidden;
use webapi::network::{Interest, Network, Ready};
use webapi::server::Server;
use webapi::site::{Site, Token};
use webapi::system::System;

/// How often sockets are looked at.
const PAUSE: Duration = Duration::from_millis(2);

struct Host {
    listener: TcpListener,
    watched: HashMap<u64, Weak<TcpStream>>,
    next: u64,
    told: bool,
}

fn unless_waiting<T>(result: io::Result<T>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(_) => Err(Error::Reset),
    }
}

impl Network for Host {
    type Connection = (u64, Rc<TcpStream>);
    type Id = u64;

    fn accept(&mut self) -> Result<Option<Self::Connection>, Error> {
        let accepted = unless_waiting(self.listener.accept())?;
        Ok(accepted.map(|(stream, _)| {
            stream.set_nonblocking(true).expect("any socket can be");
            self.next += 1;
            (self.next, Rc::new(stream))
        }))
    }

    fn id((id, _): &Self::Connection) -> u64 {
        *id
    }

    fn receive(&mut self, (_, stream): &Self::Connection, buffer: &mut [u8]) -> Result<Option<usize>, Error> {
        unless_waiting((&mut &**stream).read(buffer))
    }

    fn send(&mut self, (_, stream): &Self::Connection, data: &[u8]) -> Result<Option<usize>, Error> {
        unless_waiting((&mut &**stream).write(data))
    }

    fn finish(&mut self, (_, stream): &Self::Connection) -> Result<(), Error> {
        stream.shutdown(Shutdown::Write).or(Err(Error::NotConnected))
    }

    fn watch(&mut self, (id, stream): &Self::Connection, _: Interest) -> Result<(), Error> {
        self.watched.insert(*id, Rc::downgrade(stream));
        Ok(())
    }

    fn ready(&mut self, sockets: &mut Vec<Ready<u64>>) -> Result<(), Error> {
        // All may be ready; those that are not say so.
        self.told = !self.told;
        if self.told {
            self.watched.retain(|_, stream| stream.strong_count() > 0);
            sockets.push(Ready::Listener);
            sockets.extend(self.watched.keys().map(|id| Ready::Connection(*id)));
        }
        Ok(())
    }
}

/// The model, moved by the host's clock.
#[derive(Clone)]
struct Living(Rc<RefCell<Model>>);

macro_rules! forward {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $name(&mut self, $($argument: $type),*) -> $result { self.0.borrow_mut().$name($($argument),*) })*
    };
}

impl System for Living {
    forward! {
        clock() -> u64;
        task(place: usize) -> Result<abi::TaskInfo, Error>;
        messages(receiver: usize, counts: &mut [u32; abi::COUNTED_TASKS]) -> Result<(), Error>;
        memory() -> Result<interfaces::vm::MemoryReply, Error>;
        log(position: usize, buffer: &mut [u8]) -> Result<(usize, usize), Error>;
        device(index: u32, tell: &mut dyn FnMut(&interfaces::dm::ListResult<'_>)) -> Result<(), Error>;
        restart(device: &str) -> Result<(), Error>;
        interface(index: u32, tell: &mut dyn FnMut(&interfaces::tcpip::InterfaceResult<'_>)) -> Result<(), Error>;
        address(interface: u32, index: u32) -> Result<interfaces::tcpip::AddressReply, Error>;
        socket(from: u32) -> Result<interfaces::tcpip::SocketReply, Error>;
        statistics() -> Result<interfaces::tcpip::StatisticsReply, Error>;
    }

    fn task_name<'a>(&mut self, task: abi::TaskId, name: &'a mut [u8]) -> Result<&'a str, Error> {
        self.0.borrow_mut().task_name(task, name)
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8081);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    listener.set_nonblocking(true)?;
    let token = Token::new([0x42; 16]);
    println!("http://localhost:{port}/#token={}", token.text());
    let (start, mut ticked) = (Instant::now(), Instant::now());
    let model = Rc::new(RefCell::new(Model::default()));
    model.borrow_mut().log = b"vm: build 0e44133c\n\nResea 0.1.0, ready 53.2 ms after its start.\n\
        `help` lists the commands, `q` halts the machine.\n\ndm: net0: virtio_net works\n\
        tcpip: net0: 10.0.2.15/24, gateway 10.0.2.2\nwebapi: listening on port 80\n\x1b[1mresea> \x1b[0mps\n"
        .to_vec();
    let network = Host { listener, watched: HashMap::new(), next: 0, told: false };
    let mut server = Server::new(network, Site::new(Living(model.clone()), Some(token), Hidden::default()));
    loop {
        let now = start.elapsed().as_nanos() as u64 + 3_661_000_000_000;
        let mut living = model.borrow_mut();
        if now / 4_000_000_000 != living.now / 4_000_000_000 {
            living
                .log
                .extend_from_slice(format!("sleep: {} s have passed\n", now / 1_000_000_000).as_bytes());
        }
        living.now = now;
        drop(living);
        server.ready().expect("the host's sockets stay");
        if ticked.elapsed() >= Duration::from_secs(1) {
            ticked = Instant::now();
            server.tick().expect("the host's sockets stay");
        }
        std::thread::sleep(PAUSE);
    }
}
