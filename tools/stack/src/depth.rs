//! The deepest way through the calls of a program.
//!
//! Direct calls form a graph, and the deepest way through it is a sum. An indirect call is resolved by *handing down*: a
//! function that takes the address of another one, and below which there is a call of an unknown function at a fitting
//! slot, is taken to be the one that hands it to that call. The closest function above the call counts. So a call of
//! `write` in `core::fmt` leads, below each function that formats something, to what that function formats, and not to
//! everything that the program can format. Addresses that do not fit any call below are handed up to the callers.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::body::{Body, Slot};
use crate::pointers::{FORWARDED, NO_TRAIT, Pointer, Pointers, Trait};
use crate::program::Program;
use crate::{Frame, UnboundedKind};

/// A function on a way down.
#[derive(Clone, Debug)]
struct Step {
    function: u64,
    /// What it has in use.
    bytes: u64,
    /// The addresses that it can hand down.
    pointers: Rc<BTreeSet<Pointer>>,
}

/// A way down to somewhere.
#[derive(Clone, Default, Debug)]
struct Reach {
    depth: u64,
    steps: Vec<Step>,
}

impl Reach {
    /// The way that goes on with another one.
    fn then(&self, other: &Self) -> Self {
        let steps = self.steps.iter().chain(&other.steps).cloned().collect();
        Self { depth: self.depth.saturating_add(other.depth), steps }
    }
}

/// A call of an unknown function.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Open {
    /// How the function is found.
    slot: Slot,
    /// Of which traits functions were already handed to it. The code does not tell a call of one trait's first method
    /// from that of another's; so the closest function above for each trait is taken to have handed something down.
    served: BTreeSet<Trait>,
    /// Whether it is below the panic handler.
    panicking: bool,
}

/// What is known about a function and all below it.
#[derive(Default, Debug)]
struct Summary {
    /// The deepest way from its call.
    deepest: Reach,
    /// Calls of functions that only a caller may know: the deepest way to each kind.
    open: BTreeMap<Open, Reach>,
    /// Addresses for callers.
    pointers: BTreeSet<Pointer>,
}

/// An open call for which fitting addresses are looked for.
struct Search {
    open: Open,
    reach: Reach,
    /// So many functions of the way, from its start, may have an address that fits.
    above: usize,
    /// The functions that were handed down on this way.
    used: Vec<u64>,
}

/// A function, and whether there is a panic already: then another one ends the program at once, and what leads to it is
/// not followed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Call {
    function: u64,
    panicking: bool,
}

/// Longer chains of calls are not followed; the stack of the host is not endless either.
const MOST_CALLS: usize = 400;
/// So many functions at most are handed down by one function into one chain of calls.
const MOST_HANDED: usize = 4;
/// What the compiler calls the panic handler.
const PANIC_HANDLER: &str = "rust_begin_unwind";
/// How the names of functions begin whose indirect calls, but for those of plain pointers, are of the methods of
/// `core::fmt::Write`: where the text goes.
const WRITERS: [&str; 7] = [
    "<core::fmt::Formatter>::pad",
    "<core::fmt::Formatter>::write_",
    "<core::fmt::builders::PadAdapter as core::fmt::Write>",
    "core::fmt::Formatter::pad",
    "core::fmt::Formatter::write_",
    "core::fmt::Write::",
    "core::fmt::write",
];
/// Functions of the standard library that seem to call themselves, but cannot.
const NOT_RECURSIVE: [&str; 1] = [
    // Slices a string to quote it, at a place that it has looked for.
    "core::str::slice_error_fail",
];

/// Finds deepest ways.
pub(crate) struct Depths<'p, 'a> {
    bodies: &'p BTreeMap<u64, Body>,
    pointers: Pointers<'p, 'a>,
    known: BTreeMap<Call, Rc<Summary>>,
    panic_handler: Option<u64>,
    /// All functions that were looked at.
    reached: BTreeSet<u64>,
    /// The calls whose summaries are being made, and whether each is through a pointer.
    underway: Vec<(Call, bool)>,
    /// Cycles of calls, by their functions in order; whether a pointer is involved.
    cycles: BTreeMap<Vec<u64>, bool>,
    too_deep: BTreeSet<u64>,
}

