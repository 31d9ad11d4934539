//! Linux with busybox, to compare with: Debian's kernel and a file system in memory with nothing else in it.
//!
//! The packages are downloaded into cargo's target folder and unpacked there; nothing is installed. It boots as Resea does, on
//! the same machine.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build::{Build, Built};
use crate::ui::Verbosity;

/// The package that depends on the kernel's.
const KERNEL_PACKAGE: &str = "linux-image-amd64";
/// The package of the programs.
const BUSYBOX_PACKAGE: &str = "busybox-static";

/// The drivers that every virtio device takes, in the order of their dependencies.
const VIRTIO: [&str; 5] =
    ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"];
/// Those of network cards.
const NETWORK: [&str; 4] = ["failover", "net_failover", "virtio_net", "e1000"];
/// Those of disks with FAT.
const DISKS: [&str; 5] = ["virtio_blk", "fat", "vfat", "nls_cp437", "nls_ascii"];

/// What it prints when everything runs.
pub const READY: &str = "everything runs";
/// What it prints before the status of a line that was typed.
pub const DONE: &str = "status is ";
/// The kernel's command line.
pub const COMMAND_LINE: &str = "console=ttyS0 quiet panic=-1";
/// The ports where it sends so many zeros, and where it takes what comes and answers [`TAKEN`].
pub const SOURCE: u16 = 7001;
/// See [`SOURCE`].
pub const SINK: u16 = 7002;
/// See [`SINK`].
pub const TAKEN: &str = "taken\n";

/// What a Linux is made for.
#[derive(Debug)]
pub struct Purpose {
    /// The name of its image.
    name: &'static str,
    modules: Vec<&'static str>,
    files: Vec<(&'static str, Vec<u8>)>,
    /// What the first program does when the modules are there.
    commands: String,
}

impl Purpose {
    /// A web server whose page is these bytes, and that sends `bulk` bytes to whoever asks.
    pub fn web(page: &[u8], bulk: u64) -> Self {
        let pieces = bulk.div_ceil(64 << 10);
        let source = format!("#!/bin/sh\nexec dd if=/dev/zero bs=64k count={pieces} 2>/dev/null\n");
        let sink =
            format!("#!/bin/sh\ndd of=/dev/null bs=64k 2>/dev/null\nprintf '{}'\n", TAKEN.escape_default());
        Self {
            name: "image",
            modules: NETWORK.to_vec(),
            files: vec![
                ("bin/source", source.into()),
                ("bin/sink", sink.into()),
                ("www/index.html", page.to_vec()),
            ],
            commands: format!(
                "ip link set lo up\n\
                 ip link set eth0 up\n\
                 ip addr add 10.0.2.15/24 dev eth0\n\
                 ip route add default via 10.0.2.2\n\
                 httpd -p 80 -h /www\n\
                 nc -ll -p {SOURCE} -e /bin/source &\n\
                 nc -ll -p {SINK} -e /bin/sink &\n\
                 echo {READY}\n\
                 while :; do sleep 1000; done\n"
            ),
        }
    }

    /// A disk with FAT, and somebody at the console: each line is done, and [`DONE`] is printed with its status.
    pub fn files(program: Vec<u8>) -> Self {
        Self {
            name: "image-files",
            modules: DISKS.to_vec(),
            files: vec![("bin/files", program)],
            commands: format!(
                "mkdir /mnt /other\n\
                 echo {READY}\n\
                 while read -r line; do eval \"$line\"; echo \"{DONE}$?\"; done </dev/console\n"
            ),
        }
    }
}

/// Makes a Linux; what it is called.
///
/// # Errors
///
/// If this is no Debian, or its packages cannot be had.
pub fn prepare(folder: &Path, purpose: &Purpose, verbosity: Verbosity) -> Result<(String, Build)> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let package = kernel_package(verbosity)?;
    let kernel = unpacked(folder, &package, verbosity)?;
    let busybox = unpacked(folder, BUSYBOX_PACKAGE, verbosity)?;
    let image = folder.join(purpose.name);
    std::fs::write(&image, file_system(&kernel, &busybox, purpose)?)
        .with_context(|| format!("{} cannot be written", image.display()))?;
    let elf = find(&kernel.join("boot"), |name| name.starts_with("vmlinuz"))
        .with_context(|| format!("the package {package} has no kernel"))?;
    let kernel = Built { name: package.clone(), elf };
    Ok((package.trim_start_matches("linux-image-").into(), Build { kernel, programs: Vec::new(), image }))
}

/// Builds a program for it from this source; it needs nothing else there.
///
/// # Errors
///
/// If the host's compiler cannot.
pub fn program(folder: &Path, source: &str, verbosity: Verbosity) -> Result<Vec<u8>> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let (text, elf) = (folder.join("files.rs"), folder.join("files"));
    std::fs::write(&text, source).with_context(|| format!("{} cannot be written", text.display()))?;
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.args([
        "--edition=2024",
        "-O",
        "-Ctarget-feature=+crt-static",
        "--target=x86_64-unknown-linux-gnu",
        "-o",
    ]);
    run(command.arg(&elf).arg(&text), verbosity)?;
    std::fs::read(&elf).with_context(|| format!("{} cannot be read", elf.display()))
}

