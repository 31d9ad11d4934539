//! The system when this runs on Resea: the kernel's calls, vm, dm, and tcpip.

use crate::system::System;
use abi::{COUNTED_TASKS, Error, TaskId, TaskInfo};
use interfaces::{dm, tcpip, vm};

/// Resea itself.
#[derive(Default)]
pub struct Resea {
    dm: Option<TaskId>,
    tcpip: Option<TaskId>,
}

/// Calls a server that may have been restarted since the last call: then it is looked up again, once.
fn ask<T>(
    known: &mut Option<TaskId>,
    service: &str,
    mut call: impl FnMut(TaskId) -> Result<T, Error>,
) -> Result<T, Error> {
    if let Some(server) = *known {
        match call(server) {
            Err(Error::NoTask | Error::Aborted) => *known = None,
            answer => return answer,
        }
    }
    let server = resea::lookup(service).map_err(|failed| failed.error)?;
    *known = Some(server);
    call(server)
}

impl Resea {
    fn dm<T>(&mut self, mut call: impl FnMut(dm::Client) -> Result<T, Error>) -> Result<T, Error> {
        ask(&mut self.dm, dm::NAME, |server| call(dm::Client::new(server)))
    }

    fn tcpip<T>(&mut self, mut call: impl FnMut(tcpip::Client) -> Result<T, Error>) -> Result<T, Error> {
        ask(&mut self.tcpip, tcpip::NAME, |server| call(tcpip::Client::new(server)))
    }
}

impl System for Resea {
    fn clock(&mut self) -> u64 {
        ipc::clock()
    }

    fn task(&mut self, place: usize) -> Result<TaskInfo, Error> {
        ipc::inspect_task(place)
    }

    fn task_name<'a>(&mut self, task: TaskId, name: &'a mut [u8]) -> Result<&'a str, Error> {
        resea::task_name(task, name)
    }

    fn messages(&mut self, receiver: usize, counts: &mut [u32; COUNTED_TASKS]) -> Result<(), Error> {
        ipc::inspect_messages(receiver, counts)
    }

    fn memory(&mut self) -> Result<vm::MemoryReply, Error> {
        resea::vm().memory()
    }

    fn log(&mut self, position: usize, buffer: &mut [u8]) -> Result<(usize, usize), Error> {
        ipc::inspect_log(position, buffer)
    }

    fn device(&mut self, index: u32, tell: &mut dyn FnMut(&dm::ListResult<'_>)) -> Result<(), Error> {
        let (mut name, mut driver) = ([0; dm::NAME_MAX], [0; dm::NAME_MAX]);
        self.dm(|dm| dm.list(index, &mut name, &mut driver).map(|device| tell(&device)))
    }

    fn restart(&mut self, device: &str) -> Result<(), Error> {
        self.dm(|dm| dm.restart(device))
    }

    fn interface(
        &mut self,
        index: u32,
        tell: &mut dyn FnMut(&tcpip::InterfaceResult<'_>),
    ) -> Result<(), Error> {
        let mut name = [0; dm::NAME_MAX];
        self.tcpip(|tcpip| tcpip.interface(index, &mut name).map(|interface| tell(&interface)))
    }

    fn address(&mut self, interface: u32, index: u32) -> Result<tcpip::AddressReply, Error> {
        self.tcpip(|tcpip| tcpip.address(interface, index))
    }

    fn socket(&mut self, from: u32) -> Result<tcpip::SocketReply, Error> {
        self.tcpip(|tcpip| tcpip.socket(from))
    }

    fn statistics(&mut self) -> Result<tcpip::StatisticsReply, Error> {
        self.tcpip(|tcpip| tcpip.statistics())
    }
}
