//! What happens at a panic: in debug builds a report, in release builds nothing that could be linked.

use core::panic::PanicInfo;

#[cfg(debug_assertions)]
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    kernel_x64::report::panicked(info)
}

#[cfg(not(debug_assertions))]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn a_panic_can_be_reached_in_the_release_kernel() -> !;
    }
    a_panic_can_be_reached_in_the_release_kernel()
}
