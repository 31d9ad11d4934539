//! What can be wrong with a message, and what a correct server makes of it.

use abi::Error;

macro_rules! defects {
    ($($name:ident = $text:literal;)+) => {
        /// What is wrong with a generated message.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Defect { $(#[doc = concat!("A message with ", $text, ".")] $name,)+ }

        impl Defect {
            /// Every defect.
            pub const ALL: &[Defect] = &[$(Defect::$name),+];

            /// What is wrong, as the end of "a message with …".
            pub const fn text(self) -> &'static str {
                match self { $(Defect::$name => $text,)+ }
            }
        }
    };
}

defects! {
    UnknownNumber = "a number that no interface has";
    OtherInterface = "the number of an interface that the server does not serve";
    OwnAsynchronous = "the number of an asynchronous message, which servers send and never get";
    ForgedNotifications = "the kernel's number for notifications";
    ForgedFault = "the kernel's number and length for a fault of the sender";
    ForgedExit = "the kernel's number and length for the sender's exit";
    MisshapenKernel = "a number of the kernel's and another length";
    UnaskedPull = "a pull of asynchronous messages, though none may be queued";
    ErrorReply = "an error in place of a request";
    NotCalled = "a request that is sent, so that nobody waits for its reply";
    Truncated = "too few words";
    Overlong = "too many words";
    BadScalar = "a value that its type does not have";
    LengthLarger = "a length field larger than its lend";
    LengthSmaller = "a length field smaller than its lend";
    LengthHuge = "a length field of 4 GiB";
    NeverIssuedHandle = "a handle that was never issued";
    StaleHandle = "a handle of another generation";
    ForeignHandle = "a handle of another client";
    LendMissing = "a lend too few";
    LendSurplus = "a lend too many";
    LendDirection = "a lend that may be written where it is to be read, or the other way round";
    LendHuge = "a lend that goes past the end of memory";
    LendUnreadable = "a lend where no memory is";
    LendPartlyUnreadable = "a lend whose end is no memory";
    TextWithNul = "text that contains NUL";
    TextNotUtf8 = "text that is not UTF-8";
}

/// What a correct server does with a malformed message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// Answers with this error.
    Error(Error),
    /// Answers with an error; with which depends on what the server looks at first.
    AnyError,
    /// Nothing: no reply is sent.
    Silence,
}
