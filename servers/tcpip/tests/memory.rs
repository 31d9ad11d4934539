//! Whatever clients do, the server's heap suffices: its end would be everybody's.

use allocation_counter::measure;
use smoltcp::time::Instant;
use smoltcp::wire::IpAddress;
use tcpip::stack::{PLACES, Stack};

/// The heap in the manifest, in bytes.
fn heap() -> u64 {
    let manifest = include_str!("../Cargo.toml");
    let (_, rest) = manifest.split_once("\nheap = \"").unwrap();
    rest.split_once("MiB").unwrap().0.parse::<u64>().unwrap() << 20
}

#[test]
fn all_sockets_of_every_kind_in_turn() {
    // Something is needed for clients, names, and what the allocator itself has.
    let most = measure(all_sockets).bytes_max;
    assert!(most > 1 << 20, "they take memory");
    assert!(most + (3 << 20) < heap(), "{} MiB", most >> 20);
}

fn all_sockets() {
    let now = Instant::from_millis(1);
    let mut stack = Stack::new(1, now);
    let loopback = IpAddress::v4(127, 0, 0, 1);
    let mut counts = Vec::new();
    for round in 0..4 {
        let mut places = Vec::new();
        let connections = [PLACES, 0, PLACES / 2, PLACES][round];
        for _ in 0..connections {
            places.extend(stack.connect(loopback, 80, now));
        }
        // For datagrams what is left.
        while let Ok((place, _)) = stack.bind(None, 0) {
            places.push(place);
        }
        counts.push(places.len());
        for place in places {
            stack.close(place, now);
        }
    }
    assert!(counts.iter().all(|count| *count >= 256), "{counts:?}");
    assert_eq!(counts[3], PLACES, "{counts:?}");
}
