//! `cargo resea bench net`: the network from outside, and Linux beside it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde::Serialize;

use super::bench::Figure;
use crate::build::{Build, Built, Profile, build};
use crate::counter::{Counter, stopped_at_entry};
use crate::folder::Folder;
use crate::load::{self, STREAM};
use crate::machine::MachineOptions;
use crate::network::{Forward, Nic, Unsaid};
use crate::session::Session;
use crate::ui::Verbosity;
use crate::workspace::Workspace;
use crate::{boot, linux, pcap, setup};

/// Requests before those that count, so that everything has its memory.
const WARM_UP: usize = 50;
/// Requests whose instructions are counted.
const COUNTED: usize = 200;
/// A tenth of a second with fewer instructions is one in which nothing happens.
const IDLE: u64 = 100_000;
/// How long a boot or the return of a driver may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes that flow after each death of the driver: more than is under way anywhere.
const FLOW: u64 = 8 << 20;

/// Measures the network: requests, long streams, the first answer after a boot, the return of a killed driver
///
/// All of it with a release build, from outside, through the forwarded ports of QEMU's user-mode network. Requests in a
/// second and bytes in a second are of the host's time, so they depend on the host: compare them with --linux, which
/// measures Linux with busybox's httpd in the same way, right afterwards. Instructions are counted by QEMU itself
/// (docs/measurements.md says how).
#[derive(Clone, Debug, Args)]
pub struct BenchNetCommand {
    #[command(flatten)]
    common: super::Common,
    /// Also write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also measure Linux, from Debian's packages
    #[arg(long)]
    linux: bool,
    /// How many requests
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
    /// What is requested
    #[arg(long, default_value = "/")]
    path: String,
    /// How many MiB are streamed each way
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    bulk: u32,
    /// How often the driver is killed
    #[arg(long, value_name = "N", default_value_t = 10)]
    kills: u32,
    #[command(flatten)]
    machine: MachineOptions,
}

/// What is measured of every system.
#[derive(Clone, Copy, Debug, Serialize)]
struct Figures {
    http_per_second: f64,
    http_instructions: u64,
    http_failures: usize,
    bulk_receive: u64,
    bulk_send: u64,
}

/// All that is measured.
#[derive(Debug, Serialize)]
struct Results {
    #[serde(flatten)]
    figures: Figures,
    /// Instructions.
    boot_to_http: u64,
    /// Nanoseconds; nothing if the driver was not killed.
    driver_restart: Option<Figure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linux: Option<Figures>,
}

/// A system that is measured.
enum Guest {
    Resea(Build),
    Linux(Build),
}

impl BenchNetCommand {
    /// Does it.
    ///
    /// # Errors
    ///
    /// If a system does not build or boot, or a stream is not as it was sent.
    pub fn run(&self) -> Result<()> {
        let verbosity = self.common.verbosity();
        setup::qemu(verbosity)?;
        if self.machine.network.card(self.machine.machine) == Nic::None {
            bail!(
                "there is no network card, so there is nothing to measure: choose one by --nic, on q35 or pc"
            );
        }
        let workspace = Workspace::find()?;
        let resea = Guest::Resea(build(&workspace, Profile::Release, verbosity)?);
        verbosity.step("measuring Resea");
        let (page, boot_to_http) = self.first_answer(&resea)?;
        let figures = self.figures(&resea, verbosity)?;
        let driver_restart = if self.kills == 0 { None } else { Some(self.driver_restart(&resea)?) };
        let linux = match self.linux {
            false => None,
            true => {
                let bulk = u64::from(self.bulk) << 20;
                let page = vec![b'x'; page.len()];
                let (name, linux) = linux::prepare(
                    &workspace.target.join("linux"),
                    &linux::Purpose::web(&page, bulk),
                    verbosity,
                )?;
                verbosity.step(&format!("measuring Linux {name}"));
                Some(self.figures(&Guest::Linux(linux), verbosity)?)
            }
        };
        let results = Results { figures, boot_to_http, driver_restart, linux };
        print!("{}", table(&results));
        self.json.as_ref().map_or(Ok(()), |file| super::write_json(file, &results))
    }

    /// Boots, with these ports of the guest forwarded and more arguments for QEMU; the options as they were settled.
    fn boot(
        &self,
        guest: &Guest,
        ports: &[u16],
        more: Vec<OsString>,
        pcap: Option<&Path>,
    ) -> Result<(Session, MachineOptions)> {
        let mut options = self.machine.clone();
        options.network.ports = ports.iter().map(|port| Forward::any(*port)).collect();
        options.network.pcap = pcap.map(Path::to_path_buf);
        options.settle(Unsaid::Nothing)?;
        options.qemu_args.extend(more);
        let build = match guest {
            Guest::Resea(build) => build,
            Guest::Linux(build) => {
                options.qemu_args.extend(["-append".into(), linux::COMMAND_LINE.into()]);
                build
            }
        };
        let verbosity = self.common.verbosity();
        Ok((boot::session(build, &options, super::bench::sink(verbosity), verbosity)?, options))
    }

