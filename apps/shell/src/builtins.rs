//! The commands that the shell does itself.
//!
//! Each returns the text to print, or a sentence that says what went wrong, with which value, and what to do.

use crate::system::System;
use abi::{TaskId, TaskInfo, TaskState};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;
use terminal::format::{duration, plain, size, table};

/// A built-in command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Builtin {
    /// Lists the commands.
    Help,
    /// Lists the tasks.
    Ps,
    /// Shows the kernel log.
    Log,
    /// Shows how much memory there is.
    Mem,
    /// Ends a task.
    Kill,
    /// Changes the current directory.
    Cd,
    /// Shows the current directory.
    Pwd,
    /// Runs a script as if its lines were typed.
    Source,
    /// Halts the machine.
    Quit,
}

impl Builtin {
    /// Every built-in command, in the order of `help`.
    pub const ALL: [Self; 9] = [
        Self::Help,
        Self::Ps,
        Self::Log,
        Self::Mem,
        Self::Kill,
        Self::Cd,
        Self::Pwd,
        Self::Source,
        Self::Quit,
    ];

    /// The command with this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|builtin| builtin.name() == name)
    }

    /// What is typed to run it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Help => "help",
            Self::Ps => "ps",
            Self::Log => "log",
            Self::Mem => "mem",
            Self::Kill => "kill",
            Self::Cd => "cd",
            Self::Pwd => "pwd",
            Self::Source => "source",
            Self::Quit => "q",
        }
    }

    /// Its arguments, as a manual writes them.
    pub const fn arguments(self) -> &'static str {
        match self {
            Self::Help => "[COMMAND]",
            Self::Ps | Self::Mem | Self::Pwd => "",
            Self::Cd => "[DIRECTORY]",
            Self::Source => "FILE [ARGUMENTS]",
            Self::Log => "[LINES]",
            Self::Kill => "ID|NAME",
            Self::Quit => "[STATUS]",
        }
    }

    /// One line that says what it does.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Help => "Lists the commands and programs",
            Self::Ps => "Lists the tasks and what they wait for",
            Self::Log => "Shows the kernel log, or its last lines",
            Self::Mem => "Shows how much memory there is",
            Self::Kill => "Ends a task",
            Self::Cd => "Changes the current directory, without an argument to /",
            Self::Pwd => "Shows the current directory",
            Self::Source => "Runs the lines of a script as if they were typed",
            Self::Quit => "Halts the machine",
        }
    }

    /// Name and arguments.
    pub fn usage(self) -> String {
        format!("{} {}", self.name(), self.arguments()).trim_end().into()
    }

    /// Runs it with its arguments, in a directory. Those that need files, `cd`, `source` and `q`, run elsewhere.
    pub fn run(
        self,
        arguments: &[String],
        directory: &str,
        system: &mut impl System,
    ) -> Result<String, String> {
        match (self, arguments) {
            (Self::Pwd, []) => Ok(format!("{directory}\n")),
            (Self::Help, []) => Ok(help(system)),
            (Self::Help, [name]) => help_for(name, system),
            (Self::Ps, []) => ps(system),
            (Self::Log, []) => log(usize::MAX, system),
            (Self::Log, [lines]) => match lines.parse() {
                Ok(lines) => log(lines, system),
                Err(_) => Err(format!("log: `{lines}` is not a number of lines: try `log 20`")),
            },
            (Self::Mem, []) => mem(system),
            (Self::Kill, [task]) => kill(task, system),
            _ => Err(self.wrong_number()),
        }
    }

    /// That it has too many or too few arguments.
    pub fn wrong_number(self) -> String {
        format!("{}: wrong number of arguments: use `{}`", self.name(), self.usage())
    }
}

