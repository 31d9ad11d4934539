//! The web server on the simulated system, over the real tcpip: what its clients see, and what they see when somebody is
//! killed.

mod support;

use core::time::Duration;
use interfaces::dm;
use net::{SocketAddr, TcpStream};
use resea::{Error, TaskId};
use sim::{Program, System};
use support::{Reply, answers};

/// A device manager with one device, whose driver works.
#[derive(Default)]
struct Devices {
    starts: u32,
}

impl ipc::server::Events for Devices {}

impl dm::Server for Devices {
    fn device(&mut self, _: TaskId) -> Result<dm::DeviceReply, Error> {
        Err(Error::NotPermitted)
    }

    fn configuration(&mut self, _: TaskId, _: u32) -> Result<[u32; 16], Error> {
        Err(Error::NotPermitted)
    }

    fn memory(&mut self, _: TaskId, _: u32, _: usize, _: bool) -> Result<dm::MemoryReply, Error> {
        Err(Error::NotPermitted)
    }

    fn ready(&mut self, _: TaskId, _: u32) -> Result<(), Error> {
        Err(Error::NotPermitted)
    }

    fn alive(&mut self, _: TaskId) -> Result<(), Error> {
        Err(Error::NotPermitted)
    }

    fn subscribe(&mut self, _: TaskId, _: dm::Class) -> Result<(), Error> {
        Ok(())
    }

    fn driver(
        &mut self,
        _: TaskId,
        _: dm::Class,
        _: u32,
        _: ipc::WriteLend<'_>,
    ) -> Result<dm::DriverReply, Error> {
        Err(Error::NotFound)
    }

    fn driver_of(&mut self, call: dm::DriverOfCall) {
        call.fail(Error::NotFound);
    }

    fn list(
        &mut self,
        _: TaskId,
        index: u32,
        name: ipc::WriteLend<'_>,
        driver: ipc::WriteLend<'_>,
    ) -> Result<dm::ListReply, Error> {
        if index > 0 {
            return Err(Error::NotFound);
        }
        name.write(0, b"net0")?;
        driver.write(0, b"e1000")?;
        Ok(dm::ListReply {
            place: 0x18,
            vendor: 0x8086,
            device: 0x100e,
            class_code: 0x02_0000,
            irq: 11,
            messages: false,
            state: dm::State::Running,
            starts: self.starts + 1,
            task: 0,
            name: 4,
            driver: 5,
        })
    }

    fn restart(&mut self, _: TaskId, name: ipc::StrLend<'_>) -> Result<(), Error> {
        match name.read(&mut [0; 32])? {
            "net0" => {
                self.starts += 1;
                Ok(())
            }
            _ => Err(Error::NotFound),
        }
    }
}

fn system() -> System {
    let keys = "provides = [\"dm\"]\nrestart = \"always\"";
    let devices = Program::new("dm", keys, || resea::serve(dm::NAME, dm::dispatch, Devices::default()));
    System::new()
        .memory(16 << 20)
        .program(sim::program!(webapi::run))
        .program(sim::program!(tcpip::run))
        .program(sim::program!(random::run))
        .program(devices)
        .program(Program::new("guest", "", || resea::sleep(Duration::from_secs(3600))))
}

fn port() -> SocketAddr {
    "127.0.0.1:80".parse().unwrap()
}

/// Connects as soon as somebody listens.
fn connect() -> TcpStream {
    loop {
        match TcpStream::connect(port()) {
            Ok(stream) => return stream,
            Err(_) => resea::sleep(Duration::from_millis(1)),
        }
    }
}

/// All that comes for a request, until the server closes.
fn ask(request: &str) -> net::Result<Vec<u8>> {
    let stream = connect();
    stream.write_all(request.as_bytes())?;
    let (mut all, mut buffer) = (Vec::new(), [0; 2048]);
    while let length @ 1.. = stream.read(&mut buffer)? {
        all.extend_from_slice(&buffer[..length]);
    }
    Ok(all)
}

