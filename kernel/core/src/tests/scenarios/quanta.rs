//! Quanta: round robin, reports to the pager, donation along a call, and no ticks without need.

use abi::{MessageInfo, TaskId, kind};

use crate::task::State;
use crate::tests::requests::*;
use crate::tests::system::*;
use crate::{DEFAULT_QUANTUM, MIN_QUANTUM};

const REPORT: usize = 1;
/// A quantum that the tests set: 1 ms.
const QUANTUM: u64 = 1_000_000;

/// Gives a task another quantum or policy, through the first task; `running` runs.
fn set(system: &mut System, running: TaskId, task: TaskId, priority: usize, policy: usize) {
    let first = system.first;
    system.act(running, notify(first, 1));
    assert_eq!(system.act(first, schedule(task, priority, QUANTUM as usize, policy)), done(0));
    system.act(first, receive());
}

#[test]
fn equals_take_turns() {
    let (mut system, [one, two, three]) = System::peers([5, 5, 5]);
    for task in [one, two, three, one] {
        assert_eq!(system.running(), Some(task));
        system.pass(DEFAULT_QUANTUM - 1);
        assert_eq!(system.running(), Some(task), "for its whole quantum");
        system.pass(1);
    }
}

#[test]
fn a_preempted_task_gets_the_rest_of_its_quantum() {
    let (mut system, [high, one, two]) = System::peers([9, 5, 5]);
    system.act(high, timer(DEFAULT_QUANTUM as usize / 2));
    system.act(high, receive());
    system.pass(DEFAULT_QUANTUM / 2);
    system.pass(DEFAULT_QUANTUM * 3);
    assert_eq!(system.running(), Some(high));
    system.act(high, receive());
    assert_eq!(system.running(), Some(one));
    system.pass(DEFAULT_QUANTUM / 2 - 1);
    assert_eq!(system.running(), Some(one));
    system.pass(1);
    assert_eq!(system.running(), Some(two));
}

#[test]
fn a_lone_task_gets_no_ticks() {
    let (mut system, [task, idle]) = System::peers([5, 4]);
    assert_eq!(system.kernel.machine.timer, None, "{idle} is less important");
    let changes = system.kernel.machine.timer_changes;
    system.pass(100 * DEFAULT_QUANTUM);
    system.act(task, clock());
    assert_eq!(system.kernel.machine.timer_changes, changes);
}

#[test]
fn a_task_that_ran_alone_gives_way_when_an_equal_comes() {
    let (mut system, [one, two]) = System::peers([5, 5]);
    system.act(one, receive());
    system.pass(5 * DEFAULT_QUANTUM);
    system.act(two, notify(one, 1));
    system.pass(1);
    assert_eq!(system.running(), Some(one), "its quantum was over long ago");
}

#[test]
fn ticks_stop_when_the_equals_are_gone() {
    let (mut system, [one, two]) = System::peers([5, 5]);
    assert!(system.kernel.machine.timer.is_some());
    system.act(one, receive());
    system.pass(2 * DEFAULT_QUANTUM);
    assert_eq!((system.running(), system.kernel.machine.timer), (Some(two), None));
}

#[test]
fn a_used_up_quantum_is_reported_if_the_policy_says_so() {
    let (mut system, [task]) = System::peers([5]);
    let first = system.first;
    set(&mut system, task, task, 5, REPORT);
    for _ in 0..2 {
        system.pass(QUANTUM - 1);
        assert_eq!(system.running(), Some(task));
        system.pass(1);
        assert_eq!(system.outcome(first), received(task, MessageInfo::new(kind::QUANTUM, 5)));
        assert_eq!(system.running(), Some(first), "the task waits");
        assert_eq!(system.act(first, reply_receive(task, info(0))), None);
        assert_eq!(system.running(), Some(task), "with a new quantum");
    }
}

#[test]
fn an_exhausted_task_that_blocked_reports_before_it_runs_again() {
    let (mut system, [task, other]) = System::peers([6, 5]);
    let first = system.first;
    set(&mut system, task, task, 6, REPORT);
    system.kernel.machine.now += QUANTUM;
    system.act(task, receive());
    system.act(other, notify(task, 1));
    assert_eq!(system.outcome(first), received(task, MessageInfo::new(kind::QUANTUM, 5)));
    assert_eq!(system.outcome(task), notified(), "its message is not lost");
    system.act(first, reply_receive(task, info(0)));
    assert_eq!(system.running(), Some(task));
}

#[test]
fn scheduling_an_exhausted_task_gives_it_a_new_quantum() {
    let (mut system, [task, other]) = System::peers([6, 5]);
    set(&mut system, task, task, 6, REPORT);
    system.kernel.machine.now += QUANTUM;
    system.act(task, receive());
    set(&mut system, other, task, 6, REPORT);
    system.act(other, notify(task, 1));
    assert_eq!(system.running(), Some(task));
}

