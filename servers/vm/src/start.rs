//! From the kernel's start record to a running system.

use crate::frames::{Bare, Frames};
use crate::kernel::{Kernel, Native, WINDOW_SIZE};
use crate::memory::Memory;
use crate::print::log;
use crate::program::Starts;
use crate::state::{State, Vm};
use abi::{BootInfo, Error, Region, TaskId};
use bootfs::Bootfs;
use ipc::memory::Words;

/// The metadata's words, the boot image, and the frames that are left.
type Ground = (Words, &'static [u8], Bare);

/// Starts vm on the real system: takes over the memory, reads the boot image, starts what starts with the system.
///
/// Errors: text for people, why the system cannot start.
pub fn native<'a>(state: &'a mut State, info: &BootInfo) -> Result<Vm<'a, Native>, &'static str> {
    let own = TaskId::from_raw(info.own_id as usize).ok_or("the kernel's start record is damaged")?;
    let count = (info.regions as usize).min(info.free.len());
    let regions = info.free.get(..count).unwrap_or(&[]);
    let (words, image, bare) = lay_ground(regions, info.bootfs)
        .map_err(|_| "there is not enough memory, or the boot image cannot be mapped")?;
    let metadata_frames = bare.taken();
    let memory = Memory::new(Frames::new(bare, words), regions, own);
    let mut vm = Vm { kernel: Native, memory, state, own, ram: info.memory, metadata_frames };
    vm.state.devices.configuration = info.configuration;
    vm.load(image, info.bootfs.start)?;
    vm.start_system();
    Ok(vm)
}

/// Maps what vm needs for good.
fn lay_ground(regions: &[Region], bootfs: Region) -> Result<Ground, Error> {
    let mut bare = Bare::new(regions, WINDOW_SIZE);
    let total = bare.total() as usize;
    let words = ipc::memory::map_words(total, &mut || bare.take())?;
    let image = ipc::memory::map_image(bootfs.start, bootfs.length as usize, &mut || bare.take())?;
    Ok((words, image, bare))
}

impl<K: Kernel> Vm<'_, K> {
    /// Reads the programs of the boot image, which lies at physical address `physical`.
    ///
    /// Errors: text for people, why there are none.
    pub fn load(&mut self, image: &'static [u8], physical: u64) -> Result<(), &'static str> {
        let bootfs = match Bootfs::parse(image) {
            Ok(bootfs) => bootfs,
            Err(error) => {
                log!(self.kernel, "{error}");
                return Err("the boot image cannot be read");
            }
        };
        if bootfs.build() != 0 {
            // `cargo resea symbolize` tells by it whether a log is of the files at hand.
            log!(self.kernel, "build {:08x}", bootfs.build());
        }
        let kernel = &mut self.kernel;
        let state = &mut *self.state;
        state.image = Some(bootfs);
        state.catalog.load(bootfs, physical, &mut state.services, |name, defect| {
            log!(*kernel, "bin/{name} cannot be launched: {defect}");
        });
        Ok(())
    }

    /// Starts the programs that start with the system, by name.
    pub fn start_system(&mut self) {
        let mut place = 0;
        while let Some(program) = self.state.catalog.get(place) {
            if program.starts.contains(Starts::AT_BOOT) {
                self.launch_for_system(place);
            }
            place += 1;
        }
    }
}
