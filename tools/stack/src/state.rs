//! What is known about registers and the stack at one instruction, and how an instruction changes it.
//!
//! Only what matters for the stack is followed: where the stack pointer is, the registers that hold a place on the
//! stack, and addresses of code and tables on their way to a call or a jump. All else is [`Value::Unknown`].

use iced_x86::{Instruction, Mnemonic, OpKind, Register};

use crate::program::Program;
use crate::references::{displacement, is_fixed, last_immediate};

/// What a register or a place on the stack is known to hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    /// Anything.
    Unknown,
    /// The address so many bytes below where the stack was before the function was called.
    Stack(i64),
    /// This number, which may be an address.
    Address(u64),
    /// What was read at this distance from an unknown address: a function of a vtable, for example.
    Field(i64),
    /// An entry of the table of addresses that starts here.
    Entry(u64),
    /// An entry of the table that starts here, of distances from its start.
    Distance(u64),
    /// The start of such a table plus an entry of it.
    Case(u64),
}

/// A stack pointer that became something else than a known place on the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lost;

/// Where an operand in memory is.
enum Place {
    Fixed(u64),
    Table(u64),
    Stack(i64),
    Field(i64),
}

/// Number of the stack pointer and of the frame pointer among the registers (Intel SDM volume 2, table 2-2).
const RSP: usize = 4;
const RBP: usize = 5;
/// Numbers of the registers that a function may overwrite: rax, rcx, rdx, rsi, rdi, r8 to r11 (System V ABI for AMD64,
/// section 3.2.1).
const SCRATCH: [usize; 9] = [0, 1, 2, 6, 7, 8, 9, 10, 11];
/// Numbers of the registers that instructions may write to without naming them: rax, rcx, rdx, rbx, rsi, rdi, r11.
const IMPLIED: [usize; 7] = [0, 1, 2, 3, 6, 7, 11];
/// Bytes of what `push` and `call` store.
const SLOT: i64 = 8;

/// What is known before an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct State {
    registers: [Value; 16],
    /// Known values on the stack, by depth.
    spills: Vec<(i64, Value)>,
}

impl State {
    /// At the first instruction of a function: the return address is on the stack.
    pub fn at_entry() -> Self {
        let mut registers = [Value::Unknown; 16];
        registers[RSP] = Value::Stack(SLOT);
        Self { registers, spills: Vec::new() }
    }

    /// Bytes of the stack in use, with the return address. Never negative.
    pub fn depth(&self) -> i64 {
        match self.registers[RSP] {
            Value::Stack(depth) => depth.max(0),
            // `set` keeps the stack pointer a place on the stack.
            _ => 0,
        }
    }

    /// Takes over what is known on another way to the same instruction: the greater depth, and what both know.
    /// Returns whether anything changed.
    pub fn join(&mut self, other: &Self) -> bool {
        let before = self.clone();
        let depth = self.depth().max(other.depth());
        for (own, other) in self.registers.iter_mut().zip(&other.registers) {
            if own != other {
                *own = Value::Unknown;
            }
        }
        self.registers[RSP] = Value::Stack(depth);
        self.spills.retain(|spill| other.spills.contains(spill));
        *self != before
    }

    /// What a call leaves of the registers.
    pub fn call_returned(&mut self) {
        SCRATCH.iter().for_each(|register| self.registers[*register] = Value::Unknown);
    }

    /// One more word on the stack.
    pub fn push(&mut self, value: Value) {
        let depth = self.depth().saturating_add(SLOT);
        self.registers[RSP] = Value::Stack(depth);
        self.store(depth, value);
    }

    fn pop(&mut self) -> Value {
        let depth = self.depth();
        self.registers[RSP] = Value::Stack(depth - SLOT);
        self.spilled(depth)
    }

    fn store(&mut self, depth: i64, value: Value) {
        self.spills.retain(|(place, _)| place.abs_diff(depth) >= SLOT as u64);
        if value != Value::Unknown {
            self.spills.push((depth, value));
            self.spills.sort_unstable_by_key(|(place, _)| *place);
        }
    }

    fn spilled(&self, depth: i64) -> Value {
        self.spills.iter().find(|(place, _)| *place == depth).map_or(Value::Unknown, |(_, value)| *value)
    }