    /// Boots, and waits until everything is there.
    fn boot_up(
        &self,
        guest: &Guest,
        ports: &[u16],
        more: Vec<OsString>,
        pcap: Option<&Path>,
    ) -> Result<(Session, MachineOptions)> {
        let (mut session, options) = self.boot(guest, ports, more, pcap)?;
        match guest {
            Guest::Resea(_) => session.wait_for_prompt(deadline())?,
            Guest::Linux(_) => session.wait_for_text(linux::READY, 0, deadline()).map(|_| ())?,
        }
        if ports.contains(&80) {
            load::wait_for_page(port(&options, 80)?, &self.path, PATIENCE).context("there is no page")?;
        }
        if ports.contains(&STREAM) {
            let place = session.transcript().len();
            session.run("stream &", deadline())?;
            session.wait_for_text("streams at port", place, deadline())?;
        }
        Ok((session, options))
    }

    /// What is measured of every system.
    fn figures(&self, guest: &Guest, verbosity: Verbosity) -> Result<Figures> {
        let http_instructions = self.http_instructions(guest)?;
        let ports: &[u16] = match guest {
            Guest::Resea(_) => &[80, STREAM],
            Guest::Linux(_) => &[80, linux::SOURCE, linux::SINK],
        };
        let (_session, options) = self.boot_up(guest, ports, Vec::new(), None)?;
        let http = port(&options, 80)?;
        load::requests(http, &self.path, WARM_UP);
        let load = load::requests(http, &self.path, self.requests as usize);
        if let Some(reason) = &load.reason {
            verbosity
                .step(&format!("{} of {} requests failed; of one: {reason}", load.failures, load.requests));
        }
        let total = u64::from(self.bulk) << 20;
        let (send, receive) = match guest {
            Guest::Resea(_) => {
                let port = port(&options, STREAM)?;
                (
                    load::receive(port, &format!("send {total}\n"), total, true, |_| ())?,
                    load::send(port, &format!("take {total}\n"), total, &format!("right {total}\n"))?,
                )
            }
            Guest::Linux(_) => (
                load::receive(port(&options, linux::SOURCE)?, "", total, false, |_| ())?,
                load::send(port(&options, linux::SINK)?, "", total, linux::TAKEN)?,
            ),
        };
        let per_second = |time: Duration| (total as f64 / time.as_secs_f64()) as u64;
        Ok(Figures {
            http_per_second: (load.per_second() * 10.0).round() / 10.0,
            http_instructions,
            http_failures: load.failures,
            bulk_receive: per_second(receive),
            bulk_send: per_second(send),
        })
    }

    /// The instructions of a request: all that the machine executes for so many, divided by their number.
    fn http_instructions(&self, guest: &Guest) -> Result<u64> {
        let folder = Folder::new()?;
        let counter = Counter::new(folder.path());
        let (_session, options) = self.boot_up(guest, &[80], counter.arguments(true), None)?;
        let http = port(&options, 80)?;
        load::requests(http, &self.path, WARM_UP);
        let before = counter.settled(IDLE)?;
        let load = load::requests(http, &self.path, COUNTED);
        let after = counter.settled(IDLE)?;
        match load.reason {
            Some(reason) => bail!("a request failed while instructions were counted: {reason}"),
            None => Ok((after - before) / COUNTED as u64),
        }
    }

    /// The page, and how many instructions after the firmware it is there.
    fn first_answer(&self, guest: &Guest) -> Result<(Vec<u8>, u64)> {
        let Guest::Resea(build) = guest else { bail!("only Resea's entry is known") };
        let folder = Folder::new()?;
        let counter = Counter::new(folder.path());
        let (_session, options) = self.boot(guest, &[80], counter.arguments(true), None)?;
        let page =
            load::wait_for_page(port(&options, 80)?, &self.path, PATIENCE).context("there is no page")?;
        let all = counter.count()?;
        // The same machine with a kernel that stops at once: what is counted then is the firmware.
        let folder = Folder::new()?;
        let counter = Counter::new(folder.path());
        let kernel = std::fs::read(&build.kernel.elf)
            .with_context(|| format!("{} cannot be read", build.kernel.elf.display()))?;
        let elf = folder.path().join("kernel");
        std::fs::write(&elf, stopped_at_entry(&kernel)?)
            .with_context(|| format!("{} cannot be written", elf.display()))?;
        let stopped = Guest::Resea(Build { kernel: Built { name: "stopped".into(), elf }, ..build.clone() });
        let (_session, _) = self.boot(&stopped, &[], counter.arguments(true), None)?;
        // The monitor is there as soon as QEMU is; the firmware takes its time.
        std::thread::sleep(Duration::from_secs(1));
        Ok((page, all - counter.settled(1)?))
    }

