//! Disks for tests: made, filled, checked and read again by the tools of other systems (mkfs.fat, mtools, fsck.fat, sfdisk).

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::online::program;

/// Where the volume begins on a disk with partitions.
const PARTITION_AT: u64 = 1 << 20;

/// How a disk is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// Not at all.
    Bare,
    /// One partition in a master boot record.
    Mbr,
    /// One partition in a GPT.
    Gpt,
}

/// What is in a directory, with all below it: paths and contents; directories end with `/`.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// A disk image with a volume that mkfs.fat has made.
#[derive(Clone, Debug)]
pub struct Image {
    /// The file.
    pub file: PathBuf,
    offset: u64,
}

impl Image {
    /// An empty volume of FAT with so many bits and sectors in a cluster.
    pub fn new(file: PathBuf, mebibytes: u64, bits: u32, cluster: u32, scheme: Scheme) -> Self {
        let size = mebibytes << 20;
        let disk = std::fs::File::create(&file).expect("it can be made");
        disk.set_len(size).expect("there is room");
        let offset = if scheme == Scheme::Bare { 0 } else { PARTITION_AT };
        if scheme != Scheme::Bare {
            let (label, kind) = if scheme == Scheme::Mbr {
                ("dos", "c")
            } else {
                ("gpt", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")
            };
            // The end of the disk has the second copy of a GPT.
            let count = (size - 2 * PARTITION_AT) / 512;
            let table = format!("label: {label}\nstart={}, size={count}, type={kind}\n", offset / 512);
            let mut command = tool("sfdisk", "fdisk");
            let command = command.args(["--quiet", "--no-reread"]).arg(&file);
            run_with(command, table.as_bytes());
        }
        let mut command = tool("mkfs.fat", "dosfstools");
        command.args(["-F", &bits.to_string(), "-s", &cluster.to_string(), "-n", "TEST"]);
        if scheme != Scheme::Bare {
            command.args(["--offset", &(offset / 512).to_string()]);
            command.arg(&file).arg(((size - 2 * PARTITION_AT) >> 10).to_string());
        } else {
            command.arg(&file);
        }
        run(&mut command);
        Self { file, offset }
    }

    /// The name for mtools.
    fn mtools(&self) -> String {
        format!("{}@@{}", self.file.display(), self.offset)
    }

    /// Copies what is in a folder of this machine into the root, by mtools.
    pub fn fill(&self, folder: &Path) {
        let mut command = tool("mcopy", "mtools");
        command.args(["-s", "-Q", "-i", &self.mtools()]);
        let entries = std::fs::read_dir(folder).expect("it is a folder");
        command.args(entries.flatten().map(|entry| entry.path())).arg("::/");
        run(&mut command);
    }

    /// All files, read by mtools.
    pub fn tree(&self) -> Tree {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = tool("mcopy", "mtools");
        command.args(["-s", "-n", "-Q", "-i", &self.mtools(), "::/*"]).arg(folder.path());
        run(&mut command);
        tree(folder.path())
    }

    /// Fails the test unless fsck.fat finds nothing.
    pub fn check(&self) {
        let found = self.fsck();
        assert!(found.is_ok(), "{}", found.unwrap_err());
    }

    /// Has fsck.fat repair a bare volume after a file server has ended without unmounting it, and fails the test unless it finds
    /// nothing then.
    pub fn repair(&self) {
        assert_eq!(self.offset, 0, "fsck.fat repairs only bare volumes");
        // It may need several runs, and says with its status that it has repaired something; what counts is the check.
        for _ in 0..3 {
            let output =
                tool("fsck.fat", "dosfstools").arg("-a").arg(&self.file).output().expect("it starts");
            if output.status.success() {
                break;
            }
        }
        self.check();
    }

    /// What fsck.fat finds.
    pub fn fsck(&self) -> Result<(), String> {
        // It knows nothing of partitions.
        let folder = tempfile::tempdir().expect("a folder");
        let volume = folder.path().join("volume");
        let bytes = std::fs::read(&self.file).expect("it can be read");
        let end = bytes.len() - self.offset as usize;
        std::fs::write(&volume, &bytes[self.offset as usize..][..end]).expect("there is room");
        let output = tool("fsck.fat", "dosfstools").arg("-n").arg(&volume).output().expect("it starts");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(()) } else { Err(format!("fsck.fat has found something:\n{told}")) }
    }
}

/// All files below a folder of this machine.
pub fn tree(folder: &Path) -> Tree {
    fn add(tree: &mut Tree, folder: &Path, path: &str) {
        for entry in std::fs::read_dir(folder).expect("it is a folder").flatten() {
            let name = format!("{path}{}", entry.file_name().into_string().expect("it is text"));
            if entry.path().is_dir() {
                add(tree, &entry.path(), &format!("{name}/"));
                tree.insert(format!("{name}/"), Vec::new());
            } else {
                tree.insert(name, std::fs::read(entry.path()).expect("it can be read"));
            }
        }
    }
    let mut tree = Tree::new();
    add(&mut tree, folder, "");
    tree
}

/// Fails the test unless both are the same; says which files differ, and how, but not by their contents.
pub fn assert_same(found: &Tree, expected: &Tree) {
    let names = |tree: &Tree| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected));
    for (name, content) in expected {
        let found = &found[name];
        let place = found.iter().zip(content).position(|(one, other)| one != other);
        assert!(
            found == content,
            "{name}: {} bytes, expected {}, first difference at {place:?}",
            found.len(),
            content.len()
        );
    }
}

/// Bytes that look random and are the same for the same seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A folder with files of many sizes, with long and odd names, and directories in directories.
pub fn sample(folder: &Path) {
    let write = |name: &str, content: &[u8]| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("there is room");
        std::fs::write(path, content).expect("there is room");
    };
    for (number, size) in [0, 1, 511, 512, 513, 4095, 4096, 4097, 70_000, 300_001].into_iter().enumerate() {
        write(&format!("size-{size}.bin"), &noise(number as u64, size));
    }
    write("README", b"short\n");
    write("A long name with spaces, and more than eight characters.text", b"long\n");
    write("gr\u{fc}n/\u{65e5}\u{672c}.txt", "\u{1f980}".as_bytes());
    write("a/b/c/d/e/deep.txt", b"deep\n");
    (0..40).for_each(|number| write(&format!("many/file number {number}.txt"), &noise(number, 100)));
}

fn tool(name: &str, package: &str) -> Command {
    let mut command = Command::new(program(name, package, &format!("{name}, for the tests of disks")));
    // Names beyond ASCII are those of Unicode.
    command.env("LC_ALL", "C.UTF-8").env("MTOOLS_SKIP_CHECK", "1");
    command
}

fn run(command: &mut Command) {
    run_with(command, b"");
}

fn run_with(command: &mut Command, input: &[u8]) {
    use std::io::Write;
    use std::process::Stdio;
    let name = command.get_program().to_os_string();
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("it starts");
    // Dropped at once, so that the input ends.
    child.stdin.take().expect("it has one").write_all(input).expect("it reads it");
    let output = child.wait_with_output().expect("it ends");
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}: {}", OsStr::to_string_lossy(&name), String::from_utf8_lossy(&told));
}
