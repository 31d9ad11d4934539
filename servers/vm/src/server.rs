//! vm's interface: what tasks ask of it.
//!
//! Decides who may do what, and leaves the doing to the other modules. Only tasks that vm has launched are served where
//! something is kept for them, because only of those it learns when they end.

use crate::devices::DeviceRights;
use crate::frames::PAGE;
use crate::kernel::Kernel;
use crate::launch::MAX_ARGUMENTS;
use crate::memory::Owned;
use crate::program::{Program, Starts};
use crate::services::Service;
use crate::state::Vm;
use crate::told::Told;
use crate::watches::EndKind;
use abi::{Error, MapFlags, NOTIFY_CHILD, Powers, ServiceSet, TaskId, TaskIndex};
use interfaces::vm::{
    BootFileReply, DmaCreateReply, ExitKind, LookupCall, MemoryReply, MessageIrqReply, NAME_MAX,
    NextExitReply, PlatformReply, ProgramReply, Server, ShareMapReply,
};
use ipc::{Handle, ReadLend, StrLend, WriteLend};

impl<K: Kernel> Vm<'_, K> {
    /// The task that provides the service `name`; `None`: the caller has to wait.
    ///
    /// Errors: `NotPermitted` (the caller's manifest does not use it), `NotFound` (no program provides it), and those of
    /// starting the program that provides it, if it is started on demand.
    pub fn look_up(&mut self, sender: TaskId, name: &str) -> Result<Option<TaskId>, Error> {
        let uses = self.program_of(sender)?.rights.may_send;
        let service = self.state.services.find(name).ok_or(Error::NotPermitted)?;
        if !ServiceSet::EMPTY.with(service.get()).meets(uses) {
            return Err(Error::NotPermitted);
        }
        if let Some(provider) = self.state.services.provider(service) {
            return Ok(Some(provider));
        }
        self.start_on_demand(service)?;
        self.state.services.wait(service, sender.index());
        Ok(None)
    }

    /// Starts a program that provides `service`, unless one runs already or will be started again by itself.
    fn start_on_demand(&mut self, service: Service) -> Result<(), Error> {
        match self.provider_to_start(service)? {
            Some(program) if self.is_given_up(program) => Err(Error::Aborted),
            Some(program) => self.launch_program(program, None, Told::default()).map(drop),
            None => Ok(()),
        }
    }

    /// Whether a program that should always run keeps ending soon after its start.
    fn is_given_up(&mut self, program: u16) -> bool {
        let now = self.kernel.clock();
        self.state.restarts.get(usize::from(program)).is_some_and(|restarts| restarts.is_given_up(now))
    }

    /// The first program that provides `service`; `None` if one that does is running or about to be started again.
    /// `NotFound`: there is none. Drivers do not count: without a device they are nothing.
    pub(crate) fn provider_to_start(&self, service: Service) -> Result<Option<u16>, Error> {
        let set = ServiceSet::EMPTY.with(service.get());
        let state = &*self.state;
        let is_coming = |place: u16| {
            state.restarts.get(usize::from(place)).is_some_and(|restart| restart.due().is_some())
                || state.tasks.iter().any(|(_, task)| task.program == place)
        };
        let starts = |program: &Program| !program.starts.contains(Starts::AS_DRIVER);
        let providers = state.catalog.iter().filter(|(_, program)| program.rights.provides.meets(set));
        let providers = providers.filter(|(_, program)| starts(program));
        let mut first = None;
        for (place, _) in providers {
            if is_coming(place) {
                return Ok(None);
            }
            first = first.or(Some(place));
        }
        first.map(Some).ok_or(Error::NotFound)
    }

    /// Makes `sender` the provider of `name` and answers those who wait for it.
    ///
    /// Errors: `NotPermitted` (the caller's manifest does not provide it), `AlreadyExists`.
    pub fn provide(&mut self, sender: TaskId, name: &str) -> Result<(), Error> {
        let provides = self.program_of(sender)?.rights.provides;
        let service = self.state.services.find(name).ok_or(Error::NotPermitted)?;
        if !ServiceSet::EMPTY.with(service.get()).meets(provides) {
            return Err(Error::NotPermitted);
        }
        self.state.services.serve(service, sender)?;
        while let Some(waiter) = self.state.services.next_waiter(service) {
            if let Some(call) = self.take_lookup(waiter) {
                call.reply(sender);
            }
        }
        Ok(())
    }

    pub(crate) fn take_lookup(&mut self, waiter: TaskIndex) -> Option<LookupCall> {
        self.state.lookups[waiter.get()].take()
    }

    /// Launches the program at `path` for `sender`. Errors: as in the interface.
    pub fn launch_path(&mut self, sender: TaskId, path: &str, told: Told<'_>) -> Result<TaskId, Error> {
        self.require(sender, Powers::LAUNCH)?;
        let program = self.find_program(path)?;
        self.launch_program(program, Some(sender), told)
    }

    /// The place of the program at `path`. `NotFound`.
    pub(crate) fn find_program(&self, path: &str) -> Result<u16, Error> {
        let name = path.strip_prefix('/').unwrap_or(path);
        let name = name.strip_prefix("bin/").unwrap_or(name);
        self.state.catalog.find(name).ok_or(Error::NotFound)
    }

    /// Launches with arguments and environment of at most `N` bytes together; `TooLarge` if they are longer.
    fn launch_with<const N: usize>(
        &mut self,
        sender: TaskId,
        path: &str,
        arguments: &ReadLend<'_>,
        environment: &ReadLend<'_>,
    ) -> Result<TaskId, Error> {
        let mut buffer = [0; N];
        let told = Told::read(arguments, environment, &mut buffer)?;
        self.launch_path(sender, path, told)
    }

    /// `NotPermitted` unless the task's manifest gives it `power`.
    pub(crate) fn require(&self, sender: TaskId, power: Powers) -> Result<(), Error> {
        if self.program_of(sender)?.rights.powers.contains(power) { Ok(()) } else { Err(Error::NotPermitted) }
    }

    /// Maps every page of a shared memory object; if one cannot be mapped, those before it are taken out again.
    fn map_share(&mut self, sender: TaskId, handle: Handle, writable: bool) -> Result<ShareMapReply, Error> {
        let share = self.state.shares.get(sender, handle)?;
        if share.address != 0 {
            return Err(Error::AlreadyExists);
        }
        if writable && !share.writable {
            return Err(Error::NotPermitted);
        }
        let limit = self.program_of(sender)?.shared_pages;
        self.state.shares.accept(sender, handle, limit)?;
        let address = self.state.shares.free_address(sender, share.pages);
        let flags = if writable { MapFlags::WRITE } else { MapFlags::READ };
        let task = self.state.tasks.get_mut(sender).ok_or(Error::NotPermitted)?;
        let mut next = share.first;
        let mut page = address;
        while let Some(frame) = next {
            let run = flags.and_more(self.memory.following(frame));
            let (physical, tables) = (self.memory.address(frame), &mut task.owned.tables);
            match self.memory.map_frame(&mut self.kernel, sender, tables, page, physical, run) {
                Ok(pages) => {
                    page += pages * PAGE;
                    next = (0..pages).try_fold(frame, |frame, _| self.memory.next(frame));
                }
                Err(error) => {
                    unmap(&mut self.kernel, sender, address, (page - address) / PAGE);
                    return Err(error);
                }
            }
        }
        self.state.shares.set_address(sender, handle, address)?;
        Ok(ShareMapReply { address: address as usize, size: (page - address) as usize })
    }
}

