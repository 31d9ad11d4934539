//! Who may do what: rights that the machine cannot grant, that two programs cannot have at once, or that are none alone.
//!
//! vm has all rights and gives each program those of its manifest, so nobody asks for more than the launcher has. But an
//! interrupt has one owner in the kernel, devices are mapped by whole pages and never over memory, and what the kernel
//! keeps for itself (its console, its interrupt controllers) it gives to nobody.

use std::fmt;
use std::ops::Range;

use manifest::Power;

use crate::text::{range, size};
use crate::{Machine, Place, Program, Reserved, System};

/// Devices are mapped by pages of this size.
const PAGE: u64 = 4096;

/// A kind of numbers that rights are about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resource {
    /// Interrupts.
    Irq,
    /// I/O ports.
    Ports,
    /// Physical addresses.
    Mmio,
}

impl Resource {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Irq, Self::Ports, Self::Mmio];

    /// The key of the manifest.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Irq => "irqs",
            Self::Ports => "ports",
            Self::Mmio => "mmio",
        }
    }

    /// These numbers in a sentence.
    fn name(self, numbers: &Range<u64>) -> String {
        match self {
            Self::Irq => format!("the interrupt {}", numbers.start),
            Self::Ports => format!("the I/O ports {}", range(numbers.start, numbers.end)),
            Self::Mmio => format!("the device memory {}", range(numbers.start, numbers.end)),
        }
    }

    /// What a program claims of this.
    pub fn claims(self, program: &Program) -> Vec<Range<u64>> {
        let manifest = program.manifest();
        let ranges = |ranges: &[manifest::Range]| ranges.iter().map(|range| range.start..range.end).collect();
        match self {
            Self::Irq => manifest.irqs.iter().map(|irq| u64::from(*irq)..u64::from(*irq) + 1).collect(),
            Self::Ports => ranges(&manifest.ports),
            Self::Mmio => ranges(&manifest.mmio),
        }
    }

    fn of_kernel(self, machine: &Machine) -> &[Reserved] {
        match self {
            Self::Irq => &machine.kernel_irqs,
            Self::Ports => &machine.kernel_ports,
            Self::Mmio => &machine.kernel_mmio,
        }
    }
}

/// A right of a program in its manifest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// Who claims it.
    pub program: String,
    /// Where that is written.
    pub place: Place,
    /// Numbers of what.
    pub resource: Resource,
    /// The numbers.
    pub numbers: Range<u64>,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} claims {}", self.place, self.program, self.resource.name(&self.numbers))
    }
}

/// What is wrong with a right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// The machine has not so many interrupts.
    NoSuchIrq {
        /// Who claims it.
        claim: Claim,
        /// The machine.
        machine: String,
        /// How many interrupts it has.
        irqs: u32,
    },
    /// The machine has no I/O ports.
    NoPorts {
        /// Who claims them.
        claim: Claim,
        /// The machine.
        machine: String,
    },
    /// The kernel keeps it for itself.
    OfKernel {
        /// Who claims it.
        claim: Claim,
        /// What the kernel uses it for.
        what: String,
    },
    /// Two programs claim the same.
    Twice {
        /// The first.
        first: Claim,
        /// The second.
        second: Claim,
    },
    /// Physical addresses that are not whole pages.
    NotPages {
        /// Who claims them.
        claim: Claim,
    },
    /// Physical addresses past those that the machine has.
    PastAddresses {
        /// Who claims them.
        claim: Claim,
        /// The machine.
        machine: String,
        /// How many bits its addresses have.
        bits: u32,
    },
    /// Physical addresses of memory.
    IsMemory {
        /// Who claims them.
        claim: Claim,
        /// The machine.
        machine: String,
        /// Its memory in bytes.
        memory: u64,
        /// Where the memory lies that they overlap.
        ram: Range<u64>,
    },
    /// The power to create tasks without that to map memory for them.
    CreateWithoutMap {
        /// Who has it.
        program: String,
        /// Where that is written.
        place: Place,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchIrq { claim, machine, irqs } => write!(
                f,
                "{claim}, but the machine {machine} has only the interrupts 0 to {}: correct the number, or remove it",
                irqs.saturating_sub(1)
            ),
            Self::NoPorts { claim, machine } => write!(
                f,
                "{claim}, but the machine {machine} has no I/O ports: reach the device through `mmio`, or leave the driver out"
            ),
            Self::OfKernel { claim, what } => {
                write!(
                    f,
                    "{claim}, but the kernel keeps {what} for itself: remove it, the kernel gives it to nobody"
                )
            }
            Self::Twice { first, second } => write!(
                f,
                "{:?} ({}) and {:?} ({}) both claim {}, but a device has one driver: remove it from one, and let that one be a \
                 client of the other",
                first.program,
                first.place,
                second.program,
                second.place,
                first.resource.name(
                    &(first.numbers.start.max(second.numbers.start)
                        ..first.numbers.end.min(second.numbers.end))
                )
            ),
            Self::NotPages { claim } => {
                let pages = claim.numbers.start / PAGE * PAGE..claim.numbers.end.next_multiple_of(PAGE);
                write!(
                    f,
                    "{claim}, but devices are mapped by whole pages of 4 KiB: claim {:?}",
                    range(pages.start, pages.end)
                )
            }
            Self::PastAddresses { claim, machine, bits } => write!(
                f,
                "{claim}, but physical addresses of the machine {machine} have {bits} bits, so the last one is {:#x}: correct the \
                 range",
                (1u64 << bits) - 1
            ),
            Self::IsMemory { claim, machine, memory, ram } => write!(
                f,
                "{claim}, but with {} the machine {machine} has memory at {}, which is vm's to give: correct the range",
                size(*memory),
                range(ram.start, ram.end)
            ),
            Self::CreateWithoutMap { program, place } => write!(
                f,
                "{place}: {program:?} has the power \"create\" without \"map\", but creating a task takes memory for its page table, \
                 so the kernel asks for both: add \"map\", or remove \"create\""
            ),
        }
    }
}

