//! The system on a network, with every card and every kind of ring: an address, pages, echoes, long streams, and nothing left over.

use resea_tool::{load, pcap};
use system_tests::Nic;
use system_tests::connections::ends;
use system_tests::online::{Online, PAGE, ab, at_once, long};

/// How much the memory in use may grow over a load, in bytes: the buffers of 32 connections, each 64 KiB both ways. They are
/// kept, and how many connections there are at once is chance; what is lost for each of so many requests is more.
const GROWTH: i64 = 32 * (128 << 10);

/// Requests one after the other, requests of 32 clients at once, and bytes each way.
fn amounts() -> (usize, usize, u64) {
    if long() { (20_000, 5_000, 256 << 20) } else { (1_000, 500, 8 << 20) }
}

fn serves(nic: Nic) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut online = Online::boot(nic, folder.path());
    let (in_turn, together, bytes) = amounts();
    let addresses = online.system.succeed("ifconfig");
    assert!(addresses.contains("10.0.2.15/24"), "an address by DHCP is expected:\n{addresses}");
    let echoes = online.system.succeed("ping -c 3 10.0.2.2");
    assert!(echoes.contains("3 asked, 3 echoes"), "{echoes}");

    // The first load takes the memory that is kept.
    load::together(&online.clients, PAGE)
        .unwrap_or_else(|error| panic!("a page of many is missing: {error}"));
    ab(online.http, 300);
    at_once(&online.clients, 300);
    let before = online.free_memory();
    ab(online.http, in_turn);
    at_once(&online.clients, together);
    let grown = before - online.free_memory();
    println!("{}: grown by {grown} bytes", nic.name());
    assert!(grown < GROWTH, "the memory in use has grown by {grown} bytes");

    online.start_stream();
    load::receive(online.stream, &format!("send {bytes}\n"), bytes, true, |_| ())
        .unwrap_or_else(|error| panic!("what the guest sends is not as it should be: {error}"));
    load::send(online.stream, &format!("take {bytes}\n"), bytes, &format!("right {bytes}\n"))
        .unwrap_or_else(|error| panic!("what the guest receives is not as it should be: {error}"));

    // The last connections end in order as well.
    online.system.succeed("sleep 1");
    let ends = ends(&pcap::read(&online.packets).expect("QEMU has written it"));
    assert!(ends.finished >= 2 * (in_turn + together), "only {} FINs", ends.finished);
    let unacknowledged = &ends.unacknowledged;
    assert!(
        unacknowledged.is_empty(),
        "{} of {} FINs: {unacknowledged:?}",
        unacknowledged.len(),
        ends.finished
    );
    online.system.halt();
}

#[test]
fn virtio_with_split_rings_serves() {
    serves(Nic::Virtio);
}

#[test]
fn virtio_with_packed_rings_serves() {
    serves(Nic::VirtioPacked);
}

#[test]
fn legacy_virtio_serves() {
    serves(Nic::VirtioLegacy);
}

#[test]
fn e1000_serves() {
    serves(Nic::E1000);
}
