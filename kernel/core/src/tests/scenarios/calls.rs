//! call, reply and reply_receive: the round trip, who may reply, what happens when one side ends.

use abi::{Error, MessageInfo};

use crate::task::State;
use crate::tests::requests::*;
use crate::tests::system::*;

#[test]
fn a_call_switches_to_the_server_and_back() {
    let (mut system, [server, client]) = System::peers([6, 5]);
    system.act(server, receive());
    *system.payload(client) = [1; 30];
    assert_eq!(system.act(client, call(server, info(40))), None);
    assert_eq!(system.running(), Some(server), "the server runs at once");
    assert_eq!((system.outcome(server), system.payload(server)[1]), (received(client, info(40)), 1));
    *system.payload(server) = [2; 30];
    assert_eq!(system.act(server, reply_receive(client, info(41))), None);
    assert_eq!(system.running(), Some(client), "and then the client");
    assert_eq!((system.outcome(client), system.payload(client)[1]), (received(server, info(41)), 2));
}

#[test]
fn a_direct_switch_passes_equals_in_the_ready_queue() {
    let (mut system, [server, client, equal]) = System::peers([5, 5, 5]);
    system.act(server, receive());
    system.act(client, call(server, info(40)));
    assert_eq!(
        system.running(),
        Some(server),
        "{equal} has waited longer, but the client gave the server its turn"
    );
    system.act(server, reply_receive(client, info(41)));
    assert_eq!(system.running(), Some(client));
}

#[test]
fn a_direct_switch_does_not_pass_the_more_important() {
    let (mut system, [server, middle, client]) = System::peers([3, 5, 6]);
    system.act(client, timer(10));
    system.act(client, receive());
    system.act(middle, receive());
    system.act(server, receive());
    system.pass(10);
    system.act(client, notify(middle, 1));
    system.act(client, call(server, info(40)));
    assert_eq!(system.running(), Some(middle), "the server's priority is below");
    assert_eq!(system.outcome(server), received(client, info(40)), "but it has the message");
}

#[test]
fn a_server_may_answer_with_an_error() {
    let (mut system, [server, client]) = System::peers([6, 5]);
    system.act(server, receive());
    system.act(client, call(server, info(40)));
    let error = MessageInfo::error(Error::BadText);
    system.act(server, reply_receive(client, error));
    assert_eq!(system.outcome(client), received(server, error));
}

#[test]
fn a_reply_does_not_block_and_does_not_give_way_to_equals() {
    let (mut system, [server, client]) = System::peers([5, 5]);
    system.act(server, receive());
    system.act(client, call(server, info(40)));
    assert_eq!(system.act(server, reply(client, info(41))), done(0));
    assert_eq!(system.running(), Some(server));
    assert_eq!(system.outcome(client), received(server, info(41)));
}

#[test]
fn nobody_replies_without_a_call() {
    let (mut system, [other, server, client]) = System::peers([7, 6, 5]);
    system.act(other, receive_from(server));
    assert_eq!(system.act(server, reply(client, info(40))), failed(Error::NotWaiting), "it is ready");
    system.act(server, receive());
    system.act(client, call(server, info(40)));
    assert_eq!(system.act(server, send(other, info(42))), done(0));
    assert_eq!(system.act(other, reply(client, info(43))), failed(Error::NotWaiting), "it called another");
    system.act(other, receive());
    assert_eq!(system.act(server, reply(client, info(44))), done(0));
    assert_eq!(system.act(server, reply(client, info(44))), failed(Error::NotWaiting), "only once");
    assert_eq!(system.outcome(client), received(server, info(44)));
}

#[test]
fn a_call_that_waits_in_the_queue_cannot_be_replied_to() {
    let (mut system, [client, server]) = System::peers([6, 5]);
    assert_eq!(system.act(client, call(server, info(40))), None);
    assert_eq!(
        system.act(server, reply(client, info(41))),
        failed(Error::NotWaiting),
        "it is not received yet"
    );
    assert_eq!(system.act(server, receive()), received(client, info(40)));
    assert_eq!(system.act(server, reply(client, info(41))), done(0));
}

#[test]
fn a_sender_expects_no_reply() {
    let (mut system, [server, client]) = System::peers([6, 5]);
    system.act(server, receive());
    system.act(client, send(server, info(40)));
    assert_eq!(system.act(server, reply(client, info(41))), failed(Error::NotWaiting));
}

