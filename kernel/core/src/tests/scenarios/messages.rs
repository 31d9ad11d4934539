//! send and receive: delivery, order, errors.

use abi::{Error, MessageInfo, Rights, ServiceSet, Syscall, TaskId};

use crate::tests::requests::*;
use crate::tests::system::*;

#[test]
fn own_id_is_the_callers() {
    let (mut system, [task]) = System::peers([5]);
    assert_eq!(system.act(task, own_id()), done(task.raw()));
}

#[test]
fn an_unknown_call_is_not_supported() {
    let (mut system, [task]) = System::peers([5]);
    for number in [Syscall::COUNT, 100, usize::MAX] {
        let request = crate::Request { number, arguments: [usize::MAX; 5] };
        assert_eq!(system.act(task, request), failed(Error::NotSupported), "{number}");
    }
}

#[test]
fn a_send_to_a_waiting_receiver_arrives_at_once() {
    let (mut system, [receiver, sender]) = System::peers([6, 5]);
    assert_eq!(system.act(receiver, receive()), None);
    *system.payload(sender) = [7; 30];
    assert_eq!(system.act(sender, send(receiver, info(40))), done(0));
    assert_eq!(system.outcome(receiver), received(sender, info(40)));
    assert_eq!(&system.payload(receiver)[..3], &[7, 7, 0], "the two words that count are copied, no more");
    assert_eq!(system.running(), Some(receiver), "the receiver is more important");
}

#[test]
fn a_send_to_a_less_important_receiver_does_not_give_way_to_it() {
    let (mut system, [sender, receiver]) = System::peers([6, 5]);
    system.act(sender, receive_from(receiver));
    system.act(receiver, send(sender, info(40)));
    system.act(sender, timer(1000));
    system.act(sender, receive());
    system.act(receiver, receive());
    system.pass(1000);
    assert_eq!(system.act(sender, send(receiver, info(41))), done(0));
    assert_eq!((system.running(), system.outcome(receiver)), (Some(sender), received(sender, info(41))));
}

#[test]
fn a_send_waits_until_it_is_received() {
    let (mut system, [sender, receiver]) = System::peers([6, 5]);
    assert_eq!(system.act(sender, send(receiver, info(40))), None);
    assert_eq!(system.act(receiver, receive()), received(sender, info(40)));
    assert_eq!((system.outcome(sender), system.running()), (done(0), Some(sender)));
}

#[test]
fn senders_are_received_in_the_order_of_their_sending() {
    let (mut system, [third, first, second, receiver]) = System::peers([7, 9, 8, 5]);
    for sender in [first, second, third] {
        assert_eq!(system.act(sender, call(receiver, info(40))), None);
    }
    for sender in [first, second, third] {
        assert_eq!(system.act(receiver, receive()), received(sender, info(40)));
    }
}

#[test]
fn a_closed_receive_takes_only_the_one_it_names() {
    let (mut system, [early, late, receiver]) = System::peers([9, 8, 5]);
    system.act(early, call(receiver, info(40)));
    system.act(late, call(receiver, info(41)));
    assert_eq!(system.act(receiver, receive_from(late)), received(late, info(41)));
    assert_eq!(system.act(receiver, receive_from(late)), None, "there is nothing more from it");
}

#[test]
fn a_closed_receive_lets_others_and_notifications_wait() {
    let (mut system, [receiver, other, wanted]) = System::peers([9, 8, 7]);
    assert_eq!(system.act(receiver, receive_from(wanted)), None);
    assert_eq!(system.act(other, notify(receiver, 0x100)), done(0));
    assert_eq!(system.act(other, call(receiver, info(40))), None);
    assert_eq!(system.act(wanted, send(receiver, info(41))), done(0));
    assert_eq!(system.outcome(receiver), received(wanted, info(41)));
    assert_eq!(system.act(receiver, receive()), notified(), "then what waited: notifications first");
    assert_eq!(system.act(receiver, receive()), received(other, info(40)));
}

#[test]
fn a_nonblocking_send_needs_a_waiting_receiver() {
    let (mut system, [sender, receiver]) = System::peers([6, 5]);
    assert_eq!(system.act(sender, send_now(receiver, info(40))), failed(Error::WouldBlock));
    system.act(sender, receive_from(receiver));
    assert_eq!(system.act(receiver, send_now(sender, info(41))), done(0));
    assert_eq!(system.outcome(sender), received(receiver, info(41)));
}