impl std::error::Error for Error {}

/// Checks all rights.
pub fn check(system: &System) -> Vec<Error> {
    let mut errors = Vec::new();
    for program in &system.programs {
        let manifest = program.manifest();
        if let Some(member) = manifest.powers.iter().position(|power| *power == Power::Create)
            && !manifest.has(Power::Map)
        {
            let place = program.place("powers", member);
            errors.push(Error::CreateWithoutMap { program: program.name.clone(), place });
        }
    }
    for resource in Resource::ALL {
        let claims = claims(system, resource);
        for claim in &claims {
            errors.extend(alone(&system.machine, claim));
        }
        for (index, first) in claims.iter().enumerate() {
            let others = claims[index + 1..].iter().filter(|second| second.program != first.program);
            let same = others.filter(|second| overlap(&first.numbers, &second.numbers));
            errors.extend(same.map(|second| Error::Twice { first: first.clone(), second: second.clone() }));
        }
    }
    errors
}

fn claims(system: &System, resource: Resource) -> Vec<Claim> {
    let claim = |program: &Program, member: usize, numbers: Range<u64>| Claim {
        program: program.name.clone(),
        place: program.place(resource.key(), member),
        resource,
        numbers,
    };
    let of = |program: &Program| -> Vec<Claim> {
        let ranges = resource.claims(program).into_iter().enumerate();
        ranges.map(|(member, numbers)| claim(program, member, numbers)).collect()
    };
    system.programs.iter().flat_map(of).collect()
}

/// What is wrong with one claim, whoever else claims what; the first thing, since the others follow from it.
fn alone(machine: &Machine, claim: &Claim) -> Option<Error> {
    let (claim, name) = (claim.clone(), machine.name.clone());
    let numbers = claim.numbers.clone();
    match claim.resource {
        Resource::Irq if numbers.end > machine.irqs.into() => {
            return Some(Error::NoSuchIrq { claim, machine: name, irqs: machine.irqs });
        }
        Resource::Ports if !machine.ports => return Some(Error::NoPorts { claim, machine: name }),
        Resource::Mmio if !(numbers.start.is_multiple_of(PAGE) && numbers.end.is_multiple_of(PAGE)) => {
            return Some(Error::NotPages { claim });
        }
        Resource::Mmio if numbers.end > 1 << machine.address_bits => {
            return Some(Error::PastAddresses { claim, machine: name, bits: machine.address_bits });
        }
        Resource::Mmio => {
            if let Some(ram) = machine.ram.iter().find(|ram| overlap(ram, &numbers)) {
                let (memory, ram) = (machine.memory, ram.clone());
                return Some(Error::IsMemory { claim, machine: name, memory, ram });
            }
        }
        Resource::Irq | Resource::Ports => {}
    }
    let of_kernel =
        claim.resource.of_kernel(machine).iter().find(|reserved| overlap(&reserved.range, &numbers))?;
    Some(Error::OfKernel { claim, what: of_kernel.what.clone() })
}

fn overlap(first: &Range<u64>, second: &Range<u64>) -> bool {
    first.start < second.end && second.start < first.end
}
