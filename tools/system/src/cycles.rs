//! Who waits for whom: a circle of calls is a deadlock that only waits for its moment.
//!
//! A program calls the services in its `uses`, and a task that calls answers nobody until it has its answer. So the
//! calls between programs must have a direction: along every one of them, from who waits to who is waited for, no way
//! leads back. What must go up is *notified*: a notification never waits, and needs no `uses` (the kernel lets whoever
//! may be called notify its callers). The higher one then calls and pulls.
//!
//! Everybody calls vm, which is why vm calls nobody.
//!
//! A program that uses a service of its own is a circle too. The kernel refuses a task's call to itself; it makes sense only
//! if the program launches a second task of itself, as `benchmark` does to have a server to measure. So it is an
//! error unless the program has the power to launch.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use manifest::Power;

use crate::{FIRST_PROGRAM, Place, Program, System};

/// A call from one program to another that its manifest allows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Call {
    /// Who calls.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// The service.
    pub service: String,
    /// The place in the caller's `uses`.
    pub place: Place,
}

/// A circle of calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// Programs call each other; the last call leads to the first caller.
    Circle(Vec<Call>),
    /// A program uses a service of its own, and has no second task that could.
    Itself(Call),
    /// vm uses a service.
    First(Call),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Circle(calls) => {
                write!(f, "deadlock: ")?;
                for call in calls {
                    write!(f, "{} → ", call.from)?;
                }
                let first = calls.first().map_or("", |call| &call.from);
                write!(
                    f,
                    "{first}. These programs call each other in a circle, and a task that calls answers nobody meanwhile: once \
                     each waits for the next, all wait for ever."
                )?;
                for call in calls {
                    write!(
                        f,
                        "\n  {} calls {}: it uses the service {:?} ({})",
                        call.from, call.to, call.service, call.place
                    )?;
                }
                write!(
                    f,
                    "\nDecide who is higher. The higher one calls; the lower one only notifies it (that needs no `uses`), and \
                     the higher one then calls to pull what is new. Remove the service from the `uses` of the lower one."
                )
            }
            Self::Itself(call) => write!(
                f,
                "{}: {:?} uses the service {:?}, which it provides itself: {} → {}. A task cannot call itself: call the function, \
                 and remove the service from these `uses`. (Only a program with the power \"launch\" can be its own client: as \
                 a second task.)",
                call.place, call.from, call.service, call.from, call.to
            ),
            Self::First(call) => write!(
                f,
                "{}: {FIRST_PROGRAM:?} uses the service {:?}, but every program calls {FIRST_PROGRAM}, which therefore calls nobody: \
                 {FIRST_PROGRAM} → {} → {FIRST_PROGRAM}. Let it notify {:?}, which then calls {FIRST_PROGRAM} to pull what is new, and \
                 remove the service from these `uses`.",
                call.place, call.service, call.to, call.to
            ),
        }
    }
}

impl std::error::Error for Error {}

/// All calls that the manifests allow, but for those to vm, which everybody may make.
pub fn calls(system: &System) -> Vec<Call> {
    let mut calls = Vec::new();
    for program in &system.programs {
        for service in &program.manifest().uses {
            calls.extend(system.providers(service).map(|provider| Call {
                from: program.name.clone(),
                to: provider.name.clone(),
                service: service.to_string(),
                place: program.place_of_service("uses", service),
            }));
        }
    }
    calls
}

/// Finds circles: for each program that is in one, the shortest through it.
pub fn check(system: &System) -> Vec<Error> {
    let (of_first, calls): (Vec<_>, Vec<_>) =
        calls(system).into_iter().partition(|call| call.from == FIRST_PROGRAM);
    let (to_itself, calls): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.from == call.to);
    let launches = |name: &str| {
        let launches = |program: &Program| program.name == name && program.manifest().has(Power::Launch);
        system.programs.iter().any(launches)
    };
    let mut errors: Vec<Error> = of_first.into_iter().map(Error::First).collect();
    errors.extend(to_itself.into_iter().filter(|call| !launches(&call.from)).map(Error::Itself));
    errors.extend(circles(&calls).into_iter().map(Error::Circle));
    errors
}

fn circles(calls: &[Call]) -> BTreeSet<Vec<Call>> {
    let mut from: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        from.entry(&call.from).or_default().push(call);
    }
    let shortest = from.keys().filter_map(|program| circle_through(program, &from));
    // The same circle is found from each program in it: let it begin with the first by name.
    let turned = shortest.map(|mut circle| {
        let first = (0..circle.len()).min_by_key(|index| &circle[*index].from).unwrap_or_default();
        circle.rotate_left(first);
        circle
    });
    turned.collect()
}

/// The shortest way along calls from a program back to it.
fn circle_through(program: &str, from: &BTreeMap<&str, Vec<&Call>>) -> Option<Vec<Call>> {
    let mut ways: VecDeque<Vec<&Call>> = from.get(program)?.iter().map(|call| vec![*call]).collect();
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let end = &way.last()?.to;
        if end == program {
            return Some(way.into_iter().cloned().collect());
        }
        if seen.insert(end) {
            let next = from.get(end.as_str()).into_iter().flatten();
            ways.extend(next.map(|call| way.iter().copied().chain([*call]).collect()));
        }
    }
    None
}
