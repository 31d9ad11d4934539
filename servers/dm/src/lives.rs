//! The lives of drivers: they are started, watched, ended and started again.
//!
//! Whatever ends a driver, the first thing that happens is that its device is switched off. Then the next driver is
//! started, and only then others are told and the log is written: the time between two drivers is what people notice.

use crate::configuration::Configuration;
use crate::manager::{Manager, Timer};
use crate::policy::{Beat, HEARTBEAT, Heartbeat, MOST_QUICK_ENDS, PATIENCE, Verdict};
use crate::slot::{Ending, Life, Rights, Running, Slot};
use alloc::format;
use alloc::string::{String, ToString};
use interfaces::dm::NOTIFY_HEARTBEAT;
use ipc::{Error, TaskId};
use resea::{Exit, ExitKind, info, vm, warn};

impl<C: Configuration> Manager<C> {
    /// Starts all drivers.
    pub fn start_all(&mut self) {
        for index in 0..self.slots.len() {
            self.start(index);
        }
    }

    /// Starts the driver of a slot that has none.
    fn start(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        let rights = match &slot.rights {
            Ok(rights) => *rights,
            Err(why) => {
                slot.life = Life::Parked;
                warn!("{}: its driver {} cannot be started: {why}", slot.name(), slot.driver);
                return;
            }
        };
        match launch(slot, &rights, &mut self.configuration) {
            Ok(task) => {
                slot.life = Life::Running(Running {
                    task,
                    since: ipc::clock(),
                    ready: false,
                    units: 0,
                    heartbeat: Heartbeat::default(),
                    ending: Ending::No,
                });
                slot.starts = slot.starts.saturating_add(1);
                if !self.beating {
                    self.beating = true;
                    self.set(HEARTBEAT, Timer::Heartbeat);
                }
            }
            Err(why) => {
                slot.device.switch_off(&mut self.configuration);
                let verdict = slot.record.ended(0, false);
                tell(slot, &format!("cannot be started: {why}"), verdict);
                self.follow(index, verdict);
            }
        }
    }

