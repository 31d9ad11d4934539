//! A made-up system for tests and for the preview of the page: what it tells depends on its clock alone.

use abi::{COUNTED_TASKS, Error, TaskId, TaskIndex, TaskInfo, TaskState};
use interfaces::{dm, tcpip, vm};
use webapi::system::System;

const SECOND: u64 = 1_000_000_000;

/// Name, state, whom it waits for, priority, how busy it is.
type Task = (&'static str, TaskState, Option<usize>, u64, u64);

const TASKS: [Task; 10] = [
    ("vm", TaskState::Receiving, None, 31, 9),
    ("shell", TaskState::Receiving, None, 12, 1),
    ("dm", TaskState::Receiving, None, 14, 2),
    ("random", TaskState::Receiving, None, 10, 1),
    ("tcpip", TaskState::Receiving, None, 11, 240),
    ("webapi", TaskState::Ready, None, 9, 160),
    ("virtio_net", TaskState::Receiving, None, 13, 120),
    ("example", TaskState::Receiving, None, 8, 1),
    ("http-get", TaskState::Calling, Some(4), 8, 45),
    ("sleep", TaskState::Receiving, None, 8, 0),
];

/// Sender, receiver, messages in a second.
const TALK: [(usize, usize, u64); 16] = [
    (1, 0, 3),
    (0, 1, 3),
    (5, 4, 210),
    (4, 5, 205),
    (4, 6, 2),
    (6, 4, 2),
    (5, 0, 12),
    (0, 5, 12),
    (5, 2, 4),
    (2, 5, 4),
    (6, 2, 1),
    (2, 6, 1),
    (8, 4, 40),
    (4, 8, 40),
    (1, 7, 1),
    (7, 1, 1),
];

/// The system.
#[derive(Clone, Default)]
pub struct Model {
    /// Nanoseconds since its start.
    pub now: u64,
    /// Its log.
    pub log: Vec<u8>,
    /// Whose drivers were restarted.
    pub restarted: Vec<String>,
}

fn id(place: usize) -> TaskId {
    TaskId::new(TaskIndex::new(place), if place == 6 { 2 } else { 1 }).unwrap()
}

impl Model {
    /// How much of what happens at this rate in a second has happened.
    fn so_far(&self, rate: u64) -> u64 {
        // It comes and goes, but never falls.
        let seconds = self.now as f64 / SECOND as f64;
        (rate as f64 * (seconds + 1.5 * (seconds / 2.0).sin())) as u64
    }
}

impl System for Model {
    fn clock(&mut self) -> u64 {
        self.now
    }

    fn task(&mut self, place: usize) -> Result<TaskInfo, Error> {
        if place >= abi::MAX_TASKS {
            return Err(Error::InvalidArgument);
        }
        let (_, state, peer, priority, busy) = *TASKS.get(place).ok_or(Error::NoTask)?;
        // One of them comes and goes.
        if place == 8 && self.now / SECOND % 20 >= 12 {
            return Err(Error::NoTask);
        }
        Ok(TaskInfo {
            id: id(place),
            state,
            peer: peer.map(id),
            pager: (place > 0).then(|| id(0)),
            priority,
            senders: 0,
            notifications: 0,
            received: self.so_far(busy),
            time: self.so_far(busy) * 120_000,
        })
    }

    fn task_name<'a>(&mut self, task: TaskId, name: &'a mut [u8]) -> Result<&'a str, Error> {
        let known = TASKS.get(task.index().get()).ok_or(Error::NoTask)?.0;
        name[..known.len()].copy_from_slice(known.as_bytes());
        std::str::from_utf8(&name[..known.len()]).or(Err(Error::BadText))
    }

    fn messages(&mut self, receiver: usize, counts: &mut [u32; COUNTED_TASKS]) -> Result<(), Error> {
        *counts = [0; _];
        for (sender, _, rate) in TALK.iter().filter(|talk| talk.1 == receiver) {
            counts[*sender] = self.so_far(*rate) as u32;
        }
        Ok(())
    }

    fn memory(&mut self) -> Result<vm::MemoryReply, Error> {
        let used = (9 << 20) + (self.now / SECOND % 13) as usize * 65536;
        let (total, tables, shared, vm) = (268_304_384, 716_800, 3 << 20, 1_228_800);
        let free = total - used - tables - shared - vm - 9_500_000;
        Ok(vm::MemoryReply { total, free, used, tables, shared, vm })
    }

    fn log(&mut self, position: usize, buffer: &mut [u8]) -> Result<(usize, usize), Error> {
        let oldest = self.log.len().saturating_sub(16 * 1024);
        let start = if (oldest..=self.log.len()).contains(&position) { position } else { oldest };
        let count = buffer.len().min(self.log.len() - start);
        buffer[..count].copy_from_slice(&self.log[start..start + count]);
        Ok((count, start + count))
    }

    fn device(&mut self, index: u32, tell: &mut dyn FnMut(&dm::ListResult<'_>)) -> Result<(), Error> {
        let (name, place, ids, class_code, driver, state, starts) = match index {
            0 => ("pci-00.0", 0x00, (0x8086, 0x29c0), 0x06_0000, "", dm::State::NoDriver, 0),
            1 => ("vga0", 0x08, (0x1234, 0x1111), 0x03_0000, "", dm::State::NoDriver, 0),
            2 => {
                let starts = 2 + self.restarted.len() as u32;
                ("net0", 0x10, (0x1af4, 0x1000), 0x02_0000, "virtio_net", dm::State::Running, starts)
            }
            3 => ("net1", 0x18, (0x8086, 0x100e), 0x02_0000, "e1000", dm::State::Parked, 7),
            _ => return Err(Error::NotFound),
        };
        let is_running = state == dm::State::Running;
        tell(&dm::ListResult {
            place,
            vendor: ids.0,
            device: ids.1,
            class_code,
            irq: if is_running { 48 } else { 11 },
            messages: is_running,
            state,
            starts,
            task: if is_running { id(6).raw() as u32 } else { 0 },
            name,
            driver,
        });
        Ok(())
    }

    fn restart(&mut self, device: &str) -> Result<(), Error> {
        if !["net0", "net1"].contains(&device) {
            return Err(Error::NotFound);
        }
        self.restarted.push(device.into());
        self.log.extend_from_slice(format!("dm: {device}: driver restarted by hand\n").as_bytes());
        Ok(())
    }

    fn interface(
        &mut self,
        index: u32,
        tell: &mut dyn FnMut(&tcpip::InterfaceResult<'_>),
    ) -> Result<(), Error> {
        let (name, hardware, rate) = match index {
            0 => ("lo", [0; 6], 3),
            1 => ("net0", [0x52, 0x54, 0, 0x12, 0x34, 0x56], 400),
            _ => return Err(Error::NotFound),
        };
        let packets = self.so_far(rate);
        tell(&tcpip::InterfaceResult {
            up: true,
            hardware,
            mtu: 1500,
            received: packets,
            received_bytes: packets * 90,
            sent: packets,
            sent_bytes: packets * 640,
            dropped: 0,
            name,
        });
        Ok(())
    }

    fn address(&mut self, interface: u32, index: u32) -> Result<tcpip::AddressReply, Error> {
        let mapped = |octets: [u8; 4]| std::net::Ipv4Addr::from(octets).to_ipv6_mapped().octets();
        let (address, prefix, gateway) = match (interface, index) {
            (0, 0) => (mapped([127, 0, 0, 1]), 8, [0; 16]),
            (0, 1) => (std::net::Ipv6Addr::LOCALHOST.octets(), 128, [0; 16]),
            (1, 0) => (mapped([10, 0, 2, 15]), 24, mapped([10, 0, 2, 2])),
            _ => return Err(Error::NotFound),
        };
        let name_server = if gateway == [0; 16] { gateway } else { mapped([10, 0, 2, 3]) };
        Ok(tcpip::AddressReply { address, prefix, by_dhcp: interface == 1, gateway, name_server })
    }

    fn socket(&mut self, from: u32) -> Result<tcpip::SocketReply, Error> {
        let index = from.max(4);
        if index > 4 {
            return Err(Error::NotFound);
        }
        Ok(tcpip::SocketReply {
            index,
            task: id(5).raw() as u32,
            kind: tcpip::Kind::Listener,
            state: tcpip::State::Listen,
            local: [0; 16],
            local_port: 80,
            remote: [0; 16],
            remote_port: 0,
            receive_queue: 0,
            send_queue: 0,
        })
    }

    fn statistics(&mut self) -> Result<tcpip::StatisticsReply, Error> {
        let packets = self.so_far(400);
        Ok(tcpip::StatisticsReply {
            packets_in: packets,
            packets_out: packets,
            malformed: 0,
            connects: 3,
            accepts: self.so_far(80),
            resets: 0,
            refused: 1,
            backlog_dropped: 0,
            sockets: 5,
            half_open: 0,
            time_wait: 42,
        })
    }
}
