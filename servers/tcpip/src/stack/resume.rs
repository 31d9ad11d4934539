//! An interface whose driver was started again: everything that may have been lost is sent once more, at once.

use super::port::Port;
use super::{Socket, Stack};
use alloc::boxed::Box;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, HardwareAddress};

/// smoltcp repeats after a minute at the latest.
const LONGEST: Duration = Duration::from_secs(60);

impl Stack {
    /// Goes on with an interface through another port. Its addresses and connections stay.
    pub fn resume(&mut self, link: usize, hardware: EthernetAddress, port: Box<dyn Port>, now: Instant) {
        let Some(it) = self.links.get_mut(link) else { return };
        it.set_port(port);
        it.is_up = true;
        if it.hardware.is_some() && hardware.is_unicast() && it.hardware != Some(hardware) {
            it.hardware = Some(hardware);
            it.interface.set_hardware_addr(HardwareAddress::Ethernet(hardware));
        }
        it.hurry_dhcp();
        it.hurry_slaac(now);
        it.deadline = Some(now);
        for place in 0..super::PLACES as u16 {
            self.repeat(place, link, now);
        }
    }

    /// Has a connection of this interface repeat what was not answered, as if the time for that had come.
    fn repeat(&mut self, place: u16, link: usize, now: Instant) {
        if matches!(self.places.get(place), Socket::Datagrams(it) if it.link == link) {
            return self.dirty.push(place);
        }
        let Some(connection) = self.places.connection_mut(place) else { return };
        let Some(it) = self.links.get_mut(link).filter(|_| connection.link == link && !connection.is_over())
        else {
            return;
        };
        if connection.is_waiting {
            // First what is new: after that, the next thing to do is to repeat.
            let set = &mut connection.body.set;
            while let (true, sent) = it.transmit(set, now) {
                connection.sent = sent.unwrap_or(connection.sent);
            }
        }
        if connection.is_waiting
            && let Some(then) = it.interface.poll_at(now, &connection.body.set)
        {
            let (_, sent) = it.transmit(&mut connection.body.set, then.clamp(now, now + LONGEST));
            connection.note(sent);
        }
        self.dirty.push(place);
    }
}