#[test]
fn reply_receive_takes_the_next_request_without_waiting() {
    let (mut system, [one, two, server]) = System::peers([7, 6, 5]);
    system.act(one, call(server, info(40)));
    system.act(two, call(server, info(41)));
    assert_eq!(system.act(server, receive()), received(one, info(40)));
    assert_eq!(system.act(server, reply_receive(one, info(42))), received(two, info(41)));
    assert_eq!((system.outcome(one), system.running()), (received(server, info(42)), Some(one)));
}

#[test]
fn reply_receive_drops_a_reply_that_nobody_waits_for() {
    let (mut system, [client, server]) = System::peers([6, 5]);
    system.act(client, call(server, info(40)));
    let stale = abi::TaskId::new(client.index(), 77).unwrap();
    assert_eq!(system.act(server, reply_receive(stale, info(41))), received(client, info(40)));
    assert!(matches!(system.state(client), State::Calling(_)), "the call goes on");
}

#[test]
fn reply_receive_takes_notifications_first() {
    let (mut system, [client, next, server]) = System::peers([8, 7, 5]);
    system.act(client, call(server, info(40)));
    system.act(next, notify(server, 0x300));
    system.act(next, call(server, info(41)));
    assert_eq!(system.act(server, receive()), notified());
    assert_eq!(system.act(server, receive()), received(client, info(40)));
    let first = system.first;
    system.kernel.interrupt(99 % crate::tests::model::IRQS);
    assert_eq!(system.act(server, notify(first, 1)), done(0));
    assert_eq!(system.act(first, notify(server, 0x500)), done(0));
    system.act(first, receive());
    assert_eq!(system.act(server, reply_receive(client, info(42))), notified());
    assert_eq!(system.payload(server)[0], 0x500);
    assert_eq!(system.outcome(client), received(server, info(42)));
}

#[test]
fn calls_to_a_server_that_is_destroyed_are_aborted() {
    let (mut system, [received_one, queued, waiting, server]) = System::peers([9, 8, 7, 5]);
    let first = system.first;
    system.act(received_one, call(server, info(40)));
    system.act(queued, call(server, info(41)));
    system.act(waiting, receive_from(server));
    system.act(server, receive());
    system.act(server, notify(first, 1));
    system.destroy(first, server);
    for client in [received_one, queued, waiting] {
        assert_eq!(system.outcome(client), failed(Error::Aborted), "{client}");
        assert_eq!(system.state(client), State::Ready, "{client}");
    }
}

#[test]
fn a_send_to_a_task_that_is_destroyed_is_aborted() {
    let (mut system, [sender, server]) = System::peers([9, 5]);
    let first = system.first;
    system.act(sender, send(server, info(40)));
    system.act(server, notify(first, 1));
    system.destroy(first, server);
    assert_eq!(system.outcome(sender), failed(Error::Aborted));
}

#[test]
fn a_client_that_is_destroyed_is_no_longer_served() {
    let (mut system, [client, queued, server]) = System::peers([9, 8, 5]);
    let first = system.first;
    system.act(client, call(server, info(40)));
    system.act(queued, call(server, info(41)));
    system.act(server, receive());
    system.act(server, notify(first, 1));
    system.destroy(first, client);
    system.destroy(first, queued);
    system.act(first, receive());
    assert_eq!(system.act(server, reply(client, info(42))), failed(Error::NoTask));
    assert_eq!(system.act(server, receive()), None, "the queued one is gone too");
}

#[test]
fn a_task_that_has_exited_takes_no_messages() {
    let (mut system, [server, client]) = System::peers([6, 5]);
    let first = system.first;
    system.act(server, exit(0, false));
    system.act(first, receive());
    for refused in [call(server, info(40)), send(server, info(40)), notify(server, 1), receive_from(server)] {
        assert_eq!(system.act(client, refused), failed(Error::NoTask), "{refused:?}");
    }
    assert_eq!(system.act(client, reply(server, info(40))), failed(Error::NotWaiting));
}

#[test]
fn messages_are_counted() {
    let (mut system, [client, server]) = System::peers([6, 5]);
    system.act(client, call(server, info(40)));
    system.act(server, receive());
    assert_eq!(system.kernel.task(server.index()).received, 1);
}
