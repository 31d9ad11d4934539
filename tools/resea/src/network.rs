//! The network card that QEMU plays, and how the host reaches what listens behind it.
//!
//! QEMU's user-mode network is a small house network with a router at 10.0.2.2 that gives out addresses and names; nobody
//! reaches into it but through the ports that are forwarded. It needs no rights on the host.

use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::machine::Machine;

/// The port of web servers.
const HTTP: u16 = 80;

/// What is forwarded if nobody says: the page of the running system.
const PAGE: Forward =
    Forward { protocol: Protocol::Tcp, address: Ipv4Addr::LOCALHOST, host: 8080, guest: HTTP };

/// How many ports are tried in place of one that is taken.
const TRIES: u16 = 100;

/// What `--port` looks like.
const FORM: &str = "it must be [ADDRESS:]HOST:GUEST[/udp], as 8080:80 or 0.0.0.0:5353:53/udp";

/// A network card.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Nic {
    /// Virtio 1.x with split rings.
    Virtio,
    /// Virtio 1.x with packed rings.
    VirtioPacked,
    /// Virtio as it was before version 1.0.
    VirtioLegacy,
    /// Intel's 82540EM of 2002.
    E1000,
    /// No card.
    None,
}

impl Nic {
    /// Every card there is.
    pub const CARDS: [Self; 4] = [Self::Virtio, Self::VirtioPacked, Self::VirtioLegacy, Self::E1000];

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Virtio => "virtio",
            Self::VirtioPacked => "virtio-packed",
            Self::VirtioLegacy => "virtio-legacy",
            Self::E1000 => "e1000",
            Self::None => "none",
        }
    }

    /// QEMU's device, if there is one. An empty `romfile` spares the firmware the search for something to boot from there.
    fn device(self) -> Option<&'static str> {
        match self {
            Self::Virtio => Some("virtio-net-pci,disable-legacy=on,disable-modern=off"),
            Self::VirtioPacked => Some("virtio-net-pci,disable-legacy=on,disable-modern=off,packed=on"),
            Self::VirtioLegacy => Some("virtio-net-pci,disable-legacy=off,disable-modern=on"),
            Self::E1000 => Some("e1000"),
            Self::None => None,
        }
    }
}

/// What travels over a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

/// A port of the host behind which a port of the guest is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forward {
    /// What travels.
    pub protocol: Protocol,
    /// The address of the host that takes it.
    pub address: Ipv4Addr,
    /// The port of the host; 0: any that is free.
    pub host: u16,
    /// The port of the guest.
    pub guest: u16,
}

impl Forward {
    /// Any free port of the host for connections to this port of the guest.
    pub fn any(guest: u16) -> Self {
        Self { host: 0, guest, ..PAGE }
    }

    /// Takes the host's port, to see whether it is free: it is so until the result is dropped.
    fn probe(&self) -> std::io::Result<Probe> {
        let address = SocketAddrV4::new(self.address, self.host);
        match self.protocol {
            Protocol::Tcp => TcpListener::bind(address).map(Probe::Tcp),
            Protocol::Udp => UdpSocket::bind(address).map(Probe::Udp),
        }
    }

    /// This one, or one with the next free port.
    fn settle(mut self, probes: &mut Vec<Probe>) -> Result<Self> {
        let wanted = self;
        for _ in 0..TRIES {
            match self.probe() {
                Ok(probe) => {
                    self.host = probe.port()?;
                    probes.push(probe);
                    return Ok(self);
                }
                Err(error) if error.kind() == ErrorKind::AddrInUse => match self.host.checked_add(1) {
                    Some(next) => self.host = next,
                    None => break,
                },
                Err(error) => bail!(
                    "port {} of {} cannot be used ({error}): name another one with --port HOST:{}",
                    self.host,
                    self.address,
                    self.guest
                ),
            }
        }
        let (first, last, guest) = (wanted.host, self.host.saturating_sub(1), wanted.guest);
        bail!("the ports {first} to {last} are all taken: name another one with --port HOST:{guest}")
    }
}

impl FromStr for Forward {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (ports, protocol) = match text.split_once('/') {
            None | Some((_, "tcp")) => (text.trim_end_matches("/tcp"), Protocol::Tcp),
            Some((ports, "udp")) => (ports, Protocol::Udp),
            Some(_) => return Err(FORM.into()),
        };
        let words: Vec<_> = ports.split(':').collect();
        let (address, host, guest) = match words.as_slice() {
            [host, guest] => (Ok(Ipv4Addr::LOCALHOST), host, guest),
            [address, host, guest] => (address.parse(), host, guest),
            _ => return Err(FORM.into()),
        };
        let port = |word: &str| word.parse::<u16>().map_err(|_| FORM.to_string());
        let (host, guest) = (port(host)?, port(guest)?);
        if guest == 0 {
            return Err("the guest's port must be 1 to 65535".into());
        }
        Ok(Self { protocol, address: address.map_err(|_| FORM.to_string())?, host, guest })
    }
}

