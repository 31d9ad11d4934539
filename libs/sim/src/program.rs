//! Programs of a simulated system: their code, and the manifest that gives them their rights.

use manifest::host::Source;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a program runs, from its start to its end.
pub(crate) type Body = Arc<dyn Fn() + Send + Sync>;

/// A program for a simulated system. Made by [`crate::program!`], or with [`Program::new`] for one that exists only in a
/// test.
#[derive(Clone)]
pub struct Program {
    pub(crate) name: String,
    pub(crate) manifest: Source,
    pub(crate) body: Body,
}

impl Program {
    /// A program named `name`, with the keys of `[package.metadata.resea]` in `manifest`, that runs `body`.
    ///
    /// Panics if the manifest is wrong, with the manifest's own error.
    pub fn new<O: resea::Outcome>(
        name: &str,
        manifest: &str,
        body: impl Fn() -> O + Send + Sync + 'static,
    ) -> Self {
        let text = format!("[package]\nname = {name:?}\n[package.metadata.resea]\n{manifest}");
        Self::parse(name, Path::new("manifest"), &text, body)
    }

    /// The program of a package in the workspace of `directory`, which is the directory of any of its packages, with
    /// the manifest in its `Cargo.toml`.
    ///
    /// Panics if there is no such program.
    pub fn of_package<O: resea::Outcome>(
        directory: &str,
        crate_name: &str,
        body: impl Fn() -> O + Send + Sync + 'static,
    ) -> Self {
        // A `_` in a crate's name is one in the package's name, or a `-`.
        let names = [crate_name.to_string(), crate_name.replace('_', "-")];
        let found = names.iter().find_map(|name| Some((name, find(Path::new(directory), name)?)));
        let Some((package, file)) = found else {
            panic!("there is no package {crate_name:?} in the workspace of {directory}");
        };
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::parse(package, &file, &text, body),
            Err(error) => panic!("{} cannot be read: {error}", file.display()),
        }
    }

    fn parse<O: resea::Outcome>(
        name: &str,
        file: &Path,
        text: &str,
        body: impl Fn() -> O + Send + Sync + 'static,
    ) -> Self {
        let manifest = match Source::from_cargo_toml(file, text) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => panic!("{} has no [package.metadata.resea]: it is no program", file.display()),
            Err(error) => panic!("{error}"),
        };
        let body = move || resea::run_program(&body);
        Self { name: name.to_string(), manifest, body: Arc::new(body) }
    }
}

/// The `Cargo.toml` of `package`, which lies two or three levels below the workspace's root: `servers/vm`,
/// `drivers/net/e1000`.
fn find(directory: &Path, package: &str) -> Option<PathBuf> {
    let root = directory.ancestors().find(|path| path.join("Cargo.lock").is_file())?;
    let folders = |path: &Path| {
        std::fs::read_dir(path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|folder| folder.path())
            .collect::<Vec<_>>()
    };
    let groups = folders(root).into_iter().flat_map(|group| [vec![group.clone()], folders(&group)].concat());
    let files = groups.map(|group| group.join(package).join("Cargo.toml"));
    let mut found: Vec<_> = files.filter(|file| file.is_file()).collect();
    // The order of directories is the file system's.
    found.sort();
    found.into_iter().next()
}

/// The program of a package, from the function that it runs: `program!(example::run)` is the package `example`, with
/// its manifest.
#[macro_export]
macro_rules! program {
    ($package:ident :: $($function:ident)::+) => {
        $crate::Program::of_package(
            ::core::env!("CARGO_MANIFEST_DIR"),
            ::core::stringify!($package),
            $package::$($function)::+,
        )
    };
}

/// The first task.
pub(crate) fn first_task() -> Body {
    Arc::new(|| {
        let mut state = Box::new(vm::state::State::new());
        match vm::start::native(&mut state, &ipc::boot_info()) {
            Ok(mut server) => ipc::server::run(&mut server, vm::events::dispatch),
            Err(error) => panic!("vm cannot start: {error}"),
        }
    })
}
