//! What the server needs of sockets, as a trait: libs/net on Resea, models in tests. No call waits.

use abi::Error;
use alloc::vec::Vec;

/// What a connection is to be watched for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interest {
    /// That something has arrived.
    Read,
    /// That there is room to send.
    Write,
}

/// A socket that has something to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ready<I> {
    /// A connection can be accepted.
    Listener,
    /// This connection.
    Connection(I),
}

/// A listener and its connections. A connection is closed when it is dropped: what was sent is still delivered.
///
/// Errors `NoTask` and `Aborted` say that the network's server has ended, and all sockets with it.
pub trait Network {
    /// A connection.
    type Connection;
    /// What names it.
    type Id: Copy + Ord;

    /// The next connection that waits, if one does.
    fn accept(&mut self) -> Result<Option<Self::Connection>, Error>;

    /// A connection's name.
    fn id(connection: &Self::Connection) -> Self::Id;

    /// Takes what has arrived; 0 bytes: no more will. `None`: nothing now.
    fn receive(&mut self, connection: &Self::Connection, buffer: &mut [u8]) -> Result<Option<usize>, Error>;

    /// Sends as much as there is room for. `None`: nothing now.
    fn send(&mut self, connection: &Self::Connection, data: &[u8]) -> Result<Option<usize>, Error>;

    /// Says that no more will be sent.
    fn finish(&mut self, connection: &Self::Connection) -> Result<(), Error>;

    /// Has this told by [`Network::ready`] from now on, and if it is so already.
    fn watch(&mut self, connection: &Self::Connection, interest: Interest) -> Result<(), Error>;

    /// Appends some of what has become ready; nothing: that was all. What is not handled completely is told again.
    fn ready(&mut self, sockets: &mut Vec<Ready<Self::Id>>) -> Result<(), Error>;
}
