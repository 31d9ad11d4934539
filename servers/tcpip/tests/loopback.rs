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
    let keys = "description = \"Echoes\"\nrestart = \"always\"\nuses = [\"tcpip\"]\nstart = \"boot\"\nstack = \"64KiB\"";
    Program::new("echo", keys, || -> () {
        loop {
            // The server may have ended; then there is nothing to do but to begin again.
            let Ok(listener) = TcpListener::bind("[::]:7".parse().unwrap()) else { continue };
            while let Ok(stream) = listener.accept() {
                let mut buffer = [0; 5000];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..length]).is_err() {
                        break;
                    }
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
fn echoes_and_names_without_a_network() {
    system().run(|| {
        let second = std::time::Duration::from_secs(1);
        for address in ["127.0.0.1", "::1", "127.7.7.7"] {
            let time = net::ping(address.parse().unwrap(), 7, 56, second).unwrap();
            assert!(time < second, "{address}");
        }
        let unreachable = net::ping("10.0.0.1".parse().unwrap(), 7, 56, second).unwrap_err();
        assert_eq!(unreachable.kind, Error::Unreachable);
        let first = |name| net::resolve(name).map(|found| found.first().unwrap().to_string());
        assert_eq!(first("10.0.2.2").as_deref(), Ok("10.0.2.2"));
        assert_eq!(first("fe80::1").as_deref(), Ok("fe80::1"));
        assert_eq!(first("localhost").as_deref(), Ok("127.0.0.1"));
        let fails = |name| first(name).unwrap_err().kind;
        assert_eq!(fails("example.org"), Error::Unreachable, "nobody to ask");
        assert_eq!(fails("10.0.2"), Error::InvalidArgument);
        assert_eq!(fails("a b"), Error::InvalidArgument);
    });
}

#[test]
fn interfaces_and_sockets_are_told() {
    system().run(|| {
        let mut name = [0; 16];
        let interface = net::status::interface(0, &mut name).unwrap().expect("there is one");
        assert_eq!((interface.name, interface.up), ("lo", true));
        assert!(net::status::interface(1, &mut [0; 16]).unwrap().is_none());
        let addresses: Vec<_> =
            (0..).map_while(|index| net::status::address(0, index).unwrap()).map(|it| it.address).collect();
        assert_eq!(addresses, ["127.0.0.1", "::1"].map(|text| text.parse::<net::IpAddr>().unwrap()));
        let listener = TcpListener::bind(any(80)).unwrap();
        let stream = TcpStream::connect(any(80)).unwrap();
        let sockets: Vec<_> = net::status::sockets().unwrap().map(Result::unwrap).collect();
        assert_eq!(sockets.len(), 3, "{sockets:?}");
        assert_eq!(sockets[0].local, listener.local_address());
        assert_eq!(sockets[0].task, resea::own_id().raw() as u32);
        assert!(sockets.iter().any(|it| it.task == 0 && it.remote == stream.local_address().ok()));
    });
}

/// Wherever the server or the other end is killed, the client gets an answer or an error that says so, and can go on.
#[test]
fn kills_end_connections_and_nothing_else() {
    let summary = system().program(echo()).killable(["tcpip", "echo"]).explore(1500, || {
        let talk = || {
            let stream = TcpStream::connect(any(7))?;
            stream.write_all(b"hello")?;
            let mut buffer = [0; 5];
            stream.read_full(&mut buffer).map(|length| (length, buffer))
        };
        for _ in 0..3 {
            match talk() {
                Ok((5, buffer)) => assert_eq!(&buffer, b"hello"),
                Ok(_) => assert!(sim::was_killed(), "the end came too early"),
                Err(error) => {
                    assert!(sim::was_killed() || error.kind == Error::Refused, "{error} without a reason")
                }
            }
        }
        // A new connection works within a second, whoever was killed.
        let listener = loop {
            if let Ok(listener) = TcpListener::bind(any(80)) {
                break listener;
            }
            assert!(sim::was_killed());
        };
        let stream = TcpStream::connect(any(80));
        let accepted = listener.try_accept();
        assert!(
            sim::was_killed() || (stream.is_ok() && matches!(accepted, Ok(Some(_)))),
            "{stream:?} {accepted:?}"
        );
    });
    println!("{summary:?}");
}

#[test]
fn a_dead_client_leaves_no_sockets() {
    let keys = "description = \"Dies\"\nuses = [\"tcpip\"]\nstart = \"boot\"\nstack = \"64KiB\"";
    let victim = Program::new("victim", keys, || -> () {
        let listener = TcpListener::bind(any(80)).unwrap();
        let streams: Vec<_> = (0..5).map(|_| TcpStream::connect(any(80)).unwrap()).collect();
        let accepted = listener.accept().unwrap();
        let _datagrams = UdpSocket::bind(any(81)).unwrap();
        accepted.read(&mut [0; 1]).unwrap();
        drop(streams);
    });
    system().program(victim).run(|| {
        resea::sleep(std::time::Duration::from_millis(10));
        let count = || net::status::statistics().unwrap().sockets;
        assert_eq!(count(), 12);
        sim::kill("victim").unwrap();
        resea::sleep(std::time::Duration::from_millis(1));
        assert_eq!(count(), 0);
        TcpListener::bind(any(80)).unwrap();
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
