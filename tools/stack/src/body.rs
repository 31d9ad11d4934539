//! What one function does with the stack, found by following its instructions from the first one.
//!
//! Every way through a function is followed, once for each greater depth that it is reached with. A call is taken to
//! return only if the called function was seen to; so code after a call that never returns, which belongs to something
//! else, is not mistaken for a way on.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic};

use crate::program::Program;
use crate::references::{Reference, displacement, has_memory, is_fixed, references};
use crate::state::{State, Value};

/// How an unknown function that is called was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Slot {
    /// At this distance from an unknown address.
    Field(i64),
    /// At this distance from the start of a vtable of `core::fmt::Write`.
    Writer(i64),
    /// Somehow.
    Any,
}

/// Something in a function that the analysis does not understand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Oddity {
    /// The stack pointer is set to something that is not known.
    Dynamic,
    /// No instruction.
    Undecodable,
    /// A place on the way is reached with ever more on the stack.
    Grows,
}

/// What a function does with the stack.
#[derive(Default, Debug)]
pub(crate) struct Body {
    /// The most bytes of the stack that it uses itself, with the return address.
    pub frame: u64,
    /// The functions that it calls, and the most bytes that it then has in use.
    pub calls: BTreeMap<u64, u64>,
    /// Calls of unknown functions, and the same.
    pub sites: BTreeMap<Slot, u64>,
    /// Addresses of code and data that it takes.
    pub taken: BTreeSet<u64>,
    /// What is not understood, and where.
    pub oddities: BTreeMap<Oddity, u64>,
    returns: bool,
    seen: HashMap<u64, Seen>,
}

#[derive(Debug)]
struct Seen {
    state: State,
    visits: u32,
}

/// A place in a function from which on to follow it.
struct Way {
    function: u64,
    address: u64,
    state: State,
}

/// How often one place is followed. A probe of the stack goes one page further each time; the largest stack has 256.
const MOST_VISITS: u32 = 1024;
/// Most entries of a jump table.
const MOST_CASES: u64 = 4096;
/// Return address: what a jump to another function leaves on the stack for it.
const RETURN_ADDRESS: u64 = 8;
/// Touches the stack page by page and leaves it as it was; its caller then makes room for its frame.
const PROBE: &str = "__rust_probestack";
/// What the probe has on the stack itself: its return address and a saved register.
const PROBE_FRAME: u64 = 16;

/// All functions that can be reached from some entries.
pub(crate) struct Explorer<'p, 'a> {
    program: &'p Program<'a>,
    /// By address of the first instruction.
    pub bodies: BTreeMap<u64, Body>,
    ways: Vec<Way>,
    /// Where to go on when the function is seen to return.
    after_call: HashMap<u64, Vec<Way>>,
    /// Functions that return when the function does, because they end with a jump to it.
    after_jump: HashMap<u64, Vec<u64>>,
    /// Where in memory an address was found that was then relied on, and by which function.
    trusted: BTreeMap<u64, u64>,
    written: BTreeSet<u64>,
}

impl<'p, 'a> Explorer<'p, 'a> {
    pub fn new(program: &'p Program<'a>) -> Self {
        Self {
            program,
            bodies: BTreeMap::new(),
            ways: Vec::new(),
            after_call: HashMap::new(),
            after_jump: HashMap::new(),
            trusted: BTreeMap::new(),
            written: BTreeSet::new(),
        }
    }

    /// Follows the function at `address` and all that it calls.
    pub fn explore(&mut self, address: u64) {
        self.enter(address);
        while let Some(way) = self.ways.pop() {
            self.follow(way);
        }
    }

    /// Calls of a function whose address lies in memory that the program writes to: by that memory's address, the
    /// calling function.
    pub fn changed(&self) -> impl Iterator<Item = u64> {
        self.trusted.iter().filter(|(place, _)| self.written.contains(place)).map(|(_, function)| *function)
    }

    fn enter(&mut self, function: u64) {
        if let Entry::Vacant(place) = self.bodies.entry(function) {
            place.insert(Body::default());
            self.ways.push(Way { function, address: function, state: State::at_entry() });
        }
    }

    fn body(&mut self, function: u64) -> &mut Body {
        self.bodies.entry(function).or_default()
    }

    fn odd(&mut self, function: u64, oddity: Oddity, address: u64) {
        self.body(function).oddities.entry(oddity).or_insert(address);
    }

