//! What the library asks of vm, against a vm of this test: the generated server over the loopback kernel.

use interfaces::vm::{self, LookupCall, MemoryReply, NextExitReply, ProgramReply, ShareMapReply};
use ipc::host::{Installed, Loopback, first_task, install};
use ipc::{Error, Handle, ReadLend, Region, StrLend, TaskId, TaskIndex, WriteLend};
use resea::{ExitKind, SharedMemory};
use std::cell::RefCell;
use std::rc::Rc;

fn task(index: usize) -> TaskId {
    TaskId::new(TaskIndex::new(index), 1).unwrap()
}

/// Knows one service, launches one program, has one shared memory object; remembers what it was asked.
#[derive(Default)]
struct Fake {
    served: Vec<String>,
    launched: Vec<(String, Vec<u8>)>,
    ended: Vec<NextExitReply>,
    closed: Vec<Handle>,
    refuse_to_map: bool,
}

fn text(lend: StrLend<'_>) -> Result<String, Error> {
    let mut buffer = [0; vm::NAME_MAX];
    lend.read(&mut buffer).map(String::from)
}

impl vm::Server for Fake {
    fn serve(&mut self, _: TaskId, name: StrLend<'_>) -> Result<(), Error> {
        self.served.push(text(name)?);
        Err(Error::AlreadyExists)
    }

    fn lookup(&mut self, call: LookupCall) {
        match text(call.name()).as_deref() {
            Ok("fs") => call.reply(task(7)),
            Ok(_) => call.fail(Error::NotFound),
            Err(error) => call.fail(*error),
        }
    }

    fn launch(
        &mut self,
        _: TaskId,
        path: StrLend<'_>,
        arguments: ReadLend<'_>,
        environment: ReadLend<'_>,
    ) -> Result<TaskId, Error> {
        let mut packed = vec![0; arguments.len() + environment.len()];
        let (first, second) = packed.split_at_mut(arguments.len());
        arguments.read(0, first)?;
        environment.read(0, second)?;
        self.launched.push((text(path)?, packed));
        Ok(task(8))
    }

    fn launch_image(
        &mut self,
        _: TaskId,
        _: StrLend<'_>,
        _: Handle,
        _: ReadLend<'_>,
        _: ReadLend<'_>,
    ) -> Result<TaskId, Error> {
        Err(Error::NotSupported)
    }

    fn boot_file(&mut self, _: TaskId, _: u32, _: WriteLend<'_>) -> Result<vm::BootFileReply, Error> {
        Err(Error::NotFound)
    }

    fn boot_read(&mut self, _: TaskId, _: u32, _: usize, _: WriteLend<'_>) -> Result<usize, Error> {
        Err(Error::NotFound)
    }

    fn watch(&mut self, _: TaskId, _: TaskId) -> Result<(), Error> {
        Ok(())
    }

    fn next_exit(&mut self, _: TaskId) -> Result<NextExitReply, Error> {
        self.ended.pop().ok_or(Error::Empty)
    }

    fn kill(&mut self, _: TaskId, _: TaskId) -> Result<(), Error> {
        Err(Error::NotPermitted)
    }

    fn task_name(&mut self, _: TaskId, _: TaskId, name: WriteLend<'_>) -> Result<usize, Error> {
        name.write(0, b"echo").map(|()| 4)
    }

    fn program(
        &mut self,
        _: TaskId,
        _: u32,
        _: WriteLend<'_>,
        _: WriteLend<'_>,
    ) -> Result<ProgramReply, Error> {
        Err(Error::NotFound)
    }

    fn memory(&mut self, _: TaskId) -> Result<MemoryReply, Error> {
        Err(Error::NotSupported)
    }

    fn share_create(&mut self, _: TaskId, _: usize) -> Result<Handle, Error> {
        Ok(Handle::from_raw(5))
    }

    fn share_map(&mut self, _: TaskId, _: Handle, _: bool) -> Result<ShareMapReply, Error> {
        let address = if self.refuse_to_map { 0x1000 } else { Region::FIRST };
        Ok(ShareMapReply { address, size: 4096 })
    }

    fn share_close(&mut self, _: TaskId, handle: Handle) -> Result<(), Error> {
        self.closed.push(handle);
        Ok(())
    }

    fn share_grant(&mut self, _: TaskId, _: Handle, _: TaskId, writable: bool) -> Result<Handle, Error> {
        Ok(Handle::from_raw(writable as u32 + 10))
    }

