//! The interface `dm`: interfaces/dm.idl says what each message does.

use crate::configuration::Configuration;
use crate::device::Interrupt;
use crate::manager::Manager;
use crate::slot::Slot;
use abi::{NOTIFY_CHILD, NOTIFY_TIMER};
use interfaces::dm::{
    self, Class, DeviceReply, DriverOfCall, DriverReply, ListReply, MemoryReply, NAME_MAX, State,
};
use ipc::{Error, StrLend, TaskId, WriteLend};

/// Words of configuration space that a driver gets at once.
const WORDS: usize = 16;

impl<C: Configuration> ipc::server::Events for Manager<C> {
    fn notified(&mut self, bits: usize) {
        if bits & NOTIFY_CHILD != 0 {
            self.collect_ends();
        }
        if bits & NOTIFY_TIMER != 0 {
            self.timers_expired();
        }
        self.answer_waiting();
    }
}

impl<C: Configuration> dm::Server for Manager<C> {
    fn device(&mut self, sender: TaskId) -> Result<DeviceReply, Error> {
        Ok(self.slot_of(sender)?.describe())
    }

    fn configuration(&mut self, sender: TaskId, offset: u32) -> Result<[u32; WORDS], Error> {
        let place = self.slot_of(sender)?.function.place;
        let last = u32::from(self.configuration.size()) - 4 * WORDS as u32;
        if offset > last || !offset.is_multiple_of(4) {
            return Err(Error::InvalidArgument);
        }
        let mut offset = offset as u16;
        Ok([(); WORDS].map(|()| {
            let word = self.configuration.read(place, offset);
            offset += 4;
            word
        }))
    }

    fn memory(&mut self, sender: TaskId, index: u32, size: usize, keep: bool) -> Result<MemoryReply, Error> {
        let (handle, physical) = self.slot_of(sender)?.memory.give(sender, index, size, keep)?;
        Ok(MemoryReply { handle, physical })
    }

    fn ready(&mut self, sender: TaskId, units: u32) -> Result<(), Error> {
        self.driver_is_ready(sender, units)
    }

    fn alive(&mut self, sender: TaskId) -> Result<(), Error> {
        if let Some(running) = self.slot_of(sender)?.running_mut() {
            running.heartbeat.answered();
        }
        Ok(())
    }

    fn subscribe(&mut self, sender: TaskId, class: Class) -> Result<(), Error> {
        self.subscribers.add(sender, class)
    }

    fn driver(
        &mut self,
        _: TaskId,
        class: Class,
        index: u32,
        name: WriteLend<'_>,
    ) -> Result<DriverReply, Error> {
        let of_class = self.slots.iter().filter(|slot| slot.class == class);
        let ready = of_class.filter_map(|slot| Some((slot, slot.running().filter(|driver| driver.ready)?)));
        let mut units = ready.flat_map(|(slot, running)| {
            let names = (0..).zip(&slot.names).filter(|(unit, _)| running.units >> unit & 1 != 0);
            names.map(|(unit, name)| (running.task, unit, name))
        });
        let (task, unit, text) = units.nth(index as usize).ok_or(Error::NotFound)?;
        Ok(DriverReply { task, unit, name: give(text, &name)? })
    }

    fn driver_of(&mut self, call: DriverOfCall) {
        self.answer_or_keep(call);
    }

    fn list(
        &mut self,
        _: TaskId,
        index: u32,
        name: WriteLend<'_>,
        driver: WriteLend<'_>,
    ) -> Result<ListReply, Error> {
        let function = self.functions.get(index as usize).ok_or(Error::NotFound)?;
        let slot = self.slot_at(function.place);
        let called = slot.map(Slot::name).unwrap_or_default();
        let interrupt = slot.map_or(Interrupt::of_line(function.line), |slot| slot.interrupt);
        Ok(ListReply {
            place: function.place.0.into(),
            vendor: function.vendor,
            device: function.device,
            class_code: function.class,
            irq: interrupt.irq(),
            messages: interrupt.is_message(),
            state: slot.map_or(State::NoDriver, Slot::state),
            starts: slot.map_or(0, |slot| slot.starts),
            task: slot.and_then(Slot::running).map_or(0, |running| running.task.raw() as u32),
            name: give(&called, &name)?,
            driver: give(slot.map_or("", |slot| &slot.driver), &driver)?,
        })
    }

    fn restart(&mut self, sender: TaskId, name: StrLend<'_>) -> Result<(), Error> {
        // One that had itself started again would do so for ever, without a pause.
        if self.slot_of(sender).is_ok() {
            return Err(Error::NotPermitted);
        }
        self.restart_named(name.read(&mut [0; NAME_MAX])?)
    }
}

/// Copies text to where the caller wants it.
fn give(text: &str, room: &WriteLend<'_>) -> Result<usize, Error> {
    if text.len() > room.len() {
        return Err(Error::TooLarge);
    }
    room.write(0, text.as_bytes())?;
    Ok(text.len())
}
