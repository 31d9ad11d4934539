//! What the program prints.

use ipc::host::{Loopback, install};

#[test]
fn without_an_argument_it_greets_the_world() {
    let kernel = Loopback::new();
    let _installed = install(kernel.clone());
    hello::run();
    assert_eq!(kernel.take_console(), "Hello, world!\n");
}
