//! Sockets as programs see them, over the loopback interface: on the host, with the real kernel core and the real vm.

use net::{Half, Interest, Readiness, SocketAddr, TcpListener, TcpStream, UdpSocket};
use resea::Error;
use sim::{Program, System};

fn system() -> System {
    System::new().program(sim::program!(tcpip::run))
}

fn any(port: u16) -> SocketAddr {
    SocketAddr::new("127.0.0.1".parse().unwrap(), port)
}

/// A program that takes a connection at port 7 and sends back what it gets, until there is no more.
fn echo() -> Program {
    let keys = "description = \"Echoes\"\nuses = [\"tcpip\"]\nstart = \"boot\"\nstack = \"64KiB\"";
    Program::new("echo", keys, || -> () {
        let listener = TcpListener::bind("[::]:7".parse().unwrap()).unwrap();
        loop {
            let stream = listener.accept().unwrap();
            let mut buffer = [0; 5000];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                if stream.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
        }
    })
}

/// A stream to the program `echo`, which may not listen yet.
fn connect_to_echo() -> TcpStream {
    loop {
        match TcpStream::connect(any(7)) {
            Ok(stream) => return stream,
            Err(error) => assert_eq!(error.kind, Error::Refused),
        }
        resea::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn what_is_sent_comes_back() {
    system().program(echo()).run(|| {
        let stream = connect_to_echo();
        assert_eq!(stream.peer_address(), any(7));
        stream.write_all(b"hello").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(stream.read(&mut buffer), Ok(5));
        assert_eq!(&buffer[..5], b"hello");
        stream.shutdown(Half::Send).unwrap();
        assert_eq!(stream.read(&mut buffer), Ok(0), "the end comes back as well");
        assert_eq!(stream.write(b"x").map_err(|error| error.kind), Err(Error::NotConnected));
    });
}

#[test]
fn much_data_arrives_unchanged() {
    system().memory(16 << 20).program(echo()).run(|| {
        let stream = connect_to_echo();
        let data: Vec<u8> = (0..300_000_u32).map(|number| (number * 7 / 3) as u8).collect();
        let (mut sent, mut received) = (0, Vec::new());
        let mut buffer = [0; 3000];
        while received.len() < data.len() {
            if let Some(length) = stream.try_write(&data[sent..data.len().min(sent + 7000)]).unwrap() {
                sent += length;
            }
            if let Some(length) = stream.try_read(&mut buffer).unwrap() {
                assert_ne!(length, 0, "not the end yet");
                received.extend_from_slice(&buffer[..length]);
            }
        }
        assert_eq!(received, data);
    });
}

#[test]
fn nobody_listens() {
    system().run(|| {
        let start = resea::clock();
        let error = TcpStream::connect(any(9)).unwrap_err();
        assert_eq!(error.kind, Error::Refused);
        assert!(resea::clock() - start < 100_000, "at once");
        let stream = TcpStream::start_connect("[::1]:9".parse().unwrap()).unwrap();
        let readiness = Readiness::new().unwrap();
        readiness.watch(&stream, Interest::WRITE).unwrap();
        let events: Vec<_> = readiness.ready().unwrap().collect();
        assert!(events[0].writable && events[0].closed, "{events:?}");
        assert_eq!(stream.error().map(|error| error.kind), Some(Error::Refused));
        let error = TcpStream::connect("10.1.2.3:80".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind, Error::Unreachable);
    });
}

#[test]
fn an_event_loop_is_told_once() {
    system().run(|| {
        let readiness = Readiness::new().unwrap();
        let listener = TcpListener::bind(any(80)).unwrap();
        readiness.watch(&listener, Interest::READ).unwrap();
        let told = || -> Vec<_> { readiness.ready().unwrap().collect() };
        assert!(told().is_empty());
        assert!(listener.try_accept().unwrap().is_none());
        let clients: Vec<_> = (0..3).map(|_| TcpStream::start_connect(any(80)).unwrap()).collect();
        assert_eq!(resea::wait(), net::NOTIFY_READY);
        let events = told();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!((events[0].socket, events[0].readable), (listener.id(), true));
        assert!(told().is_empty());
        for client in &clients {
            let stream = listener.try_accept().unwrap().expect("they wait");
            assert_eq!(Ok(stream.peer_address()), client.local_address(), "in the order of their coming");
        }
        assert!(listener.try_accept().unwrap().is_none());
        TcpStream::connect(any(80)).unwrap();
        assert_eq!(told().len(), 1);
    });
}

#[test]
fn addresses_in_use() {
    system().run(|| {
        let listener = TcpListener::bind(any(80)).unwrap();
        let again = TcpListener::bind("0.0.0.0:80".parse().unwrap());
        assert_eq!(again.unwrap_err().kind, Error::AddressInUse);
        drop(listener);
        TcpListener::bind("0.0.0.0:80".parse().unwrap()).unwrap();
        let foreign = TcpListener::bind("10.9.8.7:80".parse().unwrap());
        assert_eq!(foreign.unwrap_err().kind, Error::Unreachable);
        let any_port = TcpListener::bind(any(0)).unwrap();
        assert!(any_port.local_address().port() >= 49152);
        TcpStream::connect(any_port.local_address()).unwrap();
    });
}

#[test]
fn datagrams_come_and_go() {
    system().run(|| {
        let server = UdpSocket::bind("0.0.0.0:53".parse().unwrap()).unwrap();
        let client = UdpSocket::bind(any(0)).unwrap();
        let mut buffer = [0; 2000];
        assert_eq!(server.try_receive_from(&mut buffer), Ok(None));
        client.send_to(b"question", any(53)).unwrap();
        let (length, from) = server.receive_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (&b"question"[..], client.local_address()));
        server.send_to(&[7; 1472], from).unwrap();
        assert_eq!(client.receive_from(&mut buffer), Ok((1472, any(53))));
        let too_large = server.send_to(&[7; 1473], from).unwrap_err();
        assert_eq!(too_large.kind, Error::TooLarge);
        // IPv6 as well.
        let client = UdpSocket::bind("[::1]:0".parse().unwrap()).unwrap();
        client.send_to(b"six", "[::1]:53".parse().unwrap()).unwrap();
        assert_eq!(server.receive_from(&mut buffer), Ok((3, client.local_address())));
    });
}

#[test]
fn there_are_many_sockets_but_not_too_many() {
    system().memory(16 << 20).run(|| {
        let listener = TcpListener::bind_with(any(80), 128).unwrap();
        let mut sockets = Vec::new();
        let error = loop {
            match TcpStream::connect(any(80)) {
                Ok(stream) => sockets.push((stream, listener.accept())),
                Err(error) => break error,
            }
            if let Some((_, Err(error))) = sockets.last() {
                break *error;
            }
        };
        assert_eq!(error.kind, Error::TooManySockets);
        assert_eq!(sockets.len(), 150, "two for each, and the listener");
        sockets.clear();
        TcpStream::connect(any(80)).unwrap();
        listener.accept().unwrap();
    });
}

#[test]
fn thousands_of_short_connections_leave_nothing_behind() {
    system().memory(16 << 20).program(echo()).run(|| {
        let mut buffer = [0; 16];
        for number in 0..3000_u32 {
            let stream = connect_to_echo();
            stream.write_all(&number.to_le_bytes()).unwrap();
            stream.shutdown(Half::Send).unwrap();
            assert_eq!(stream.read_full(&mut buffer), Ok(4));
            assert_eq!(buffer[..4], number.to_le_bytes());
        }
        let statistics = net::status::statistics().unwrap();
        assert!(statistics.sockets < 10, "{statistics:?}");
        assert_eq!(statistics.time_wait, 2048, "{statistics:?}");
        assert_eq!((statistics.resets, statistics.backlog_dropped), (0, 0));
    });
}

// Random messages, good and bad, of the interfaces that it provides.
sim::messages!(tcpip::run);
