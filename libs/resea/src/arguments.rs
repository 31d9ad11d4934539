//! The command line: the arguments that the program was launched with, and options in them.

use core::fmt;
use core::time::Duration;

/// An argument, as [`Options`] sees it.
pub use getargs::Arg;

/// Options and other arguments, in order: `next_arg` gives `Short('n')`, `Long("name")` or `Positional("text")`;
/// `value` gives the value of the option before.
pub type Options = getargs::Options<&'static str, Arguments>;

/// The arguments, without the program's name.
#[derive(Clone, Debug)]
pub struct Arguments {
    rest: &'static [u8],
}

impl Arguments {
    const fn new(rest: &'static [u8]) -> Self {
        Self { rest }
    }
}

impl Iterator for Arguments {
    type Item = &'static str;

    /// The next argument. One that is not UTF-8 ends the list; vm launches no program with such.
    fn next(&mut self) -> Option<&'static str> {
        let end = self.rest.iter().position(|&byte| byte == 0)?;
        let (argument, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.split_first()?.1;
        core::str::from_utf8(argument).ok()
    }
}

/// The arguments that the program was launched with, without its name.
pub fn arguments() -> Arguments {
    let mut arguments = Arguments::new(crate::start::startup_arguments());
    arguments.next();
    arguments
}

/// The name that the program was launched by.
pub fn name() -> &'static str {
    Arguments::new(crate::start::startup_arguments()).next().unwrap_or("vm")
}

/// The value of `name` in the environment that the program was launched with.
pub fn environment(name: &str) -> Option<&'static str> {
    value(Arguments::new(crate::start::startup_environment()), name)
}

fn value(mut environment: Arguments, name: &str) -> Option<&'static str> {
    environment.find_map(|text| text.strip_prefix(name)?.strip_prefix('='))
}

/// The arguments, with options told from the others.
pub fn options() -> Options {
    Options::new(arguments())
}

/// The time in a number of seconds: digits, and after a point at most nine more. `None` if it is anything else, or does
/// not fit.
pub fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || fraction.len() > 9 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanoseconds = fraction.bytes().chain(core::iter::repeat(b'0')).take(9);
    let nanoseconds = nanoseconds.fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some(Duration::new(whole, nanoseconds))
}

/// The command line is not as the program wants it. Displays what is wrong and how to use the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UsageError {
    /// There is no such option.
    UnknownOption(Arg<&'static str>, &'static str),
    /// There are more arguments than wanted, from this one on.
    TooMany(&'static str, &'static str),
    /// An argument is missing: its name.
    Missing(&'static str, &'static str),
}

impl UsageError {
    /// Why `argument` does not belong here; `usage` is the right command line.
    pub const fn unexpected(argument: Arg<&'static str>, usage: &'static str) -> Self {
        match argument {
            Arg::Positional(text) => Self::TooMany(text, usage),
            option => Self::UnknownOption(option, usage),
        }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::UnknownOption(_, usage) | Self::TooMany(_, usage) | Self::Missing(_, usage)) = self;
        match self {
            Self::UnknownOption(Arg::Long("help") | Arg::Short('h'), _) => {
                return write!(f, "usage: {usage}");
            }
            Self::UnknownOption(option, _) => write!(f, "there is no option `{option}`")?,
            Self::TooMany(text, _) => write!(f, "`{text}` is one argument too many")?,
            Self::Missing(argument, _) => write!(f, "{argument} is missing")?,
        }
        write!(f, "; usage: {usage}")
    }
}

impl core::error::Error for UsageError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn arguments_are_what_stands_before_each_nul() {
        let all = |bytes| Arguments::new(bytes).collect::<Vec<_>>();
        assert_eq!(all(b"echo\0a b\0\0c\0"), ["echo", "a b", "", "c"]);
        assert_eq!(all(b""), [""; 0]);
        assert_eq!(all(b"no end"), [""; 0]);
        assert_eq!(all(b"a\0\xff\0"), ["a"]);
    }

    #[test]
    fn a_variable_has_the_value_behind_its_name() {
        let environment = || Arguments::new(b"PWD=/tmp\0EMPTY=\0PW=a=b\0");
        assert_eq!(value(environment(), "PWD"), Some("/tmp"));
        assert_eq!(value(environment(), "EMPTY"), Some(""));
        assert_eq!(value(environment(), "PW"), Some("a=b"));
        assert_eq!(value(environment(), "P"), None);
    }

    #[test]
    fn options_are_told_from_arguments() {
        let mut options = Options::new(Arguments::new(b"-n\0--level=3\0text\0--\0-x\0"));
        assert_eq!(options.next_arg(), Ok(Some(Arg::Short('n'))));
        assert_eq!(options.next_arg(), Ok(Some(Arg::Long("level"))));
        assert_eq!(options.value(), Ok("3"));
        assert_eq!(options.next_arg(), Ok(Some(Arg::Positional("text"))));
        assert_eq!(options.next_arg(), Ok(Some(Arg::Positional("-x"))), "after --");
        assert_eq!(options.next_arg(), Ok(None));
    }

    #[test]
    fn seconds_may_have_a_fraction() {
        let milliseconds = |text| seconds(text).map(|time| time.as_millis());
        assert_eq!(milliseconds("2"), Some(2000));
        assert_eq!(milliseconds("0.25"), Some(250));
        assert_eq!(milliseconds(".5"), Some(500));
        assert_eq!(milliseconds("1."), Some(1000));
        assert_eq!(seconds("0.000000001"), Some(Duration::from_nanos(1)));
        assert_eq!(seconds("18446744073709551615.999999999"), Some(Duration::MAX));
        for wrong in ["", ".", "x", "-1", "+1", "1e3", "1.2.3", "0.0000000001", "18446744073709551616", "1 "]
        {
            assert_eq!(seconds(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn usage_errors_say_what_to_do() {
        let unexpected = |argument| UsageError::unexpected(argument, "echo [-n] [TEXT]...").to_string();
        assert_eq!(unexpected(Arg::Long("loud")), "there is no option `--loud`; usage: echo [-n] [TEXT]...");
        for help in [Arg::Long("help"), Arg::Short('h')] {
            assert_eq!(unexpected(help), "usage: echo [-n] [TEXT]...");
        }
        assert_eq!(
            unexpected(Arg::Positional("x")),
            "`x` is one argument too many; usage: echo [-n] [TEXT]..."
        );
        assert_eq!(
            UsageError::Missing("SECONDS", "sleep SECONDS").to_string(),
            "SECONDS is missing; usage: sleep SECONDS"
        );
    }
}
