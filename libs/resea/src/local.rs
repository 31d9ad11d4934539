//! Variables that each task has for itself.
//!
//! On bare metal a task is a program with one thread, and a `static` is its own. On the host all tasks of a simulation
//! are threads of one process, so there the same variable belongs to the thread.

/// Defines a variable of the task, used with `NAME.with(|value| …)`.
macro_rules! task_local {
    ($(#[$doc:meta])+ static $name:ident: $type:ty = $value:expr;) => {
        $(#[$doc])+
        #[cfg(target_os = "none")]
        static $name: $crate::local::TaskLocal<$type> = $crate::local::TaskLocal::new($value);

        #[cfg(not(target_os = "none"))]
        std::thread_local! {
            $(#[$doc])+
            static $name: $type = const { $value };
        }
    };
}
pub(crate) use task_local;

/// What [`task_local!`] makes on bare metal.
#[cfg(target_os = "none")]
pub(crate) struct TaskLocal<T>(T);

// SAFETY: a task has one thread, so nothing is ever shared between threads.
#[cfg(target_os = "none")]
unsafe impl<T> Sync for TaskLocal<T> {}

#[cfg(target_os = "none")]
impl<T> TaskLocal<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    #[inline(always)]
    pub(crate) fn with<R>(&'static self, access: impl FnOnce(&T) -> R) -> R {
        access(&self.0)
    }
}