impl<'p, 'a> Depths<'p, 'a> {
    pub fn new(program: &'p Program<'a>, bodies: &'p BTreeMap<u64, Body>) -> Self {
        let handler = program.functions().find(|(_, function)| function.symbol.contains(PANIC_HANDLER));
        Self {
            bodies,
            panic_handler: handler.map(|(address, _)| address),
            reached: BTreeSet::new(),
            pointers: Pointers::new(program),
            known: BTreeMap::new(),
            underway: Vec::new(),
            cycles: BTreeMap::new(),
            too_deep: BTreeSet::new(),
        }
    }

    /// The deepest way from the call of `entry`, and the functions that call something unknown.
    pub fn deepest(&mut self, entry: u64) -> (u64, Vec<Frame>, Vec<(u64, UnboundedKind)>) {
        let summary = self.summary(Call { function: entry, panicking: false }, false);
        let program = self.pointers.program;
        let frame = |step: &Step| Frame { function: program.name(step.function), bytes: step.bytes };
        let frames = summary.deepest.steps.iter().map(frame).collect();
        let unknown = summary.open.iter().filter(|(open, _)| open.served.is_empty());
        let origin = |reach: &Reach| reach.steps.last().map_or(entry, |step| step.function);
        let unknown = unknown.map(|(_, reach)| (origin(reach), UnboundedKind::UnknownTarget)).collect();
        (summary.deepest.depth, frames, unknown)
    }

    /// What else was found: cycles, chains that are too long, and functions that something takes the address of, but
    /// that nothing was seen to call.
    pub fn findings(&self) -> Vec<(u64, UnboundedKind)> {
        let mut found = Vec::new();
        for (cycle, through_pointer) in &self.cycles {
            let names: Vec<String> =
                cycle.iter().map(|function| self.pointers.program.name(*function)).collect();
            if names.iter().any(|name| NOT_RECURSIVE.contains(&name.as_str())) {
                continue;
            }
            let kind = UnboundedKind::Recursion { cycle: names, through_pointer: *through_pointer };
            found.extend(cycle.first().map(|first| (*first, kind)));
        }
        found.extend(self.too_deep.iter().map(|function| (*function, UnboundedKind::TooDeep)));
        found
    }

    /// Functions of which an address is taken somewhere, and which no call was seen to reach.
    pub fn never_called(&self) -> BTreeSet<u64> {
        let reached = self.bodies.iter().filter(|(function, _)| self.reached.contains(function));
        let taken: BTreeSet<u64> = reached.flat_map(|(_, body)| &body.taken).copied().collect();
        let functions =
            self.pointers.of(&taken).iter().filter_map(Pointer::reported).collect::<BTreeSet<u64>>();
        &functions - &self.reached
    }

    fn summary(&mut self, call: Call, through_pointer: bool) -> Rc<Summary> {
        if call.panicking && self.panic_handler == Some(call.function) {
            return Rc::default();
        }
        if let Some(known) = self.known.get(&call) {
            return Rc::clone(known);
        }
        if let Some(first) = self.underway.iter().position(|(other, _)| *other == call) {
            self.note_cycle(first, through_pointer);
            return Rc::default();
        }
        let bodies = self.bodies;
        let Some(body) = bodies.get(&call.function) else { return Rc::default() };
        if self.underway.len() >= MOST_CALLS {
            self.too_deep.insert(call.function);
            return Rc::default();
        }
        self.reached.insert(call.function);
        self.underway.push((call, through_pointer));
        let summary = Rc::new(self.summarise(call, body));
        self.underway.pop();
        self.known.insert(call, Rc::clone(&summary));
        summary
    }

    fn note_cycle(&mut self, first: usize, through_pointer: bool) {
        let cycle = &self.underway[first..];
        let through_pointer = through_pointer || cycle[1..].iter().any(|(_, pointer)| *pointer);
        let mut functions: Vec<u64> = cycle.iter().map(|(call, _)| call.function).collect();
        // The same cycle may be found from any of its functions.
        let smallest = functions.iter().enumerate().min_by_key(|(_, function)| **function);
        let start = smallest.map_or(0, |(index, _)| index);
        functions.rotate_left(start);
        self.cycles.insert(functions, through_pointer);
    }

