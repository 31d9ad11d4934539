//! `ping [-c COUNT] [-i SECONDS] [-s SIZE] [-w SECONDS] HOST` asks a host for echoes (ICMP) and tells how long each took.
//! Without a count it asks four times.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use resea::{Arg, ExitStatus, UsageError, println};

const USAGE: &str = "ping [-c COUNT] [-i SECONDS] [-s SIZE] [-w SECONDS] HOST";
/// Largest number of questions.
const MAX_COUNT: u16 = 10_000;
/// Most bytes in a question.
const MAX_SIZE: usize = 1024;

/// What the command line says.
struct Options {
    host: &'static str,
    count: u16,
    interval: Duration,
    size: usize,
    timeout: Duration,
}

/// Does what the command line says. The status is 1 if no echo came.
///
/// Errors: a sentence that says what is wrong with the command line, or why the host has no address.
pub fn run() -> Result<ExitStatus, String> {
    let options = options()?;
    let addresses = net::resolve(options.host).map_err(|error| format!("{}: {error}", options.host))?;
    let address = addresses.first().ok_or_else(|| format!("{} has no address", options.host))?;
    println!("{} ({address}): {} bytes", options.host, options.size);
    let mut times = Times::default();
    for sequence in 1..=options.count {
        let start = resea::clock();
        match net::ping(address, sequence, options.size, options.timeout) {
            Ok(time) => {
                println!("echo {sequence}: {}", Milliseconds(time));
                times.add(time);
            }
            Err(error) => println!("echo {sequence}: {error}"),
        }
        let passed = Duration::from_nanos(resea::clock() - start);
        if sequence < options.count {
            resea::sleep(options.interval.saturating_sub(passed));
        }
    }
    println!("{}", Summary { asked: options.count, times });
    Ok(if times.count > 0 { ExitStatus::SUCCESS } else { ExitStatus::FAILURE })
}

fn options() -> Result<Options, String> {
    let mut host = None;
    let second = Duration::from_secs(1);
    let mut given = Options { host: "", count: 4, interval: second, size: 56, timeout: 2 * second };
    let mut options = resea::options();
    let wrong = |error| format!("{error}; usage: {USAGE}");
    while let Some(argument) = options.next_arg().map_err(wrong)? {
        match argument {
            Arg::Short('c') => {
                given.count = number(options.value().map_err(wrong)?, 1, MAX_COUNT.into())? as u16
            }
            Arg::Short('s') => given.size = number(options.value().map_err(wrong)?, 0, MAX_SIZE)?,
            Arg::Short('i') => given.interval = seconds(options.value().map_err(wrong)?)?,
            Arg::Short('w') => given.timeout = seconds(options.value().map_err(wrong)?)?,
            Arg::Positional(name) if host.is_none() => host = Some(name),
            other => return Err(format!("{}", UsageError::unexpected(other, USAGE))),
        }
    }
    given.host = host.ok_or_else(|| format!("{}", UsageError::Missing("HOST", USAGE)))?;
    Ok(given)
}

fn number(text: &str, least: usize, most: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("`{text}` is not a number from {least} to {most}; usage: {USAGE}")),
    }
}

/// A time of at most an hour.
fn seconds(text: &str) -> Result<Duration, String> {
    match resea::seconds(text) {
        Some(time) if time <= Duration::from_secs(3600) => Ok(time),
        _ => Err(format!("`{text}` is not a number of seconds from 0 to 3600, such as 2 or 0.5")),
    }
}

/// How long echoes took.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Times {
    count: u16,
    least: Duration,
    most: Duration,
    sum: Duration,
}

impl Times {
    fn add(&mut self, time: Duration) {
        self.least = if self.count == 0 { time } else { self.least.min(time) };
        self.most = self.most.max(time);
        self.sum += time;
        self.count += 1;
    }
}

/// What is said in the end.
struct Summary {
    asked: u16,
    times: Times,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Times { count, least, most, sum } = self.times;
        let lost = u32::from(self.asked - count) * 100 / u32::from(self.asked);
        let plural = if count == 1 { "" } else { "es" };
        write!(f, "{} asked, {count} echo{plural}, {lost} % lost", self.asked)?;
        if count > 0 {
            let mean = sum / u32::from(count);
            write!(
                f,
                "; least {}, mean {}, most {}",
                Milliseconds(least),
                Milliseconds(mean),
                Milliseconds(most)
            )?;
        }
        Ok(())
    }
}

/// A time, in milliseconds with three digits after the point.
struct Milliseconds(Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = self.0.as_micros();
        write!(f, "{}.{:03} ms", microseconds / 1000, microseconds % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_summary_counts_what_was_lost() {
        let mut times = Times::default();
        assert_eq!(Summary { asked: 3, times }.to_string(), "3 asked, 0 echoes, 100 % lost");
        times.add(Duration::from_micros(1500));
        times.add(Duration::from_micros(500));
        assert_eq!(
            Summary { asked: 3, times }.to_string(),
            "3 asked, 2 echoes, 33 % lost; least 0.500 ms, mean 1.000 ms, most 1.500 ms"
        );
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(number("7", 1, 9), Ok(7));
        assert!(number("0", 1, 9).unwrap_err().starts_with("`0` is not a number from 1 to 9"));
        assert!(number("-1", 0, 9).is_err() && number("x", 0, 9).is_err());
        assert!(seconds("3601").is_err() && seconds("0.2").is_ok());
    }
}
