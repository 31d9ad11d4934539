//! `ifconfig` shows the network interfaces: hardware address, addresses with gateway and name server, and what was counted.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use core::fmt::{self, Write};

use net::status::{self, Address, InterfaceResult};
use resea::{Arg, UsageError, print};

/// Room for the name of an interface.
const NAME: usize = 16;

/// Does what the command line says.
///
/// Errors: a sentence that says what is wrong.
pub fn run() -> Result<(), String> {
    if let Some(more) = resea::arguments().next() {
        return Err(format!("{}", UsageError::unexpected(Arg::Positional(more), "ifconfig")));
    }
    let failed = |error: net::Error| format!("{error}");
    let mut index = 0;
    let mut name = [0; NAME];
    while let Some(interface) = status::interface(index, &mut name).map_err(failed)? {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = describe(&mut text, &interface);
        let mut number = 0;
        while let Some(address) = status::address(index, number).map_err(failed)? {
            let _ = describe_address(&mut text, &address);
            number += 1;
        }
        let _ = describe_counts(&mut text, &interface);
        print!("{text}");
        index += 1;
    }
    Ok(())
}

fn describe(text: &mut String, interface: &InterfaceResult<'_>) -> fmt::Result {
    let state = if interface.up { "up" } else { "down" };
    write!(text, "{}: {state}, packets of up to {} bytes", interface.name, interface.mtu)?;
    if interface.hardware != [0; 6] {
        let [a, b, c, d, e, f] = interface.hardware;
        write!(text, ", hardware address {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")?;
    }
    writeln!(text)
}

fn describe_address(text: &mut String, address: &Address) -> fmt::Result {
    write!(text, "  address {}/{}", address.address, address.prefix)?;
    if address.by_dhcp {
        write!(text, " (by DHCP)")?;
    }
    if let Some(gateway) = address.gateway {
        write!(text, ", gateway {gateway}")?;
    }
    if let Some(server) = address.name_server {
        write!(text, ", name server {server}")?;
    }
    writeln!(text)
}

fn describe_counts(text: &mut String, interface: &InterfaceResult<'_>) -> fmt::Result {
    writeln!(
        text,
        "  received {} packets, {} bytes; sent {} packets, {} bytes; dropped {}",
        interface.received, interface.received_bytes, interface.sent, interface.sent_bytes, interface.dropped
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_described() {
        let interface = InterfaceResult {
            up: true,
            hardware: [0x52, 0x54, 0, 0x12, 0x34, 0x56],
            mtu: 1500,
            received: 1,
            received_bytes: 60,
            sent: 2,
            sent_bytes: 120,
            dropped: 0,
            name: "net0",
        };
        let address = Address {
            address: "10.0.2.15".parse().unwrap(),
            prefix: 24,
            by_dhcp: true,
            gateway: "10.0.2.2".parse().ok(),
            name_server: "10.0.2.3".parse().ok(),
        };
        let mut text = String::new();
        describe(&mut text, &interface).unwrap();
        describe_address(&mut text, &address).unwrap();
        describe_counts(&mut text, &interface).unwrap();
        assert_eq!(
            text,
            "net0: up, packets of up to 1500 bytes, hardware address 52:54:00:12:34:56\n  \
             address 10.0.2.15/24 (by DHCP), gateway 10.0.2.2, name server 10.0.2.3\n  \
             received 1 packets, 60 bytes; sent 2 packets, 120 bytes; dropped 0\n"
        );
    }
}
