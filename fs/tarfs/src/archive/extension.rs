//! What an extended header says of the member behind it, in place of the member's own header.

use super::decode;
use alloc::string::String;
use ipc::Error;

/// What an extended header says of something: nothing, that what was said before does not count, or this.
#[derive(Clone, Default)]
pub enum Said<T> {
    /// Nothing.
    #[default]
    Nothing,
    /// What was said before does not count. Then it is as in the member's own header.
    TakenBack,
    /// This.
    Value(T),
}

impl<T: Clone> Said<T> {
    /// `None` if the member's own header counts: neither this nor `global` says anything else.
    pub fn or(&self, global: &Self) -> Option<T> {
        match (self, global) {
            (Self::Value(value), _) | (Self::Nothing, Self::Value(value)) => Some(value.clone()),
            _ => None,
        }
    }
}

/// What an extended header may say, as far as anybody here asks.
#[derive(Default)]
pub struct Extension {
    /// The path.
    pub path: Said<String>,
    /// The path of what a link leads to.
    pub target: Said<String>,
    /// Bytes of content.
    pub size: Said<u64>,
    /// When it was modified, in milliseconds.
    pub modified: Said<i64>,
    /// The content is a map of pieces and the pieces.
    pub is_sparse: bool,
    /// There is one, of the form that POSIX has.
    pub is_pax: bool,
}

impl Extension {
    /// Reads records of the form `LENGTH KEY=VALUE\n`, where the length counts all of it.
    ///
    /// Errors: `Damaged` (they are not like that, or a value is not what it has to be).
    pub fn read_records(&mut self, mut records: &[u8]) -> Result<(), Error> {
        self.is_pax = true;
        while !records.is_empty() {
            let (record, rest) = split_record(records).ok_or(Error::Damaged)?;
            self.read_record(record).ok_or(Error::Damaged)?;
            records = rest;
        }
        Ok(())
    }

    fn read_record(&mut self, record: &[u8]) -> Option<()> {
        let equals = record.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
        // An empty value takes back what an earlier header has said.
        let path = || if value.is_empty() { Said::TakenBack } else { Said::Value(decode(value)) };
        match key {
            b"path" => self.path = path(),
            b"linkpath" => self.target = path(),
            b"size" => self.size = number(value, |text| text.parse().ok())?,
            b"mtime" => self.modified = number(value, milliseconds)?,
            key if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
            _ => {}
        }
        Some(())
    }
}

/// A value that is a number, if it is one or empty.
fn number<T>(value: &[u8], parse: impl Fn(&str) -> Option<T>) -> Option<Said<T>> {
    if value.is_empty() {
        return Some(Said::TakenBack);
    }
    core::str::from_utf8(value).ok().and_then(parse).map(Said::Value)
}

/// The first record without its length and its end, and the others.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = records.iter().position(|byte| *byte == b' ')?;
    let length: usize = core::str::from_utf8(records.get(..space)?).ok()?.parse().ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    Some((record.get(space + 1..)?.strip_suffix(b"\n")?, rest))
}

/// Seconds with a fraction as milliseconds; further digits do not count.
fn milliseconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let mut part = 0;
    for place in 0..3 {
        part = part * 10 + fraction.as_bytes().get(place).map_or(0, |digit| i64::from(digit - b'0'));
    }
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    seconds.checked_mul(1000)?.checked_add(sign * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read() {
        let mut extension = Extension::default();
        let records = b"13 path=a\nb/\n12 size=789\n19 mtime=1.0625000\n12 other=x=\n";
        assert_eq!(extension.read_records(records), Ok(()));
        let nothing = Extension::default();
        assert_eq!(extension.path.or(&nothing.path).as_deref(), Some("a\nb/"));
        assert_eq!(extension.modified.or(&nothing.modified), Some(1062));
        assert_eq!(nothing.size.or(&extension.size), Some(789));
        assert!(extension.target.or(&nothing.target).is_none());
        assert_eq!(extension.read_records(b"9 path=a\n"), Ok(()));
        assert_eq!(extension.read_records(b"8 size=\n"), Ok(()));
        assert_eq!(extension.path.or(&nothing.path).as_deref(), Some("a"));
        let global = Extension { size: Said::Value(5), ..Extension::default() };
        assert_eq!((extension.size.or(&global.size), nothing.size.or(&global.size)), (None, Some(5)));
    }

    #[test]
    fn wrong_records_are_damage() {
        let wrong: [&[u8]; 8] = [
            b"x",
            b"3 a",
            b"99 path=a\n",
            b"0 path=a\n",
            b"8 path=a\n",
            b"9 pathaa\n",
            b"10 size=-1\n",
            b"99999999999999999999 path=a\n",
        ];
        for records in wrong {
            assert_eq!(Extension::default().read_records(records), Err(Error::Damaged), "{records:?}");
        }
    }

    #[test]
    fn times_have_fractions() {
        assert_eq!(milliseconds("1700000000.123456789"), Some(1_700_000_000_123));
        assert_eq!(milliseconds("-1.5"), Some(-1500));
        assert_eq!(milliseconds("7"), Some(7000));
        for wrong in ["", ".5", "x", "1.x", "9223372036854775807"] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }
}