/// The package of the kernel that Debian would install.
fn kernel_package(verbosity: Verbosity) -> Result<String> {
    let mut command = Command::new("apt-cache");
    command.args(["depends", "--important", KERNEL_PACKAGE]);
    verbosity.command(&command);
    let output =
        command.output().context("Linux is taken from Debian's packages, and apt-cache cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let package = text.lines().find_map(|line| line.trim().strip_prefix("Depends: "));
    package
        .map(str::to_string)
        .with_context(|| format!("apt does not know the package {KERNEL_PACKAGE}: type apt-get update"))
}

/// Downloads and unpacks a package, unless that was done before.
fn unpacked(folder: &Path, package: &str, verbosity: Verbosity) -> Result<PathBuf> {
    let target = folder.join(package);
    if target.exists() {
        return Ok(target);
    }
    let is_it = |name: &str| name.starts_with(&format!("{package}_"));
    if find(folder, is_it).is_none() {
        verbosity.step(&format!("downloading Debian's package {package} into {}", folder.display()));
        let mut command = Command::new("apt-get");
        command.args(["download", "-qq", package]).current_dir(folder);
        if rustix::process::geteuid().is_root() {
            command.args(["-o", "APT::Sandbox::User=root"]);
        }
        run(&mut command, verbosity)?;
    }
    let archive = find(folder, is_it).with_context(|| format!("apt-get has not downloaded {package}"))?;
    // What is not whole does not get the name.
    let temporary = folder.join(format!("{package}.new"));
    run(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(&temporary), verbosity)?;
    std::fs::rename(&temporary, &target)
        .with_context(|| format!("{} cannot be renamed", temporary.display()))?;
    Ok(target)
}

fn run(command: &mut Command, verbosity: Verbosity) -> Result<()> {
    verbosity.command(command);
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("{program} cannot be started"))?;
    if !status.success() {
        bail!("{program} failed ({status}): see its message above");
    }
    Ok(())
}

/// The first file below a folder whose name is wanted.
fn find(folder: &Path, wanted: impl Fn(&str) -> bool + Copy) -> Option<PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()).collect();
    entries.sort_by_key(|entry| entry.file_name());
    entries.iter().find_map(|entry| match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
        true => find(&entry.path(), wanted),
        false => wanted(&entry.file_name().to_string_lossy()).then(|| entry.path()),
    })
}

/// The first program.
fn init(modules: &[&str], commands: &str) -> String {
    format!(
        "#!/bin/busybox sh\n\
         /bin/busybox --install -s /bin\n\
         mount -t devtmpfs none /dev\n\
         mount -t proc none /proc\n\
         for module in {}; do insmod /modules/$module.ko; done\n\
         {commands}",
        modules.join(" ")
    )
}

/// The file system that the kernel unpacks into memory.
fn file_system(kernel: &Path, busybox: &Path, purpose: &Purpose) -> Result<Vec<u8>> {
    let modules: Vec<&str> = VIRTIO.iter().chain(&purpose.modules).copied().collect();
    let read =
        |file: &Path| std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()));
    let mut archive = Archive::default();
    ["bin", "dev", "proc", "modules", "www"].into_iter().for_each(|name| archive.folder(name));
    archive.file("init", init(&modules, &purpose.commands).as_bytes());
    let program = find(busybox, |name| name == "busybox").context("the package of busybox has no busybox")?;
    archive.file("bin/busybox", &read(&program)?);
    purpose.files.iter().for_each(|(name, content)| archive.file(name, content));
    for module in modules {
        let name = format!("{module}.ko");
        let file = find(kernel, |found| found == name);
        archive
            .file(&format!("modules/{name}"), &read(&file.with_context(|| format!("there is no {name}"))?)?);
    }
    Ok(archive.finish())
}

/// An archive as `cpio -H newc` makes it (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    fn folder(&mut self, name: &str) {
        self.entry(name, 0o040_755, &[]);
    }

    fn file(&mut self, name: &str, content: &[u8]) {
        self.entry(name, 0o100_755, content);
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let (size, name_size) = (content.len() as u32, name.len() as u32 + 1);
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
        self.bytes.extend(b"070701");
        // Writing into a vector cannot fail.
        fields.iter().for_each(|field| _ = write!(self.bytes, "{field:08x}"));
        self.bytes.extend(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_its_entries_aligned() {
        let mut archive = Archive::default();
        archive.folder("bin");
        archive.file("a", b"xyz12");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        let starts: Vec<_> = bytes
            .windows(6)
            .enumerate()
            .filter(|(_, window)| window == b"070701")
            .map(|(place, _)| place)
            .collect();
        // 110 bytes of header, the name with its end, padding, the content, padding.
        assert_eq!(starts, [0, 116, 116 + 112 + 8]);
        assert_eq!(&bytes[116 + 112..116 + 112 + 5], b"xyz12");
    }
}