/// Takes `pages` pages from `address` on out of a task.
fn unmap<K: Kernel>(kernel: &mut K, task: TaskId, address: u64, pages: u64) {
    for page in 0..pages {
        // A page that is not there needs no unmapping.
        let _ = kernel.unmap(task, address + page * PAGE);
    }
}

fn give_text(text: &str, room: &WriteLend<'_>) -> Result<usize, Error> {
    if text.len() > room.len() {
        return Err(Error::TooLarge);
    }
    room.write(0, text.as_bytes())?;
    Ok(text.len())
}

impl<K: Kernel> Server for Vm<'_, K> {
    fn serve(&mut self, sender: TaskId, name: StrLend<'_>) -> Result<(), Error> {
        let mut buffer = [0; NAME_MAX];
        self.provide(sender, name.read(&mut buffer)?)
    }

    fn lookup(&mut self, call: LookupCall) {
        let mut buffer = [0; NAME_MAX];
        let found = call.name().read(&mut buffer).and_then(|name| self.look_up(call.sender(), name));
        match found {
            Ok(Some(provider)) => call.reply(provider),
            Ok(None) => {
                let waiter = call.sender().index().get();
                self.state.lookups[waiter] = Some(call);
            }
            Err(error) => call.fail(error),
        }
    }

    fn launch(
        &mut self,
        sender: TaskId,
        path: StrLend<'_>,
        arguments: ReadLend<'_>,
        environment: ReadLend<'_>,
    ) -> Result<TaskId, Error> {
        let mut path_buffer = [0; NAME_MAX];
        let path = path.read(&mut path_buffer)?;
        // Most command lines are short, and clearing a large buffer takes longer than reading them.
        if arguments.len().saturating_add(environment.len()) <= 128 {
            self.launch_with::<128>(sender, path, &arguments, &environment)
        } else {
            self.launch_with::<MAX_ARGUMENTS>(sender, path, &arguments, &environment)
        }
    }

    fn launch_image(
        &mut self,
        sender: TaskId,
        name: StrLend<'_>,
        image: Handle,
        arguments: ReadLend<'_>,
        environment: ReadLend<'_>,
    ) -> Result<TaskId, Error> {
        let mut buffer = [0; MAX_ARGUMENTS];
        let told = Told::read(&arguments, &environment, &mut buffer)?;
        self.launch_shared(sender, name.read(&mut [0; NAME_MAX])?, image, told)
    }

    fn boot_file(&mut self, _: TaskId, index: u32, path: WriteLend<'_>) -> Result<BootFileReply, Error> {
        let file = self.state.boot_file(index)?;
        Ok(BootFileReply { size: file.content.len(), path: give_text(file.path, &path)? })
    }

    fn boot_read(
        &mut self,
        _: TaskId,
        index: u32,
        offset: usize,
        data: WriteLend<'_>,
    ) -> Result<usize, Error> {
        let content = self.state.boot_file(index)?.content;
        let rest = content.get(offset..).unwrap_or_default();
        let rest = rest.get(..data.len()).unwrap_or(rest);
        data.write(0, rest)?;
        Ok(rest.len())
    }

    fn watch(&mut self, sender: TaskId, task: TaskId) -> Result<(), Error> {
        let launcher = self.program_of(sender)?.rights.powers.contains(Powers::LAUNCH);
        let lives = self.state.tasks.get(task).is_some();
        if self.state.watches.watch(sender, task, lives, launcher)? {
            self.kernel.notify(sender, NOTIFY_CHILD);
        }
        Ok(())
    }

    fn next_exit(&mut self, sender: TaskId) -> Result<NextExitReply, Error> {
        let end = self.state.watches.next_end(sender).ok_or(Error::Empty)?;
        let kind = match end.kind {
            EndKind::Exited => ExitKind::Exited,
            EndKind::Panicked => ExitKind::Panicked,
            EndKind::Crashed => ExitKind::Crashed,
            EndKind::Killed => ExitKind::Killed,
        };
        Ok(NextExitReply { task: end.task, status: end.status, kind })
    }

    fn kill(&mut self, sender: TaskId, task: TaskId) -> Result<(), Error> {
        let launcher = self.state.tasks.get(task).ok_or(Error::NoTask)?.launcher;
        if launcher != Some(sender) {
            self.require(sender, Powers::KILL)?;
        }
        self.end(task, -1, EndKind::Killed);
        Ok(())
    }

    fn task_name(&mut self, _sender: TaskId, task: TaskId, name: WriteLend<'_>) -> Result<usize, Error> {
        if task != self.own && self.state.tasks.get(task).is_none() {
            return Err(Error::NoTask);
        }
        give_text(self.name_of(task), &name)
    }

    fn program(
        &mut self,
        _sender: TaskId,
        index: u32,
        name: WriteLend<'_>,
        description: WriteLend<'_>,
    ) -> Result<ProgramReply, Error> {
        let index = u16::try_from(index).map_err(|_| Error::NotFound)?;
        let program = self.state.catalog.get(index).ok_or(Error::NotFound)?;
        Ok(ProgramReply {
            name: give_text(program.name.text(), &name)?,
            description: give_text(program.description, &description)?,
        })
    }

    fn memory(&mut self, _sender: TaskId) -> Result<MemoryReply, Error> {
        let count = |of: fn(&Owned) -> u32| {
            self.state.tasks.iter().map(|(_, task)| u64::from(of(&task.owned))).sum::<u64>()
        };
        let bytes = |frames: u64| (frames * PAGE) as usize;
        Ok(MemoryReply {
            total: self.ram as usize,
            free: bytes(self.memory.free().into()),
            used: bytes(count(|owned| owned.pages.count())),
            tables: bytes(count(|owned| owned.tables.count())),
            shared: bytes(self.state.shares.frames()),
            vm: bytes(u64::from(self.memory.window_tables()) + u64::from(self.metadata_frames)),
        })
    }

    fn share_create(&mut self, sender: TaskId, size: usize) -> Result<Handle, Error> {
        let limit = self.program_of(sender)?.shared_pages;
        if size == 0 {
            return Err(Error::InvalidArgument);
        }
        if size as u64 > crate::shares::MAX_SIZE {
            return Err(Error::TooLarge);
        }
        let pages = (size as u64).div_ceil(PAGE) as u32;
        self.state.shares.check(sender, pages.into(), limit)?;
        let mut frames = self.memory.take_zeroed(&mut self.kernel, pages)?;
        let created = self.state.shares.create(sender, &mut frames);
        self.memory.give_back_pages(&mut frames);
        created
    }

    fn share_map(&mut self, sender: TaskId, handle: Handle, writable: bool) -> Result<ShareMapReply, Error> {
        self.map_share(sender, handle, writable)
    }

    fn share_close(&mut self, sender: TaskId, handle: Handle) -> Result<(), Error> {
        let mut closed = self.state.shares.close(sender, handle)?;
        if closed.address != 0 {
            unmap(&mut self.kernel, sender, closed.address, closed.pages.into());
        }
        self.memory.give_back_pages(&mut closed.frames);
        Ok(())
    }

    fn share_grant(
        &mut self,
        sender: TaskId,
        handle: Handle,
        task: TaskId,
        writable: bool,
    ) -> Result<Handle, Error> {
        self.state.tasks.get(task).ok_or(Error::NoTask)?;
        let limit = self.program_of(sender)?.shared_pages;
        self.state.shares.grant(sender, handle, task, writable, limit)
    }

    fn map_device(&mut self, sender: TaskId, physical: u64, size: usize) -> Result<usize, Error> {
        self.map_device_memory(sender, physical, size as u64)
    }

    fn manifest(&mut self, _sender: TaskId, index: u32, manifest: WriteLend<'_>) -> Result<usize, Error> {
        self.give_manifest(index, &manifest)
    }

    fn platform(&mut self, sender: TaskId) -> Result<PlatformReply, Error> {
        self.configuration(sender)
    }

    fn dma_create(&mut self, sender: TaskId, key: u64, size: usize) -> Result<DmaCreateReply, Error> {
        self.open_dma(sender, key, size as u64)
    }

    fn launch_driver(
        &mut self,
        sender: TaskId,
        path: StrLend<'_>,
        irqs: [u64; 8],
        ports: [u64; 8],
        mmio: [u64; 8],
    ) -> Result<TaskId, Error> {
        let mut path_buffer = [0; NAME_MAX];
        let rights = DeviceRights { pairs: [irqs, ports, mmio] };
        self.launch_device_driver(sender, path.read(&mut path_buffer)?, &rights)
    }

    fn message_irq(&mut self, sender: TaskId, irq: u32) -> Result<MessageIrqReply, Error> {
        self.message_of(sender, irq)
    }
}