fn help(system: &mut impl System) -> String {
    let row = |usage: String, description: &str| [String::from("  ") + &usage, description.into()];
    let mut programs = system.programs();
    programs.sort_by(|one, other| one.name.cmp(&other.name));
    let builtins = Builtin::ALL.map(|builtin| row(builtin.usage(), builtin.description()));
    let programs = programs.into_iter().map(|program| row(program.name, &program.description));
    let separator = [String::new(), String::new()];
    let title = ["Programs".into(), String::new()];
    let rows: Vec<_> = builtins.into_iter().chain([separator, title]).chain(programs).collect();
    table(["Commands", ""], &[], &rows)
        + "\nA program runs until it ends or Ctrl-C kills it; with & at the end it runs in the background.\n\
           > FILE and >> FILE write the output of a command to a file, or to its end; < FILE is its input.\n\
           A path with a / runs a program or a script; `shell FILE` and `source FILE` run a script too.\n\
           In scripts, $1 to $9 are the arguments; $? is the status of the last command; # begins a comment.\n\
           Tab completes, Up brings back what was typed. In QEMU, Ctrl-A X leaves at once.\n"
}

fn help_for(name: &str, system: &mut impl System) -> Result<String, String> {
    if let Some(builtin) = Builtin::find(name) {
        return Ok(format!("{}: {}\n", builtin.usage(), builtin.description()));
    }
    match system.programs().into_iter().find(|program| program.name == name) {
        Some(program) => Ok(format!("{}: {}\n", program.name, program.description)),
        None => Err(format!("help: there is no command `{name}`: `help` lists them")),
    }
}

fn ps(system: &mut impl System) -> Result<String, String> {
    let tasks = system.tasks().map_err(|error| format!("ps: cannot look at the tasks: {error}"))?;
    let names: BTreeMap<TaskId, String> =
        tasks.iter().map(|task| (task.id, system.task_name(task.id))).collect();
    let called = |task: TaskId| match names.get(&task) {
        Some(name) if !name.is_empty() => name.clone(),
        _ => task.to_string(),
    };
    let rows: Vec<_> = tasks
        .iter()
        .map(|task| {
            [
                task.id.to_string(),
                called(task.id),
                task.state.text().into(),
                waits_for(task, called),
                task.priority.to_string(),
                task.pager.map_or("-".into(), called),
                task.received.to_string(),
                duration(task.time),
            ]
        })
        .collect();
    let header = ["ID", "NAME", "STATE", "WAITS FOR", "PRIORITY", "PAGER", "MESSAGES", "TIME"];
    let mut text = table(header, &[0, 4, 6, 7], &rows);
    for cycle in deadlocks(&tasks) {
        let path: Vec<String> = cycle.iter().chain(cycle.first()).map(|&task| called(task)).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "Deadlock: {}: none of them can go on until one is killed.", path.join(" → "));
    }
    Ok(text)
}

fn waits_for(task: &TaskInfo, called: impl Fn(TaskId) -> String) -> String {
    match (task.state, task.peer) {
        (TaskState::Ready | TaskState::New | TaskState::Dying, _) => "-".into(),
        (_, Some(peer)) => called(peer),
        (TaskState::Receiving, None) => "anyone".into(),
        (TaskState::Faulted | TaskState::Exited, None) => task.pager.map_or("-".into(), called),
        _ => "-".into(),
    }
}

/// The rings of tasks that wait for each other to receive or answer; each starts with its lowest ID.
fn deadlocks(tasks: &[TaskInfo]) -> Vec<Vec<TaskId>> {
    let waits: BTreeMap<TaskId, TaskId> = tasks
        .iter()
        .filter(|task| matches!(task.state, TaskState::Sending | TaskState::Calling))
        .filter_map(|task| Some((task.id, task.peer?)))
        .collect();
    let mut rings = Vec::new();
    for &start in waits.keys() {
        let mut ring = Vec::from([start]);
        while let Some(&next) = ring.last().and_then(|last| waits.get(last)) {
            // A ring is found once: from its lowest member.
            if next <= start || ring.len() > waits.len() {
                if next == start {
                    rings.push(ring);
                }
                break;
            }
            ring.push(next);
        }
    }
    rings
}