fn get(path: &str) -> Reply {
    answers(&ask(&format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")).unwrap())
        .remove(0)
}

fn json(path: &str) -> serde_json::Value {
    serde_json::from_slice(&get(path).content).unwrap()
}

/// The token, as it was printed.
fn token() -> String {
    let console = sim::console();
    let (_, after) = console.rsplit_once("#token=").expect("it is printed");
    after[..32].to_string()
}

#[test]
fn the_system_shows_itself() {
    let report = system().run(|| {
        assert!(get("/").content.starts_with(b"<!doctype html>"));
        let live = json("/api/live");
        let tasks = live["tasks"].as_array().unwrap();
        let names: Vec<_> = tasks.iter().map(|task| task["name"].as_str().unwrap()).collect();
        for name in ["vm", "webapi", "tcpip", "random", "dm", "test"] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
        let own = tasks.iter().find(|task| task["name"] == "webapi").unwrap();
        assert_eq!((&own["state"], &own["priority"]), (&"ready".into(), &9.into()));
        assert_eq!(live["interfaces"][0]["name"], "lo");
        assert_eq!(live["devices"][0]["name"], "net0");
        assert!(live["network"]["accepts"].as_u64() >= Some(2));
        assert!(live["memory"]["free"].as_u64() > Some(1 << 20));
        let sockets = json("/api/sockets");
        let is_ours =
            |socket: &serde_json::Value| socket["kind"] == "listener" && socket["task"] == own["id"];
        assert!(sockets["sockets"].as_array().unwrap().iter().any(is_ours), "{sockets}");
        // A program that starts is there with the next answer.
        assert!(!json("/api/tasks").to_string().contains("\"guest\""));
        resea::launch("guest", []).unwrap();
        assert!(json("/api/tasks").to_string().contains("\"guest\""));
    });
    assert!(report.console.contains("webapi: listening on port 80\n"), "{}", report.console);
}

#[test]
fn the_token_is_on_the_console_and_not_in_the_log_that_is_served() {
    system().run(|| {
        let log = json("/api/log")["log"]["text"].as_str().unwrap().to_string();
        let token = token();
        assert!(log.contains("webapi: listening on port 80\n"), "{log}");
        assert!(!log.contains(&token) && !log.contains(&token[16..]), "{log}");
        let restart = |token: &str| {
            let body = "{\"device\":\"net0\"}";
            let reply = ask(&format!(
                "POST /api/restart HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Type: application/json\r\n\
                 Authorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ));
            answers(&reply.unwrap())[0].status
        };
        assert_eq!(restart(&token[1..]), 401);
        assert_eq!(json("/api/devices")["devices"][0]["starts"], 1);
        assert_eq!(restart(&token), 200);
        assert_eq!(json("/api/devices")["devices"][0]["starts"], 2);
    });
}

#[test]
fn half_a_request_is_timed_out() {
    system().run(|| {
        let started = ipc::clock();
        let replies = answers(&ask("GET / HTT").unwrap());
        assert_eq!(replies[0].status, 408);
        let seconds = (ipc::clock() - started) / 1_000_000_000;
        assert!((9..=15).contains(&seconds), "{seconds} s");
    });
}

/// Whoever is killed wherever: new connections are answered soon, and the token works again or a new one is printed.
#[test]
fn what_is_killed_comes_back() {
    let request = "GET /api/live HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
    system().killable(["webapi", "tcpip", "dm"]).explore(200, move || {
        for _ in 0..3 {
            match ask(request) {
                Ok(reply) if !reply.is_empty() => {
                    let whole = serde_json::from_slice::<serde_json::Value>(&answers_or_part(&reply));
                    assert!(whole.is_ok() || sim::was_killed(), "{}", String::from_utf8_lossy(&reply));
                }
                other => assert!(sim::was_killed(), "{other:?} without a reason"),
            }
        }
        if sim::was_killed() {
            // It may be coming back just now.
            resea::sleep(Duration::from_secs(1));
            let reply = ask(request).unwrap_or_default();
            let again =
                if reply.starts_with(b"HTTP/1.1 200 ") { reply } else { ask(request).unwrap_or_default() };
            assert!(again.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&again));
        }
    });
}

/// The content of a reply that may have been cut off.
fn answers_or_part(bytes: &[u8]) -> Vec<u8> {
    std::panic::catch_unwind(|| answers(bytes).remove(0).content).unwrap_or_default()
}