    /// Does with the driver of a slot what was decided.
    fn follow(&mut self, index: usize, verdict: Verdict) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        match verdict {
            // It is not said twice in a row, so this does not go on for ever.
            Verdict::Start => self.start(index),
            Verdict::Wait(nanoseconds) => {
                slot.life = Life::Waiting;
                self.set(nanoseconds, Timer::Start(index));
            }
            Verdict::Park => slot.life = Life::Parked,
        }
    }

    fn set(&mut self, nanoseconds: u64, timer: Timer) {
        // There is room for one timer a slot and the heartbeat's.
        let _ = self.timers.set(nanoseconds, timer);
    }

    /// Some of the drivers have ended.
    pub(crate) fn collect_ends(&mut self) {
        // An error means that vm does not answer, and without vm nothing does.
        while let Ok(Some(exit)) = resea::next_exit() {
            self.ended(exit);
        }
    }

    fn ended(&mut self, exit: Exit) {
        let of_task = |slot: &Slot| slot.running().is_some_and(|running| running.task == exit.task);
        let Some(index) = self.slots.iter().position(of_task) else { return };
        let Some(slot) = self.slots.get_mut(index) else { return };
        slot.device.switch_off(&mut self.configuration);
        slot.memory.forget_driver();
        let Some(running) = slot.running().copied() else { return };
        let wanted = match running.ending {
            Ending::No => exit.kind == ExitKind::Killed,
            Ending::Asked => true,
            Ending::Late => false,
        };
        let verdict = slot.record.ended(ipc::clock().saturating_sub(running.since), wanted);
        self.follow(index, verdict);
        if let Some(slot) = self.slots.get(index) {
            self.subscribers.notify(slot.class);
            tell(slot, &how(&exit, running.ending), verdict);
        }
    }

    /// Timers have expired.
    pub(crate) fn timers_expired(&mut self) {
        while let Some(timer) = self.timers.expired() {
            match timer {
                Timer::Heartbeat => self.beat(),
                Timer::Start(index) => self.start(index),
            }
        }
    }

    /// Asks the drivers whether they are alive, and ends those that have not answered.
    fn beat(&mut self) {
        let now = ipc::clock();
        self.beating = false;
        for slot in &mut self.slots {
            let Life::Running(running) = &mut slot.life else { continue };
            self.beating = true;
            // What fails here fails because the driver has ended, and its end is told.
            match running.heartbeat.beat(now) {
                Beat::Ask => drop(ipc::notify(running.task, NOTIFY_HEARTBEAT as usize)),
                Beat::Late if running.ending == Ending::No => {
                    running.ending = Ending::Late;
                    let _ = resea::kill(running.task);
                }
                Beat::Wait | Beat::Late => {}
            }
        }
        if self.beating {
            self.set(HEARTBEAT, Timer::Heartbeat);
        }
    }

    /// A driver says that it works, and which units there are. Errors: as of `ready`.
    pub(crate) fn driver_is_ready(&mut self, task: TaskId, units: u32) -> Result<(), Error> {
        let slot = self.slot_of(task)?;
        if units >> slot.units() != 0 {
            return Err(Error::InvalidArgument);
        }
        let first = slot.starts == 1;
        let Some(running) = slot.running_mut() else { return Ok(()) };
        if running.ready {
            return Ok(());
        }
        running.ready = true;
        running.units = units;
        let class = slot.class;
        if first {
            let (id, place) = (slot.function.id(), slot.function.place);
            info!("{}: {} drives {id} at {place}", slot.name(), slot.driver);
        }
        self.subscribers.notify(class);
        self.answer_waiting();
        Ok(())
    }

    /// Ends and starts the drivers that `name` means. Errors: `NotFound`.
    pub(crate) fn restart_named(&mut self, name: &str) -> Result<(), Error> {
        let mut found = Err(Error::NotFound);
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots.get_mut(index) else { continue };
            if !slot.names.iter().any(|of_unit| of_unit == name) && slot.driver != name {
                continue;
            }
            found = Ok(());
            slot.record.clear();
            match &mut slot.life {
                Life::Running(running) => {
                    running.ending = Ending::Asked;
                    // It fails if the driver has ended, and then its end is told.
                    let _ = resea::kill(running.task);
                }
                Life::Waiting | Life::Parked => {
                    self.timers.cancel(Timer::Start(index));
                    self.start(index);
                }
            }
        }
        found
    }
}

/// Starts a driver with the rights to its device, which is switched on for it.
fn launch(slot: &Slot, rights: &Rights, configuration: &mut impl Configuration) -> Result<TaskId, String> {
    slot.device.switch_on(configuration, slot.interrupt);
    let task = vm().launch_driver(&slot.driver, rights.irqs, rights.ports, rights.mmio);
    let task = task.map_err(|error| error.to_string())?;
    match resea::watch(task) {
        Ok(()) => Ok(task),
        Err(error) => {
            // Nobody would learn of its end.
            let _ = resea::kill(task);
            Err(format!("it cannot be watched: {error}"))
        }
    }
}

/// How a driver ended, as the middle of a sentence.
fn how(exit: &Exit, ending: Ending) -> String {
    match (ending, exit.kind) {
        (Ending::Late, _) => format!("has not answered for {} s and was ended", PATIENCE / 1_000_000_000),
        (Ending::Asked, _) => "was ended as asked".into(),
        (Ending::No, ExitKind::Exited) => format!("ended with status {}", exit.status),
        (Ending::No, ExitKind::Panicked) => "panicked".into(),
        (Ending::No, ExitKind::Crashed) => "crashed".into(),
        (Ending::No, ExitKind::Killed) => "was killed".into(),
    }
}

/// Tells the log what has become of a driver.
fn tell(slot: &Slot, what: &str, verdict: Verdict) {
    let (name, driver) = (slot.names.first().map_or("", String::as_str), &slot.driver);
    match verdict {
        Verdict::Start => info!("{name}: its driver {driver} {what}; it is started again"),
        Verdict::Wait(nanoseconds) => {
            warn!(
                "{name}: its driver {driver} {what}; it is started again in {} ms",
                nanoseconds / 1_000_000
            );
        }
        Verdict::Park => warn!(
            "{name}: its driver {driver} {what}, the {MOST_QUICK_ENDS}th quick end in a row: it is parked; \
             `restart {name}` starts it again"
        ),
    }
}
