//! In which order things are written out: what power cuts rely on, whatever `fsck.fat` would make of another order.

use fat::{Class, Error, FatKind, Format, Kind, Node, Storage, Volume};

use crate::disk::Memory;
use crate::random::volume;

/// What was done to a storage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Done {
    Write(Class),
    WriteOut(Class),
}

struct Logged {
    memory: Memory,
    done: Vec<Done>,
}

impl Storage for Logged {
    fn size(&self) -> u64 {
        self.memory.size()
    }

    fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.memory.read(at, buffer)
    }

    fn write(&mut self, at: u64, data: &[u8], class: Class) -> Result<(), Error> {
        self.done.push(Done::Write(class));
        self.memory.write(at, data, class)
    }

    fn write_out(&mut self, class: Class) -> Result<(), Error> {
        self.done.push(Done::WriteOut(class));
        Ok(())
    }

    fn is_pressed(&self) -> bool {
        false
    }
}

/// A volume with a file and a directory, all of it on the medium.
fn start() -> Volume<Logged> {
    let wanted = Format { kind: Some(FatKind::Fat16), cluster: Some(512), ..Format::default() };
    let memory = volume(3 << 20, &wanted);
    let mut volume = Volume::mount(Logged { memory, done: Vec::new() }, false).expect("it was just made");
    let node = volume.create(Node::ROOT, "file", Kind::File, 1).expect("there is room");
    volume.create(Node::ROOT, "directory", Kind::Directory, 1).expect("there is room");
    let mut open = volume.open(node).expect("it is there");
    volume.write(&mut open, 0, &[7; 5000], 1).expect("there is room");
    volume.close(open).expect("it is closed");
    volume.sync().expect("it is written");
    volume.storage().done.clear();
    volume
}

/// What was done, each once if it was done several times in a row.
fn done(volume: &mut Volume<Logged>) -> Vec<Done> {
    let mut done = std::mem::take(&mut volume.storage().done);
    done.dedup();
    done
}

const IN_ORDER: [Done; 3] =
    [Done::WriteOut(Class::Data), Done::WriteOut(Class::Table), Done::WriteOut(Class::Entry)];

fn written_out(done: &[Done]) -> Vec<Done> {
    done.iter().copied().filter(|done| matches!(done, Done::WriteOut(_))).collect()
}

#[test]
fn the_mark_comes_first_then_content_then_tables_then_entries() {
    let mut volume = start();
    volume.finish().expect("it is written");
    volume.storage().done.clear();
    let node = volume.lookup(Node::ROOT, "file").expect("it is there");
    let mut open = volume.open(node).expect("it is there");
    volume.write(&mut open, 5000, &[7; 5000], 1).expect("there is room");
    volume.sync().expect("it is written");
    let done = done(&mut volume);
    assert_eq!(done[..2], [Done::Write(Class::Table), Done::WriteOut(Class::Table)], "the mark");
    assert_eq!(written_out(&done[2..]), IN_ORDER);
}

#[test]
fn clusters_are_free_when_no_entry_has_them() {
    let remove = |volume: &mut Volume<Logged>| volume.remove(Node::ROOT, "file");
    let shorten = |volume: &mut Volume<Logged>| {
        let node = volume.lookup(Node::ROOT, "file")?;
        let mut open = volume.open(node)?;
        volume.resize(&mut open, 1000, 1)
    };
    for change in [remove as fn(&mut Volume<Logged>) -> _, shorten] {
        let mut volume = start();
        let before = volume.storage().memory.bytes[512..4096].to_vec();
        change(&mut volume).expect("it is there");
        volume.sync().expect("it is written");
        let first = done(&mut volume);
        assert_eq!(written_out(&first), IN_ORDER);
        assert!(!first.contains(&Done::Write(Class::Table)), "{first:?}");
        assert!(volume.storage().memory.bytes[512..4096] == before, "they are not free yet");
        volume.sync().expect("it is written");
        assert_eq!(written_out(&done(&mut volume)), IN_ORDER, "what was freed is written with the next");
        assert!(volume.storage().memory.bytes[512..4096] != before);
    }
}

#[test]
fn an_old_name_goes_when_the_new_one_is_there() {
    let mut volume = start();
    let to = volume.lookup(Node::ROOT, "directory").expect("it is there");
    volume.rename((Node::ROOT, "file"), (to, "file"), 1).expect("there is room");
    let done = done(&mut volume);
    let order = [&IN_ORDER[..], &[Done::WriteOut(Class::Entry)]].concat();
    assert_eq!(written_out(&done), order, "the new one, then the old one");
    let [.., Done::Write(Class::Entry), Done::WriteOut(Class::Entry)] = done[..] else { panic!("{done:?}") };
    assert_eq!(done[0], Done::Write(Class::Entry), "the new one");
}
