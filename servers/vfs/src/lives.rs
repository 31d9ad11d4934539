//! The lives of file servers: they are started, mount their file systems, end, and are started again.
//!
//! One starts at a time, since `NOTIFY_MOUNTED` does not tell whom it is from. Whoever asks for a path meanwhile waits.

use crate::devices::{Presence, RETRY};
use crate::fstab;
use crate::kinds;
use crate::mount::{Life, Mount, Wanted};
use crate::predecessors;
use crate::server::{MOST_MOUNTS, Timer, Vfs};
use crate::source::Source;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use interfaces::vfs::MountCall;
use ipc::{Error, TaskId};
use resea::restart::{MOST_QUICK_ENDS, Verdict};
use resea::{Exit, ExitKind, info, vm, warn};

/// How long a server may take to mount its file system, in nanoseconds. A device that does not answer has failed long before.
pub const PATIENCE: u64 = 60_000_000_000;

impl Vfs {
    /// Mounts what `fstab` says, when those that a vfs before has started are gone.
    pub fn begin(&mut self) {
        match kinds::file_servers() {
            Ok(names) => self.file_servers = names,
            Err(error) => warn!("cannot read the programs' manifests: {error}; nothing is mounted"),
        }
        self.predecessors = predecessors::find(&self.file_servers);
        if !self.predecessors.is_empty() {
            self.set(predecessors::GRACE, Timer::Predecessors);
        }
        if self.devices.find() {
            self.set(RETRY, Timer::Devices);
        }
        self.mount_all(&boot_file(fstab::PATH));
        self.advance();
    }

    fn mount_all(&mut self, fstab: &[u8]) {
        let Ok(text) = core::str::from_utf8(fstab) else {
            return warn!("{} is not UTF-8 text: nothing is mounted", fstab::PATH);
        };
        for (number, line) in fstab::lines(text) {
            let problem = match line {
                Err(mistake) => format!("{mistake}"),
                Ok(line) if self.place_of(line.point).is_some() => {
                    format!("something is mounted at {} already", line.point)
                }
                Ok(line) if self.is_wanted_elsewhere(line.source) => {
                    format!("{} is to be mounted elsewhere already", line.source)
                }
                Ok(_) if self.mounts.len() >= MOST_MOUNTS => {
                    format!("only {MOST_MOUNTS} file systems can be mounted")
                }
                Ok(line) if !self.file_servers.iter().any(|name| name == line.kind) => {
                    format!("there is no file server `{}` in the image", line.kind)
                }
                Ok(fstab::Line { source, point, kind, read_only, optional }) => {
                    let (source, point, kind) = (source.into(), point.into(), kind.into());
                    self.add(Wanted { source, point, kind, read_only, optional }, None);
                    continue;
                }
            };
            warn!("{}:{number}: {problem}; the line is left out", fstab::PATH);
        }
    }

    /// Whether any mount, if only when its device comes, has a source that is or has a part of this one.
    fn is_wanted_elsewhere(&self, source: &str) -> bool {
        self.mounts.iter().any(|mount| mount.source().overlaps(Source::parse(source)))
    }

    /// Adds a mount, in place of the one at the same point if there is one, which comes back if this one fails.
    pub(crate) fn add(&mut self, wanted: Wanted, mounting: Option<MountCall>) {
        let mut mount = Mount::new(self.made, wanted, mounting);
        self.made = self.made.wrapping_add(1);
        let place = self.place_of(&mount.wanted.point).unwrap_or(self.mounts.len());
        if place < self.mounts.len() {
            mount.before = Some(Box::new(self.mounts.swap_remove(place)));
        }
        self.mounts.push(mount);
        let last = self.mounts.len() - 1;
        self.mounts.swap(place, last);
        self.want(place);
    }

    /// Has the server of a mount started, if its device is there.
    pub(crate) fn want(&mut self, place: usize) {
        let Some(mount) = self.mounts.get(place) else { return };
        if self.is_in_use(mount.source(), &mount.wanted.point) {
            // Two servers would spoil each other's file system.
            return self.give_up(place, Error::Busy);
        }
        let Some(mount) = self.mounts.get_mut(place) else { return };
        match mount.source().device().map(|device| self.devices.presence(device)) {
            None => mount.life = Life::Queued,
            Some(Presence::Ready(driver)) => {
                mount.driver = Some(driver);
                mount.life = Life::Queued;
            }
            Some(Presence::Coming) => mount.life = Life::Coming,
            Some(Presence::Missing) => {
                let Wanted { source, point, optional, .. } = &mount.wanted;
                if !optional && mount.mounting.is_none() {
                    warn!("{point}: there is no device {source}; it is mounted when the device comes");
                }
                self.give_up(place, Error::NotFound);
            }
        }
    }

