//! The programs for the network, as a person at the shell uses them, with servers of the host at the other end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use resea_tool::network::{Forward, Unsaid};
use system_tests::{MachineOptions, NetworkOptions, Nic, Profile, System, built};

/// The port of the guest that `nc` listens at.
const PORT: u16 = 7000;
const CONTROL_C: &str = "\x03";
const CONTROL_D: &str = "\x04";

/// A system on QEMU's user-mode network with an address, and the port of the host that leads to [`PORT`].
fn boot() -> (System, u16) {
    let network = NetworkOptions::new(Nic::Virtio, &[Forward::any(PORT)]);
    let mut machine = MachineOptions { network, ..MachineOptions::default() };
    machine.settle(Unsaid::Nothing).unwrap_or_else(|error| panic!("{error:#}"));
    let port = machine.network.host_port(PORT).expect("it is forwarded");
    let mut system = System::boot_build(&built(Profile::Debug), &machine);
    // Answered as soon as there is an address.
    while system.run("ping -c 1 -w 1 10.0.2.2").status != 0 {}
    (system, port)
}

/// A server of the host for some connections, each handled by `serve`, and its port.
fn server(connections: usize, serve: impl Fn(TcpStream) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let thread = std::thread::spawn(move || {
        for _ in 0..connections {
            serve(listener.accept().expect("a connection").0);
        }
    });
    (port, thread)
}

/// Answers one request by what `answer` makes of its path.
fn answer_page(mut stream: TcpStream, answer: fn(&str) -> String) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
    let mut first = String::new();
    reader.read_line(&mut first).expect("a request");
    let mut line = first.clone();
    while line.trim_end() != "" {
        line.clear();
        reader.read_line(&mut line).expect("a header");
    }
    let path = first.split(' ').nth(1).expect("a path");
    stream.write_all(answer(path).as_bytes()).expect("the answer is taken");
}

fn pages(path: &str) -> String {
    match path {
        "/old" => "HTTP/1.1 302 Found\r\nLocation: new?x\r\nContent-Length: 4\r\n\r\nmove".into(),
        "/new?x" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nHello \r\n7\r\nguest!\n\r\n0\r\n\r\n"
                .into()
        }
        "/round" => "HTTP/1.1 301 Moved\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n".into(),
        "/control" => "HTTP/1.0 200 OK\r\n\r\nno \x1b[2J escape".into(),
        "/cut" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this".into(),
        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into(),
    }
}

#[test]
fn http_get_fetches_pages() {
    let (mut system, _) = boot();
    let (port, thread) = server(2 + 1 + 1 + 1 + 11, |stream| answer_page(stream, pages));
    let base = format!("http://10.0.2.2:{port}");
    let page = system.succeed(&format!("http-get {base}/old"));
    assert!(page.contains(&format!("302 Found: {base}/old leads to {base}/new?x")), "{page}");
    assert!(page.contains("Hello guest!\n"), "{page}");
    assert!(page.contains(&format!("200 OK: 13 bytes of {base}/new?x in ")), "{page}");
    let page = system.succeed(&format!("http-get -i {base}/control"));
    assert!(page.contains("HTTP/1.0 200 OK") && page.contains("no \\u{1b}[2J escape"), "{page}");
    let missing = system.run(&format!("http-get {base}/nothing"));
    assert!(missing.status == 1 && missing.text.contains("404 Not Found: 0 bytes"), "{missing:?}");
    let cut = system.run(&format!("http-get -q {base}/cut"));
    assert!(cut.text.contains("the connection ended in the middle of the answer"), "{cut:?}");
    let round = system.run(&format!("http-get {base}/round"));
    assert!(round.text.contains("10 redirections and still no page"), "{round:?}");
    thread.join().expect("the server does not panic");
    for (command, told) in [
        ("http-get https://10.0.2.2/", "`https:` is not supported"),
        ("http-get", "URL is missing; usage: http-get [-q] [-i] URL"),
        ("http-get -x y", "there is no option `-x`"),
        ("nslookup", "NAME is missing"),
        ("nslookup nobody.invalid", "nobody.invalid: cannot find the address"),
        ("ping -c 0 10.0.2.2", "`0` is not a number from 1 to 10000"),
        ("ping", "HOST is missing"),
        ("nc 10.0.2.2", "PORT is missing"),
        ("nc 10.0.2.2 65536", "`65536` is not a port"),
        ("netstat -x", "there is no option `-x`"),
        ("ifconfig net0", "`net0` is one argument too many"),
    ] {
        let output = system.run(command);
        assert!(output.status != 0 && output.text.contains(told), "{command}: {output:?}");
    }
    system.halt();
}

#[test]
fn nc_connects_the_console() {
    let (mut system, _) = boot();
    let (port, thread) = server(1, |mut stream| {
        let mut text = String::new();
        stream.write_all(b"who is there?\n").expect("nc takes it");
        stream.read_to_string(&mut text).expect("text to the end");
        stream.write_all(format!("you said {text:?}\n").as_bytes()).expect("nc takes it");
    });
    let place = system.place();
    system.start(&format!("nc 10.0.2.2 {port}"));
    system.expect("who is there?", place);
    system.press("nobodx\x7fy\rbye\r");
    system.press(CONTROL_D);
    system.expect("you said \"nobody\\nbye\\n\"", place);
    system.wait_for_prompt();
    thread.join().expect("the server does not panic");
    system.succeed("hello");
    system.halt();
}

#[test]
fn nc_listens() {
    let (mut system, port) = boot();
    let place = system.place();
    system.start(&format!("nc -l {PORT}"));
    system.expect(&format!("listening on port {PORT}"), place);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the port is forwarded");
    stream.write_all(b"from outside\n").expect("it is taken");
    system.expect("from outside", place);
    system.press("from inside\r");
    let mut line = String::new();
    BufReader::new(stream.try_clone().expect("a socket can be cloned")).read_line(&mut line).expect("a line");
    assert_eq!(line, "from inside\n");
    drop(stream);
    system.wait_for_prompt();

    // Ctrl-C ends it while it waits; the port is free again, and the shell has its keyboard back.
    for _ in 0..2 {
        let place = system.place();
        system.start(&format!("nc -l {PORT}"));
        system.expect(&format!("listening on port {PORT}"), place);
        system.press(CONTROL_C);
        system.wait_for_prompt();
    }
    let table = system.succeed("netstat");
    assert!(table.contains("*:80") && !table.contains(&format!("*:{PORT}")), "{table}");
    let counts = system.succeed("netstat -s");
    assert!(counts.contains("connections accepted"), "{counts}");
    system.halt();
}