/// In QEMU's words.
impl fmt::Display for Forward {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.protocol == Protocol::Tcp { "tcp" } else { "udp" };
        write!(formatter, "{protocol}:{}:{}-:{}", self.address, self.host, self.guest)
    }
}

/// A port that is held.
enum Probe {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Probe {
    fn port(&self) -> std::io::Result<u16> {
        match self {
            Self::Tcp(listener) => listener.local_addr(),
            Self::Udp(socket) => socket.local_addr(),
        }
        .map(|address| address.port())
    }
}

/// What the network looks like.
#[derive(Clone, PartialEq, Eq, Default, Debug, Args)]
pub struct NetworkOptions {
    /// The network card [default: virtio; none on microvm, which has no PCI]
    #[arg(long, value_enum, value_name = "CARD")]
    pub nic: Option<Nic>,
    /// Lead a port of this machine to one of the guest; HOST 0 is any free one; may be given several times [default: 8080:80,
    /// but none with --exec]
    #[arg(long = "port", value_name = "[ADDRESS:]HOST:GUEST[/udp]")]
    pub ports: Vec<Forward>,
    /// Write all packets to this file, for Wireshark or tcpdump
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
}

/// What is forwarded if the options do not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsaid {
    /// The page of the running system.
    Page,
    /// Nothing.
    Nothing,
}

impl NetworkOptions {
    /// This card, and these forwarded ports.
    pub fn new(nic: Nic, ports: &[Forward]) -> Self {
        Self { nic: Some(nic), ports: ports.to_vec(), pcap: None }
    }

    /// The card that a machine gets.
    pub fn card(&self, machine: Machine) -> Nic {
        let usual = if machine.has_pci() { Nic::Virtio } else { Nic::None };
        self.nic.unwrap_or(usual)
    }

    /// Refuses what no choice of ports makes work.
    ///
    /// # Errors
    ///
    /// If the machine cannot have the card, or there is no card for what else was asked.
    pub fn check(&self, machine: Machine) -> Result<()> {
        let nic = self.card(machine);
        let name = nic.name();
        if nic != Nic::None && !machine.has_pci() {
            let machine = machine.name();
            bail!(
                "{machine} has no PCI, so it cannot have the network card {name}: leave out --nic, or choose q35 or pc"
            );
        }
        if nic == Nic::None && !self.ports.is_empty() {
            bail!(
                "there is no network card, so no port can lead to it: leave out --port, or choose a card by --nic"
            );
        }
        if nic == Nic::None && self.pcap.is_some() {
            bail!(
                "there is no network card, so there are no packets: leave out --pcap, or choose a card by --nic"
            );
        }
        Ok(())
    }

    /// Decides what the options left open: the card, and which ports of the host are used. Returns a sentence for each port
    /// that is not the one asked for.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), and if no port is free.
    pub fn settle(&mut self, machine: Machine, unsaid: Unsaid) -> Result<Vec<String>> {
        self.check(machine)?;
        let nic = self.card(machine);
        self.nic = Some(nic);
        if self.ports.is_empty() && nic != Nic::None && unsaid == Unsaid::Page {
            self.ports.push(PAGE);
        }
        let (mut probes, mut changes) = (Vec::new(), Vec::new());
        for forward in &mut self.ports {
            let wanted = forward.host;
            *forward = forward.settle(&mut probes)?;
            if wanted != 0 && wanted != forward.host {
                let (host, guest) = (forward.host, forward.guest);
                changes.push(format!(
                    "port {wanted} is taken: {host} leads to the guest's port {guest} instead"
                ));
            }
        }
        Ok(changes)
    }

    /// The ports of the host that lead to this port of the guest.
    pub fn host_ports(&self, guest: u16) -> impl Iterator<Item = u16> {
        let leads = move |forward: &&Forward| forward.guest == guest && forward.protocol == Protocol::Tcp;
        self.ports.iter().filter(leads).map(|forward| forward.host)
    }

    /// The first of them.
    pub fn host_port(&self, guest: u16) -> Option<u16> {
        self.host_ports(guest).next()
    }

    /// Where a browser finds the page of the running system.
    pub fn url(&self) -> Option<String> {
        self.host_port(HTTP).map(|port| format!("http://localhost:{port}"))
    }

    /// A port that somebody else has taken since it was found free.
    pub fn lost(&self) -> Option<u16> {
        self.ports.iter().find(|forward| forward.probe().is_err()).map(|forward| forward.host)
    }