    /// Whether a place must be followed with this state, which becomes what is known from all ways to it.
    fn is_new(&mut self, way: &mut Way) -> bool {
        let body = self.body(way.function);
        let Some(seen) = body.seen.get_mut(&way.address) else {
            body.seen.insert(way.address, Seen { state: way.state.clone(), visits: 0 });
            return true;
        };
        seen.visits += 1;
        let visits = seen.visits;
        if !seen.state.join(&way.state) {
            return false;
        }
        way.state = seen.state.clone();
        if visits > MOST_VISITS {
            self.odd(way.function, Oddity::Grows, way.address);
        }
        visits <= MOST_VISITS
    }

    fn follow(&mut self, mut way: Way) {
        if !self.is_new(&mut way) {
            return;
        }
        let Way { function, address, mut state } = way;
        let program = self.program;
        let code = program.code(address);
        let length = usize::try_from(program.end(address) - address).unwrap_or(usize::MAX).min(code.len());
        let mut decoder = Decoder::with_ip(64, &code[..length], address, DecoderOptions::NONE);
        let mut compared = None;
        if length == 0 {
            self.odd(function, Oddity::Undecodable, address);
        }
        while decoder.can_decode() {
            let instruction = decoder.decode();
            if instruction.is_invalid() {
                return self.odd(function, Oddity::Undecodable, instruction.ip());
            }
            self.note(function, &instruction);
            let goes_on = match instruction.flow_control() {
                FlowControl::Call | FlowControl::IndirectCall if instruction.mnemonic() == Mnemonic::Call => {
                    self.call(function, &instruction, &mut state)
                }
                FlowControl::UnconditionalBranch => {
                    self.jump(function, instruction.near_branch_target(), &state);
                    false
                }
                FlowControl::ConditionalBranch => {
                    self.branch(function, &instruction, &state, compared);
                    false
                }
                FlowControl::IndirectBranch => {
                    self.indirect_jump(function, &instruction, &state);
                    false
                }
                FlowControl::Return => {
                    self.returns(function);
                    false
                }
                FlowControl::Exception => false,
                FlowControl::Interrupt => instruction.mnemonic() == Mnemonic::Int,
                _ => {
                    compared = state.compared(&instruction);
                    let known = state.step(&instruction, program);
                    if known.is_err() {
                        self.odd(function, Oddity::Dynamic, instruction.ip());
                    }
                    known.is_ok()
                }
            };
            let body = self.body(function);
            body.frame = body.frame.max(state.depth() as u64);
            if !goes_on {
                return;
            }
        }
    }

    /// Notes the addresses in an instruction.
    fn note(&mut self, function: u64, instruction: &Instruction) {
        let program = self.program;
        for reference in references(instruction) {
            match reference {
                Reference::Taken(address) => self.take(function, address),
                Reference::Used(place) if instruction.mnemonic() == Mnemonic::Mov => {
                    if let Some(address) = program.word(place) {
                        self.take(function, address);
                    }
                }
                Reference::Used(_) => {}
            }
        }
        if !has_memory(instruction) || !is_fixed(instruction) {
            return;
        }
        let place = displacement(instruction);
        match instruction.mnemonic() {
            Mnemonic::Call | Mnemonic::Jmp => _ = self.trusted.insert(place, function),
            Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Lea => {}
            _ if instruction.op0_register() == iced_x86::Register::None => _ = self.written.insert(place),
            Mnemonic::Mov if program.word(place).is_some_and(|word| program.function(word).is_some()) => {
                self.trusted.insert(place, function);
            }
            _ => {}
        }
    }

    fn take(&mut self, function: u64, address: u64) {
        if self.program.function(address).is_some() || self.program.is_data(address) {
            self.body(function).taken.insert(address);
        }
    }

    /// Returns whether the instruction after the call is known to be reached.
    fn call(&mut self, function: u64, instruction: &Instruction, state: &mut State) -> bool {
        let target = match instruction.flow_control() {
            FlowControl::Call => Value::Address(instruction.near_branch_target()),
            _ => state.operand(instruction, 0, self.program),
        };
        let depth = state.depth() as u64;
        match target {
            Value::Address(target) if target == instruction.next_ip() => {
                state.push(Value::Address(target));
                true
            }
            Value::Address(target) if self.program.is_code(target) => {
                if self.program.function(target).is_some_and(|function| function.symbol == PROBE) {
                    let body = self.body(function);
                    body.frame = body.frame.max(depth + PROBE_FRAME);
                    return true;
                }
                self.calls(function, target, depth);
                state.call_returned();
                let way = Way { function, address: instruction.next_ip(), state: state.clone() };
                if self.bodies.get(&target).is_some_and(|body| body.returns) {
                    self.ways.push(way);
                } else {
                    self.after_call.entry(target).or_default().push(way);
                }
                false
            }
            target => {
                let functions = self.table(target);
                for callee in &functions {
                    self.calls(function, *callee, depth);
                }
                if functions.is_empty() {
                    self.site(function, target, depth);
                }
                state.call_returned();
                true
            }
        }
    }

