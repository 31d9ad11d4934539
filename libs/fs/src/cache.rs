//! The task of vfs, remembered. A task has one thread, so one variable is enough; on the host a task is a thread.

use core::sync::atomic::{AtomicUsize, Ordering};
use ipc::TaskId;

#[cfg(target_os = "none")]
static VFS: AtomicUsize = AtomicUsize::new(0);

#[cfg(not(target_os = "none"))]
std::thread_local! {
    static VFS: AtomicUsize = const { AtomicUsize::new(0) };
}

#[cfg(target_os = "none")]
fn with<R>(access: impl FnOnce(&AtomicUsize) -> R) -> R {
    access(&VFS)
}

#[cfg(not(target_os = "none"))]
fn with<R>(access: impl FnOnce(&AtomicUsize) -> R) -> R {
    VFS.with(access)
}

/// The task, if it is known.
pub(crate) fn get() -> Option<TaskId> {
    TaskId::from_raw(with(|vfs| vfs.load(Ordering::Relaxed)))
}

/// Remembers the task, or forgets it.
pub(crate) fn set(task: Option<TaskId>) {
    with(|vfs| vfs.store(task.map_or(0, TaskId::raw), Ordering::Relaxed));
}
