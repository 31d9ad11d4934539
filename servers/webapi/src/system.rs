//! What the API tells about, as a trait: the kernel and the servers on Resea, a model elsewhere.

use abi::{COUNTED_TASKS, Error, TaskId, TaskInfo};
use interfaces::{dm, tcpip, vm};

/// The system that is looked at. Lists are asked for index by index, from 0, until there is an error.
pub trait System {
    /// Nanoseconds since the machine started.
    fn clock(&mut self) -> u64;

    /// The task at a place of the task table; `NoTask` if the place is free, another error past the last.
    fn task(&mut self, place: usize) -> Result<TaskInfo, Error>;

    /// A task's name; an error if it has ended.
    fn task_name<'a>(&mut self, task: TaskId, name: &'a mut [u8]) -> Result<&'a str, Error>;

    /// How many messages the task at a place has received from that at each place.
    fn messages(&mut self, receiver: usize, counts: &mut [u32; COUNTED_TASKS]) -> Result<(), Error>;

    /// Memory in bytes.
    fn memory(&mut self) -> Result<vm::MemoryReply, Error>;

    /// The log from a position on: how many bytes, and the position after them.
    fn log(&mut self, position: usize, buffer: &mut [u8]) -> Result<(usize, usize), Error>;

    /// A device, by a call of `tell`.
    fn device(&mut self, index: u32, tell: &mut dyn FnMut(&dm::ListResult<'_>)) -> Result<(), Error>;

    /// Starts the driver of the device with this name again.
    fn restart(&mut self, device: &str) -> Result<(), Error>;

    /// A network interface, by a call of `tell`.
    fn interface(
        &mut self,
        index: u32,
        tell: &mut dyn FnMut(&tcpip::InterfaceResult<'_>),
    ) -> Result<(), Error>;

    /// An address of one.
    fn address(&mut self, interface: u32, index: u32) -> Result<tcpip::AddressReply, Error>;

    /// The first socket at or after a place.
    fn socket(&mut self, from: u32) -> Result<tcpip::SocketReply, Error>;

    /// What the network has counted.
    fn statistics(&mut self) -> Result<tcpip::StatisticsReply, Error>;
}
