//! Reads manifests from `Cargo.toml` files, for the tool.
//!
//! What a person wrote is checked here, completely as far as one manifest alone can tell; what only shows when all
//! programs are seen together, `tools/system` checks. Every complaint names the file, the line, the key, and what is
//! allowed, and all of a file are made at once. Relies on the `toml` crate; never looks at the file system itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::format;
use std::ops::Range as Span;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

use serde::Deserialize;
use toml::Spanned;

use crate::{
    Class, DEFAULT_HEAP, DEFAULT_PRIORITY, DEFAULT_SHARED, DEFAULT_STACK, MAX_DESCRIPTION, MAX_ENCODED,
    Manifest, PRIORITIES, Restart, Start,
};

mod values;

pub use values::nearest;
use values::{device, power, range, service, size, with_hint};

/// The service of the device manager.
pub const DEVICE_MANAGER: &str = "dm";

/// Sizes of stacks and heaps are multiples of this.
const PAGE: u64 = 4096;
/// Largest stack in bytes: as much as fits below a program's own addresses.
const MAX_STACK: u64 = 1 << 20;
/// Largest heap in bytes.
const MAX_HEAP: u64 = 4 << 30;
/// Most shared memory in bytes.
const MAX_SHARED: u64 = 1 << 30;
/// Most memory for a device in bytes.
const MAX_DMA: u64 = 16 << 20;
/// I/O ports are below this.
const PORTS: u64 = 1 << 16;
/// Physical addresses are below this (Intel SDM volume 3, 4.1.4: at most 52 bits).
const PHYSICAL_ADDRESSES: u64 = 1 << 52;

/// What is wrong with a manifest, with the place in its file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

/// Everything that is wrong with a manifest, in the order of its file. Never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceErrors(pub Vec<SourceError>);

impl fmt::Display for SourceErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let before = if index == 0 { "" } else { "\n" };
            write!(formatter, "{before}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SourceErrors {}

/// Where the members of a key are: their lines, by key and place in the list (0 for keys that are no list).
type Lines = BTreeMap<(String, usize), usize>;

/// A manifest as read from a file, checked; it owns its texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    description: String,
    provides: Vec<String>,
    uses: Vec<String>,
    rest: Manifest<'static>,
    lines: Lines,
    table: usize,
}

impl Source {
    /// Reads the manifest in `text`, the content of the `Cargo.toml` at `file` (a name for messages only). `None` if
    /// there is no `[package.metadata.resea]`: the package is not a program.
    ///
    /// # Errors
    ///
    /// Everything wrong: values that are not allowed; or the one thing that keeps it from being read, TOML that is none
    /// or a key that does not exist.
    pub fn from_cargo_toml(file: &Path, text: &str) -> Result<Option<Self>, SourceErrors> {
        let place = Place { file, text, errors: RefCell::default(), lines: RefCell::default() };
        let cargo: CargoToml = toml::from_str(text).map_err(|error| {
            let message = with_hint(error.message().trim());
            let error = place.error(error.span().unwrap_or_default(), &message);
            SourceErrors(Vec::from([error]))
        })?;
        let Some(package) = cargo.package else { return Ok(None) };
        let Some(keys) = package.metadata.and_then(|metadata| metadata.resea) else { return Ok(None) };
        let table = place.line(&keys.span());
        let source = Self { table, ..keys.into_inner().check(&place, package.description) };
        let mut errors = place.errors.take();
        if errors.is_empty() {
            return Ok(Some(Self { lines: place.lines.take(), ..source }));
        }
        errors.sort_by_key(|error| error.line);
        Err(SourceErrors(errors))
    }

    /// The line of member `member` of the list `key`, from 0, or of the key itself if it is no list (with 0); `None` if
    /// it is not written there.
    pub fn line_of(&self, key: &str, member: usize) -> Option<usize> {
        self.lines.get(&(key.to_string(), member)).copied()
    }

