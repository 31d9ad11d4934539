//! The bases of the segments FS and GS, where programs keep what each thread has for itself.
//!
//! The instructions that set them cannot be trapped one by one, so they are off (CR4.FSGSBASE) until a task's first one
//! faults. From then on that task's bases are saved and loaded when it is switched; all others pay one comparison.

use abi::TaskIndex;

use crate::cpu::{self, control};
use crate::machine::X64;

impl X64 {
    /// Before `task` runs, when it or the task that ran before has bases.
    #[cold]
    pub fn exchange_bases(&mut self, task: TaskIndex) {
        if let Some(old) = self.bases_owner
            && let Some(bases) = &mut self.parts[old].bases
        {
            *bases = cpu::segment_bases();
        }
        self.set_bases(task);
    }

    /// Loads a task's bases; the instructions for them work only if it has some.
    pub fn set_bases(&mut self, task: TaskIndex) {
        let bases = self.parts[task].bases;
        self.bases_owner = bases.map(|_| task);
        // SAFETY: some task has bases, so the CPU has the feature; it is on while they are written, and they are what
        // the task itself had set.
        unsafe {
            cpu::set_cr4(cpu::cr4() | control::FSGSBASE);
            cpu::set_segment_bases(bases.unwrap_or([0; 2]));
            if bases.is_none() {
                cpu::set_cr4(cpu::cr4() & !control::FSGSBASE);
            }
        }
    }

    /// `task`, which runs, has used an instruction that is undefined: if it is one for segment bases, lets it have them
    /// and returns true.
    pub fn take_bases(&mut self, task: TaskIndex) -> bool {
        let part = &mut self.parts[task];
        if !self.has_bases || part.bases.is_some() {
            return false;
        }
        part.bases = Some([0; 2]);
        self.set_bases(task);
        true
    }
}