#[test]
fn who_waits_for_another_does_not_take_a_nonblocking_send() {
    let (mut system, [receiver, sender, other]) = System::peers([6, 5, 4]);
    system.act(receiver, receive_from(other));
    assert_eq!(system.act(sender, send_now(receiver, info(40))), failed(Error::WouldBlock));
}

#[test]
fn what_names_no_living_task_is_no_task() {
    let (mut system, [task, victim]) = System::peers([6, 5]);
    let first = system.first;
    system.act(task, notify(first, 1));
    system.destroy(first, victim);
    system.act(first, receive());
    let next = TaskId::new(victim.index(), victim.generation() + 1).unwrap();
    let garbage = [0, 1, usize::MAX, victim.raw(), next.raw(), task.raw() | 1 << 40, 0x1fff];
    for raw in garbage {
        for call in [Syscall::Send, Syscall::Call, Syscall::Reply, Syscall::Notify, Syscall::LendCopy] {
            let outcome = system.act(task, request(call, &[raw, 0]));
            assert_eq!(outcome, failed(Error::NoTask), "{call:?} to {raw:#x}");
        }
        for call in [Syscall::TaskDestroy, Syscall::Schedule, Syscall::Map, Syscall::Unmap] {
            let outcome = system.act(task, request(call, &[raw, 0, 0, 0, 1]));
            assert_eq!(outcome, failed(Error::NoTask), "{call:?} of {raw:#x}");
        }
        if raw != 0 {
            assert_eq!(
                system.act(task, request(Syscall::Receive, &[raw])),
                failed(Error::NoTask),
                "{raw:#x}"
            );
        }
    }
}

#[test]
fn sending_needs_the_right() {
    let provider = Rights { provides: ServiceSet::EMPTY.with(70), ..Rights::NONE };
    let client = Rights { may_send: ServiceSet::EMPTY.with(70), ..Rights::NONE };
    let (mut system, [stranger, client, provider]) =
        System::with([(7, Rights::NONE), (6, client), (5, provider)]);
    for refused in [send(provider, info(40)), send_now(provider, info(40)), call(provider, info(40))] {
        assert_eq!(system.act(stranger, refused), failed(Error::NotPermitted), "{refused:?}");
    }
    assert_eq!(system.act(stranger, notify(provider, 1)), failed(Error::NotPermitted));
    system.act(stranger, receive());
    assert_eq!(system.act(client, call(provider, info(40))), None, "this one may");
    assert_eq!(system.act(provider, send(client, info(40))), failed(Error::NotPermitted), "but not back");
    assert_eq!(system.act(provider, notify(client, 1)), done(0), "notifications go both ways");
}

#[test]
fn everybody_may_send_to_its_pager() {
    let (mut system, [task]) = System::with([(5, Rights::NONE)]);
    let first = system.first;
    assert_eq!(system.act(task, call(first, info(40))), None);
    assert_eq!(system.outcome(first), received(task, info(40)));
}

#[test]
fn a_malformed_message_is_refused() {
    let (mut system, [task, peer]) = System::peers([6, 5]);
    for raw in [31 << 16, 5 << 21, 1 << 28, 1 << 32, usize::MAX] {
        for call in [Syscall::Send, Syscall::Call, Syscall::Reply, Syscall::ReplyReceive] {
            let outcome = system.act(task, request(call, &[peer.raw(), raw, 0]));
            assert_eq!(outcome, failed(Error::InvalidArgument), "{call:?} {raw:#x}");
        }
    }
    let lending = MessageInfo::new(40, 0).with_lends(1, 0).raw();
    for call in [Syscall::Send, Syscall::Reply, Syscall::ReplyReceive] {
        let outcome = system.act(task, request(call, &[peer.raw(), lending, 0]));
        assert_eq!(outcome, failed(Error::InvalidArgument), "{call:?} cannot lend");
    }
    let flags = request(Syscall::Send, &[peer.raw(), 0, 2]);
    assert_eq!(system.act(task, flags), failed(Error::InvalidArgument), "unknown flags");
}

#[test]
fn nobody_talks_to_itself() {
    let (mut system, [task]) = System::peers([6]);
    for refused in [send(task, info(40)), call(task, info(40)), receive_from(task)] {
        assert_eq!(system.act(task, refused), failed(Error::InvalidArgument), "{refused:?}");
    }
    assert_eq!(system.act(task, reply(task, info(40))), failed(Error::NotWaiting));
}