    fn set(&mut self, register: Register, value: Value) -> Result<(), Lost> {
        if !register.is_gpr() {
            return Ok(());
        }
        let number = register.full_register().number();
        match value {
            Value::Stack(_) => {}
            // Another stack, which is empty.
            Value::Address(_) if number == RSP => {
                self.registers[RSP] = Value::Stack(0);
                return Ok(());
            }
            _ if number == RSP => return Err(Lost),
            _ => {}
        }
        self.registers[number] = value;
        Ok(())
    }

    fn register(&self, register: Register) -> Value {
        if register.is_gpr64() { self.registers[register.number()] } else { Value::Unknown }
    }

    /// The number that a register holds, also if the instruction names only its lower half.
    fn number(&self, register: Register) -> Option<u64> {
        let Value::Address(number) = self.register(register.full_register()) else { return None };
        Some(number)
    }

    /// What an instruction's operand is before it.
    pub fn operand(&self, instruction: &Instruction, index: u32, program: &Program<'_>) -> Value {
        match instruction.op_kind(index) {
            OpKind::Register => self.register(instruction.op_register(index)),
            OpKind::Memory if instruction.memory_size().size() == SLOT as usize => {
                self.load(instruction, program)
            }
            OpKind::Memory => Value::Unknown,
            _ => last_immediate(instruction).map_or(Value::Unknown, Value::Address),
        }
    }

    fn load(&self, instruction: &Instruction, program: &Program<'_>) -> Value {
        match self.place(instruction) {
            Place::Fixed(address) => match program.word(address) {
                Some(word) if program.is_code(word) || program.is_data(word) => Value::Address(word),
                _ => Value::Unknown,
            },
            Place::Table(address) if program.is_data(address) => Value::Entry(address),
            Place::Stack(depth) => self.spilled(depth),
            Place::Field(offset) => Value::Field(offset),
            Place::Table(_) => Value::Unknown,
        }
    }

    fn place(&self, instruction: &Instruction) -> Place {
        let offset = displacement(instruction);
        if is_fixed(instruction) {
            return Place::Fixed(offset);
        }
        let (base, index) = (instruction.memory_base(), instruction.memory_index());
        let indexed = index != Register::None;
        match self.register(base) {
            Value::Stack(depth) if !indexed => Place::Stack(depth.wrapping_sub(offset as i64)),
            Value::Address(address) if indexed => Place::Table(address.wrapping_add(offset)),
            Value::Address(address) => Place::Fixed(address.wrapping_add(offset)),
            _ if base == Register::None => Place::Table(offset),
            _ if !indexed => Place::Field(offset as i64),
            _ => match self.register(index) {
                Value::Address(address) if instruction.memory_index_scale() == 1 => {
                    Place::Table(address.wrapping_add(offset))
                }
                // A small number is a distance within something, a large one the start of a table.
                _ => Place::Table(offset),
            },
        }
    }

    /// What is known after an instruction that neither jumps nor calls.
    ///
    /// # Errors
    ///
    /// If the stack pointer is not known any more; the state still says where it was.
    pub fn step(&mut self, instruction: &Instruction, program: &Program<'_>) -> Result<(), Lost> {
        let target = instruction.op0_register();
        match instruction.mnemonic() {
            Mnemonic::Push => {
                let value = self.operand(instruction, 0, program);
                self.push(value);
                Ok(())
            }
            Mnemonic::Pushfq => {
                self.push(Value::Unknown);
                Ok(())
            }
            Mnemonic::Pop => {
                let value = self.pop();
                self.set(target, value)
            }
            Mnemonic::Popfq => {
                self.pop();
                Ok(())
            }
            Mnemonic::Leave => {
                let frame = self.registers[RBP];
                self.set(Register::RSP, frame)?;
                self.registers[RBP] = self.pop();
                Ok(())
            }
            Mnemonic::Mov if instruction.op0_kind() == OpKind::Memory => {
                let value = self.operand(instruction, 1, program);
                if let Place::Stack(depth) = self.place(instruction) {
                    self.store(depth, value);
                }
                Ok(())
            }
            Mnemonic::Mov => {
                let value = self.operand(instruction, 1, program);
                self.set(target, value)
            }
            Mnemonic::Lea => {
                let value = match self.place(instruction) {
                    Place::Fixed(address) => Value::Address(address),
                    Place::Stack(depth) => Value::Stack(depth),
                    _ => Value::Unknown,
                };
                self.set(target, value)
            }
            Mnemonic::Movsxd if instruction.op1_kind() == OpKind::Memory => {
                let value = match self.place(instruction) {
                    Place::Table(address) if program.is_data(address) => Value::Distance(address),
                    _ => Value::Unknown,
                };
                self.set(target, value)
            }
            Mnemonic::Add | Mnemonic::Sub | Mnemonic::And => self.compute(instruction),
            Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Nop => Ok(()),
            _ => self.forget(instruction),
        }
    }

