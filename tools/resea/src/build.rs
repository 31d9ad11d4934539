//! From source to a kernel and a boot image.
//!
//! One call of cargo builds the kernel and every program, so that an unchanged one costs nothing; the image is made
//! afterwards. A lock in the target folder keeps tools and tests that run at the same time apart.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use image::Program;

use crate::checks;
use crate::disks::FSTAB;
use crate::machine::MachineOptions;
use crate::toolchain::{self, TARGET, Toolchain};
use crate::ui::Verbosity;
use crate::workspace::{KERNEL, KERNEL_PACKAGE, Workspace};

/// How things are built.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, ValueEnum)]
pub enum Profile {
    /// With all checks, fast to build.
    #[default]
    Debug,
    /// Fast and small.
    Release,
}

impl Profile {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Debug, Self::Release];

    /// The name of cargo's folder for it.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// A file that was built and what it is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Built {
    /// The program's name, or `kernel`.
    pub name: String,
    /// Its ELF file, with symbols and debug information.
    pub elf: PathBuf,
}

/// What can be booted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Build {
    /// The kernel.
    pub kernel: Built,
    /// The programs, by name.
    pub programs: Vec<Built>,
    /// The boot image with all programs.
    pub image: PathBuf,
}

impl Build {
    /// The kernel and all programs.
    pub fn all(&self) -> impl Iterator<Item = &Built> {
        std::iter::once(&self.kernel).chain(&self.programs)
    }
}

/// Where a build's results are, or will be.
pub fn locate(workspace: &Workspace, profile: Profile) -> Build {
    let bare = workspace.bare_target();
    let built =
        |name: &str| Built { name: name.into(), elf: bare.join(TARGET).join(profile.folder()).join(name) };
    Build {
        kernel: built(KERNEL),
        programs: workspace.programs.iter().map(|program| built(&program.name)).collect(),
        image: bare.join("image").join(profile.folder()).join("boot.img"),
    }
}

/// Builds the kernel, all programs and the image, for the machine that `cargo resea run` plays by default.
///
/// # Errors
///
/// As [`build_for`].
pub fn build(workspace: &Workspace, profile: Profile, verbosity: Verbosity) -> Result<Build> {
    build_for(workspace, profile, &MachineOptions::default(), verbosity)
}

/// Builds the kernel, all programs and the image, and checks that all together can work on a machine: before it compiles
/// as far as that is possible, so that a mistake in a manifest costs no time.
///
/// # Errors
///
/// If the system cannot work, with all reasons; if there is no toolchain, something does not compile (cargo has told
/// why), or the image cannot be made.
pub fn build_for(
    workspace: &Workspace,
    profile: Profile,
    machine: &MachineOptions,
    verbosity: Verbosity,
) -> Result<Build> {
    let mut system = checks::described(workspace, machine)?;
    checks::refuse_broken(&system, "nothing was built", verbosity)?;
    let _lock = lock(workspace)?;
    let toolchain = toolchain::find(workspace, verbosity)?;
    compile(workspace, &toolchain, profile, verbosity)?;
    let build = locate(workspace, profile);
    checks::add_built(&mut system, workspace, &build)?;
    system.image = Some(make_image(workspace, &build)? + machine.disks.memory());
    checks::refuse_broken(&system, "it is not used as it was built", verbosity)?;
    checks::tell_unbounded(&system, verbosity);
    verbosity.detail(&format!("boot image: {}", build.image.display()));
    Ok(build)
}

/// Waits until no other tool or test builds.
pub fn lock(workspace: &Workspace) -> Result<File> {
    let folder = workspace.bare_target();
    let path = folder.join("lock");
    std::fs::create_dir_all(&folder)
        .and_then(|()| File::create(&path))
        .and_then(|file| file.lock().map(|()| file))
        .with_context(|| format!("{} cannot be locked", path.display()))
}

fn compile(
    workspace: &Workspace,
    toolchain: &Toolchain,
    profile: Profile,
    verbosity: Verbosity,
) -> Result<()> {
    let mut command = toolchain.cargo(workspace, "build")?;
    command.args(["--bins", "--package", KERNEL_PACKAGE]);
    for program in &workspace.programs {
        command.args(["--package", &program.id]);
    }
    if profile == Profile::Release {
        command.arg("--release");
    }
    match verbosity {
        Verbosity::Quiet => _ = command.arg("--quiet"),
        Verbosity::Normal => {}
        Verbosity::Verbose => _ = command.arg("--verbose"),
    }
    verbosity.command(&command);
    let status =
        command.status().with_context(|| format!("{} cannot be started", toolchain.cargo.display()))?;
    if !status.success() {
        bail!("the {} build of the system failed: see cargo's messages above", profile.folder());
    }
    Ok(())
}

/// Makes the image and returns its size in bytes.
fn make_image(workspace: &Workspace, build: &Build) -> Result<u64> {
    let read =
        |path: &PathBuf| std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()));
    let mut programs = Vec::new();
    for (package, built) in workspace.programs.iter().zip(&build.programs) {
        programs.push(Program {
            name: package.name.clone(),
            elf: read(&built.elf)?,
            manifest: package.manifest.encode(),
        });
    }
    let fstab = (FSTAB, read(&workspace.root.join("config").join(FSTAB))?);
    let image = image::build(&read(&build.kernel.elf)?, &programs, &[fstab])?;
    let size = image.len() as u64;
    // A system that is running from the old image keeps it: the new one takes its name, not its place.
    let temporary = build.image.with_extension("new");
    let folder = build.image.parent().unwrap_or(&workspace.root);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&temporary, image))
        .and_then(|()| std::fs::rename(&temporary, &build.image))
        .with_context(|| format!("{} cannot be written", build.image.display()))?;
    Ok(size)
}
