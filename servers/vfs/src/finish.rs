//! The end of a mount, without loss.
//!
//! This is the one place where vfs waits for a file server: writing everything to the medium takes as long as it takes. Should
//! the server not come to an end, `watchdog`, started before, ends it; then the call fails and vfs goes on.

use crate::mount::Life;
use crate::names::below;
use crate::server::Vfs;
use alloc::format;
use interfaces::fs;
use ipc::{Error, TaskId};
use resea::warn;

/// How long a server may take, in milliseconds. Every request to a disk is answered or given up in 10 s.
pub const LIMIT: u64 = 30_000;

/// The program that ends a task after a time.
const WATCHDOG: &str = "watchdog";

impl Vfs {
    /// Writes everything to the medium and ends the server of a mount, which is then no more.
    ///
    /// Errors: as of `unmount`. `TimedOut`: the server was ended without having written everything; `Aborted`: it has ended
    /// by itself. After these two nothing is mounted there, and with `force` after the others too.
    pub(crate) fn end_mount(&mut self, point: &str, force: bool) -> Result<(), Error> {
        let place = self.place_of(point).ok_or(Error::NotFound)?;
        let is_below = |other: &str| below(point, other).is_some_and(|rest| !rest.is_empty());
        if !force && self.mounts.iter().any(|mount| is_below(&mount.wanted.point)) {
            return Err(Error::Busy);
        }
        let life = self.mounts.get(place).map(|mount| mount.life);
        let finished = match life {
            Some(Life::Mounted(server, _)) => finish(server, force),
            // Nothing was written that could be lost.
            _ => Ok(()),
        };
        let is_gone = matches!(finished, Ok(()) | Err(Error::TimedOut | Error::Aborted));
        if let Err(error) = finished
            && !is_gone
            && !force
        {
            return Err(error);
        }
        let mut mount = self.mounts.remove(place);
        mount.refuse(Error::NotFound);
        self.timers.cancel(crate::server::Timer::Start(mount.id));
        if let Some((server, _)) = mount.life.server() {
            // It fails if it has ended. It is no longer anybody's when that is told.
            let _ = resea::kill(server);
        }
        finished
    }
}

/// Has a server write everything, in bounded time.
fn finish(server: TaskId, force: bool) -> Result<(), Error> {
    let begin = ipc::clock();
    let (task, limit) = (format!("{}", server.raw()), format!("{LIMIT}"));
    let watchdog = resea::launch(WATCHDOG, [task.as_str(), limit.as_str()]).map_err(|failed| {
        warn!("{failed}: nothing can be unmounted safely");
        failed.error
    })?;
    let finished = fs::Client::new(server).finish(force);
    // It fails if it has done its work.
    let _ = resea::kill(watchdog);
    match finished {
        Err(Error::Aborted | Error::NoTask) if ipc::clock() - begin >= LIMIT * 1_000_000 => {
            Err(Error::TimedOut)
        }
        Err(Error::NoTask) => Err(Error::Aborted),
        finished => finished,
    }
}
