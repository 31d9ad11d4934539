//! vm on a model of the kernel.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod image;
pub mod model;

use abi::{Access, Error, Region, TaskId};
use manifest::{Manifest, Power};
use model::{BASE, Model, PAGE};
use std::ops::{Deref, DerefMut};
use vm::frames::{Bare, Frames};
use vm::memory::Memory;
use vm::report::Context;
use vm::state::{State, Vm};
use vm::told::Told;

pub struct System {
    pub vm: Vm<'static, Model>,
    pub model: Model,
}

impl Deref for System {
    type Target = Vm<'static, Model>;

    fn deref(&self) -> &Self::Target {
        &self.vm
    }
}

impl DerefMut for System {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.vm
    }
}

/// A manifest that gives the power to launch.
pub fn launcher() -> Manifest<'static> {
    let mut manifest = Manifest::default();
    manifest.powers.push(Power::Launch).unwrap();
    manifest
}

/// A manifest that provides and uses services.
pub fn services(provides: &[&'static str], uses: &[&'static str]) -> Manifest<'static> {
    let mut manifest = Manifest::default();
    manifest.provides.extend_from_slice(provides).unwrap();
    manifest.uses.extend_from_slice(uses).unwrap();
    manifest
}

impl System {
    /// A system with `frames` free frames and these programs. Nothing runs yet.
    pub fn new(frames: u64, programs: &[(&str, Manifest<'static>)]) -> Self {
        let image: &'static [u8] = Vec::leak(image::image(programs));
        let model = Model::new(frames, image);
        let regions = [Region { start: BASE, length: frames * PAGE }];
        let bare = Bare::new(&regions, 1 << 40);
        let words = vec![0; bare.total() as usize].into();
        let own = model.own();
        let mut vm = Vm {
            kernel: model.clone(),
            memory: Memory::new(Frames::new(bare, words), &regions, own),
            state: Box::leak(Box::new(State::new())),
            own,
            ram: frames * PAGE,
            metadata_frames: 0,
        };
        vm.load(image, BASE + frames * PAGE).unwrap();
        Self { vm, model }
    }

    /// Launches a program as vm itself does.
    pub fn run(&mut self, name: &str) -> Result<TaskId, Error> {
        let program = self.state.catalog.find(name).ok_or(Error::NotFound)?;
        self.launch_program(program, None, Told::default())
    }

    /// A task touches its memory as a program would. Returns whether it goes on.
    pub fn touch(&mut self, task: TaskId, address: u64, access: Access) -> bool {
        self.page_fault(task, address, access, Context::default())
    }
}

/// What a program with these arguments is told.
pub fn arguments(arguments: &[u8]) -> Told<'_> {
    Told { arguments, environment: b"" }
}
