//! Dates and the time of day, for programs.
//!
//! * [`now()`]: what time it is, mostly without a message.
//! * [`Date`]: year, month, day and so on of a time, and back; written and read as ISO 8601.
//!
//! A time is a number of seconds or milliseconds since 1970-01-01 00:00 UTC, without leap seconds. There are no time zones:
//! all is UTC. The calendar itself is that of the crate `time`.
#![cfg_attr(target_os = "none", no_std)]
#![forbid(unsafe_code)]

mod date;
mod now;

pub use date::{Date, NotADate};
pub use now::now;

/// The first second that clocks here can be set to: 1970-01-01 00:00.
pub const FIRST: i64 = 0;
/// The last one: 2099-12-31 23:59:59. The clock chip counts leap years right up to there.
pub const LAST: i64 = 4_102_444_799;
