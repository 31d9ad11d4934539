//! The errors that travel between tasks: those of the kernel's calls and those that servers answer with.

use core::fmt;

macro_rules! errors {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $text:literal;)+) => {
        /// Why a system call or a request failed. In registers it is the negative of its code.
        ///
        /// Codes below 32 come from the kernel (each system call lists which ones it can return); the others are
        /// for servers.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Error { $($(#[doc = $doc])+ $name = $code,)+ }

        impl Error {
            /// Every error, in the order of the codes.
            pub const ALL: &[Error] = &[$(Error::$name),+];

            /// The error with this code; [`Error::Unknown`] if there is none.
            pub const fn from_code(code: usize) -> Self {
                match code { $($code => Error::$name,)+ _ => Error::Unknown }
            }

            /// What happened, as the end of a sentence.
            pub const fn text(self) -> &'static str {
                match self { $(Error::$name => $text,)+ }
            }
        }
    };
}

errors! {
    /// There is no system call, operation or message type with this number.
    NotSupported = 1, "this operation does not exist here";
    /// The caller lacks the right that the call requires; nothing was changed.
    NotPermitted = 2, "the task lacks the right to do this";
    /// The task ID is not one, or its task has ended, or is ending.
    NoTask = 3, "there is no such task";
    /// The task that was waited for ended before it answered.
    Aborted = 4, "the other task ended before it answered";
    /// A non-blocking send found no receiver waiting.
    WouldBlock = 5, "the receiver is not waiting";
    /// A reply for a task that is not waiting for one from the caller.
    NotWaiting = 6, "the task is not waiting for this reply";
    /// An argument is outside its range, or unaligned, or contradicts another one.
    InvalidArgument = 7, "an argument is invalid";
    /// The memory that was lent cannot be accessed as it was lent: it is unmapped, not writable, or not the lender's.
    BadLend = 8, "the lent memory is not accessible";
    /// The access goes past the end of the lent memory.
    OutOfBounds = 9, "the access goes past the end";
    /// All places of a table are taken: tasks, services, sockets, handles.
    TableFull = 10, "no place is left in the table";
    /// What was to be created or acquired exists, or is taken by another task.
    AlreadyExists = 11, "it exists already or is taken";
    /// A page-table level is missing; the call must be repeated with a page for it.
    NeedsTable = 12, "a page for the page table is needed";
    /// The physical page belongs to the kernel, or is in use in a way that excludes this one.
    PageInUse = 13, "the page is the kernel's or in use otherwise";
    /// What was named does not exist: a mapping, an IRQ, a file, a service.
    NotFound = 14, "it does not exist";
    /// A task's own system call used memory that it cannot access. (Userland sees it only from its pager.)
    BadAddress = 15, "the address is not accessible";

    /// A message arrived that is not as its interface says: wrong length, wrong lends, a value out of range.
    BadMessage = 32, "the message is malformed";
    /// Text is not UTF-8 or contains a NUL.
    BadText = 33, "the text is not UTF-8 or contains a NUL";
    /// The memory asked for is not there.
    OutOfMemory = 34, "out of memory";
    /// The handle is not one of the caller's.
    BadHandle = 35, "the handle is not open";
    /// More was asked for than the limit allows.
    TooLarge = 36, "it is larger than the limit";
    /// The queue has no room; try again later.
    QueueFull = 37, "the queue is full";
    /// The file is not a program for this machine, or is damaged.
    BadProgram = 38, "the file is not a valid program";
    /// The time allowed has passed.
    TimedOut = 39, "the time allowed has passed";
    /// There is nothing to deliver now.
    Empty = 40, "there is nothing to deliver";
    /// The peer answered that nobody listens there.
    Refused = 41, "the connection was refused: nobody listens there";
    /// The peer has broken the connection off.
    Reset = 42, "the connection was reset by the peer";
    /// No way leads to the address: there is no such interface, route, or host on the link.
    Unreachable = 43, "the address cannot be reached";
    /// Another socket has the address and port.
    AddressInUse = 44, "the address and port are in use";
    /// The socket is not connected, or its sending half was shut down.
    NotConnected = 45, "the socket is not connected";
    /// All sockets of the caller, or of the system, are taken.
    TooManySockets = 46, "there are too many sockets";
    /// The file, file system or device cannot be changed.
    ReadOnly = 47, "it is read-only";
    /// A directory was needed.
    NotADirectory = 48, "it is not a directory";
    /// A file was needed.
    IsADirectory = 49, "it is a directory";
    /// A directory with entries cannot be removed.
    NotEmpty = 50, "the directory is not empty";
    /// The medium is full.
    NoSpace = 51, "no space is left";
    /// Somebody else uses it.
    Busy = 52, "it is in use";
    /// The device has failed to read or write.
    InputOutput = 53, "the device has failed to read or write";
    /// What is stored contradicts itself.
    Damaged = 54, "what is stored is damaged";
    /// The paths are in different file systems.
    CrossDevice = 55, "it is in another file system";
    /// The name has characters, or a length, that the file system does not take.
    BadName = 56, "the name is not possible here";
    /// What is stored has not the format that was expected.
    WrongFormat = 57, "it has not the expected format";
    /// It was built for another version of this system.
    Outdated = 58, "it was built for another version of this system";
    /// An error code that this version does not know.
    Unknown = 255, "an unknown error";
}

impl Error {
    /// The code, 1 to 255.
    pub const fn code(self) -> usize {
        self as usize
    }

    /// A system call's result register: negative is an error, everything else the value.
    pub const fn decode(register: isize) -> Result<usize, Error> {
        if register < 0 { Err(Self::from_code(register.unsigned_abs())) } else { Ok(register as usize) }
    }

    /// The result register for `result`. Values above `isize::MAX` do not fit and do not occur.
    pub const fn encode(result: Result<usize, Error>) -> isize {
        match result {
            Ok(value) => value as isize,
            Err(error) => -(error as isize),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_survive_the_register() {
        for &error in Error::ALL {
            assert_eq!(Error::decode(Error::encode(Err(error))), Err(error));
        }
        assert_eq!(Error::decode(Error::encode(Ok(usize::MAX >> 1))), Ok(usize::MAX >> 1));
        assert_eq!(Error::decode(-77), Err(Error::Unknown));
        assert_eq!(Error::decode(isize::MIN), Err(Error::Unknown));
    }
}
