//! The command line: connects the shell to the console and to vm.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![forbid(unsafe_code)]

use abi::{NOTIFY_CHILD, NOTIFY_CONSOLE};
use resea::{Error, Never};
use shell::resea_system::Resea;
use shell::shell::Shell;

resea::main!(run);

fn run() -> Result<Never, Error> {
    let mut shell = Shell::new(Resea::new(resea::vm()));
    let mut buffer = [0; abi::MAX_CONSOLE];
    // Whoever reads is notified from then on. What was typed before the first prompt is shown after it.
    let mut count = ipc::console_read(&mut buffer)?;
    shell.start();
    loop {
        while count > 0 {
            shell.input(buffer.get(..count).unwrap_or_default());
            count = ipc::console_read(&mut buffer)?;
        }
        let bits = resea::wait();
        if bits & NOTIFY_CHILD != 0 {
            shell.children_ended();
        }
        if bits & NOTIFY_CONSOLE != 0 {
            count = ipc::console_read(&mut buffer)?;
        }
    }
}