    /// A mount does not work now, for this reason. If somebody has just asked for it, there is no such mount, but the one that
    /// was there before.
    fn give_up(&mut self, place: usize, error: Error) {
        let Some(mount) = self.mounts.get_mut(place) else { return };
        let is_new = mount.mounting.is_some();
        mount.life = Life::Waiting(error);
        mount.refuse(error);
        match mount.before.take() {
            Some(before) if is_new => *mount = *before,
            None if is_new => drop(self.mounts.remove(place)),
            _ => {}
        }
    }

    /// Starts the next server, if none is starting and nothing is in the way.
    pub(crate) fn advance(&mut self) {
        while self.predecessors.is_empty()
            && !self.mounts.iter().any(|mount| matches!(mount.life, Life::Starting(..)))
            && let Some(place) = self.mounts.iter().position(|mount| mount.life == Life::Queued)
        {
            self.start(place);
        }
    }

    fn start(&mut self, place: usize) {
        let Some(mount) = self.mounts.get_mut(place) else { return };
        mount.starts = mount.starts.saturating_add(1);
        match launch(&mount.wanted) {
            Ok(task) => {
                mount.life = Life::Starting(task, ipc::clock());
                self.set(PATIENCE, Timer::Patience);
            }
            Err(error) => self.failed(place, 0, &End::NotStarted(error)),
        }
    }

    /// The server that is starting works now.
    pub(crate) fn mounted(&mut self) {
        for mount in &mut self.mounts {
            if let Life::Starting(task, since) = mount.life {
                mount.life = Life::Mounted(task, since);
                mount.answer(task);
                self.timers.cancel(Timer::Patience);
                if mount.starts == 1 && mount.source().device().is_some() {
                    info!(
                        "{} is {}, served by {}",
                        mount.wanted.point, mount.wanted.source, mount.wanted.kind
                    );
                }
                return;
            }
        }
    }

    /// Some of the tasks that are watched have ended.
    pub(crate) fn collect_ends(&mut self) {
        // An error means that vm does not answer, and without vm nothing does.
        while let Ok(Some(exit)) = resea::next_exit() {
            if self.devices.lose(exit.task) {
                self.set(RETRY, Timer::Devices);
                self.devices_have_changed();
                continue;
            }
            self.predecessors.retain(|task| *task != exit.task);
            let of_task = |mount: &Mount| mount.life.server().is_some_and(|(task, _)| task == exit.task);
            if let Some(place) = self.mounts.iter().position(of_task) {
                self.ended(place, &exit);
            }
        }
    }

    /// The server of a mount has ended.
    fn ended(&mut self, place: usize, exit: &Exit) {
        let Some(mount) = self.mounts.get(place) else { return };
        let life = mount.life;
        let since = life.server().map_or(0, |(_, since)| since);
        if matches!(life, Life::Starting(..)) {
            self.timers.cancel(Timer::Patience);
        }
        let end = match (exit.kind, usize::try_from(exit.status)) {
            (ExitKind::Killed, _) => End::Killed,
            (ExitKind::Exited, Ok(code @ 1..)) if matches!(life, Life::Starting(..)) => {
                End::Refused(Error::from_code(code))
            }
            (ExitKind::Exited, _) => End::Exited(exit.status),
            (ExitKind::Panicked, _) => End::Panicked,
            (ExitKind::Crashed, _) => End::Crashed,
        };
        self.failed(place, ipc::clock().saturating_sub(since), &end);
    }

    /// Decides what becomes of a mount whose server has ended after this much life.
    fn failed(&mut self, place: usize, life: u64, end: &End) {
        let Some(mount) = self.mounts.get_mut(place) else { return };
        if let Some(error) = end.reason()
            && (mount.mounting.is_some() || !is_passing(error))
        {
            if mount.mounting.is_none() {
                let Wanted { source, point, kind, .. } = &mount.wanted;
                warn!(
                    "{point}: {kind} cannot mount {source}: {error}; `mount {source} {point} -t {kind}` tries again"
                );
            }
            return self.give_up(place, error);
        }
        let verdict = mount.record.ended(life, *end == End::Killed);
        tell(&mount.wanted, end, verdict);
        match verdict {
            Verdict::Start => self.want(place),
            Verdict::Wait(nanoseconds) => {
                mount.life = Life::Pausing;
                let id = mount.id;
                self.set(nanoseconds, Timer::Start(id));
            }
            Verdict::Park => self.give_up(place, end.reason().unwrap_or(Error::Aborted)),
        }
    }