    /// How long nothing is sent when the driver is killed while a stream flows.
    fn driver_restart(&self, guest: &Guest) -> Result<Figure> {
        let folder = Folder::new()?;
        let file = folder.path().join("packets");
        let (mut session, options) = self.boot_up(guest, &[STREAM], Vec::new(), Some(&file))?;
        let port = port(&options, STREAM)?;
        let flowed = Arc::new(AtomicU64::new(0));
        let total = FLOW * u64::from(self.kills + 1);
        let seen = flowed.clone();
        let request = format!("send {total}\n");
        let stream = std::thread::spawn(move || {
            load::receive(port, &request, total, true, |offset| seen.store(offset, Ordering::Relaxed))
        });
        let driver = driver(options.network.card(options.machine));
        let mut places = Vec::new();
        for kill in 0..u64::from(self.kills) {
            wait_for(&flowed, FLOW * kill + FLOW / 2, &stream)?;
            places.push(length(&file)?);
            let output = session.run(&format!("kill {driver}"), deadline())?;
            if output.status != 0 {
                bail!("`kill {driver}` exited with status {}: {}", output.status, output.text.trim_end());
            }
        }
        let result = stream.join().map_err(|_| anyhow!("the client of the stream has panicked"))?;
        result.context("the stream broke when its driver was killed")?;
        places.push(length(&file)?);
        let packets = pcap::read(&file)?;
        let silence = |pair: &[u64]| pcap::longest_silence(&packets, pair[0], pair[1]);
        let mut times: Vec<u64> = places.windows(2).filter_map(silence).map(|micros| micros * 1000).collect();
        times.sort_unstable();
        match (times.first(), times.get(times.len() / 2), times.last()) {
            (Some(min), Some(median), Some(max)) => Ok(Figure { min: *min, median: *median, max: *max }),
            _ => bail!("no packets were seen after the driver's death"),
        }
    }
}

/// Waits until a stream has brought so many bytes; it fails when the stream ends before.
fn wait_for<T>(flowed: &AtomicU64, bytes: u64, stream: &std::thread::JoinHandle<T>) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while flowed.load(Ordering::Relaxed) < bytes {
        if stream.is_finished() {
            return Ok(());
        }
        if Instant::now() > end {
            bail!("the stream stands still after {} bytes", flowed.load(Ordering::Relaxed));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn length(file: &Path) -> Result<u64> {
    Ok(file.metadata().with_context(|| format!("{} cannot be read", file.display()))?.len())
}

/// The program that drives a card.
pub fn driver(nic: Nic) -> &'static str {
    if nic == Nic::E1000 { "e1000" } else { "virtio_net" }
}

fn deadline() -> Option<Instant> {
    Some(Instant::now() + PATIENCE)
}

fn port(options: &MachineOptions, guest: u16) -> Result<u16> {
    options.network.host_port(guest).with_context(|| format!("the guest's port {guest} is not forwarded"))
}

/// The figures for people.
fn table(results: &Results) -> String {
    let (ours, linux) = (&results.figures, results.linux.as_ref());
    let mut table = format!("{:<28}{:>14}{:>14}\n", "", "Resea", if linux.is_some() { "Linux" } else { "" });
    let mut row = |name: &str, show: &dyn Fn(&Figures) -> String| {
        let theirs = linux.map(show).unwrap_or_default();
        table.push_str(&format!("{name:<28}{:>14}{theirs:>14}\n", show(ours)));
    };
    row("requests in a second", &|figures| format!("{:.1}", figures.http_per_second));
    row("instructions of a request", &|figures| figures.http_instructions.to_string());
    row("requests that failed", &|figures| figures.http_failures.to_string());
    row("received, MB in a second", &|figures| format!("{:.1}", figures.bulk_receive as f64 / 1e6));
    row("sent, MB in a second", &|figures| format!("{:.1}", figures.bulk_send as f64 / 1e6));
    table.push_str(&format!("{:<28}{:>14}\n", "instructions to the page", results.boot_to_http));
    if let Some(Figure { min, median, max }) = results.driver_restart {
        let [min, median, max] = [min, median, max].map(|time| time as f64 / 1e6);
        table.push_str(&format!(
            "driver killed, ms of silence: {min:.2} least, {median:.2} median, {max:.2} most\n"
        ));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_written_flat_with_their_keys() {
        let figures = Figures {
            http_per_second: 500.5,
            http_instructions: 100_000,
            http_failures: 0,
            bulk_receive: 30_000_000,
            bulk_send: 20_000_000,
        };
        let driver_restart = Some(Figure { min: 1_000_000, median: 2_000_000, max: 3_500_000 });
        let results = Results { figures, boot_to_http: 7, driver_restart, linux: None };
        let json = serde_json::to_value(&results).expect("it can be written");
        let keys: Vec<_> = json.as_object().expect("it is an object").keys().cloned().collect();
        let expected = [
            "boot_to_http",
            "bulk_receive",
            "bulk_send",
            "driver_restart",
            "http_failures",
            "http_instructions",
            "http_per_second",
        ];
        assert_eq!(keys.len(), expected.len(), "{keys:?}");
        assert!(expected.iter().all(|key| json.get(key).is_some()), "{keys:?}");
        assert!(table(&results).contains("driver killed, ms of silence: 1.00 least, 2.00 median, 3.50 most"));
    }
}