    /// QEMU's arguments.
    pub fn arguments(&self, machine: Machine) -> Vec<OsString> {
        let Some(device) = self.card(machine).device() else { return Vec::new() };
        let mut network = String::from("user,id=net0");
        for forward in &self.ports {
            network += &format!(",hostfwd={forward}");
        }
        let device = format!("{device},netdev=net0,romfile=");
        let mut arguments: Vec<OsString> =
            vec!["-netdev".into(), network.into(), "-device".into(), device.into()];
        if let Some(file) = &self.pcap {
            // A comma in a value is written twice.
            let file = file.to_string_lossy().replace(',', ",,");
            let dump = format!("filter-dump,id=pcap0,netdev=net0,file={file}");
            arguments.extend(["-object".into(), dump.into()]);
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(text: &str) -> Forward {
        text.parse().expect("it is well written")
    }

    fn words(options: &NetworkOptions) -> String {
        options.arguments(Machine::Q35).join(&OsString::from(" ")).into_string().expect("it is text")
    }

    #[test]
    fn forwarded_ports_are_read_and_told_to_qemu() {
        assert_eq!(forward("8080:80"), PAGE);
        assert_eq!(forward("8080:80/tcp"), PAGE);
        assert_eq!(forward("0.0.0.0:5353:53/udp").to_string(), "udp:0.0.0.0:5353-:53");
        for bad in
            ["", "80", "8080:", ":80", "a:80", "1:2:3", "8080:80/sctp", "70000:80", "::1:80:80", "8080:0"]
        {
            assert!(bad.parse::<Forward>().is_err(), "{bad}");
        }
    }

    #[test]
    fn each_card_is_its_device() {
        let parts = [
            (Nic::Virtio, "disable-legacy=on"),
            (Nic::VirtioPacked, "packed=on"),
            (Nic::VirtioLegacy, "disable-modern=on"),
            (Nic::E1000, "-device e1000,netdev=net0,romfile="),
        ];
        for (nic, part) in parts {
            let text = words(&NetworkOptions::new(nic, &[PAGE]));
            assert!(text.contains(part), "{part:?} is not in {text:?}");
            assert!(text.contains("-netdev user,id=net0,hostfwd=tcp:127.0.0.1:8080-:80"), "{text}");
            assert_eq!(Nic::from_str(nic.name(), false), Ok(nic));
        }
        assert!(NetworkOptions::new(Nic::None, &[]).arguments(Machine::Q35).is_empty());
        assert!(NetworkOptions::default().arguments(Machine::Microvm).is_empty(), "it has no PCI");
        let dumped = NetworkOptions { pcap: Some("a,b".into()), ..NetworkOptions::default() };
        assert!(words(&dumped).contains("filter-dump,id=pcap0,netdev=net0,file=a,,b"));
    }

    #[test]
    fn a_taken_port_is_replaced_by_the_next_free_one() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = taken.local_addr().expect("it has one").port();
        let wanted = Forward { host: port, ..PAGE };
        // The second must not get what the first was given.
        let mut options = NetworkOptions::new(Nic::E1000, &[wanted, wanted, Forward::any(7)]);
        let changes = options.settle(Machine::Pc, Unsaid::Page).expect("there are free ports");
        let [first, second, third] = options.ports[..] else { panic!("{options:?}") };
        assert!(port < first.host && first.host < second.host && third.host != 0, "{options:?}");
        assert_eq!(changes.len(), 2);
        let expected = format!("port {port} is taken: {} leads to the guest's port 80 instead", first.host);
        assert_eq!(changes[0], expected);
        assert_eq!(options.url(), Some(format!("http://localhost:{}", first.host)));
        assert_eq!(options.lost(), None);
    }

    #[test]
    fn a_port_that_was_lost_is_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = taken.local_addr().expect("it has one").port();
        let options = NetworkOptions::new(Nic::Virtio, &[Forward { host: port, ..PAGE }]);
        assert_eq!(options.lost(), Some(port));
    }

    #[test]
    fn the_page_is_forwarded_only_where_somebody_looks() {
        let mut options = NetworkOptions::default();
        assert_eq!(options.settle(Machine::Q35, Unsaid::Nothing).expect("nothing is needed"), [""; 0]);
        assert_eq!((options.nic, options.url()), (Some(Nic::Virtio), None));
        options.settle(Machine::Q35, Unsaid::Page).expect("there are free ports");
        assert!(options.url().is_some());
    }

    #[test]
    fn what_a_machine_cannot_have_is_refused() {
        let refused = |mut options: NetworkOptions, machine| {
            options.settle(machine, Unsaid::Page).expect_err("it was accepted").to_string()
        };
        let message = refused(NetworkOptions::new(Nic::Virtio, &[]), Machine::Microvm);
        assert!(message.contains("microvm has no PCI"), "{message}");
        assert!(refused(NetworkOptions::new(Nic::None, &[PAGE]), Machine::Q35).contains("--port"));
        let dumped = NetworkOptions { pcap: Some("x".into()), ..NetworkOptions::new(Nic::None, &[]) };
        assert!(refused(dumped, Machine::Q35).contains("--pcap"));
        let mut usual = NetworkOptions::default();
        assert!(usual.settle(Machine::Microvm, Unsaid::Page).is_ok());
        assert_eq!((usual.nic, usual.ports.len()), (Some(Nic::None), 0));
    }
}