    fn calls(&mut self, function: u64, target: u64, depth: u64) {
        let deepest = self.body(function).calls.entry(target).or_default();
        *deepest = depth.max(*deepest);
        self.enter(target);
    }

    fn site(&mut self, function: u64, target: Value, depth: u64) {
        let slot = if let Value::Field(offset) = target { Slot::Field(offset) } else { Slot::Any };
        let deepest = self.body(function).sites.entry(slot).or_default();
        *deepest = depth.max(*deepest);
    }

    /// The functions in a constant table that a value was read from.
    fn table(&self, value: Value) -> Vec<u64> {
        let Value::Entry(table) = value else { return Vec::new() };
        let end = self.program.constant_end(table);
        let words = (0..MOST_CASES).map(|index| table.saturating_add(index * 8));
        let words = words.take_while(|place| *place < end).map_while(|place| self.program.word(place));
        words.take_while(|word| self.program.function(*word).is_some()).collect()
    }

    /// A jump within the function, or at its end to another one.
    fn jump(&mut self, function: u64, target: u64, state: &State) {
        if target == function || self.program.function(target).is_none() {
            return self.ways.push(Way { function, address: target, state: state.clone() });
        }
        self.calls(function, target, (state.depth() as u64).saturating_sub(RETURN_ADDRESS));
        if self.bodies.get(&target).is_some_and(|body| body.returns) {
            self.returns(function);
        } else {
            self.after_jump.entry(target).or_default().push(function);
        }
    }

    fn branch(&mut self, function: u64, instruction: &Instruction, state: &State, compared: Option<i64>) {
        let equal = compared.map(|depth| depth == state.depth());
        let (taken, passed) = match (instruction.mnemonic(), equal) {
            (Mnemonic::Je, Some(equal)) => (equal, !equal),
            (Mnemonic::Jne, Some(equal)) => (!equal, equal),
            _ => (true, true),
        };
        if passed {
            self.ways.push(Way { function, address: instruction.next_ip(), state: state.clone() });
        }
        if taken {
            self.jump(function, instruction.near_branch_target(), state);
        }
    }

    fn indirect_jump(&mut self, function: u64, instruction: &Instruction, state: &State) {
        let value = state.operand(instruction, 0, self.program);
        let targets = match value {
            Value::Address(target) if self.program.is_code(target) => vec![target],
            _ => self.cases(function, instruction.ip(), value),
        };
        if targets.is_empty() {
            self.site(function, value, (state.depth() as u64).saturating_sub(RETURN_ADDRESS));
            self.returns(function);
        }
        for target in targets {
            self.jump(function, target, state);
        }
    }

    /// Where a jump through a table leads: into the function that it is in.
    fn cases(&self, function: u64, address: u64, value: Value) -> Vec<u64> {
        let program = self.program;
        let (table, size) = match value {
            Value::Entry(table) => (table, 8),
            Value::Case(table) => (table, 4),
            _ => return Vec::new(),
        };
        let end = program.constant_end(table);
        let own = function.min(address)..program.end(address);
        let mut targets: Vec<u64> = (0..MOST_CASES)
            .map(|index| table.saturating_add(index * size))
            .take_while(|place| *place < end)
            .map_while(|place| match size {
                8 => program.word(place),
                _ => program.half(place).map(|distance| table.wrapping_add(i64::from(distance) as u64)),
            })
            .take_while(|target| own.contains(target))
            .collect();
        targets.sort_unstable();
        targets.dedup();
        if targets.is_empty() { self.table(value) } else { targets }
    }

    fn returns(&mut self, function: u64) {
        let mut returning = vec![function];
        while let Some(function) = returning.pop() {
            let body = self.body(function);
            if !body.returns {
                body.returns = true;
                self.ways.extend(self.after_call.remove(&function).unwrap_or_default());
                returning.extend(self.after_jump.remove(&function).unwrap_or_default());
            }
        }
    }
}
