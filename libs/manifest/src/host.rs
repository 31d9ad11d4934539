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
    DEFAULT_HEAP, DEFAULT_PRIORITY, DEFAULT_SHARED, DEFAULT_STACK, MAX_DESCRIPTION, MAX_ENCODED,
    MAX_SERVICE_NAME, Manifest, PRIORITIES, Power, Range, Restart, Start,
};

/// Sizes of stacks and heaps are multiples of this.
const PAGE: u64 = 4096;
/// Largest stack in bytes: as much as fits below a program's own addresses.
const MAX_STACK: u64 = 1 << 20;
/// Largest heap in bytes.
const MAX_HEAP: u64 = 4 << 30;
/// Most shared memory in bytes.
const MAX_SHARED: u64 = 1 << 30;
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

/// A size as `16KiB`, `1MiB` or `1GiB`, in bytes.
fn size(text: &str) -> Option<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let (number, shift) =
        units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim_end(), *shift)))?;
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A power by its name.
fn power(name: String) -> Result<Power, String> {
    if let Some(power) = Power::ALL.into_iter().find(|power| power.name() == name) {
        return Ok(power);
    }
    let names = Power::ALL.map(Power::name);
    let hint = match nearest(&name, names) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("the powers are {}", names.join(", ")),
    };
    Err(format!("there is no power {name:?}: {hint}"))
}

/// A message of the TOML reader; if it is about a name that does not exist and lists those that do, with the nearest.
fn with_hint(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    match names.next().filter(|_| message.starts_with("unknown ")).and_then(|name| nearest(name, names)) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => message.to_string(),
    }
}

/// The candidate that `name` was most likely meant to be, if one is near: at most a third of its letters differ.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distances = candidates.into_iter().map(|candidate| (distance(name, candidate), candidate));
    let (distance, candidate) = distances.min()?;
    (distance <= name.len().max(candidate.len()).div_ceil(3)).then_some(candidate)
}

/// How many letters must be added, removed or changed to make one text of the other (the Levenshtein distance).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.bytes().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (place, other) in to.bytes().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[to.len()]
}

/// A name of a service.
fn service(name: String) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > MAX_SERVICE_NAME || !name.bytes().all(allowed) {
        return Err(format!(
            "{name:?} cannot be the name of a service: use 1 to {MAX_SERVICE_NAME} of the characters a-z, 0-9 and _"
        ));
    }
    if name == "vm" {
        return Err("every program may talk to vm: leave it out".to_string());
    }
    Ok(name)
}

/// A range as `0x3f8-0x3ff` or a single number `0x64`; all of it below `limit`.
fn range(key: &str, text: &str, limit: u64) -> Result<Range, String> {
    let number = |text: &str| {
        let text = text.trim();
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        }
        .ok()
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last && last < limit => {
            Ok(Range { start: first, end: last + 1 })
        }
        _ => Err(format!(
            "{text:?} in `{key}` is not a range: write the first and the last number, both below {limit:#x}, as \"0x3f8-0x3ff\""
        )),
    }
}
