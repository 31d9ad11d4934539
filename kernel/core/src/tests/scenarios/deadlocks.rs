//! How the debugger finds deadlocks, by examples and against a search of its own in random graphs.

extern crate std;

use std::collections::BTreeSet;
use std::format;
use std::string::String;
use std::vec::Vec;

use abi::{TaskIndex, TaskState};
use proptest::prelude::*;

use super::debugger::{ask, name};
use crate::fault::Fault;
use crate::task::{Outgoing, State};
use crate::tests::requests::*;
use crate::tests::system::*;

/// What `ps` says of deadlocks: its last lines, and the notes at the ends of tasks' rows.
fn findings(system: &mut System) -> (Vec<String>, Vec<String>) {
    let text = ask(system, "ps");
    let cycles = text.lines().filter_map(|line| line.strip_prefix("DEADLOCK: "));
    let note = |line: &str| {
        let (row, _) = line.split_once("deadlock")?;
        let task = row.split_whitespace().next()?;
        Some(format!("{task}{}", &line[row.trim_end_matches("behind the ").len()..]))
    };
    (
        cycles.map(Into::into).collect(),
        text.lines().filter(|line| !line.starts_with("DEADLOCK")).filter_map(note).collect(),
    )
}

const REST: &str = ": each waits for the next, and none can go on until one of them is ended";

#[test]
fn two_that_call_each_other_are_one_cycle() {
    let (mut system, [one, two, idle]) = System::peers([6, 5, 4]);
    name(&mut system, two, "fs");
    system.act(one, call(two, info(40)));
    system.act(two, call(one, info(40)));
    system.act(idle, receive());
    let (cycles, notes) = findings(&mut system);
    assert_eq!(cycles, [format!("1 → 2 (fs) → 1{REST}")]);
    assert_eq!(notes, ["1deadlocked", "2deadlocked"]);
}

#[test]
fn calls_sends_and_receives_make_one_cycle_and_those_behind_are_told_apart() {
    let (mut system, [one, two, three, four, five]) = System::peers([9, 8, 7, 6, 5]);
    system.act(one, receive_from(three));
    system.act(two, call(one, info(40)));
    system.act(three, send(two, info(40)));
    system.act(four, call(two, info(40)));
    system.act(five, call(four, info(40)));
    let (cycles, notes) = findings(&mut system);
    assert_eq!(cycles, [format!("1 → 3 → 2 → 1{REST}")]);
    let behind = "behind the deadlock of 1";
    assert_eq!(
        notes,
        ["1deadlocked", "2deadlocked", "3deadlocked", &format!("4{behind}"), &format!("5{behind}")]
    );
}

#[test]
fn a_server_that_waits_for_its_own_client_is_one() {
    let (mut system, [client, server]) = System::peers([6, 5]);
    system.act(client, call(server, info(40)));
    system.act(server, receive());
    assert_eq!(findings(&mut system), (Vec::new(), Vec::new()), "the server works");
    system.act(server, receive_from(client));
    assert_eq!(findings(&mut system).0, [format!("1 → 2 → 1{REST}")]);
}

#[test]
fn who_waits_for_a_task_that_can_go_on_is_in_no_deadlock() {
    let (mut system, [one, two, three]) = System::peers([6, 5, 4]);
    system.act(one, call(two, info(40)));
    system.act(two, call(three, info(40)));
    assert_eq!(findings(&mut system), (Vec::new(), Vec::new()), "the third runs");
    system.act(three, receive());
    system.act(three, receive());
    assert_eq!(findings(&mut system), (Vec::new(), Vec::new()), "the third waits for anyone");
}

/// How many tasks the random graphs have, the first included.
const TASKS: usize = 12;

/// A task of a random graph: whom it waits for, if for anyone, and how.
type Waits = Option<(usize, u8)>;

fn graphs() -> impl Strategy<Value = Vec<Waits>> {
    let waits = proptest::option::weighted(0.85, (0..TASKS, 0..5u8));
    proptest::collection::vec(waits, TASKS)
}

/// The tasks that `task` leads to, by a plain search.
fn reached(graph: &[Waits], task: usize) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<usize> = graph[task].iter().map(|(to, _)| *to).collect();
    while let Some(next) = open.pop() {
        if seen.insert(next) {
            open.extend(graph[next].iter().map(|(to, _)| *to));
        }
    }
    seen
}

/// What the debugger should say: a task is in a cycle if it reaches itself, its cycle are those it reaches; it hangs
/// behind one if it reaches one that does.
fn expected(graph: &[Waits]) -> (Vec<String>, Vec<String>) {
    let is_member = |task: usize| reached(graph, task).contains(&task);
    let (mut cycles, mut notes) = (Vec::new(), Vec::new());
    for task in 0..graph.len() {
        let reach = reached(graph, task);
        if is_member(task) {
            notes.push(format!("{task}deadlocked"));
            if reach.first() == Some(&task) {
                let mut order = Vec::from([label(task)]);
                let mut next = graph[task].expect("it waits").0;
                while next != task {
                    order.push(label(next));
                    next = graph[next].expect("it waits").0;
                }
                order.push(label(task));
                cycles.push(format!("{}{REST}", order.join(" → ")));
            }
        } else if let Some(first) = reach.iter().find(|task| is_member(**task)) {
            notes.push(format!("{task}behind the deadlock of {}", label(*first)));
        }
    }
    (cycles, notes)
}

fn label(task: usize) -> String {
    if task == 0 { "0 (vm)".into() } else { format!("{task}") }
}

proptest! {
    #[test]
    fn deadlocks_are_what_a_search_of_the_graph_finds(graph in graphs()) {
        let (mut system, _) = System::peers([1; TASKS - 1]);
        // A task never waits for itself: the kernel refuses that.
        let graph: Vec<Waits> = graph.iter().enumerate().map(|(task, waits)| waits.filter(|(to, _)| *to != task)).collect();
        for (task, waits) in graph.iter().enumerate() {
            let entry = &mut system.kernel.tasks[TaskIndex::new(task)];
            entry.outgoing = Outgoing::Call(info(1));
            entry.state = match waits.map(|(to, how)| (TaskIndex::new(to), how)) {
                None => State::Receiving(None),
                Some((to, 0)) => State::Sending(to),
                Some((to, 1)) => State::Calling(to),
                Some((to, 2)) => State::Receiving(Some(to)),
                Some((to, how)) => {
                    entry.outgoing = Outgoing::Fault(Fault::Quantum);
                    if how == 3 { State::Sending(to) } else { State::Faulted(to) }
                }
            };
        }
        system.kernel.current = None;
        let text = findings(&mut system);
        prop_assert_eq!(text, expected(&graph));
        let info = system.kernel.task_info(TaskIndex::new(1)).expect("it lives");
        prop_assert_eq!(info.state == TaskState::Receiving, matches!(graph[1], None | Some((_, 2))));
    }
}
