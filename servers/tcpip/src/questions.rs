//! Calls that wait for an answer from the network: names to resolve, and echoes.

use crate::address::{from_ip, to_ip};
use crate::dns::{self, Answer, Kind, QUESTION_MAX};
use crate::server::{Server, now};
use alloc::vec::Vec;
use core::net::IpAddr;
use interfaces::tcpip::{NAME_MAX, PingCall, ResolveCall};
use ipc::{Error, TaskId};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpAddress;

/// How many names, and how many echoes, are asked for at once.
const MOST: usize = 8;

/// How long a name server may take, and how often it is asked. Each time the next one is asked, if there are several.
const PATIENCE: Duration = Duration::from_millis(2000);
const TRIES: usize = 3;

/// The port of name servers.
const DNS: u16 = 53;

/// A name that is asked for. Each question has a socket with a port of its own, which a forger has to guess as well.
struct Name {
    call: ResolveCall,
    socket: u16,
    /// The questions for IPv4 and IPv6 addresses, and what was answered.
    questions: [Question; 2],
    tries: usize,
    again: Instant,
}

struct Question {
    kind: Kind,
    bytes: [u8; QUESTION_MAX],
    length: usize,
    answer: Option<Answer>,
}

/// An echo that is waited for.
struct Ping {
    call: PingCall,
    address: IpAddress,
    since: u64,
    until: Instant,
}

/// All of them.
#[derive(Default)]
pub struct Questions {
    names: Vec<Name>,
    pings: Vec<Ping>,
}

impl Questions {
    /// When the next one has waited too long.
    pub fn deadline(&self) -> Option<Instant> {
        let names = self.names.iter().map(|name| name.again);
        names.chain(self.pings.iter().map(|ping| ping.until)).min()
    }
}

impl Server {
    /// Begins to resolve a name.
    pub(crate) fn ask_name(&mut self, call: ResolveCall) {
        let mut buffer = [0; NAME_MAX];
        let name = match call.name().read(&mut buffer) {
            Ok(name) => name,
            Err(error) => return call.fail(error),
        };
        if let Ok(address) = name.parse::<IpAddr>() {
            return answer_name(call, [Some(address.into()), None]);
        }
        if name.eq_ignore_ascii_case("localhost") {
            return answer_name(
                call,
                [Some(IpAddress::v4(127, 0, 0, 1)), Some(IpAddress::v6(0, 0, 0, 0, 0, 0, 0, 1))],
            );
        }
        // A name that ends with a number is an address that is not right (RFC 1123, 2.1).
        let is_number =
            name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        if !dns::is_name(name) || is_number {
            return call.fail(Error::InvalidArgument);
        }
        if self.name_server(0).is_none() {
            return call.fail(Error::Unreachable);
        }
        if self.questions.names.len() >= MOST {
            return call.fail(Error::TableFull);
        }
        let questions = [Kind::V4, Kind::V6].map(|kind| {
            let mut bytes = [0; QUESTION_MAX];
            let length = dns::question(&mut bytes, self.stack.random() as u16, name, kind);
            Question { kind, bytes, length, answer: None }
        });
        match self.stack.bind(None, 0) {
            Ok((socket, _)) => {
                self.questions.names.push(Name { call, socket, questions, tries: 0, again: now() });
                self.advance_questions();
            }
            Err(_) => call.fail(Error::TableFull),
        }
    }

    /// The name server to ask at a try.
    fn name_server(&self, attempt: usize) -> Option<IpAddress> {
        let servers = || self.stack.links().iter().flat_map(|link| link.name_servers());
        servers().nth(attempt.checked_rem(servers().count())?)
    }

    /// Sends the questions that have not been answered, to the next name server.
    fn send_questions(&mut self, name: &mut Name) {
        let Some(server) = self.name_server(name.tries) else { return };
        name.tries += 1;
        name.again = now() + PATIENCE;
        for question in name.questions.iter().filter(|question| question.answer.is_none()) {
            let bytes = question.bytes.get(..question.length).unwrap_or_default();
            // What cannot be sent is asked again later.
            let _ = self.stack.send_to(name.socket, server, DNS, bytes.len(), |room| {
                room.copy_from_slice(bytes);
                Ok(())
            });
        }
    }

