//! Clients that end in the middle of what they do, and clients that take all they can get.

use core::time::Duration;
use net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use resea::Error;
use sim::{Program, System};

/// Nobody answers as this address.
const BROADCAST: &str = "127.255.255.255";

/// As many clients as there can be echoes at once.
const ASKERS: [&str; 8] = ["asker1", "asker2", "asker3", "asker4", "asker5", "asker6", "asker7", "asker8"];

#[test]
fn echoes_that_dead_clients_wait_for_keep_no_others_out() {
    let keys = "description = \"Asks\"\nuses = [\"tcpip\"]\nstart = \"boot\"\nstack = \"64KiB\"";
    let mut system = System::new().program(sim::program!(tcpip::run));
    for name in ASKERS {
        system = system.program(Program::new(name, keys, || {
            let _ = net::ping(BROADCAST.parse().unwrap(), 1, 8, Duration::from_secs(3600));
        }));
    }
    system.run(|| {
        let ping = || net::ping("127.0.0.1".parse().unwrap(), 2, 8, Duration::from_secs(1));
        resea::sleep(Duration::from_millis(10));
        assert_eq!(ping().map_err(|error| error.kind), Err(Error::TableFull));
        sim::kill("asker3").unwrap();
        resea::sleep(Duration::from_millis(10));
        ping().unwrap();
    });
}

#[test]
fn one_client_cannot_take_everything() {
    System::new().memory(256 << 20).program(sim::program!(tcpip::run)).run(|| {
        let here: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let listener = TcpListener::bind_with(here, 128).unwrap();
        let mut streams = Vec::new();
        for _ in 0..128 {
            streams.push(TcpStream::connect(here).unwrap());
            streams.push(listener.accept().unwrap());
        }
        assert_eq!(streams.len(), 256, "so many at once");
        for pair in streams.chunks(2) {
            pair[0].write_all(b"there").unwrap();
            let mut buffer = [0; 8];
            assert_eq!(pair[1].read(&mut buffer), Ok(5));
        }
        let mut datagrams = Vec::new();
        let error = loop {
            match UdpSocket::bind("0.0.0.0:0".parse().unwrap()) {
                Ok(socket) => datagrams.push(socket),
                Err(error) => break error.kind,
            }
        };
        assert_eq!(error, Error::TooManySockets);
        assert_eq!(streams.len() + datagrams.len() + 1, 300);
        drop(streams);
        drop(listener);
        while let Ok(socket) = UdpSocket::bind("0.0.0.0:0".parse().unwrap()) {
            datagrams.push(socket);
        }
        assert_eq!(datagrams.len(), 300);
        drop(datagrams);
        let listener = TcpListener::bind(here).unwrap();
        let stream = TcpStream::connect(here).unwrap();
        assert!(listener.try_accept().unwrap().is_some(), "{stream:?}");
    });
}
