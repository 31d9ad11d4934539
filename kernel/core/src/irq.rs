//! Interrupts of devices: who owns which, and how the owner is told.
//!
//! An interrupt is masked when it arrives and stays so until its owner acknowledges it, so that a device can never
//! interrupt faster than its driver keeps up.

use abi::{Error, IrqOperation, TaskIndex};

use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::syscall::Handled;

/// IRQs that the core has places for.
pub const MAX_IRQS: usize = 256;

#[derive(Clone, Copy)]
struct Owner {
    task: TaskIndex,
    bits: usize,
}

/// Who owns which interrupt.
#[cfg_attr(test, derive(Clone))]
pub struct Irqs([Option<Owner>; MAX_IRQS]);

impl Irqs {
    pub(crate) const fn new() -> Self {
        Self([None; MAX_IRQS])
    }

    /// The owner of an IRQ, and how it is notified.
    #[cfg(debug_assertions)]
    pub(crate) fn owner(&self, irq: usize) -> Option<(TaskIndex, usize)> {
        self.0.get(irq).copied().flatten().map(|owner| (owner.task, owner.bits))
    }
}

impl<M: Machine> Kernel<M> {
    /// A device has interrupted. Until the owner acknowledges it, the IRQ is masked.
    pub fn interrupt(&mut self, irq: usize) {
        self.machine.set_irq_enabled(irq, false);
        if let Some(Some(Owner { task, bits })) = self.irqs.0.get(irq).copied() {
            self.set_notifications(task, bits);
            self.reschedule();
        }
    }

    /// The system call `irq`.
    pub(crate) fn sys_irq(
        &mut self,
        caller: TaskIndex,
        operation: usize,
        irq: usize,
        bits: usize,
    ) -> Handled {
        let allowed = self.tasks[caller].rights.irqs;
        if !allowed.iter().any(|range| range.covers(irq as u64, (irq as u64).saturating_add(1))) {
            return Err(Error::NotPermitted.into());
        }
        let exists = self.machine.has_irq(irq);
        if exists && operation == IrqOperation::Message as usize {
            let (address, data) = self.machine.message(irq).ok_or(Error::InvalidArgument)?;
            return Ok(Some((u64::from(data) << 32 | u64::from(address)) as usize));
        }
        let place = self.irqs.0.get_mut(irq).filter(|_| exists).ok_or(Error::InvalidArgument)?;
        let owner = place.map(|owner| owner.task);
        if operation == IrqOperation::Acquire as usize {
            if bits == 0 {
                return Err(Error::InvalidArgument.into());
            }
            if owner.is_some_and(|owner| owner != caller) {
                return Err(Error::AlreadyExists.into());
            }
            *place = Some(Owner { task: caller, bits });
        } else if operation > IrqOperation::Release as usize {
            return Err(Error::InvalidArgument.into());
        } else if owner != Some(caller) {
            return Err(Error::NotPermitted.into());
        } else if operation == IrqOperation::Release as usize {
            *place = None;
        }
        self.machine.set_irq_enabled(irq, operation != IrqOperation::Release as usize);
        Ok(Some(0))
    }

    /// Masks and frees all interrupts of a task.
    pub(crate) fn release_irqs(&mut self, task: TaskIndex) {
        for (irq, place) in self.irqs.0.iter_mut().enumerate() {
            if place.is_some_and(|owner| owner.task == task) {
                *place = None;
                self.machine.set_irq_enabled(irq, false);
            }
        }
    }
}