    /// The keys that are written there, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.lines.keys().filter(|(_, member)| *member == 0).map(|(key, _)| key.as_str())
    }

    /// The line where the manifest begins.
    pub fn line(&self) -> usize {
        self.table
    }

    /// The manifest.
    pub fn manifest(&self) -> Manifest<'_> {
        Manifest {
            description: &self.description,
            // Both were checked to fit when they were read.
            provides: self.provides.iter().map(String::as_str).collect(),
            uses: self.uses.iter().map(String::as_str).collect(),
            ..self.rest.clone()
        }
    }

    /// The compact form for the boot image.
    pub fn encode(&self) -> Vec<u8> {
        let mut buffer = [0; MAX_ENCODED];
        // It fits: every part has a limit, and a test encodes the largest manifest there can be.
        self.manifest().encode(&mut buffer).map(|bytes| bytes.to_vec()).unwrap_or_default()
    }
}

/// The parts of a `Cargo.toml` that matter here.
#[derive(Deserialize)]
struct CargoToml {
    package: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    /// A text, or `{ workspace = true }`.
    description: Option<toml::Value>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    resea: Option<Spanned<Keys>>,
}

/// The keys of `[package.metadata.resea]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    description: Option<Spanned<String>>,
    #[serde(default)]
    provides: Vec<Spanned<String>>,
    #[serde(default)]
    uses: Vec<Spanned<String>>,
    #[serde(default)]
    powers: Vec<Spanned<String>>,
    #[serde(default)]
    irqs: Vec<Spanned<u32>>,
    #[serde(default)]
    ports: Vec<Spanned<String>>,
    #[serde(default)]
    mmio: Vec<Spanned<String>>,
    #[serde(default)]
    devices: Vec<Spanned<String>>,
    class: Option<Spanned<Class>>,
    dma: Option<Spanned<String>>,
    stack: Option<Spanned<String>>,
    heap: Option<Spanned<String>>,
    shared: Option<Spanned<String>>,
    priority: Option<Spanned<u8>>,
    start: Option<Spanned<Start>>,
    restart: Option<Spanned<Restart>>,
}

impl Keys {
    /// Checks every value. Complaints, and where things are, go to `place`.
    fn check(self, place: &Place<'_>, package: Option<toml::Value>) -> Source {
        let description = match self.description {
            Some(text) => place.description(text),
            None => package.as_ref().and_then(toml::Value::as_str).unwrap_or_default().to_string(),
        };
        let priority = place.single("priority", self.priority, DEFAULT_PRIORITY, |value| {
            let message = format!("`priority` is {value}, but must be 0 to {}", PRIORITIES - 1);
            if value < PRIORITIES { Ok(value) } else { Err(message) }
        });
        let rest = Manifest {
            powers: place.list("powers", self.powers, power),
            irqs: place.list("irqs", self.irqs, Ok),
            ports: place.list("ports", self.ports, |text| range("ports", &text, PORTS)),
            mmio: place.list("mmio", self.mmio, |text| range("mmio", &text, PHYSICAL_ADDRESSES)),
            devices: place.list("devices", self.devices, device),
            class: place.single("class", self.class, Class::default(), Ok),
            dma: place.size("dma", self.dma, 0, MAX_DMA),
            stack: place.size("stack", self.stack, DEFAULT_STACK.into(), MAX_STACK) as u32,
            heap: place.size("heap", self.heap, DEFAULT_HEAP, MAX_HEAP),
            shared: place.size("shared", self.shared, DEFAULT_SHARED, MAX_SHARED),
            priority,
            start: place.single("start", self.start, Start::default(), Ok),
            restart: place.single("restart", self.restart, Restart::default(), Ok),
            ..Manifest::default()
        };
        let provides = place.list::<_, _, { crate::MAX_PROVIDES }>("provides", self.provides, service);
        let uses = place.list::<_, _, { crate::MAX_USES }>("uses", self.uses, service);
        place.check_driver(&rest, &uses);
        Source {
            description,
            provides: provides.to_vec(),
            uses: uses.to_vec(),
            rest,
            lines: Lines::new(),
            table: 0,
        }
    }
}

/// The file being read: what is wrong with it, and where things are in it.
struct Place<'a> {
    file: &'a Path,
    text: &'a str,
    errors: RefCell<Vec<SourceError>>,
    lines: RefCell<Lines>,
}

