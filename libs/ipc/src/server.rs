//! The main loop of a server: receive, dispatch, reply; one system call for each request.
//!
//! Single-threaded and event-driven: while a request is handled nothing else happens, and what must wait keeps a
//! [`Pending`](crate::Pending) and returns. Several interfaces: a dispatcher that tries one after the other while they
//! answer [`Answer::Unknown`].

use crate::{Answer, Error, Incoming, MessageInfo, Outbox, Received, TaskId, calls, kind, page};

/// What a server does besides answering requests. All of it is optional.
pub trait Events {
    /// Notifications have arrived; several may have become one.
    fn notified(&mut self, bits: usize) {
        let _ = bits;
    }

    /// The queue of asynchronous messages, if the server has one: the loop answers pulls from it.
    fn outbox(&mut self) -> Option<&mut Outbox> {
        None
    }
}

/// Serves forever.
///
/// Panics if receiving fails, which it cannot unless a host backend makes it.
pub fn run<S: Events>(server: &mut S, dispatch: impl Fn(&mut S, &Incoming) -> Answer) -> ! {
    let mut answer = None;
    loop {
        let received = match answer {
            Some((client, info)) => calls::reply_receive(client, info),
            None => calls::receive(None),
        };
        answer = match received {
            Ok(received) => handle(server, &dispatch, received),
            Err(error) => panic!("a server could not receive: {error}"),
        };
    }
}

/// Handles one message; says whom to reply what, if anything. The payload of the reply is then in the message page.
#[inline(always)]
pub fn handle<S: Events>(
    server: &mut S,
    dispatch: &impl Fn(&mut S, &Incoming) -> Answer,
    received: Received,
) -> Option<(TaskId, MessageInfo)> {
    let Some(sender) = received.sender else {
        if received.info.kind() == kind::NOTIFICATIONS {
            server.notified(page::payload_word(0) as usize);
        }
        return None;
    };
    let message = Incoming { sender, info: received.info };
    match dispatch(server, &message) {
        Answer::Reply(info) => Some((sender, info)),
        Answer::Nothing => None,
        Answer::Unknown => Some((sender, unknown(server, &message))),
    }
}

/// The reply to what no interface knows: the next asynchronous message, or that there is no such request.
#[cold]
fn unknown<S: Events>(server: &mut S, message: &Incoming) -> MessageInfo {
    match server.outbox() {
        Some(outbox) if message.info == MessageInfo::new(kind::ASYNC_PULL, 0) => {
            outbox.answer(message.sender)
        }
        _ => MessageInfo::error(Error::NotSupported),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::first_task;

    #[derive(Default)]
    struct Recorder {
        bits: usize,
        outbox: Option<Outbox>,
    }

    impl Events for Recorder {
        fn notified(&mut self, bits: usize) {
            self.bits |= bits;
        }

        fn outbox(&mut self) -> Option<&mut Outbox> {
            self.outbox.as_mut()
        }
    }

    fn receive(
        server: &mut Recorder,
        sender: Option<TaskId>,
        info: MessageInfo,
    ) -> Option<(TaskId, MessageInfo)> {
        let dispatch = |_: &mut Recorder, message: &Incoming| match message.info.kind() {
            40 => Answer::reply(40, 1),
            41 => Answer::Nothing,
            _ => Answer::Unknown,
        };
        handle(server, &dispatch, Received { sender, info })
    }

    #[test]
    fn requests_are_answered_and_unknown_ones_refused() {
        let (mut server, client) = (Recorder::default(), first_task());
        let mut ask = |kind| receive(&mut server, Some(client), MessageInfo::new(kind, 0));
        assert_eq!(ask(40), Some((client, MessageInfo::new(40, 1))));
        assert_eq!(ask(41), None);
        assert_eq!(ask(42), Some((client, MessageInfo::error(Error::NotSupported))));
        assert_eq!(ask(kind::ASYNC_PULL), Some((client, MessageInfo::error(Error::NotSupported))));
    }

    #[test]
    fn notifications_come_only_from_the_kernel() {
        let mut server = Recorder::default();
        page::set_payload_word(0, 6);
        let info = MessageInfo::new(kind::NOTIFICATIONS, 1);
        assert_eq!(receive(&mut server, None, info), None);
        assert_eq!(server.bits, 6);
        page::set_payload_word(0, 9);
        assert!(
            receive(&mut server, Some(first_task()), info).is_some(),
            "a forged one is an unknown request"
        );
        assert_eq!(server.bits, 6);
    }

    #[test]
    fn pulls_are_answered_from_the_outbox() {
        let (mut server, client) =
            (Recorder { outbox: Some(Outbox::new()), ..Recorder::default() }, first_task());
        let pull = MessageInfo::new(kind::ASYNC_PULL, 0);
        assert_eq!(
            receive(&mut server, Some(client), pull),
            Some((client, MessageInfo::error(Error::Empty)))
        );
    }
}