    fn summarise(&mut self, call: Call, body: &Body) -> Summary {
        let function = call.function;
        let panicking = call.panicking || self.panic_handler == Some(function);
        let mut pointers = self.pointers.of(&body.taken);
        let mut called = Vec::new();
        for (target, depth) in &body.calls {
            let summary = self.summary(Call { function: *target, panicking }, false);
            pointers.extend(&summary.pointers);
            called.push((*depth, summary));
        }
        let pointers = Rc::new(pointers);
        let here = |bytes: u64| {
            let step = Step { function, bytes, pointers: Rc::clone(&pointers) };
            Reach { depth: bytes, steps: vec![step] }
        };
        let mut summary = Summary { deepest: here(body.frame), ..Summary::default() };
        let mut open: BTreeMap<Open, Reach> = BTreeMap::new();
        for (slot, depth) in self.slots(function, body) {
            let kind = Open { slot, served: BTreeSet::new(), panicking };
            deepen(open.entry(kind).or_default(), &here(depth), &Reach::default());
        }
        for (depth, called) in called {
            deepen(&mut summary.deepest, &here(depth), &called.deepest);
            for (kind, reach) in &called.open {
                deepen(open.entry(kind.clone()).or_default(), &here(depth), reach);
            }
        }
        let placed = self.hand_down(&mut summary, open);
        summary.pointers = &*pointers - &placed;
        summary
    }

    /// The calls of unknown functions in a function, and the bytes in use there.
    fn slots(&self, function: u64, body: &Body) -> Vec<(Slot, u64)> {
        let methods = body.sites.keys().any(|slot| matches!(slot, Slot::Field(_)));
        let name = if methods { self.pointers.program.name(function) } else { String::new() };
        let writer = WRITERS.iter().any(|start| name.starts_with(start));
        let kind = |slot| match slot {
            Slot::Field(offset) if writer => Slot::Writer(offset),
            slot => slot,
        };
        body.sites.iter().map(|(slot, depth)| (kind(*slot), *depth)).collect()
    }

    /// Resolves open calls by the addresses that fit; the rest stays open. Returns the addresses that were used.
    fn hand_down(&mut self, summary: &mut Summary, open: BTreeMap<Open, Reach>) -> BTreeSet<Pointer> {
        let mut placed = BTreeSet::new();
        let mut done: BTreeMap<(Open, usize), u64> = BTreeMap::new();
        let start = |(open, reach)| Search { open, reach, above: 1, used: Vec::new() };
        let mut work: Vec<Search> = open.into_iter().map(start).collect();
        while let Some(mut search) = work.pop() {
            let before = done.entry((search.open.clone(), search.used.len())).or_default();
            if search.reach.depth <= *before {
                continue;
            }
            *before = search.reach.depth;
            for pointer in search.fitting() {
                placed.insert(pointer);
                let panicking = search.open.panicking;
                let called = self.summary(Call { function: pointer.function(), panicking }, true);
                deepen(&mut summary.deepest, &search.reach, &called.deepest);
                let used: Vec<u64> = search.used.iter().copied().chain([pointer.function()]).collect();
                let above = search.reach.steps.len();
                for (open, further) in &called.open {
                    let open = open.clone();
                    let reach = search.reach.then(further);
                    work.push(Search { open, reach, above, used: used.clone() });
                }
            }
            // What a function calls that was itself handed down may have come with its data, from anyone above.
            if !search.used.is_empty() && search.open.served.remove(&NO_TRAIT) {
                search.open.served.insert(FORWARDED);
            }
            if !search.open.is_closed() {
                deepen(summary.open.entry(search.open).or_default(), &search.reach, &Reach::default());
            }
        }
        placed
    }
}

impl Open {
    /// Whether nobody further above can have handed anything down to it.
    fn is_closed(&self) -> bool {
        let known = matches!(self.slot, Slot::Writer(_)) && !self.served.is_empty();
        known || self.served.contains(&NO_TRAIT)
    }
}

impl Search {
    /// The addresses that fit, of each trait those of the closest function; the open call is served by them.
    fn fitting(&mut self) -> Vec<Pointer> {
        let mut fitting = Vec::new();
        if self.used.len() >= MOST_HANDED {
            return fitting;
        }
        let Open { slot, served, .. } = &mut self.open;
        for step in self.reach.steps.iter().take(self.above).rev() {
            let fits = |pointer: &&Pointer| pointer.fits(*slot) && !served.contains(&pointer.of_trait());
            let unused = |pointer: &&Pointer| !self.used.contains(&pointer.function());
            let found: Vec<Pointer> = step.pointers.iter().filter(fits).filter(unused).copied().collect();
            served.extend(found.iter().map(Pointer::of_trait));
            fitting.extend(found);
        }
        fitting
    }
}

/// Keeps the deeper of a way and the one that goes to `start` and on with `rest`.
fn deepen(deepest: &mut Reach, start: &Reach, rest: &Reach) {
    if start.depth.saturating_add(rest.depth) > deepest.depth {
        *deepest = start.then(rest);
    }
}
