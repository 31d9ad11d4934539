//! Calls of clients that may have to wait, and trying whether they still have to.

use crate::address::{from_ip, to_ip};
use crate::stack::Stack;
use interfaces::tcpip::{AcceptCall, ConnectCall, ReceiveCall, ReceiveFromCall, SendCall, SendToCall};
use ipc::{Error, TaskId};

/// A call.
pub enum Waiting {
    /// For a connection to be made.
    Connect(ConnectCall),
    /// For one to accept.
    Accept(AcceptCall),
    /// For data.
    Receive(ReceiveCall),
    /// For room.
    Send(SendCall),
    /// For a datagram.
    ReceiveFrom(ReceiveFromCall),
    /// For room for a datagram.
    SendTo(SendToCall),
}

/// What trying a call has led to.
pub enum Outcome {
    /// It has to wait.
    Blocked(Waiting),
    /// It was answered.
    Done,
    /// It sent less than it wanted to.
    Short,
    /// It has found this connection, which has to be given to the client.
    Accepted(AcceptCall, u16),
    /// The connection is made.
    Connected(ConnectCall),
    /// It could not be made.
    Failed(ConnectCall, Error),
}

impl Waiting {
    /// Whose call it is.
    pub fn sender(&self) -> TaskId {
        match self {
            Self::Connect(call) => call.sender(),
            Self::Accept(call) => call.sender(),
            Self::Receive(call) => call.sender(),
            Self::Send(call) => call.sender(),
            Self::ReceiveFrom(call) => call.sender(),
            Self::SendTo(call) => call.sender(),
        }
    }

    /// Whether the client wants to wait.
    pub fn may_wait(&self) -> bool {
        match self {
            Self::Connect(call) => call.wait,
            Self::Accept(call) => call.wait,
            Self::Receive(call) => call.wait,
            Self::Send(call) => call.wait,
            Self::ReceiveFrom(call) => call.wait,
            Self::SendTo(call) => call.wait,
        }
    }

    /// Answers with an error.
    pub fn fail(self, error: Error) {
        match self {
            Self::Connect(call) => call.fail(error),
            Self::Accept(call) => call.fail(error),
            Self::Receive(call) => call.fail(error),
            Self::Send(call) => call.fail(error),
            Self::ReceiveFrom(call) => call.fail(error),
            Self::SendTo(call) => call.fail(error),
        }
    }

    /// Does what the call asks for with the socket in `place`, if it need not wait.
    pub fn attempt(self, stack: &mut Stack, place: u16) -> Outcome {
        match self {
            Self::Connect(call) => match stack.is_opening(place) {
                Ok(true) => Outcome::Blocked(Self::Connect(call)),
                Ok(false) => Outcome::Connected(call),
                Err(error) => Outcome::Failed(call, error),
            },
            Self::Accept(call) => match stack.accept(place) {
                Ok(Some(connection)) => Outcome::Accepted(call, connection),
                Ok(None) => Outcome::Blocked(Self::Accept(call)),
                Err(error) => fail(error, |error| call.fail(error)),
            },
            Self::Receive(call) => receive(call, stack, place),
            Self::Send(call) => send(call, stack, place),
            Self::ReceiveFrom(call) => receive_from(call, stack, place),
            Self::SendTo(call) => send_to(call, stack, place),
        }
    }
}

fn fail(error: Error, answer: impl FnOnce(Error)) -> Outcome {
    answer(error);
    Outcome::Done
}

fn receive(call: ReceiveCall, stack: &mut Stack, place: u16) -> Outcome {
    let room = call.data();
    match stack.receive(place, room.len(), |offset, data| room.write(offset, data)) {
        Ok(Some(length)) => {
            call.reply(length);
            Outcome::Done
        }
        Ok(None) => Outcome::Blocked(Waiting::Receive(call)),
        Err(error) => fail(error, |error| call.fail(error)),
    }
}

fn send(call: SendCall, stack: &mut Stack, place: u16) -> Outcome {
    let data = call.data();
    let length = data.len();
    match stack.send(place, length, |offset, room| data.read(offset, room)) {
        Ok(Some(sent)) => {
            call.reply(sent);
            if sent < length { Outcome::Short } else { Outcome::Done }
        }
        Ok(None) => Outcome::Blocked(Waiting::Send(call)),
        Err(error) => fail(error, |error| call.fail(error)),
    }
}

fn receive_from(call: ReceiveFromCall, stack: &mut Stack, place: u16) -> Outcome {
    let room = call.data();
    let taken = stack.receive_from(place, |_, data| {
        let data = data.get(..data.len().min(room.len())).unwrap_or_default();
        room.write(0, data).map(|()| data.len())
    });
    match taken {
        Ok(Some((from, length))) => {
            call.reply(from_ip(from.addr), from.port, length);
            Outcome::Done
        }
        Ok(None) => Outcome::Blocked(Waiting::ReceiveFrom(call)),
        Err(error) => fail(error, |error| call.fail(error)),
    }
}

fn send_to(call: SendToCall, stack: &mut Stack, place: u16) -> Outcome {
    let Some(address) = to_ip(call.address) else {
        return fail(Error::InvalidArgument, |error| call.fail(error));
    };
    let data = call.data();
    match stack.send_to(place, address, call.port, data.len(), |room| data.read(0, room)) {
        Ok(Some(())) => {
            call.reply();
            Outcome::Done
        }
        Ok(None) => Outcome::Blocked(Waiting::SendTo(call)),
        Err(error) => fail(error, |error| call.fail(error)),
    }
}
