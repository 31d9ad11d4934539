//! Sleeping and waiting over a small model of the kernel's notifications.

use ipc::host::{Backend, install, set_payload};
use ipc::{Error, MessageInfo, Received, TaskId, kind};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// Time passes only in `receive`, up to the timer or the next event.
#[derive(Default)]
struct Kernel {
    now: Cell<u64>,
    deadline: Cell<Option<u64>>,
    /// When notification bits or (0) a request arrives.
    events: RefCell<Vec<(u64, usize)>>,
    refused: Cell<usize>,
}

impl Backend for Kernel {
    fn clock(&self) -> u64 {
        self.now.get()
    }

    fn timer(&self, nanoseconds: u64) {
        self.deadline.set((nanoseconds > 0).then(|| self.now.get() + nanoseconds));
    }

    fn receive(&self, _: Option<TaskId>) -> Result<Received, Error> {
        let mut events = self.events.borrow_mut();
        let timer = self.deadline.get().unwrap_or(u64::MAX);
        if events.first().is_some_and(|event| event.0 < timer) {
            let (time, bits) = events.remove(0);
            self.now.set(time);
            if bits == 0 {
                return Ok(Received { sender: Some(ipc::own_id()), info: MessageInfo::new(40, 0) });
            }
            set_payload(&[bits as u64]);
        } else {
            self.now.set(timer);
            self.deadline.set(None);
            set_payload(&[abi::NOTIFY_TIMER as u64]);
        }
        Ok(Received { sender: None, info: MessageInfo::new(kind::NOTIFICATIONS, 1) })
    }

    fn reply(&self, _: TaskId, info: MessageInfo) -> Result<(), Error> {
        assert_eq!(info, MessageInfo::error(Error::NotSupported));
        self.refused.set(self.refused.get() + 1);
        Ok(())
    }
}

#[test]
fn sleep_lasts_as_long_as_asked_and_keeps_other_notifications() {
    let kernel = Rc::new(Kernel::default());
    let _installed = install(kernel.clone());
    *kernel.events.borrow_mut() = vec![(300, abi::NOTIFY_CHILD), (400, 0), (500, abi::NOTIFY_CONSOLE)];
    resea::sleep(Duration::from_nanos(1000));
    assert_eq!(kernel.now.get(), 1000);
    assert_eq!(kernel.refused.get(), 1, "a request is refused, not forgotten");
    assert_eq!(resea::wait(), abi::NOTIFY_CHILD | abi::NOTIFY_CONSOLE);
    resea::sleep(Duration::ZERO);
    assert_eq!(kernel.now.get(), 1000);
}

#[test]
#[should_panic(expected = "could not wait for notifications")]
fn waiting_without_a_kernel_panics() {
    resea::wait();
}