    fn compute(&mut self, instruction: &Instruction) -> Result<(), Lost> {
        if instruction.op0_kind() != OpKind::Register {
            return Ok(());
        }
        let (target, right) = (instruction.op0_register(), instruction.op1_register());
        let number = match instruction.op1_kind() {
            OpKind::Register => self.number(right),
            OpKind::Memory => None,
            _ => Some(instruction.immediate(1)),
        };
        let value = match (instruction.mnemonic(), self.register(target), number) {
            (Mnemonic::Add, Value::Distance(table), Some(start)) if table == start => Value::Case(table),
            (Mnemonic::Add, Value::Address(start), None)
                if self.register(right) == Value::Distance(start) =>
            {
                Value::Case(start)
            }
            (Mnemonic::Add, Value::Stack(depth), Some(number)) => {
                Value::Stack(depth.saturating_sub(number as i64))
            }
            (Mnemonic::Sub, Value::Stack(depth), Some(number)) => {
                Value::Stack(depth.saturating_add(number as i64))
            }
            (Mnemonic::And, Value::Stack(depth), Some(mask)) => aligned(depth, mask),
            (Mnemonic::Add, Value::Address(address), Some(number)) => {
                Value::Address(address.wrapping_add(number))
            }
            (Mnemonic::Sub, Value::Address(address), Some(number)) => {
                Value::Address(address.wrapping_sub(number))
            }
            _ => Value::Unknown,
        };
        self.set(target, value)
    }

    /// An instruction of which only is known what it may write to.
    fn forget(&mut self, instruction: &Instruction) -> Result<(), Lost> {
        use Mnemonic::{Bt, Dec, Inc, Movsx, Movsxd, Movzx, Neg, Not, Or, Sar, Shl, Shr, Xor};
        let plain = matches!(
            instruction.mnemonic(),
            Bt | Dec | Inc | Movsx | Movsxd | Movzx | Neg | Not | Or | Sar | Shl | Shr | Xor
        );
        if !plain {
            IMPLIED.iter().for_each(|register| self.registers[*register] = Value::Unknown);
        }
        for index in 0..instruction.op_count().min(2) {
            if instruction.op_kind(index) == OpKind::Register && (index == 0 || !plain) {
                self.set(instruction.op_register(index), Value::Unknown)?;
            }
        }
        Ok(())
    }

    /// The depth at which the stack pointer equals a register that this comparison compares it with.
    pub fn compared(&self, instruction: &Instruction) -> Option<i64> {
        let (left, right) = (instruction.op0_register(), instruction.op1_register());
        let other = match (instruction.mnemonic(), left, right) {
            (Mnemonic::Cmp, Register::RSP, other) | (Mnemonic::Cmp, other, Register::RSP) => other,
            _ => return None,
        };
        if let Value::Stack(depth) = self.register(other) { Some(depth) } else { None }
    }
}

/// A place on the stack after its address was rounded down by a mask. The stack is a multiple of 16 before a call
/// (System V ABI for AMD64, section 3.2.2), so how far the depth grows is known for 16, and bounded for more.
fn aligned(depth: i64, mask: u64) -> Value {
    const KEPT: i64 = 16;
    let alignment = (mask as i64).saturating_neg();
    if alignment <= 0 || !alignment.unsigned_abs().is_power_of_two() || alignment > 1 << 20 {
        return Value::Unknown;
    }
    let step = alignment.min(KEPT);
    let rounded = depth.max(0).saturating_add(step - 1) / step * step;
    Value::Stack(rounded.saturating_add(alignment - step))
}
