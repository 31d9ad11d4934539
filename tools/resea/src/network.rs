//! The network card that QEMU plays, and how the host reaches what listens behind it.
//!
//! QEMU's user-mode network is a small house network with a router at 10.0.2.2 that gives out addresses and names; nobody
//! reaches into it but through the ports that are forwarded. It needs no rights on the host.

mod forward;

pub use forward::{Forward, Protocol};

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use forward::Held;

use crate::machine::Machine;

/// The port of web servers.
const HTTP: u16 = 80;

/// What is forwarded if nobody says: the page of the running system.
const PAGE: Forward =
    Forward { protocol: Protocol::Tcp, address: Ipv4Addr::LOCALHOST, host: 8080, guest: HTTP };

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

/// What the network looks like.
#[derive(Clone, Default, Debug, Args)]
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
    /// The ports of the host that are settled, and nobody else's until the last copy of this is gone.
    #[arg(skip)]
    held: Held,
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
        Self { nic: Some(nic), ports: ports.to_vec(), ..Self::default() }
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

    /// Decides what the options left open: the card, and which ports of the host are used, which nobody else gets from
    /// now on. Returns a sentence for each port
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
        let mut changes = Vec::new();
        self.held = Held::default();
        for forward in &mut self.ports {
            let wanted = forward.host;
            *forward = forward.settle(&mut self.held)?;
            if wanted != 0 && wanted != forward.host {
                let (host, guest) = (forward.host, forward.guest);
                changes.push(format!(
                    "port {wanted} is taken: {host} leads to the guest's port {guest} instead"
                ));
            }
        }
        self.held.give_up_datagrams();
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
        self.ports.iter().find(|forward| forward.take().is_err()).map(|forward| forward.host)
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
    use std::collections::BTreeSet;
    use std::net::TcpListener;

    fn words(options: &NetworkOptions) -> String {
        options.arguments(Machine::Q35).join(&OsString::from(" ")).into_string().expect("it is text")
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
    fn settled_ports_are_nobody_elses_but_whoever_may_share_them_listens() {
        let mut options = NetworkOptions::new(Nic::Virtio, &[Forward::any(80); 50]);
        options.settle(Machine::Q35, Unsaid::Nothing).expect("there are free ports");
        let ports: BTreeSet<_> = options.host_ports(80).collect();
        assert_eq!(ports.len(), 50);
        let others: Vec<_> =
            (0..200).map(|_| Forward::any(80).take().expect("there are free ports")).collect();
        assert!(others.iter().all(|other| !ports.contains(&other.port().expect("it has one"))));
        // As QEMU does.
        for port in &ports {
            TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).expect("it is held for this");
        }
        let mut again = NetworkOptions::new(Nic::Virtio, &[PAGE]);
        again.settle(Machine::Q35, Unsaid::Nothing).expect("there are free ports");
        let _qemu =
            TcpListener::bind((Ipv4Addr::LOCALHOST, again.ports[0].host)).expect("it is held for this");
        assert_eq!(again.lost(), Some(again.ports[0].host), "somebody listens");
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
