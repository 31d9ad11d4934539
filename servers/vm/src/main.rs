//! The first task: tables, start, service.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

use abi::BootInfo;
use static_cell::ConstStaticCell;
use vm::state::State;

resea::first_task!(run);

/// All zeros, so it takes memory but no room in the boot image.
static STATE: ConstStaticCell<State> = ConstStaticCell::new(State::new());

fn run(info: BootInfo) -> Result<resea::Never, &'static str> {
    let mut server = vm::start::native(STATE.take(), &info)?;
    ipc::server::run(&mut server, vm::events::dispatch)
}
