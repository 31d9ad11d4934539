//! The interrupt of a device, which the task gets as a notification.

use crate::DriverError;

/// The device's interrupt, acquired. While the driver has not acknowledged one, no other comes.
#[derive(Debug)]
pub struct Interrupt {
    irq: usize,
}

impl Interrupt {
    /// Acquires it: from now on it sets `bits` in the task's notifications.
    pub(crate) fn acquire(irq: u32, bits: usize) -> Result<Self, DriverError> {
        if irq == 0 {
            return Err(DriverError::NoInterrupt);
        }
        let number = irq as usize;
        ipc::irq_acquire(number, bits).map_err(|error| DriverError::Interrupt { irq, error })?;
        Ok(Self { irq: number })
    }

    /// Its number, as the kernel counts.
    pub const fn number(&self) -> usize {
        self.irq
    }

    /// Lets the next interrupt come. First the driver has made the device lower its line, else that is the next one at once;
    /// what happens in the device after that is not lost.
    #[inline]
    pub fn acknowledge(&self) {
        // It fails only for an interrupt that is not the task's; this one is, until the task ends.
        let _ = ipc::irq_acknowledge(self.irq);
    }
}