fn log(lines: usize, system: &mut impl System) -> Result<String, String> {
    let log = system.log().map_err(|error| format!("log: cannot read the kernel log: {error}"))?;
    let text = plain(&log);
    let skipped = text.lines().count().saturating_sub(lines);
    Ok(text.split_inclusive('\n').skip(skipped).collect())
}

fn mem(system: &mut impl System) -> Result<String, String> {
    let memory = system.memory().map_err(|error| format!("mem: vm does not tell: {error}"))?;
    let known = memory.free + memory.tasks + memory.tables + memory.shared + memory.vm;
    let rows = [
        ("pages of tasks", memory.tasks),
        ("their page tables", memory.tables),
        ("shared memory", memory.shared),
        ("kept by vm", memory.vm),
        ("kernel and boot image", memory.total.saturating_sub(known)),
        ("free", memory.free),
    ]
    .map(|(what, bytes)| [what.into(), size(bytes)]);
    Ok(table(["Memory", &size(memory.total)], &[1], &rows))
}

fn kill(argument: &str, system: &mut impl System) -> Result<String, String> {
    let tasks = system.tasks().map_err(|error| format!("kill: cannot look at the tasks: {error}"))?;
    let task = match argument.parse::<TaskId>() {
        Ok(task) => task,
        Err(_) => {
            let named: Vec<TaskId> =
                tasks.iter().map(|task| task.id).filter(|&task| system.task_name(task) == argument).collect();
            match named.as_slice() {
                [task] => *task,
                [] => return Err(format!("kill: no task is named `{argument}`: `ps` lists them")),
                several => {
                    let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
                    let ids = ids.join(", ");
                    return Err(format!("kill: several tasks are named `{argument}`: choose one of {ids}"));
                }
            }
        }
    };
    match system.kill(task) {
        Ok(()) => Ok(String::new()),
        Err(abi::Error::NoTask) if tasks.iter().any(|info| info.id == task) => {
            Err(format!("kill: task {task} cannot be ended: the system needs it"))
        }
        Err(abi::Error::NoTask) => Err(format!("kill: there is no task {task}: `ps` lists them")),
        Err(error) => Err(format!("kill: task {task} cannot be ended: {error}")),
    }
}

/// The status that `q` halts the machine with.
pub(crate) fn halt_status(arguments: &[String]) -> Result<usize, String> {
    match arguments {
        [] => Ok(0),
        [status] => match status.parse() {
            // QEMU turns it into its exit status, 2 * (16 + STATUS) + 1, which has 8 bits.
            Ok(status @ 0..=100) => Ok(status),
            _ => Err(format!("q: `{status}` is not a status from 0 to 100: try `q` or `q 1`")),
        },
        _ => Err(Builtin::Quit.wrong_number()),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use abi::TaskIndex;
    use std::vec;

    fn id(index: usize) -> TaskId {
        TaskId::new(TaskIndex::new(index), 1).unwrap()
    }

    fn task(index: usize, state: TaskState, peer: Option<usize>) -> TaskInfo {
        TaskInfo {
            id: id(index),
            state,
            peer: peer.map(id),
            pager: Some(id(0)),
            priority: 8,
            senders: 0,
            notifications: 0,
            received: 0,
            time: 0,
        }
    }

    #[test]
    fn deadlocks_are_found_once() {
        use TaskState::{Calling, Receiving, Sending};
        let tasks = [
            task(1, Calling, Some(3)),
            task(3, Sending, Some(4)),
            task(4, Calling, Some(3)),
            task(5, Calling, Some(6)),
            task(6, Receiving, Some(5)),
        ];
        assert_eq!(deadlocks(&tasks), vec![vec![id(3), id(4)]]);
        assert_eq!(deadlocks(&tasks[3..]), Vec::<Vec<TaskId>>::new());
    }
}
