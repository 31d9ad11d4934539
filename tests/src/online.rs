//! A system on QEMU's user-mode network, and what a host does with it: pages, long streams, waiting.
//!
//! Ports of the host are chosen by the host, so tests do not meet each other there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use resea_tool::load::{self, STREAM};
use resea_tool::network::{Forward, Unsaid};
use resea_tool::setup;
use resea_tool::ui::Verbosity;

use crate::{MachineOptions, NetworkOptions, Nic, PATIENCE, Profile, System, built};

/// The page of the running system.
pub const PAGE: &str = "/";

/// How many clients there can be at once.
const CLIENTS: usize = 32;

/// Whether long forms are wanted: those of `cargo resea test --soak`.
pub fn long() -> bool {
    std::env::var_os(resea_tool::soak::LONG).is_some()
}

/// A system on the network.
pub struct Online {
    /// The system, at its prompt.
    pub system: System,
    /// The port of the host that leads to the web server.
    pub http: u16,
    /// That port and others for clients at once, each for one of them.
    pub clients: Vec<u16>,
    /// The port of the host that leads to the program `stream`.
    pub stream: u16,
    /// Where all packets are written.
    pub packets: PathBuf,
}

impl Online {
    /// Boots a release build with this card, and waits until its page is there; packets are written into `folder`.
    pub fn boot(nic: Nic, folder: &Path) -> Self {
        let packets = folder.join("packets.pcap");
        let mut forwards = vec![Forward::any(80); CLIENTS];
        forwards.push(Forward::any(STREAM));
        let mut network = NetworkOptions::new(nic, &forwards);
        network.pcap = Some(packets.clone());
        let mut machine = MachineOptions { network, ..MachineOptions::default() };
        machine.settle(Unsaid::Nothing).unwrap_or_else(|error| panic!("{error:#}"));
        let port = |guest| machine.network.host_port(guest).expect("it is forwarded");
        let (http, stream) = (port(80), port(STREAM));
        let clients = machine.network.host_ports(80).collect();
        let system = System::boot_build(&built(Profile::Release), &machine);
        let online = Self { system, http, clients, stream, packets };
        online.wait_for_page();
        online
    }

    /// Waits until the page is there; how long that took.
    pub fn wait_for_page(&self) -> Duration {
        let start = Instant::now();
        let page = load::wait_for_page(self.http, PAGE, PATIENCE);
        let page =
            page.unwrap_or_else(|error| panic!("there is no page: {error}\n{}", self.system.transcript()));
        assert!(!page.is_empty(), "the page is empty");
        start.elapsed()
    }

    /// Starts the program `stream`.
    pub fn start_stream(&mut self) {
        let place = self.system.place();
        self.system.succeed("stream &");
        self.system.expect("streams at port", place);
    }

    /// Free memory, in bytes.
    pub fn free_memory(&self) -> i64 {
        let json = load::get(self.http, "/api/memory", PATIENCE);
        let json = json.unwrap_or_else(|error| panic!("the memory is not told: {error}"));
        let told: serde_json::Value = serde_json::from_slice(&json).expect("it is JSON");
        told["memory"]["free"].as_i64().unwrap_or_else(|| panic!("free memory is not told in {told}"))
    }

    /// Bytes that were written of the packets.
    pub fn packet_bytes(&self) -> u64 {
        self.packets.metadata().expect("QEMU has made the file").len()
    }
}

/// A stream that the guest sends, received and compared by a thread.
pub struct Download {
    flowed: Arc<AtomicU64>,
    thread: JoinHandle<std::io::Result<Duration>>,
}

impl Download {
    /// Asks for so many bytes.
    pub fn start(port: u16, total: u64) -> Self {
        let flowed = Arc::new(AtomicU64::new(0));
        let seen = flowed.clone();
        let thread = std::thread::spawn(move || {
            load::receive(port, &format!("send {total}\n"), total, true, |offset| {
                seen.store(offset, Ordering::Relaxed)
            })
        });
        Self { flowed, thread }
    }

    /// Waits until so many bytes have come, or the stream has ended.
    pub fn wait_for(&self, bytes: u64) {
        let end = Instant::now() + PATIENCE;
        while self.flowed.load(Ordering::Relaxed) < bytes && !self.thread.is_finished() {
            let flowed = self.flowed.load(Ordering::Relaxed);
            assert!(Instant::now() < end, "the stream stands still after {flowed} of {bytes} bytes");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits for the end; fails the test if a byte was wrong or the connection broke.
    pub fn finish(self) {
        let result = self.thread.join().expect("the thread does not panic");
        result.unwrap_or_else(|error| panic!("the stream is not as it should be: {error}"));
    }
}

/// Finds a program that a test needs, or installs its package after saying so.
pub fn program(name: &str, package: &str, purpose: &str) -> PathBuf {
    setup::in_path(name).unwrap_or_else(|| {
        setup::install(&[package], purpose, Verbosity::Quiet).unwrap_or_else(|error| panic!("{error:#}"));
        setup::in_path(name).unwrap_or_else(|| panic!("{package} is installed, but {name} is not in PATH"))
    })
}

/// Requests by ApacheBench, one after the other; fails the test unless each was answered well.
pub fn ab(port: u16, requests: usize) {
    let mut command = Command::new(program("ab", "apache2-utils", "the load generator ab"));
    command.args(["-q", "-s", "60", "-n", &requests.to_string()]);
    let output = command.arg(format!("http://127.0.0.1:{port}{PAGE}")).output().expect("ab starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let number =
        |label: &str| text.lines().find_map(|line| line.strip_prefix(label)?.trim().parse::<usize>().ok());
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(number("Complete requests:"), Some(requests), "{text}{told}");
    assert_eq!(number("Failed requests:"), Some(0), "{text}{told}");
    assert_eq!(number("Non-2xx responses:"), None, "{text}{told}");
}

/// Requests of a client at each of these ports, all at once; fails the test unless each was answered well.
pub fn at_once(ports: &[u16], requests: usize) {
    let load = load::requests_at_once(ports, PAGE, requests);
    let (failures, clients) = (load.failures, ports.len());
    assert_eq!(failures, 0, "of {requests} requests by {clients} clients at once; of one: {:?}", load.reason);
}

/// The least, the one in the middle and the greatest, in milliseconds, for people.
pub fn distribution(times: &[Duration]) -> String {
    let mut times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1000.0).collect();
    times.sort_by(f64::total_cmp);
    match (times.first(), times.get(times.len() / 2), times.last()) {
        (Some(least), Some(median), Some(most)) => {
            format!("{least:.2} ms least, {median:.2} ms median, {most:.2} ms most of {}", times.len())
        }
        _ => "nothing was measured".into(),
    }
}