#[test]
fn a_call_runs_on_the_clients_time() {
    let (mut system, [server, client]) = System::peers([6, 5]);
    system.act(server, receive());
    system.pass(100);
    system.act(client, call(server, info(40)));
    system.pass(10);
    system.act(server, reply_receive(client, info(41)));
    system.pass(1);
    system.act(client, receive());
    let times = [client, server].map(|task| system.kernel.task(task.index()).time);
    assert_eq!(times, [111, 0]);
}

#[test]
fn a_call_touches_neither_clock_nor_timer() {
    let (mut system, [server, client]) = System::peers([6, 5]);
    system.act(server, receive());
    let changes = system.kernel.machine.timer_changes;
    system.act(client, call(server, info(40)));
    system.act(server, reply_receive(client, info(41)));
    assert_eq!(system.kernel.machine.timer_changes, changes);
}

#[test]
fn a_client_that_spends_its_quantum_in_a_server_still_takes_turns_with_its_equals() {
    let (mut system, [server, client, equal]) = System::peers([9, 5, 5]);
    system.act(server, receive());
    system.act(client, call(server, info(40)));
    system.pass(DEFAULT_QUANTUM + DEFAULT_QUANTUM / 2);
    assert_eq!(system.running(), Some(server), "it is the most important");
    system.act(server, reply_receive(client, info(41)));
    assert_eq!(system.running(), Some(equal), "the client's time is over");
    system.pass(DEFAULT_QUANTUM);
    assert_eq!(system.running(), Some(client), "but it comes round again");
    assert_eq!(system.outcome(client), received(server, info(41)));
}

#[test]
fn a_sender_that_was_passed_over_at_the_end_of_its_quantum_goes_behind_its_equals() {
    let (mut system, [high, one, two]) = System::peers([9, 5, 5]);
    system.act(high, receive());
    system.act(one, notify(high, 1));
    system.act(high, receive());
    system.act(one, clock());
    system.kernel.machine.now += DEFAULT_QUANTUM;
    system.kernel.set_notifications(high.index(), 1);
    system.kernel.reschedule();
    system.act(high, receive());
    assert_eq!(system.running(), Some(two));
}

#[test]
fn a_task_that_reports_does_so_on_a_clients_time_too() {
    let (mut system, [worker, client]) = System::peers([6, 5]);
    let first = system.first;
    set(&mut system, worker, worker, 6, REPORT);
    system.act(worker, receive());
    system.act(client, send(worker, info(40)));
    assert_eq!(system.running(), Some(worker));
    system.pass(DEFAULT_QUANTUM + 2 * QUANTUM);
    assert_eq!(system.outcome(first), received(worker, MessageInfo::new(kind::QUANTUM, 5)));
    assert_eq!(system.state(worker), State::Faulted(first.index()));
}

#[test]
fn a_policy_set_while_a_server_runs_on_the_tasks_time_counts() {
    let (mut system, [pager]) = System::with([(9, abi::Rights::ALL)]);
    let task = system.spawn(pager, 5, PEER);
    system.act(pager, receive());
    system.act(task, call(pager, info(40)));
    system.act(pager, schedule(task, 5, QUANTUM as usize, REPORT));
    system.act(pager, reply_receive(task, info(41)));
    system.pass(QUANTUM);
    assert_eq!(system.outcome(pager), received(task, MessageInfo::new(kind::QUANTUM, 5)));
}

#[test]
fn the_shortest_quantum_is_kept() {
    let (mut system, [one, two]) = System::peers([5, 5]);
    let first = system.first;
    system.act(one, notify(first, 1));
    for task in [one, two] {
        assert_eq!(system.act(first, schedule(task, 5, MIN_QUANTUM as usize, 0)), done(0));
    }
    system.act(first, receive());
    let running = system.running();
    system.pass(MIN_QUANTUM);
    assert_ne!(system.running(), running);
}

#[test]
fn a_client_that_keeps_a_busy_server_busy_gives_way() {
    let (mut system, [server, one, two]) = System::peers([20, 5, 5]);
    system.act(server, receive());
    assert_eq!(system.running(), Some(one));
    system.act(one, call(server, info(40)));
    system.pass(3 * DEFAULT_QUANTUM);
    // The client's slice is over since long; its server works on one of its own.
    system.act(server, reply_receive(one, info(41)));
    assert_eq!(system.running(), Some(two), "it paid for the first call");
    system.act(two, call(server, info(40)));
    system.pass(3 * DEFAULT_QUANTUM);
    system.act(server, reply_receive(two, info(41)));
    assert_eq!(system.running(), Some(one), "whoever paid for the server's work");
}