    // What only the device manager and drivers ask for, which is not the library's.
    fn map_device(&mut self, _: TaskId, _: u64, _: usize) -> Result<usize, Error> {
        Err(Error::NotSupported)
    }

    fn manifest(&mut self, _: TaskId, _: u32, _: WriteLend<'_>) -> Result<usize, Error> {
        Err(Error::NotSupported)
    }

    fn platform(&mut self, _: TaskId) -> Result<vm::PlatformReply, Error> {
        Err(Error::NotSupported)
    }

    fn dma_create(&mut self, _: TaskId, _: u64, _: usize) -> Result<vm::DmaCreateReply, Error> {
        Err(Error::NotSupported)
    }

    fn launch_driver(
        &mut self,
        _: TaskId,
        _: StrLend<'_>,
        _: [u64; 8],
        _: [u64; 8],
        _: [u64; 8],
    ) -> Result<TaskId, Error> {
        Err(Error::NotSupported)
    }

    fn message_irq(&mut self, _: TaskId, _: u32) -> Result<vm::MessageIrqReply, Error> {
        Err(Error::NotSupported)
    }
}

/// Without a start record the library takes the own task for vm.
fn world() -> (Rc<RefCell<Fake>>, Installed) {
    let kernel = Loopback::new();
    let fake = Rc::new(RefCell::new(Fake::default()));
    kernel.serve(first_task(), fake.clone(), vm::dispatch);
    (fake, install(kernel))
}

#[test]
fn a_service_is_found_by_its_name() {
    let (_, _installed) = world();
    assert_eq!(resea::lookup("fs"), Ok(task(7)));
    let error = resea::lookup("net").unwrap_err();
    assert_eq!(error.to_string(), "cannot use `net`: it does not exist; no program in the image provides it");
}

#[test]
fn a_service_that_is_served_already_is_an_error() {
    struct Nothing;
    impl ipc::server::Events for Nothing {}
    let (fake, _installed) = world();
    let Err(error) = resea::serve("fs", |_, _| ipc::Answer::Unknown, Nothing);
    assert_eq!(
        error.to_string(),
        "cannot serve `fs`: it exists already or is taken; end the task that serves it first"
    );
    assert_eq!(fake.borrow().served, ["fs"]);
}

#[test]
fn programs_are_launched_with_their_name_before_the_arguments() {
    let (fake, _installed) = world();
    assert_eq!(resea::launch("echo", ["a", "b c"]), Ok(task(8)));
    assert_eq!(fake.borrow().launched, [("echo".into(), b"echo\0a\0b c\0".to_vec())]);
    let long = "x".repeat(vm::ARGUMENTS_MAX);
    assert_eq!(resea::launch("echo", [long.as_str()]).unwrap_err().error, Error::TooLarge);
    assert_eq!(fake.borrow().launched.len(), 1, "vm is not even asked");
}

#[test]
fn exits_are_told_until_there_are_no_more() {
    let (fake, _installed) = world();
    fake.borrow_mut().ended.push(NextExitReply { task: task(8), status: -3, kind: ExitKind::Killed });
    let exit = resea::next_exit().unwrap().expect("a task has ended");
    assert_eq!((exit.task, exit.status, exit.kind), (task(8), -3, ExitKind::Killed));
    assert_eq!(resea::next_exit(), Ok(None));
    assert_eq!(resea::kill(task(8)), Err(Error::NotPermitted));
    assert_eq!(resea::task_name(task(8), &mut [0; 64]), Ok("echo"));
}

#[test]
fn shared_memory_is_closed_when_it_is_dropped_or_cannot_be_mapped() {
    let (fake, _installed) = world();
    let memory = SharedMemory::create(100).unwrap();
    assert_eq!((memory.region().address(), memory.region().len()), (Region::FIRST, 4096));
    assert_eq!(memory.grant(task(8), true), Ok(Handle::from_raw(11)));
    assert_eq!(fake.borrow().closed, []);
    drop(memory);
    assert_eq!(fake.borrow().closed, [Handle::from_raw(5)]);
    assert_eq!(SharedMemory::create(100).unwrap().close(), Ok(()));
    assert_eq!(fake.borrow().closed.len(), 2);
    fake.borrow_mut().refuse_to_map = true;
    assert_eq!(SharedMemory::create(100).unwrap_err(), Error::InvalidArgument, "outside of foreign memory");
    assert_eq!(fake.borrow().closed.len(), 3);
}
