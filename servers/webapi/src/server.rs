//! The event loop's body: moves bytes between the sockets and the connections' states, and watches the clock.
//!
//! One request costs the same however many connections there are. Time is counted in ticks of a second, which come only
//! while there are connections.

use crate::http::{Connection, HEAD_MAX, Output, Service, Stage};
use crate::network::{Interest, Network, Ready};
use abi::Error;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

/// Most connections at once. More wait in the listener's queue.
pub const CONNECTIONS_MAX: usize = 200;

/// Receptions of one connection, and new connections, before others have their turn.
const ROUNDS: usize = 16;

/// Ticks that a connection may spend in a stage; while all places are taken, idle ones are closed at the next tick.
const fn limit(stage: Stage, is_full: bool) -> u64 {
    match stage {
        Stage::Idle if is_full => 0,
        Stage::Idle | Stage::Sending => 30,
        Stage::Receiving => 10,
        Stage::Lingering | Stage::Over => 2,
    }
}

/// The server of a site.
pub struct Server<N: Network, S: Service> {
    network: N,
    service: S,
    connections: BTreeMap<N::Id, Place<N, S>>,
    /// Not all that waits has been accepted.
    more_wait: bool,
    now: u64,
    out: Output,
    buffer: Vec<u8>,
    ready: Vec<Ready<N::Id>>,
}

/// A connection and its socket.
struct Place<N: Network, S: Service> {
    socket: N::Connection,
    connection: Connection<S>,
    watched: Option<Interest>,
    finished: bool,
    /// What it is doing, since when, in which request.
    stage: Stage,
    since: u64,
    requests: u32,
}

/// Whether a connection goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Wait,
    Close,
}

/// An error that ends the server; others end one connection.
const fn is_fatal(error: Error) -> bool {
    matches!(error, Error::NoTask | Error::Aborted)
}

impl<N: Network, S: Service> Server<N, S> {
    /// A server without connections.
    pub fn new(network: N, service: S) -> Self {
        Self {
            network,
            service,
            connections: BTreeMap::new(),
            more_wait: false,
            now: 0,
            out: Output::default(),
            buffer: vec![0; HEAD_MAX],
            ready: Vec::new(),
        }
    }

    /// What is served.
    pub fn into_service(self) -> S {
        self.service
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Whether time matters: [`Server::tick`] is to be called in a second.
    pub fn needs_ticks(&self) -> bool {
        self.more_wait || !self.connections.is_empty()
    }

    /// Handles what has become ready.
    ///
    /// Errors: those after which all sockets are gone.
    pub fn ready(&mut self) -> Result<(), Error> {
        let mut sockets = core::mem::take(&mut self.ready);
        loop {
            sockets.clear();
            self.network.ready(&mut sockets)?;
            let is_quiet = sockets.is_empty();
            for socket in sockets.drain(..) {
                match socket {
                    Ready::Listener => self.more_wait = true,
                    Ready::Connection(id) => self.handle(id)?,
                }
            }
            let has_new = self.more_wait && self.accept()?;
            if is_quiet && !has_new {
                self.ready = sockets;
                return Ok(());
            }
        }
    }

    /// A second has passed.
    ///
    /// Errors: as [`Server::ready`].
    pub fn tick(&mut self) -> Result<(), Error> {
        self.now += 1;
        let is_full = self.connections.len() >= CONNECTIONS_MAX;
        let is_late = |place: &Place<N, S>| self.now - place.since > limit(place.connection.stage(), is_full);
        let late = self.connections.iter().filter(|(_, place)| is_late(place));
        for id in late.map(|(id, _)| *id).collect::<Vec<_>>() {
            if let Some(place) = self.connections.get_mut(&id) {
                self.out.bytes.clear();
                place.connection.time_out(&mut self.out);
                place.connection.unsent(&self.out.bytes);
            }
            self.handle(id)?;
        }
        self.ready()
    }

    /// Accepts some of the connections that wait; whether there were any, and places for them.
    fn accept(&mut self) -> Result<bool, Error> {
        for accepted in 0..ROUNDS {
            if self.connections.len() >= CONNECTIONS_MAX {
                return Ok(accepted > 0);
            }
            match self.network.accept() {
                Ok(Some(socket)) => {
                    let id = N::id(&socket);
                    self.connections.insert(id, Place::new(socket, self.now));
                    self.handle(id)?;
                }
                Ok(None) => {
                    self.more_wait = false;
                    return Ok(accepted > 0);
                }
                Err(error) if is_fatal(error) => return Err(error),
                // No sockets are left: later, when some are closed.
                Err(_) => return Ok(accepted > 0),
            }
        }
        Ok(true)
    }

    /// Goes on with a connection as far as possible. One that is no more is nothing: it may have been told before.
    fn handle(&mut self, id: N::Id) -> Result<(), Error> {
        let Some(place) = self.connections.get_mut(&id) else { return Ok(()) };
        match place.proceed(&mut self.network, &mut self.service, &mut self.out, &mut self.buffer) {
            Ok(Next::Wait) => place.note(self.now),
            Err(error) if is_fatal(error) => return Err(error),
            Ok(Next::Close) | Err(_) => drop(self.connections.remove(&id)),
        }
        Ok(())
    }
}

impl<N: Network, S: Service> Place<N, S> {
    const fn new(socket: N::Connection, now: u64) -> Self {
        Self {
            socket,
            connection: Connection::new(),
            watched: None,
            finished: false,
            stage: Stage::Idle,
            since: now,
            requests: 0,
        }
    }

    /// Sends and receives until it would have to wait.
    fn proceed(
        &mut self,
        network: &mut N,
        service: &mut S,
        out: &mut Output,
        buffer: &mut [u8],
    ) -> Result<Next, Error> {
        out.bytes.clear();
        let mut rounds = 0;
        loop {
            self.connection.proceed(service, out);
            if !out.bytes.is_empty() {
                let sent = network.send(&self.socket, &out.bytes)?.unwrap_or(0);
                self.connection.unsent(out.bytes.get(sent..).unwrap_or_default());
                if sent < out.bytes.len() {
                    return self.wait(Interest::Write, network);
                }
                out.bytes.clear();
                continue;
            }
            match self.connection.stage() {
                Stage::Over => return Ok(Next::Close),
                Stage::Lingering if !self.finished => {
                    network.finish(&self.socket)?;
                    self.finished = true;
                }
                _ => {}
            }
            let room = self.connection.room().min(buffer.len());
            let room = match buffer.get_mut(..room) {
                // Others have their turn; what is left is told again.
                Some([_, ..]) if rounds == ROUNDS => return self.wait(Interest::Read, network),
                Some(room @ [_, ..]) => room,
                // It takes nothing and has nothing to say.
                _ => return Ok(Next::Close),
            };
            rounds += 1;
            match network.receive(&self.socket, room)? {
                None => return self.wait(Interest::Read, network),
                Some(0) => self.connection.ended(),
                Some(count) => {
                    self.connection.received(room.get(..count).unwrap_or_default(), service, out);
                }
            }
        }
    }

    fn wait(&mut self, interest: Interest, network: &mut N) -> Result<Next, Error> {
        if self.watched != Some(interest) {
            network.watch(&self.socket, interest)?;
            self.watched = Some(interest);
        }
        Ok(Next::Wait)
    }

    /// Notes since when it is doing what it does.
    const fn note(&mut self, now: u64) {
        let (stage, requests) = (self.connection.stage(), self.connection.requests());
        if stage as u8 != self.stage as u8 || requests != self.requests {
            self.stage = stage;
            self.requests = requests;
            self.since = now;
        }
    }
}