    /// dm has told of drivers that work or have ended.
    pub(crate) fn devices_have_changed(&mut self) {
        for place in (0..self.mounts.len()).rev() {
            let Some(mount) = self.mounts.get_mut(place) else { continue };
            let Some(device) = mount.source().device() else { continue };
            let presence = self.devices.presence(device);
            match (mount.life, presence) {
                (Life::Coming, Presence::Ready(_) | Presence::Missing) => self.want(place),
                // What has failed with this driver fails again.
                (Life::Waiting(_), Presence::Ready(driver)) if mount.driver != Some(driver) => {
                    mount.record.clear();
                    self.want(place);
                }
                _ => {}
            }
        }
    }

    pub(crate) fn timers_expired(&mut self) {
        while let Some(timer) = self.timers.expired() {
            match timer {
                Timer::Start(id) => {
                    let place = self.mounts.iter().position(|mount| mount.id == id);
                    place.into_iter().for_each(|place| self.want(place));
                }
                Timer::Patience => self.end_the_late(),
                // They are told as any other end.
                Timer::Predecessors => {
                    for task in &self.predecessors {
                        let _ = resea::kill(*task);
                    }
                }
                Timer::Devices => {
                    if self.devices.find() {
                        self.set(RETRY, Timer::Devices);
                    }
                    self.devices_have_changed();
                }
            }
        }
    }

    /// Ends the server that is starting: it takes too long.
    fn end_the_late(&mut self) {
        for place in 0..self.mounts.len() {
            if let Some(Mount { life: Life::Starting(task, _), .. }) = self.mounts.get(place) {
                // If it has ended just now, that is told, but is nobody's end then.
                let _ = resea::kill(*task);
                return self.failed(place, PATIENCE, &End::Refused(Error::TimedOut));
            }
        }
    }

    pub(crate) fn set(&mut self, nanoseconds: u64, timer: Timer) {
        // There is room for one a mount and one of each other kind.
        let _ = self.timers.set(nanoseconds, timer);
    }
}

/// Starts a file server.
fn launch(wanted: &Wanted) -> Result<TaskId, Error> {
    let own = format!("VFS={}", resea::own_id().raw());
    let mut arguments = vec![wanted.source.as_str(), &wanted.point];
    if wanted.read_only {
        arguments.push("--read-only");
    }
    let task = resea::launch_in(&wanted.kind, arguments, [own.as_str()]).map_err(|failed| failed.error)?;
    resea::watch(task).inspect_err(|_| {
        // Nobody would learn of its end.
        let _ = resea::kill(task);
    })?;
    Ok(task)
}

/// The content of a file of the boot image; nothing if there is no such file.
fn boot_file(path: &str) -> Vec<u8> {
    let Ok(file) = resea::boot_file(path) else { return Vec::new() };
    let mut content = vec![0; file.size.min(fstab::MOST_BYTES)];
    let read = vm().boot_read(file.index, 0, &mut content);
    content.truncate(read.unwrap_or(0));
    content
}

/// How a server has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// It could not be started.
    NotStarted(Error),
    /// It could not mount its file system.
    Refused(Error),
    Exited(i32),
    Panicked,
    Crashed,
    Killed,
}

impl End {
    /// Why it cannot mount the file system, if that is known.
    const fn reason(&self) -> Option<Error> {
        match self {
            Self::NotStarted(error) | Self::Refused(error) => Some(*error),
            Self::Exited(_) | Self::Panicked | Self::Crashed | Self::Killed => None,
        }
    }
}

/// Whether it may be otherwise soon, though nothing else changes.
const fn is_passing(error: Error) -> bool {
    use Error::*;
    matches!(error, Busy | OutOfMemory | TableFull | InputOutput | NoTask | Aborted)
}

/// Tells the log what has become of a server.
fn tell(wanted: &Wanted, end: &End, verdict: Verdict) {
    let Wanted { point, kind, source, .. } = wanted;
    let what = match end {
        End::NotStarted(error) => format!("cannot be started: {error}"),
        End::Refused(error) => format!("cannot mount {source}: {error}"),
        End::Exited(status) => format!("ended with status {status}"),
        End::Panicked => String::from("panicked"),
        End::Crashed => String::from("crashed"),
        End::Killed => String::from("was killed"),
    };
    match verdict {
        Verdict::Start => info!("{point}: {kind} {what}; it is started again"),
        Verdict::Wait(nanoseconds) => {
            warn!("{point}: {kind} {what}; it is started again in {} ms", nanoseconds / 1_000_000);
        }
        Verdict::Park => warn!(
            "{point}: {kind} {what}, the {MOST_QUICK_ENDS}th quick end in a row: it is not started again; \
             `mount {source} {point} -t {kind}` tries again"
        ),
    }
}
