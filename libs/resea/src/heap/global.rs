//! The global allocator of bare-metal programs: one heap, checked in debug builds, set up by the first allocation.

use super::plain::Usage;
use core::fmt;

/// Why an allocation failed: no free piece was large enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Bytes that were asked for.
    pub size: usize,
    /// The heap at that moment.
    pub usage: Usage,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Usage { total, used } = self.usage;
        write!(
            f,
            "out of memory: {} bytes were asked for; the heap has {total} bytes, of which {used} are in use; \
             a larger `heap` in the program's manifest gives it more",
            self.size
        )
    }
}

#[cfg(target_os = "none")]
pub(crate) use bare::failure;
#[cfg(target_os = "none")]
pub use bare::usage;

#[cfg(target_os = "none")]
mod bare {
    use super::Failure;
    #[cfg(debug_assertions)]
    use crate::heap::CheckedHeap;
    #[cfg(not(debug_assertions))]
    use crate::heap::PlainHeap;
    use crate::heap::Usage;
    use core::alloc::{GlobalAlloc, Layout};
    use core::cell::UnsafeCell;
    use core::ptr::NonNull;

    #[cfg(debug_assertions)]
    type Heap = CheckedHeap;
    #[cfg(not(debug_assertions))]
    type Heap = PlainHeap;

    struct State {
        heap: Heap,
        is_ready: bool,
        failure: Option<Failure>,
    }

    /// The program's heap.
    struct Global(UnsafeCell<State>);

    // SAFETY: a task has exactly one thread, and no signal or interrupt handler ever runs in it.
    unsafe impl Sync for Global {}

    #[global_allocator]
    static GLOBAL: Global =
        Global(UnsafeCell::new(State { heap: Heap::new(), is_ready: false, failure: None }));

    impl Global {
        fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
            // SAFETY: one thread, and `work` is always a heap operation of this module, none of which allocates or
            // comes back here, so the reference is the only one. A panic ends the task without unwinding.
            let state = unsafe { &mut *self.0.get() };
            if !state.is_ready {
                state.is_ready = true;
                state.set_up();
            }
            work(state)
        }
    }

    impl State {
        /// Hands the heap the memory that vm has promised; the first task has none.
        fn set_up(&mut self) {
            let Some(startup) = crate::start::startup() else { return };
            let first = core::ptr::with_exposed_provenance_mut(startup.heap as usize);
            if let Some(first) = NonNull::<u8>::new(first) {
                // SAFETY: vm maps these pages when they are touched, and nothing else lies there (start record).
                unsafe { self.heap.add(NonNull::slice_from_raw_parts(first, startup.heap_size as usize)) };
            }
        }

        #[cfg(debug_assertions)]
        fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
            self.heap.allocate(layout).unwrap_or_else(|misuse| panic!("{misuse}"))
        }

        #[cfg(not(debug_assertions))]
        fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
            self.heap.allocate(layout)
        }

        /// Remembers a failure, in case that the program panics because of it.
        fn pointer(&mut self, memory: Option<NonNull<u8>>, size: usize) -> *mut u8 {
            self.failure = match memory {
                Some(_) => None,
                None => Some(Failure { size, usage: self.heap.usage() }),
            };
            memory.map_or(core::ptr::null_mut(), NonNull::as_ptr)
        }
    }

    // SAFETY: both heaps give memory of the layout asked for, which stays the caller's until it is given back. In debug
    // builds a mistake panics, which ends the task and never unwinds.
    unsafe impl GlobalAlloc for Global {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            self.with(|state| {
                let memory = state.allocate(layout);
                state.pointer(memory, layout.size())
            })
        }

        unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
            let Some(memory) = NonNull::new(memory) else { return };
            self.with(|state| {
                // SAFETY: the caller's promise is that of `GlobalAlloc`, which is the heap's.
                let result = unsafe { state.heap.deallocate(memory, layout) };
                #[cfg(debug_assertions)]
                if let Err(misuse) = result {
                    panic!("{misuse}");
                }
                #[cfg(not(debug_assertions))]
                let () = result;
            });
        }

        #[cfg(not(debug_assertions))]
        unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            let Some(memory) = NonNull::new(memory) else { return core::ptr::null_mut() };
            // SAFETY: the caller promises that `size` does not overflow with this alignment.
            let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
            self.with(|state| {
                // SAFETY: the caller's promise is that of `GlobalAlloc`, which is the heap's.
                let moved = unsafe { state.heap.reallocate(memory, layout, new) };
                state.pointer(moved, size)
            })
        }
    }

    /// How much of the program's heap is in use.
    pub fn usage() -> Usage {
        GLOBAL.with(|state| state.heap.usage())
    }

    /// The last allocation, if it failed.
    pub(crate) fn failure() -> Option<Failure> {
        // A panic of the heap itself comes here while the state is in use.
        // SAFETY: one thread; what is copied consists of integers, and the task is about to end.
        unsafe { (&raw const (*GLOBAL.0.get()).failure).read() }
    }
}
