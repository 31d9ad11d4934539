//! Servers and drivers die while they work, and those who use them hardly notice.

use std::time::{Duration, Instant};

use resea_tool::commands::bench_net::driver;
use resea_tool::pcap;
use system_tests::Nic;
use system_tests::connections::ends;
use system_tests::online::{Download, Online, distribution, long};

/// How often each is killed.
const KILLS: u64 = 10;

/// A stream that is compared byte for byte goes on over ten deaths of the card's driver, on one and the same connection.
fn a_download_survives(nic: Nic) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut online = Online::boot(nic, folder.path());
    online.start_stream();
    let total = if long() { 64 << 20 } else { 22 << 20 };
    let part = total / (KILLS + 1);
    let download = Download::start(online.stream, total);
    let mut places = Vec::new();
    for kill in 1..=KILLS {
        download.wait_for(part * kill);
        places.push(online.packet_bytes());
        online.system.succeed(&format!("kill {}", driver(nic)));
    }
    download.finish();
    places.push(online.packet_bytes());
    let packets = pcap::read(&online.packets).expect("QEMU has written it");
    let silence = |pair: &[u64]| pcap::longest_silence(&packets, pair[0], pair[1]);
    let times: Vec<_> = places.windows(2).filter_map(silence).map(Duration::from_micros).collect();
    println!("{} killed, to the next packet: {}", driver(nic), distribution(&times));
    let resets = ends(&packets).resets;
    assert!(resets.is_empty(), "the guest has reset connections: {resets:?}");
    let devices = online.system.succeed("lspci");
    assert!(devices.contains("running"), "{devices}");
    online.system.halt();
}

#[test]
fn a_download_survives_the_death_of_virtio_net() {
    a_download_survives(Nic::Virtio);
}

#[test]
fn a_download_survives_the_death_of_e1000() {
    a_download_survives(Nic::E1000);
}

/// After each death of a server the page is there again.
fn the_page_returns_after(server: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut online = Online::boot(Nic::Virtio, folder.path());
    let mut times = Vec::new();
    for _ in 0..KILLS {
        let start = Instant::now();
        online.system.succeed(&format!("kill {server}"));
        online.wait_for_page();
        times.push(start.elapsed());
    }
    println!("{server} killed, to the next page: {}", distribution(&times));
    online.system.halt();
}

#[test]
fn the_page_returns_after_the_death_of_webapi() {
    the_page_returns_after("webapi");
}

#[test]
fn the_page_returns_after_the_death_of_tcpip() {
    the_page_returns_after("tcpip");
}
