//! What each message does.

use crate::address::{from_ip, to_ip};
use crate::server::{Server, now};
use crate::stack::{Property, Socket};
use crate::waiting::Waiting;
use interfaces::tcpip::{self, Direction};
use ipc::{Error, Handle, TaskId, WriteLend};
use smoltcp::time::Duration;

impl tcpip::Server for Server {
    fn connect(&mut self, call: tcpip::ConnectCall) {
        let opened = self.clients_admit(call.sender()).and_then(|()| {
            let address = to_ip(call.address).ok_or(Error::InvalidArgument)?;
            self.stack.connect(address, call.port, now())
        });
        let owned = opened.and_then(|place| Ok((place, self.own_or_close(call.sender(), place)?)));
        match owned {
            Ok((place, _)) if call.wait => self.attempt(place, Waiting::Connect(call)),
            Ok((_, handle)) => call.reply(handle),
            Err(error) => call.fail(error),
        }
        self.advance();
    }

    fn listen(
        &mut self,
        sender: TaskId,
        address: [u8; 16],
        port: u16,
        backlog: u32,
    ) -> Result<tcpip::ListenReply, Error> {
        self.clients_admit(sender)?;
        let (place, bound) = self.stack.listen(to_ip(address), port, backlog)?;
        Ok(tcpip::ListenReply { listener: self.own_or_close(sender, place)?, bound })
    }

    fn accept(&mut self, call: tcpip::AcceptCall) {
        let admitted = self.clients_admit(call.sender());
        match admitted.and_then(|()| self.place(call.sender(), call.listener)) {
            Ok(place) => self.attempt(place, Waiting::Accept(call)),
            Err(error) => call.fail(error),
        }
        self.advance();
    }

    fn receive(&mut self, call: tcpip::ReceiveCall) {
        match self.place(call.sender(), call.socket) {
            Ok(place) => self.attempt(place, Waiting::Receive(call)),
            Err(error) => call.fail(error),
        }
        self.advance();
    }

    fn send(&mut self, call: tcpip::SendCall) {
        match self.place(call.sender(), call.socket) {
            Ok(place) => self.attempt(place, Waiting::Send(call)),
            Err(error) => call.fail(error),
        }
        self.advance();
    }

    fn shutdown(&mut self, sender: TaskId, socket: Handle, half: Direction) -> Result<(), Error> {
        let place = self.place(sender, socket)?;
        let (receive, send) = (half != Direction::Send, half != Direction::Receive);
        let result = self.stack.shutdown(place, receive, send, now());
        self.advance();
        result
    }

    fn close(&mut self, sender: TaskId, socket: Handle) -> Result<(), Error> {
        self.disown(sender, socket)?;
        self.advance();
        Ok(())
    }

    fn error(&mut self, sender: TaskId, socket: Handle) -> Result<tcpip::ErrorReply, Error> {
        let error = self.stack.error(self.place(sender, socket)?);
        Ok(tcpip::ErrorReply { ok: error.is_none(), error: error.map_or(0, |error| error.code() as u32) })
    }

    fn set_property(
        &mut self,
        sender: TaskId,
        socket: Handle,
        property: tcpip::Property,
        value: u32,
    ) -> Result<(), Error> {
        let place = self.place(sender, socket)?;
        let time = Duration::from_millis(value.into());
        let property = match property {
            tcpip::Property::Timeout => Property::Timeout(time),
            tcpip::Property::KeepAlive => Property::KeepAlive(time),
            tcpip::Property::DelaySmall if value > 1 => return Err(Error::InvalidArgument),
            tcpip::Property::DelaySmall => Property::DelaySmall(value != 0),
            tcpip::Property::HopLimit => {
                Property::HopLimit(u8::try_from(value).map_err(|_| Error::InvalidArgument)?)
            }
        };
        self.stack.set_property(place, property, now())?;
        self.advance();
        Ok(())
    }

    fn endpoints(&mut self, sender: TaskId, socket: Handle) -> Result<tcpip::EndpointsReply, Error> {
        let place = self.place(sender, socket)?;
        let (local, remote) = self.ends(place);
        Ok(tcpip::EndpointsReply {
            local: local.0,
            local_port: local.1,
            remote: remote.0,
            remote_port: remote.1,
        })
    }

    fn watch(&mut self, sender: TaskId, socket: Handle, interest: u32) -> Result<(), Error> {
        let place = self.place(sender, socket)?;
        self.set_interest(place, interest);
        Ok(())
    }

    fn ready(&mut self, sender: TaskId) -> Result<tcpip::ReadyReply, Error> {
        let mut reply = tcpip::ReadyReply { count: 0, sockets: [0; 16], readiness: [0; 16] };
        for (socket, readiness) in reply.sockets.iter_mut().zip(&mut reply.readiness) {
            let Some((handle, bits)) = self.next_ready(sender) else { break };
            (*socket, *readiness) = (handle.raw(), bits);
            reply.count += 1;
        }
        Ok(reply)
    }

    fn bind(&mut self, sender: TaskId, address: [u8; 16], port: u16) -> Result<tcpip::BindReply, Error> {
        self.clients_admit(sender)?;
        let (place, bound) = self.stack.bind(to_ip(address), port)?;
        Ok(tcpip::BindReply { socket: self.own_or_close(sender, place)?, bound })
    }

    fn receive_from(&mut self, call: tcpip::ReceiveFromCall) {
        match self.place(call.sender(), call.socket) {
            Ok(place) => self.attempt(place, Waiting::ReceiveFrom(call)),
            Err(error) => call.fail(error),
        }
        self.advance();
    }

    fn send_to(&mut self, call: tcpip::SendToCall) {
        match self.place(call.sender(), call.socket) {
            Ok(place) => self.attempt(place, Waiting::SendTo(call)),
            Err(error) => call.fail(error),
        }
        self.advance();
    }

    fn resolve(&mut self, call: tcpip::ResolveCall) {
        match self.know(call.sender()) {
            Ok(()) => self.ask_name(call),
            Err(error) => call.fail(error),
        }
        self.advance();
    }

    fn ping(&mut self, call: tcpip::PingCall) {
        match self.know(call.sender()) {
            Ok(()) => self.ask_for_echo(call),
            Err(error) => call.fail(error),
        }
        self.advance();
    }

    fn interface(
        &mut self,
        _: TaskId,
        index: u32,
        name: WriteLend<'_>,
    ) -> Result<tcpip::InterfaceReply, Error> {
        self.describe_interface(index as usize, name)
    }

    fn address(&mut self, _: TaskId, interface: u32, index: u32) -> Result<tcpip::AddressReply, Error> {
        self.describe_address(interface as usize, index as usize)
    }

    fn socket(&mut self, _: TaskId, from: u32) -> Result<tcpip::SocketReply, Error> {
        self.describe_socket(from)
    }

    fn statistics(&mut self, _: TaskId) -> Result<tcpip::StatisticsReply, Error> {
        Ok(self.describe_statistics())
    }
}

impl Server {
    /// Both ends of a socket, for a message.
    pub(crate) fn ends(&self, place: u16) -> (([u8; 16], u16), ([u8; 16], u16)) {
        let none = ([0; 16], 0);
        match self.stack.places().get(place) {
            Socket::Free => (none, none),
            Socket::Connection(it) => (
                (from_ip(it.flow.local.addr), it.flow.local.port),
                (from_ip(it.flow.remote.addr), it.flow.remote.port),
            ),
            Socket::Listener(it) => ((it.address.map_or([0; 16], from_ip), it.port), none),
            Socket::Datagrams(it) => ((it.address.map_or([0; 16], from_ip), it.port), none),
        }
    }
}
