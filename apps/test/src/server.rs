//! The server of the interface `test`, and the helper tasks that are its clients.

use abi::{Error, NOTIFY_CHILD, TaskId};
use alloc::vec::Vec;
use interfaces::test::{Client, NAME, Server, WaitCall, changed, dispatch};
use ipc::{Handle, Handles, Outbox, ReadLend, Region, StrLend, WriteLend};

/// Most bytes that `increment` takes.
pub const MAX_DATA: usize = 16 * 1024;
/// Most objects at once.
pub const MAX_OBJECTS: usize = 64;
const MAX_TEXT: usize = 256;

struct TestServer {
    vm: interfaces::vm::Client,
    objects: Handles<u64, MAX_OBJECTS>,
    waiting: Vec<WaitCall>,
    outbox: Outbox,
}

impl Server for TestServer {
    fn add(&mut self, _: TaskId, left: u64, right: u64) -> Result<u64, Error> {
        Ok(left.wrapping_add(right))
    }

    fn increment(&mut self, _: TaskId, from: ReadLend<'_>, to: WriteLend<'_>) -> Result<usize, Error> {
        if from.len() > MAX_DATA || to.len() < from.len() {
            return Err(Error::TooLarge);
        }
        let mut data = alloc::vec![0; from.len()];
        from.read(0, &mut data)?;
        data.iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
        to.write(0, &data)?;
        Ok(data.len())
    }

    fn characters(&mut self, _: TaskId, text: StrLend<'_>) -> Result<usize, Error> {
        Ok(text.read(&mut [0; MAX_TEXT])?.chars().count())
    }

    fn wait(&mut self, call: WaitCall) {
        self.waiting.push(call);
    }

    fn release(&mut self, _: TaskId, value: u64) -> Result<usize, Error> {
        let waiting = core::mem::take(&mut self.waiting);
        let count = waiting.len();
        waiting.into_iter().for_each(|call| call.reply(value));
        Ok(count)
    }

    fn open(&mut self, sender: TaskId, value: u64) -> Result<Handle, Error> {
        self.watch(sender)?;
        self.objects.insert(sender, value)
    }

    fn value(&mut self, sender: TaskId, handle: Handle) -> Result<u64, Error> {
        self.objects.get(sender, handle).copied()
    }

    fn give(&mut self, sender: TaskId, handle: Handle, task: TaskId) -> Result<Handle, Error> {
        self.watch(task)?;
        self.objects.transfer(handle, sender, task)
    }

    fn close(&mut self, sender: TaskId, handle: Handle) -> Result<(), Error> {
        self.objects.remove(sender, handle).map(drop)
    }

    fn objects(&mut self, _: TaskId) -> Result<usize, Error> {
        Ok(self.objects.len())
    }

    fn subscribe(&mut self, sender: TaskId, count: u32) -> Result<u32, Error> {
        let queued = (0..count).take_while(|&number| changed(&mut self.outbox, sender, number).is_ok());
        Ok(queued.count() as u32)
    }
}

impl TestServer {
    /// Asks to be told of a client's end, when its objects are freed.
    fn watch(&self, client: TaskId) -> Result<(), Error> {
        match self.vm.watch(client) {
            Ok(()) | Err(Error::AlreadyExists) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl ipc::server::Events for TestServer {
    fn notified(&mut self, bits: usize) {
        if bits & NOTIFY_CHILD != 0 {
            while let Ok(exit) = self.vm.next_exit() {
                self.objects.free_all(exit.task, drop);
            }
        }
    }

    fn outbox(&mut self) -> Option<&mut Outbox> {
        Some(&mut self.outbox)
    }
}

/// Serves the interface for ever; returns only if another task does already.
pub fn serve() -> Result<i32, Error> {
    let vm = resea::vm();
    vm.serve(NAME)?;
    let mut server = TestServer { vm, objects: Handles::new(), waiting: Vec::new(), outbox: Outbox::new() };
    ipc::server::run(&mut server, dispatch)
}

/// A client: looks the server up and asks what `what` says; the status is the answer.
pub fn client(what: &str) -> Result<i32, Error> {
    let server = Client::new(resea::vm().lookup(NAME)?);
    let (what, argument) = what.split_once('=').unwrap_or((what, "0"));
    let argument: u32 = argument.parse().unwrap_or(0);
    match what {
        "add" => server.add(20, 22).map(|sum| sum as i32),
        "wait" => server.wait().map(|value| value as i32),
        "value" => server.value(Handle::from_raw(argument)).map(|value| value as i32),
        "open-all" => {
            // The handles are left behind.
            while server.open(1).is_ok() {}
            server.objects().map(|count| count as i32)
        }
        _ => Err(Error::InvalidArgument),
    }
}

/// Uses a shared memory object whose handle is `raw`: `read` checks its first word, `write` asks for write access,
/// `write-anyway` writes to what was mapped for reading.
pub fn use_share(parent: usize, raw: usize, how: &str) -> Result<i32, Error> {
    let vm = resea::vm();
    let handle = Handle::from_raw(raw as u32);
    let mapped = vm.share_map(handle, how == "write")?;
    let region = Region::new(mapped.address, mapped.size)?;
    match how {
        "read" => {
            let before = region.load(0)?;
            // The parent changes it meanwhile.
            crate::raw::call(parent, abi::MessageInfo::new(100, 0).raw())?;
            let after = region.load(0)?;
            vm.share_close(handle)?;
            Ok((before + after) as i32)
        }
        "write" => {
            region.store(8, region.load(0)? + 1)?;
            Ok(0)
        }
        _ => {
            region.store(0, 1)?;
            Ok(0)
        }
    }
}
