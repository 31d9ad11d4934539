//! Addresses of pages (RFC 3986), as far as HTTP needs them: `http://host[:port][/path][?query]`.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// The port of HTTP.
const HTTP: u16 = 80;

/// An absolute address of a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url {
    /// A name, or an address as numbers; IPv6 ones without their brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Path and query, from the `/` on.
    pub path: String,
}

/// Why a text is not the address of a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UrlError {
    /// Another scheme than `http`.
    Scheme(String),
    /// No host.
    NoHost(String),
    /// The port is not a number from 1 to 65535.
    Port(String),
    /// A character that cannot be in an address.
    Character(char),
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme(scheme) => {
                write!(f, "`{scheme}:` is not supported: only addresses that begin with http:// are")
            }
            Self::NoHost(text) => write!(f, "`{text}` names no host; write it like http://example.org/page"),
            Self::Port(port) => write!(f, "`{port}` is not a port: use a number from 1 to 65535"),
            Self::Character(character) => {
                write!(f, "{character:?} cannot be in an address: write it as % and two hexadecimal digits")
            }
        }
    }
}

impl Url {
    /// Reads an address; `http://` may be left out.
    ///
    /// # Errors
    ///
    /// [`UrlError`], whose text says what is wrong.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if let Some(bad) = text.chars().find(|&c| c.is_control() || c.is_whitespace() || !c.is_ascii()) {
            return Err(UrlError::Character(bad));
        }
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) => return Err(UrlError::Scheme(scheme.into())),
            None => text,
        };
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = split_port(authority).ok_or_else(|| UrlError::NoHost(text.into()))?;
        if host.is_empty() || host.contains('@') {
            return Err(UrlError::NoHost(text.into()));
        }
        let port = match port {
            Some(port) => match port.parse() {
                Ok(port @ 1..) => port,
                _ => return Err(UrlError::Port(port.into())),
            },
            None => HTTP,
        };
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { host: host.into(), port, path: format!("{slash}{path}") })
    }

    /// The address that `location`, as a page at this one gives it, leads to (RFC 3986, 5.2).
    ///
    /// # Errors
    ///
    /// As [`Url::parse`].
    pub fn join(&self, location: &str) -> Result<Self, UrlError> {
        let head = location.split(['/', '?', '#']).next().unwrap_or_default();
        if head.contains(':') {
            return Self::parse(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("http://{rest}"));
        }
        let folder = self.path.split('?').next().unwrap_or_default();
        let path = match location.chars().next() {
            Some('/') => location.to_string(),
            Some('?') => format!("{folder}{location}"),
            None | Some('#') => self.path.clone(),
            Some(_) => format!("{}/{location}", folder.rsplit_once('/').map_or("", |(before, _)| before)),
        };
        Self::parse(&format!("http://{}{}", self.authority(), without_dots(&path)))
    }

    /// Host and port, as the header `Host` has them.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == HTTP { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.path)
    }
}

/// Host and port. `None`: a bracket does not close.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => after.is_empty().then_some((host, None)),
        };
    }
    Some(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

/// A path without `.` and `..` (RFC 3986, 5.2.4); the query stays.
fn without_dots(path: &str) -> String {
    let (path, query) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
    let mut parts = alloc::vec::Vec::new();
    let mut rest = path.trim_start_matches('/').split('/').peekable();
    while let Some(part) = rest.next() {
        match part {
            "." | ".." => {
                if part == ".." {
                    parts.pop();
                }
                if rest.peek().is_none() {
                    parts.push("");
                }
            }
            part => parts.push(part),
        }
    }
    format!("/{}{query}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> String {
        match Url::parse(text) {
            Ok(url) => url.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn addresses_are_read() {
        assert_eq!(parsed("http://example.org"), "http://example.org/");
        assert_eq!(parsed("example.org/a?b=c#d"), "http://example.org/a?b=c");
        assert_eq!(parsed("HTTP://[fe80::1]:81?x"), "http://[fe80::1]:81/?x");
        assert_eq!(
            parsed("https://example.org"),
            "`https:` is not supported: only addresses that begin with http:// are"
        );
        assert_eq!(parsed("http:///x"), "`http:///x` names no host; write it like http://example.org/page");
        assert_eq!(
            parsed("http://[::1"),
            "`http://[::1` names no host; write it like http://example.org/page"
        );
        assert_eq!(parsed("http://a:0/"), "`0` is not a port: use a number from 1 to 65535");
        assert_eq!(parsed("http://a:x/"), "`x` is not a port: use a number from 1 to 65535");
        assert_eq!(
            parsed("http://a/ä"),
            "'ä' cannot be in an address: write it as % and two hexadecimal digits"
        );
        assert_eq!(Url::parse("http://a/\r\nx"), Err(UrlError::Character('\r')), "no header is smuggled in");
    }

    #[test]
    fn redirections_lead_to_absolute_addresses() {
        let base = Url::parse("http://a.b:8080/c/d/e?f").unwrap();
        for (location, target) in [
            ("http://x/y", "http://x/y"),
            ("//x/y", "http://x/y"),
            ("/y", "http://a.b:8080/y"),
            ("y?z", "http://a.b:8080/c/d/y?z"),
            ("../y", "http://a.b:8080/c/y"),
            ("../../../../y", "http://a.b:8080/y"),
            ("./", "http://a.b:8080/c/d/"),
            ("..", "http://a.b:8080/c/"),
            ("?q=/../x", "http://a.b:8080/c/d/e?q=/../x"),
            ("", "http://a.b:8080/c/d/e?f"),
        ] {
            assert_eq!(base.join(location).unwrap().to_string(), target, "{location}");
        }
        assert_eq!(base.join("ftp://x"), Err(UrlError::Scheme("ftp".into())));
    }

    proptest! {
        /// Whatever it is: no panic, and what is an address stays one.
        #[test]
        fn any_text(text: String, location in "[a-z./?:#\\[\\]%]{0,20}") {
            if let Ok(url) = Url::parse(&text) {
                prop_assert_eq!(Url::parse(&url.to_string()), Ok(url.clone()));
                let _ = url.join(&location);
            }
        }
    }
}
