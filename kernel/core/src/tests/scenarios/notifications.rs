//! notify, timers and the clock.

use abi::{Error, NOTIFY_TIMER, Rights};

use crate::tests::requests::*;
use crate::tests::system::*;

#[test]
fn notifications_add_up_until_they_are_received() {
    let (mut system, [sender, receiver]) = System::peers([6, 5]);
    for bits in [0x100, 0x100, 0x8000_0000, 0] {
        assert_eq!(system.act(sender, notify(receiver, bits)), done(0));
    }
    system.act(sender, receive());
    assert_eq!(system.act(receiver, receive()), notified());
    assert_eq!(system.payload(receiver)[0], 0x8000_0100);
    assert_eq!(system.act(receiver, receive()), None, "each bit is delivered once");
}

#[test]
fn a_notification_wakes_an_open_receive() {
    let (mut system, [receiver, sender]) = System::peers([6, 5]);
    system.act(receiver, receive());
    assert_eq!(system.act(sender, notify(receiver, 0x200)), done(0));
    assert_eq!((system.outcome(receiver), system.running()), (notified(), Some(receiver)));
    assert_eq!(system.payload(receiver)[0], 0x200);
}

#[test]
fn notifying_without_bits_wakes_nobody() {
    let (mut system, [receiver, sender]) = System::peers([6, 5]);
    system.act(receiver, receive());
    assert_eq!(system.act(sender, notify(receiver, 0)), done(0));
    assert_eq!(system.outcome(receiver), None);
}

#[test]
fn notifications_come_before_senders() {
    let (mut system, [sender, notifier, receiver]) = System::peers([7, 6, 5]);
    system.act(sender, call(receiver, info(40)));
    system.act(notifier, notify(receiver, 0x100));
    system.act(notifier, receive());
    assert_eq!(system.act(receiver, receive()), notified());
    assert_eq!(system.act(receiver, receive()), received(sender, info(40)));
}

#[test]
fn a_task_may_notify_itself_if_it_may_send_to_its_own_service() {
    let (mut system, [task, nobody]) = System::with([(6, PEER), (5, Rights::NONE)]);
    assert_eq!(system.act(task, notify(task, 0x100)), done(0));
    assert_eq!(system.act(task, receive()), notified());
    system.act(task, receive());
    assert_eq!(system.act(nobody, notify(nobody, 0x100)), failed(Error::NotPermitted));
}

#[test]
fn a_timer_expires_once() {
    let (mut system, [task]) = System::peers([5]);
    assert_eq!(system.act(task, timer(5000)), done(0));
    assert_eq!(system.act(task, receive()), None);
    system.pass(4999);
    assert_eq!(system.outcome(task), None, "not yet");
    system.pass(1);
    assert_eq!((system.outcome(task), system.payload(task)[0]), (notified(), NOTIFY_TIMER as u64));
    system.act(task, receive());
    system.pass(1_000_000);
    assert_eq!(system.outcome(task), None, "not again");
    assert_eq!(system.kernel.machine.timer, None, "an idle machine has no timer set");
}

#[test]
fn a_timer_that_is_set_again_forgets_the_first_time() {
    let (mut system, [task]) = System::peers([5]);
    system.act(task, timer(100));
    system.act(task, timer(500));
    system.act(task, receive());
    system.pass(499);
    assert_eq!(system.outcome(task), None);
    system.pass(1);
    assert_eq!(system.outcome(task), notified());
}

#[test]
fn a_timer_can_be_stopped() {
    let (mut system, [task]) = System::peers([5]);
    system.act(task, timer(100));
    assert_eq!(system.act(task, timer(0)), done(0));
    assert_eq!(system.kernel.machine.timer, None);
    system.act(task, receive());
    system.pass(1000);
    assert_eq!(system.outcome(task), None);
}

#[test]
fn the_farthest_time_does_not_overflow() {
    let (mut system, [task]) = System::peers([5]);
    assert_eq!(system.act(task, timer(usize::MAX)), done(0));
    assert_eq!(system.kernel.machine.timer, Some(u64::MAX));
}

#[test]
fn timers_of_more_tasks_than_one_interrupt_handles_all_expire() {
    let (mut system, tasks) = System::peers([5; 40]);
    for task in tasks {
        system.act(task, timer(1000));
        system.act(task, receive());
    }
    system.pass(1000);
    for task in tasks {
        assert_eq!(system.outcome(task), notified(), "{task}");
    }
}

#[test]
fn the_timer_of_a_destroyed_task_is_disarmed() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    system.act(task, timer(1000));
    system.act(task, notify(first, 1));
    system.destroy(first, task);
    assert_eq!(system.kernel.machine.timer, None);
}

#[test]
fn the_clock_is_the_machines() {
    let (mut system, [task]) = System::peers([5]);
    let now = system.kernel.machine.now as usize;
    assert_eq!(system.act(task, clock()), done(now));
    system.pass(77);
    assert_eq!(system.act(task, clock()), done(now + 77));
}
