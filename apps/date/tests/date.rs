//! `date` as people use it, with a clock that the test has set.

use interfaces::rtc::{self, Server};
use resea::{Error, TaskId};
use sim::{Program, System};

/// A clock that stands at one time, or knows none.
struct Standing(Result<i64, Error>);

impl ipc::server::Events for Standing {}

impl Server for Standing {
    fn time(&mut self, _: TaskId) -> Result<i64, Error> {
        self.0
    }

    fn set_time(&mut self, _: TaskId, seconds: i64) -> Result<(), Error> {
        if self.0.is_ok() {
            self.0 = Ok(seconds);
        }
        self.0.map(drop)
    }
}

/// What `date` prints with these arguments, and its status.
fn date(time: Result<i64, Error>, arguments: &'static [&'static str]) -> (String, i32) {
    let clock = move || resea::serve(rtc::NAME, rtc::dispatch, Standing(time));
    let system = System::new()
        .program(Program::new("rtc", "provides = [\"rtc\"]", clock))
        .program(sim::program!(datetime::run))
        .program(sim::program!(date::run));
    let (sender, receiver) = std::sync::mpsc::channel();
    let report = system.run(move || {
        let task = resea::launch("date", arguments.iter().copied()).unwrap();
        resea::watch(task).unwrap();
        while resea::wait() & resea::abi::NOTIFY_CHILD == 0 {}
        sender.send(resea::next_exit().unwrap().unwrap().status).unwrap();
    });
    (report.console.lines().last().unwrap_or_default().to_string(), receiver.recv().unwrap())
}

fn printed(arguments: &'static [&'static str]) -> String {
    let (text, status) = date(Ok(1_795_251_600), arguments);
    assert_eq!(status, 0, "{text}");
    text
}

fn refused(time: Result<i64, Error>, arguments: &'static [&'static str]) -> String {
    let (text, status) = date(time, arguments);
    assert_eq!(status, 1, "{text}");
    text
}

#[test]
fn the_time_is_told_in_every_form() {
    assert_eq!(printed(&[]), "Sat 2026-11-21 09:00:00 UTC");
    assert_eq!(printed(&["-u"]), "Sat 2026-11-21 09:00:00 UTC");
    assert_eq!(printed(&["--iso"]), "2026-11-21T09:00:00Z");
    assert_eq!(printed(&["--unix"]), "1795251600");
}

#[test]
fn the_time_is_set_and_told() {
    assert_eq!(printed(&["--set", "2020-02-29 12:00:00"]), "Sat 2020-02-29 12:00:00 UTC");
    assert_eq!(printed(&["--iso", "--set=2099-12-31T23:59"]), "2099-12-31T23:59:00Z");
}

#[test]
fn errors_say_what_to_do() {
    let known = Ok(0);
    assert_eq!(
        refused(known, &["--set", "2026-02-29"]),
        "date: `2026-02-29` is not a date from 1970 to 2099; write it like 2026-11-21 09:00:00"
    );
    assert!(refused(known, &["--set"]).contains("usage: date"));
    assert!(refused(known, &["-x"]).contains("there is no option `-x`; usage: date"));
    assert!(refused(known, &["now"]).contains("one argument too many; usage: date"));
    let lost = Err(Error::InputOutput);
    assert!(refused(lost, &[]).contains("nobody knows the time"));
    assert!(refused(lost, &["--set", "2026-11-21"]).contains("after the next start it has to be set again"));
}
