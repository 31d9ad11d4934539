//! The user of a network driver on a simulated machine, for the tests of every such driver: part of them, not of the crate.
//!
//! The test names the driver (`DRIVER`), and its model of the device the card's address (`model::ADDRESS`). The device sends each
//! frame back, from whom it was for to whom it was from.

use crate::DRIVER;
use crate::model::ADDRESS;
use interfaces::dm::{Class, Client as Manager, NAME_MAX, NOTIFY_DEVICES, State};
use interfaces::nic::{Client as Nic, NOTIFY_DRIVER};
use packets::{Broken, User, Wake};
use resea::{Error, SharedMemory, TaskId};
use std::time::Duration;

/// The driver when it works, as TCP/IP finds it. In a random order it may be so slow to answer heartbeats that dm gives it
/// up: then it is started again by hand.
pub fn driver(manager: Manager) -> Result<TaskId, Error> {
    manager.subscribe(Class::Network)?;
    loop {
        match manager.driver(Class::Network, 0, &mut [0; NAME_MAX]) {
            Ok(driver) => return Ok(driver.task),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
        let is_parked = manager.list(0, &mut [0; NAME_MAX], &mut [0; NAME_MAX])?.state == State::Parked;
        if is_parked {
            manager.restart(DRIVER)?;
        }
        ipc::timer(Duration::from_millis(100).as_nanos() as u64);
        while resea::wait() & (NOTIFY_DEVICES as usize | resea::abi::NOTIFY_TIMER) == 0 {}
    }
}

/// A user of the driver.
pub struct Port {
    /// The driver.
    pub driver: TaskId,
    /// The memory that they share.
    pub shared: SharedMemory,
    /// Its side of the rings.
    pub user: User,
}

impl Port {
    /// Attaches to the driver, with buffers to receive into.
    pub fn open(driver: TaskId) -> Result<Self, Error> {
        let attached = Nic::new(driver).attach()?;
        assert_eq!((attached.address, attached.mtu), (ADDRESS, 1500));
        let shared = SharedMemory::open(attached.packets, true)?;
        let mut port = Self { driver, user: User::new(*shared.region()).unwrap(), shared };
        for _ in 0..200 {
            let buffer = port.user.allocate().unwrap().unwrap();
            port.user.fill(buffer).unwrap();
        }
        port.wake(Wake::BUFFERS)?;
        Ok(port)
    }

    /// Wakes the driver if it sleeps.
    pub fn wake(&mut self, news: Wake) -> Result<(), Error> {
        if self.kept(self.user.must_wake(news))? {
            ipc::notify(self.driver, NOTIFY_DRIVER as usize)
        } else {
            Ok(())
        }
    }

    /// A driver keeps the rules of the rings, unless it has ended: its successor empties them.
    fn kept<T>(&self, result: Result<T, Broken>) -> Result<T, Error> {
        if result.is_err() {
            // No bits: only whether it is there.
            ipc::notify(self.driver, 0)?;
        }
        Ok(result.expect("the driver keeps the rules"))
    }

    /// Sends a frame to whoever has this number.
    pub fn send(&mut self, number: u8, length: usize) -> Result<(), Error> {
        let buffer = self.user.allocate();
        let buffer = self.kept(buffer)?.expect("there are always some");
        let mut frame = vec![number; length];
        frame[..6].copy_from_slice(&[0x52, 0, 0, 0, 0, number]);
        frame[6..12].copy_from_slice(&ADDRESS);
        self.user.write(buffer, &frame).unwrap();
        self.user.transmit(buffer, length).unwrap();
        self.wake(Wake::FRAMES)
    }

    /// The next frame's number and length; waits for it, but not for ever: `WouldBlock`; `NoTask` if the driver is no more.
    pub fn receive(&mut self) -> Result<(u8, usize), Error> {
        let mut patience = 50;
        loop {
            let received = self.user.receive();
            if let Some((buffer, length)) = self.kept(received)? {
                let mut frame = vec![0; length];
                self.user.read(buffer, &mut frame).unwrap();
                assert_eq!(frame[..6], ADDRESS);
                assert!(frame[12..].iter().all(|byte| *byte == frame[11]), "it is what was sent");
                self.user.fill(buffer).unwrap();
                self.wake(Wake::BUFFERS)?;
                return Ok((frame[11], length));
            }
            let asleep = self.user.sleep(Wake::FRAMES);
            if self.kept(asleep)? {
                ipc::timer(Duration::from_millis(20).as_nanos() as u64);
                if resea::wait() & resea::abi::NOTIFY_TIMER != 0 {
                    patience -= 1;
                    // No bits: only whether it is there.
                    ipc::notify(self.driver, 0)?;
                }
                if patience == 0 {
                    return Err(Error::WouldBlock);
                }
            }
        }
    }

    /// Sends and receives `count` frames.
    pub fn exchange(&mut self, count: u8) -> Result<(), Error> {
        for number in 0..count {
            self.send(number, 60 + usize::from(number))?;
        }
        for number in 0..count {
            assert_eq!(self.receive()?, (number, 60 + usize::from(number)));
        }
        Ok(())
    }
}

/// The device manager.
pub fn manager() -> Result<Manager, Error> {
    Ok(Manager::new(resea::lookup("dm").map_err(|failed| failed.error)?))
}

/// From nothing to frames that have come back.
pub fn exchange(count: u8) -> Result<Port, Error> {
    let mut port = Port::open(driver(manager()?)?)?;
    port.exchange(count)?;
    Ok(port)
}
