//! Reads manifests from `Cargo.toml` files, for the tool.
//!
//! What a person wrote is checked here, completely, so that nothing after it has to; every complaint names the file,
//! the line, the key, and what is allowed. Relies on the `toml` crate; never looks at the file system itself.

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

impl std::error::Error for SourceError {}

/// A manifest as read from a file, checked; it owns its texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    description: String,
    provides: Vec<String>,
    uses: Vec<String>,
    rest: Manifest<'static>,
}

impl Source {
    /// Reads the manifest in `text`, the content of the `Cargo.toml` at `file` (a name for messages only). `None` if
    /// there is no `[package.metadata.resea]`: the package is not a program.
    ///
    /// # Errors
    ///
    /// The first thing wrong: TOML that is none, a key that does not exist, a value that is not allowed.
    pub fn from_cargo_toml(file: &Path, text: &str) -> Result<Option<Self>, SourceError> {
        let place = Place { file, text };
        let cargo: CargoToml = toml::from_str(text)
            .map_err(|error| place.error(error.span().unwrap_or_default(), error.message().trim()))?;
        let Some(package) = cargo.package else { return Ok(None) };
        let Some(keys) = package.metadata.and_then(|metadata| metadata.resea) else { return Ok(None) };
        keys.check(&place, package.description).map(Some)
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
    resea: Option<Keys>,
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
    powers: Vec<Spanned<Power>>,
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
    #[serde(default)]
    start: Start,
    #[serde(default)]
    restart: Restart,
}

impl Keys {
    fn check(self, place: &Place<'_>, package: Option<toml::Value>) -> Result<Source, SourceError> {
        let description = match self.description {
            Some(text) => place.description(text)?,
            None => package.as_ref().and_then(toml::Value::as_str).unwrap_or_default().to_string(),
        };
        let priority = match self.priority {
            Some(priority) if *priority.as_ref() >= PRIORITIES => {
                let value = priority.as_ref();
                let message = format!("`priority` is {value}, but must be 0 to {}", PRIORITIES - 1);
                return Err(place.error(priority.span(), &message));
            }
            other => other.map_or(DEFAULT_PRIORITY, Spanned::into_inner),
        };
        let rest = Manifest {
            powers: place.list("powers", self.powers, Ok)?,
            irqs: place.list("irqs", self.irqs, Ok)?,
            ports: place.list("ports", self.ports, |text| range("ports", &text, PORTS))?,
            mmio: place.list("mmio", self.mmio, |text| range("mmio", &text, PHYSICAL_ADDRESSES))?,
            stack: place.size("stack", self.stack, DEFAULT_STACK.into(), MAX_STACK)? as u32,
            heap: place.size("heap", self.heap, DEFAULT_HEAP, MAX_HEAP)?,
            shared: place.size("shared", self.shared, DEFAULT_SHARED, MAX_SHARED)?,
            priority,
            start: self.start,
            restart: self.restart,
            ..Manifest::default()
        };
        let provides = place.list::<_, _, { crate::MAX_PROVIDES }>("provides", self.provides, service)?;
        let uses = place.list::<_, _, { crate::MAX_USES }>("uses", self.uses, service)?;
        Ok(Source { description, provides: provides.to_vec(), uses: uses.to_vec(), rest })
    }
}

/// The file being read, for messages.
struct Place<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Place<'_> {
    fn error(&self, span: Span<usize>, message: &str) -> SourceError {
        let before = self.text.get(..span.start).unwrap_or_default();
        SourceError {
            file: self.file.into(),
            line: before.matches('\n').count() + 1,
            message: message.to_string(),
        }
    }

    fn description(&self, text: Spanned<String>) -> Result<String, SourceError> {
        if text.as_ref().len() > MAX_DESCRIPTION || text.as_ref().contains('\n') {
            let message = format!("`description` must be one line of at most {MAX_DESCRIPTION} bytes");
            return Err(self.error(text.span(), &message));
        }
        Ok(text.into_inner())
    }

    /// Checks the members of a list, that there are not too many, and that none is there twice.
    fn list<T, U: PartialEq, const N: usize>(
        &self,
        key: &str,
        values: Vec<Spanned<T>>,
        convert: impl Fn(T) -> Result<U, String>,
    ) -> Result<heapless::Vec<U, N>, SourceError> {
        let mut list = heapless::Vec::new();
        for value in values {
            let span = value.span();
            let value = convert(value.into_inner()).map_err(|message| self.error(span.clone(), &message))?;
            if list.contains(&value) {
                return Err(self.error(span, &format!("`{key}` has the same member twice: remove one")));
            }
            list.push(value).map_err(|_| {
                self.error(span, &format!("`{key}` has more than {N} members: at most {N} fit"))
            })?;
        }
        Ok(list)
    }

    fn size(
        &self,
        key: &str,
        text: Option<Spanned<String>>,
        default: u64,
        largest: u64,
    ) -> Result<u64, SourceError> {
        let Some(text) = text else { return Ok(default) };
        match size(text.as_ref()) {
            Some(size) if (PAGE..=largest).contains(&size) && size.is_multiple_of(PAGE) => Ok(size),
            _ => {
                let message = format!(
                    "`{key}` is {:?}, but must be a size like \"64KiB\" or \"1MiB\": a multiple of 4KiB, at most {}KiB",
                    text.as_ref(),
                    largest >> 10
                );
                Err(self.error(text.span(), &message))
            }
        }
    }
}

/// A size as `16KiB`, `1MiB` or `1GiB`, in bytes.
fn size(text: &str) -> Option<u64> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let (number, shift) =
        units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim_end(), *shift)))?;
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
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