    /// Takes answers; asks again where there is none, and gives up after a while.
    pub(crate) fn advance_questions(&mut self) {
        self.take_echoes();
        let mut index = 0;
        while index < self.questions.names.len() {
            let mut name = self.questions.names.swap_remove(index);
            self.take_answers(&mut name);
            let is_over = name.tries >= TRIES && name.again <= now();
            if name.questions.iter().all(|question| question.answer.is_some()) || is_over {
                self.stack.close(name.socket, now());
                finish_name(name);
                continue;
            }
            if name.again <= now() {
                self.send_questions(&mut name);
            }
            self.questions.names.push(name);
            let last = self.questions.names.len() - 1;
            self.questions.names.swap(index, last);
            index += 1;
        }
    }

    fn take_answers(&mut self, name: &mut Name) {
        let (questions, mut servers) = (&mut name.questions, [None; MOST]);
        let known = self.stack.links().iter().flat_map(|link| link.name_servers());
        servers.iter_mut().zip(known).for_each(|(place, server)| *place = Some(server));
        loop {
            let taken = self.stack.receive_from(name.socket, |from, message| {
                let is_server = from.port == DNS && servers.contains(&Some(from.addr));
                for question in questions.iter_mut().filter(|_| is_server) {
                    let asked = question.bytes.get(..question.length).unwrap_or_default();
                    question.answer = question.answer.or_else(|| dns::answer(message, asked, question.kind));
                }
                Ok(())
            });
            if !matches!(taken, Ok(Some(_))) {
                return;
            }
        }
    }

    /// Begins to ask for an echo.
    pub(crate) fn ask_for_echo(&mut self, call: PingCall) {
        let Some(address) = to_ip(call.address) else { return call.fail(Error::Unreachable) };
        if self.questions.pings.len() >= MOST {
            return call.fail(Error::TableFull);
        }
        match self.stack.ask_echo(address, call.sequence, call.length as usize, now()) {
            Ok(()) => {
                let until = now() + Duration::from_millis(call.timeout_ms.into());
                self.questions.pings.push(Ping { call, address, since: ipc::clock(), until });
            }
            Err(error) => call.fail(error),
        }
    }

    /// A task has ended, and does not wait for answers any more.
    pub(crate) fn forget_questions(&mut self, task: TaskId) {
        self.questions.pings.retain(|ping| ping.call.sender() != task);
        while let Some(index) = self.questions.names.iter().position(|name| name.call.sender() == task) {
            let name = self.questions.names.swap_remove(index);
            self.stack.close(name.socket, now());
        }
    }

    fn take_echoes(&mut self) {
        while let Some(echo) = self.stack.take_echo() {
            let asked = |ping: &Ping| ping.address == echo.from && ping.call.sequence == echo.sequence;
            if let Some(index) = self.questions.pings.iter().position(asked) {
                let ping = self.questions.pings.swap_remove(index);
                ping.call.reply(ipc::clock().saturating_sub(ping.since));
            }
        }
        let now = now();
        while let Some(index) = self.questions.pings.iter().position(|ping| ping.until <= now) {
            self.questions.pings.swap_remove(index).call.fail(Error::TimedOut);
        }
    }
}

/// Answers with addresses.
fn answer_name(call: ResolveCall, addresses: impl IntoIterator<Item = Option<IpAddress>>) {
    let mut octets = [0; 64];
    let (places, _) = octets.as_chunks_mut::<16>();
    let mut count = 0;
    for (place, address) in places.iter_mut().zip(addresses.into_iter().flatten()) {
        *place = from_ip(address);
        count += 1;
    }
    call.reply(count, octets);
}

/// Answers with what was found: IPv4 addresses first, which everybody has.
fn finish_name(name: Name) {
    let [v4, v6] = name.questions.map(|question| question.answer);
    let addresses = |answer| match answer {
        Some(Answer::Addresses(addresses)) => addresses,
        _ => [None; dns::MOST],
    };
    let mut found = addresses(v4).into_iter().chain(addresses(v6)).flatten().peekable();
    if found.peek().is_some() {
        return answer_name(name.call, found.map(Some));
    }
    name.call.fail(match (v4, v6) {
        (Some(Answer::NoSuchName), _) | (_, Some(Answer::NoSuchName)) => Error::NotFound,
        (Some(Answer::Addresses(_)), _) | (_, Some(Answer::Addresses(_))) => Error::NotFound,
        _ => Error::TimedOut,
    });
}
