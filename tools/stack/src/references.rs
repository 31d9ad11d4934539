//! What instructions refer to: constants that may be the addresses of functions or data.
//!
//! A number that only looks like an address makes the analysis see a function taken that is not, which is safe.

use std::collections::BTreeSet;

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

use crate::program::Program;

/// An address that an instruction contains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reference {
    /// The instruction takes the address, or computes another from it.
    Taken(u64),
    /// The instruction reads or writes just the memory there.
    Used(u64),
}

/// The addresses in an instruction, other than where it jumps or what it calls.
pub(crate) fn references(instruction: &Instruction) -> impl Iterator<Item = Reference> {
    let immediate = match instruction.mnemonic() {
        Mnemonic::Mov | Mnemonic::Push => last_immediate(instruction).map(Reference::Taken),
        _ => None,
    };
    immediate.into_iter().chain(memory(instruction))
}

/// The number that is an instruction's last operand, if it is as wide as an address.
pub(crate) fn last_immediate(instruction: &Instruction) -> Option<u64> {
    match instruction.op_kind(instruction.op_count().checked_sub(1)?) {
        OpKind::Immediate64 => Some(instruction.immediate64()),
        OpKind::Immediate32to64 => Some(instruction.immediate32to64() as u64),
        OpKind::Immediate32 => Some(instruction.immediate32().into()),
        _ => None,
    }
}

fn memory(instruction: &Instruction) -> Option<Reference> {
    if !has_memory(instruction) {
        return None;
    }
    let address = displacement(instruction);
    let fixed = is_fixed(instruction) && instruction.mnemonic() != Mnemonic::Lea;
    Some(if fixed { Reference::Used(address) } else { Reference::Taken(address) })
}

/// Whether the instruction has an operand in memory, or computes an address as if it had.
pub(crate) fn has_memory(instruction: &Instruction) -> bool {
    instruction.op_kinds().any(|kind| kind == OpKind::Memory)
}

/// Whether the operand in memory is always at the same address.
pub(crate) fn is_fixed(instruction: &Instruction) -> bool {
    instruction.is_ip_rel_memory_operand()
        || instruction.memory_base() == Register::None && instruction.memory_index() == Register::None
}

/// The constant part of the address of the operand in memory.
pub(crate) fn displacement(instruction: &Instruction) -> u64 {
    // For operands relative to the instruction pointer, the decoder has done the addition.
    instruction.memory_displacement64()
}

/// All addresses of data that code or data refer to.
pub(crate) fn boundaries(program: &Program<'_>) -> BTreeSet<u64> {
    let mut found: BTreeSet<u64> = program.words().filter(|word| program.is_data(*word)).collect();
    for (start, function) in program.functions() {
        let code = program.code(start);
        let length = usize::try_from(function.end - start).unwrap_or(usize::MAX).min(code.len());
        let decoder = Decoder::with_ip(64, &code[..length], start, DecoderOptions::NONE);
        for instruction in decoder.into_iter().filter(|instruction| instruction.code() != Code::INVALID) {
            for reference in references(&instruction) {
                let (Reference::Taken(address) | Reference::Used(address)) = reference;
                if program.is_data(address) {
                    found.insert(address);
                }
            }
        }
    }
    found
}