impl Place<'_> {
    fn line(&self, span: &Span<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or_default();
        before.matches('\n').count() + 1
    }

    fn error(&self, span: Span<usize>, message: &str) -> SourceError {
        SourceError { file: self.file.into(), line: self.line(&span), message: message.to_string() }
    }

    fn complain(&self, span: Span<usize>, message: &str) {
        self.errors.borrow_mut().push(self.error(span, message));
    }

    /// Complains about the key `key`, if it is written there.
    fn complain_about(&self, key: &str, message: &str) {
        let line = self.lines.borrow().get(&(key.to_string(), 0)).copied();
        if let Some(line) = line {
            let error = SourceError { file: self.file.into(), line, message: message.to_string() };
            self.errors.borrow_mut().push(error);
        }
    }

    /// Checks that the keys of drivers are a driver's, and that a driver leaves to the device manager what is its.
    fn check_driver(&self, manifest: &Manifest<'_>, uses: &[String]) {
        if manifest.devices.is_empty() {
            for key in ["class", "dma"] {
                let message = format!("`{key}` is for drivers: add `devices`, or remove it");
                self.complain_about(key, &message);
            }
            return;
        }
        if !uses.iter().any(|service| service == DEVICE_MANAGER) {
            let message = format!(
                "a program with `devices` asks the device manager for them: add {DEVICE_MANAGER:?} to `uses`"
            );
            self.complain_about("devices", &message);
        }
        if manifest.start == Start::Boot {
            let message =
                "`start` is \"boot\", but the device manager starts a program with `devices`: remove it";
            self.complain_about("start", message);
        }
        if manifest.restart == Restart::Always {
            let message = "`restart` is \"always\", but the device manager starts a program with `devices` again: remove it";
            self.complain_about("restart", message);
        }
        for key in ["irqs", "ports", "mmio"] {
            let message = format!(
                "a program with `devices` gets the rights to its device from the device manager: remove `{key}`"
            );
            self.complain_about(key, &message);
        }
        if manifest.dma > manifest.shared {
            let message = format!(
                "`dma` is {}KiB, but `shared` allows only {}KiB, of which it is a part: raise `shared`",
                manifest.dma >> 10,
                manifest.shared >> 10
            );
            self.complain_about("dma", &message);
        }
    }

    fn note(&self, key: &str, member: usize, span: &Span<usize>) {
        self.lines.borrow_mut().insert((key.to_string(), member), self.line(span));
    }

    fn description(&self, text: Spanned<String>) -> String {
        self.note("description", 0, &text.span());
        if text.as_ref().len() > MAX_DESCRIPTION || text.as_ref().contains('\n') {
            let message = format!("`description` must be one line of at most {MAX_DESCRIPTION} bytes");
            self.complain(text.span(), &message);
        }
        text.into_inner()
    }

    /// Checks the value of a key that is no list.
    fn single<T, U>(
        &self,
        key: &str,
        value: Option<Spanned<T>>,
        default: U,
        convert: impl Fn(T) -> Result<U, String>,
    ) -> U {
        let Some(value) = value else { return default };
        let span = value.span();
        self.note(key, 0, &span);
        convert(value.into_inner()).unwrap_or_else(|message| {
            self.complain(span, &message);
            default
        })
    }

    /// Checks the members of a list, that there are not too many, and that none is there twice.
    fn list<T, U: PartialEq, const N: usize>(
        &self,
        key: &str,
        values: Vec<Spanned<T>>,
        convert: impl Fn(T) -> Result<U, String>,
    ) -> heapless::Vec<U, N> {
        let mut list = heapless::Vec::new();
        for value in values {
            let span = value.span();
            match convert(value.into_inner()) {
                Err(message) => self.complain(span, &message),
                Ok(value) if list.contains(&value) => {
                    self.complain(span, &format!("`{key}` has the same member twice: remove one"));
                }
                Ok(value) => {
                    self.note(key, list.len(), &span);
                    if list.push(value).is_err() {
                        let message = format!("`{key}` has more than {N} members: at most {N} fit");
                        self.complain(span, &message);
                        break;
                    }
                }
            }
        }
        list
    }

    fn size(&self, key: &str, text: Option<Spanned<String>>, default: u64, largest: u64) -> u64 {
        self.single(key, text, default, |text| match size(&text) {
            Some(size) if (PAGE..=largest).contains(&size) && size.is_multiple_of(PAGE) => Ok(size),
            _ => Err(format!(
                "`{key}` is {text:?}, but must be a size like \"64KiB\" or \"1MiB\": a multiple of 4KiB, at most {}KiB",
                largest >> 10
            )),
        })
    }
}
