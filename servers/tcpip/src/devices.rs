//! The drivers of network cards: dm says which there are. Each card is an interface, which stays, with its addresses and
//! connections, when the driver ends and comes back.

use crate::nic::{Card, Unplugged};
use crate::server::{Server, now};
use alloc::boxed::Box;
use alloc::vec::Vec;
use interfaces::dm::{self, Class, NAME_MAX};
use ipc::{Error, TaskId};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::EthernetAddress;

/// How long to wait before something is tried again that has failed.
const RETRY: Duration = Duration::from_millis(500);

/// A driver that an interface uses.
struct Driver {
    link: usize,
    task: TaskId,
}

/// What is known of dm and its drivers.
#[derive(Default)]
pub struct Devices {
    manager: Option<dm::Client>,
    drivers: Vec<Driver>,
    /// When to try again what has failed.
    pub retry: Option<Instant>,
}

impl Server {
    /// Finds dm, if there is one, and the drivers that it knows.
    pub fn find_devices(&mut self) {
        self.devices.retry = None;
        match resea::lookup(dm::NAME) {
            Ok(task) => {
                let manager = dm::Client::new(task);
                // Its end is told; if that is not possible, it has ended already.
                let subscribed = resea::watch(task).and_then(|()| manager.subscribe(Class::Network));
                match subscribed {
                    Ok(()) | Err(Error::AlreadyExists) => {
                        self.devices.manager = Some(manager);
                        self.look_at_drivers();
                    }
                    Err(_) => self.try_devices_again(),
                }
            }
            // A system without dm has only the loopback interface.
            Err(failed) if matches!(failed.error, Error::NotFound | Error::NotPermitted) => {}
            Err(_) => self.try_devices_again(),
        }
    }

    fn try_devices_again(&mut self) {
        self.devices.retry = Some(now() + RETRY);
    }

    /// dm has ended, or not: whether it was this task.
    pub(crate) fn lose_manager(&mut self, task: TaskId) -> bool {
        let is_lost = self.devices.manager.is_some_and(|manager| manager.task() == task);
        if is_lost {
            self.devices.manager = None;
            self.try_devices_again();
        }
        is_lost
    }

    /// Does what has to be tried again.
    pub(crate) fn retry_devices(&mut self) {
        if self.devices.retry.is_some_and(|retry| retry <= now()) {
            self.devices.retry = None;
            match self.devices.manager {
                Some(_) => self.look_at_drivers(),
                None => self.find_devices(),
            }
        }
    }

    /// Asks dm for all drivers: new ones are attached to, those that have ended are given up.
    pub(crate) fn look_at_drivers(&mut self) {
        let Some(manager) = self.devices.manager else { return };
        let mut present = Vec::new();
        for index in 0.. {
            let mut name = [0; NAME_MAX];
            match manager.driver(Class::Network, index, &mut name) {
                Ok(driver) => {
                    present.push(driver.task);
                    self.use_driver(driver.name, driver.task);
                }
                Err(_) => break,
            }
        }
        for index in 0..self.devices.drivers.len() {
            let Some(driver) = self.devices.drivers.get(index) else { break };
            if !present.contains(&driver.task) {
                let link = driver.link;
                self.unplug(link);
            }
        }
        self.devices.drivers.retain(|driver| present.contains(&driver.task));
    }

    fn unplug(&mut self, link: usize) {
        if let Some(link) = self.stack.link_mut(link) {
            link.set_port(Box::new(Unplugged));
            link.is_up = false;
        }
    }

    /// Uses a driver for the interface with its device's name, unless it is used already and works.
    fn use_driver(&mut self, name: &str, task: TaskId) {
        let is_broken = |link: usize| self.stack.links().get(link).is_none_or(|link| link.is_broken());
        let used = self.devices.drivers.iter().find(|driver| driver.task == task);
        if used.is_some_and(|driver| !is_broken(driver.link)) {
            return;
        }
        let Ok((card, reply)) = Card::attach(task) else {
            // Either dm tells soon that it has ended, or it is asked again.
            return self.try_devices_again();
        };
        let hardware = EthernetAddress(reply.address);
        if !hardware.is_unicast() {
            resea::warn!("{name} has no valid hardware address ({hardware}); it is not used");
            return;
        }
        let known = self.stack.links().iter().position(|link| link.name() == name);
        let link = match known {
            Some(link) => {
                self.stack.resume(link, hardware, Box::new(card), now());
                link
            }
            None => {
                let [a, b, c, d, e, f] = reply.address;
                resea::info!(
                    "{name}: {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}, packets of up to {} bytes",
                    reply.mtu
                );
                let link = self.stack.add(name, Some(hardware), reply.mtu as usize, Box::new(card), now());
                self.stack.enable_dhcp(link, now());
                self.stack.enable_slaac(link, now());
                link
            }
        };
        self.devices.drivers.retain(|driver| driver.link != link);
        self.devices.drivers.push(Driver { link, task });
    }

    /// Attaches again to drivers that have written what cannot be.
    pub(crate) fn mend_devices(&mut self) {
        if self.devices.retry.is_none() && self.stack.links().iter().any(|link| link.is_broken()) {
            resea::warn!(
                "a driver of a network card has broken the rules of the packet rings; starting it anew"
            );
            self.try_devices_again();
        }
    }
}
