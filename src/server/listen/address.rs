//! Where the server listens.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::net::SocketAddr as UnixAddr;
use std::path::PathBuf;

use tokio::net::lookup_host;

use crate::base::GrpcAddress;
use crate::server::listen::memory::InMemory;

/// An address to listen on, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    text: String,
    place: Place,
    /// Where a server asks for what it had before.
    had: Option<Had>,
}

/// What a socket was bound by: the address as it was written, and which of those of that address it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Had {
    pub(crate) written: String,
    pub(crate) index: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Ip(SocketAddr),
    /// `:PORT`: all interfaces, IPv6 and IPv4, as in Go.
    Everywhere(u16),
    Host(String, u16),
    /// With the mode of its file, where one was given.
    Unix(PathBuf, Option<u32>),
    UnixAbstract(String),
    /// Of that name; without, all that the process was started with.
    Inherited(Option<String>),
    InMemory(InMemory),
}

impl ServerAddress {
    /// Understands `HOST:PORT`, `IPV4:PORT`, `[IPV6]:PORT` and `:PORT`, where port 0 is any that is free;
    /// `unix:PATH`, `unix:///PATH` and `unix-abstract:NAME`, as gRPC writes them, and `unix:PATH?mode=0660`; `systemd:` and
    /// `systemd:NAME`. An IPv4 address that is written as one of IPv6, `[::ffff:127.0.0.1]:0`, is that IPv4 address, as in Go.
    ///
    /// # Errors
    /// What is wrong with it, without the address itself.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let place = Self::place_of(text)?;
        Ok(Self { text: text.to_owned(), place, had: None })
    }

    /// A place in memory, which has no text of its own.
    pub(crate) fn in_memory(memory: &InMemory) -> Self {
        let text = GrpcAddress::InMemory.to_string();
        Self { text, place: Place::InMemory(memory.clone()), had: None }
    }

    /// What another life of a server asks for, where the first one got this: the same port.
    pub(crate) fn again(had: Had, bound: SocketAddr) -> Self {
        Self { text: bound.to_string(), place: Place::Ip(bound), had: Some(had) }
    }

    /// As it was written, by whoever wrote it.
    pub(crate) fn written(&self) -> &str {
        self.had.as_ref().map_or(&self.text, |had| &had.written)
    }

    /// Which of those of that address it was, where it was one.
    pub(crate) fn index(&self) -> Option<usize> {
        self.had.as_ref().map(|had| had.index)
    }

    fn place_of(text: &str) -> Result<Place, String> {
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path);
        }
        if let Some(name) = text.strip_prefix("unix-abstract:") {
            return unix_abstract(name);
        }
        if let Some(name) = text.strip_prefix("systemd:") {
            return inherited(name);
        }
        if text.contains("://") {
            return Err("it is a URL".to_owned());
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Place::Ip(SocketAddr::new(address.ip().to_canonical(), address.port())));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err("it has no port".to_owned());
        };
        if host.contains(':') && !host.starts_with('[') {
            return Err("an IPv6 address must stand in brackets".to_owned());
        }
        if port.is_empty() {
            return Err("it has no port".to_owned());
        }
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("its port {port:?} is no number"));
        }
        let Ok(port) = port.parse() else {
            return Err(format!("its port {port} is greater than 65535"));
        };
        if host.is_empty() {
            return Ok(Place::Everywhere(port));
        }
        if host.starts_with('[') {
            return Err(format!("{host} is no IPv6 address"));
        }
        let digits = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
        if host.split('.').all(digits) {
            return Err(format!("{host} is no IPv4 address"));
        }
        let part_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if !host.bytes().all(part_of_a_name) {
            return Err(format!("{host:?} is no name of a host"));
        }
        Ok(Place::Host(host.to_owned(), port))
    }

    /// Whether it is no socket.
    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.place, Place::InMemory(_))
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The host that is to be looked up for it, if one is.
    pub(crate) fn host(&self) -> Option<&str> {
        match &self.place {
            Place::Host(host, _) => Some(host),
            _ => None,
        }
    }

    /// Whether a server cannot have both.
    pub(crate) fn is_also(&self, other: &Self) -> bool {
        match (&self.place, &other.place) {
            // Each gets a port of its own.
            (Place::Ip(address), _) if address.port() == 0 => false,
            (Place::Everywhere(0) | Place::Host(_, 0), _) => false,
            // All of them include those of a name.
            (Place::Inherited(None), Place::Inherited(_)) | (Place::Inherited(_), Place::Inherited(None)) => {
                true
            }
            (Place::Unix(path, _), Place::Unix(other, _)) => path == other,
            (one, other) => one == other,
        }
    }
}

impl Place {
    /// The socket addresses to try, in this order; none where it is not TCP. IPv4 comes first where a name has
    /// both, as in Go.
    pub(crate) async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        match self {
            Self::Ip(address) => Ok(vec![*address]),
            Self::Everywhere(port) => {
                Ok(vec![(Ipv6Addr::UNSPECIFIED, *port).into(), (Ipv4Addr::UNSPECIFIED, *port).into()])
            }
            Self::Host(host, port) => {
                let mut found: Vec<_> = lookup_host((host.as_str(), *port)).await?.collect();
                found.sort_by_key(SocketAddr::is_ipv6);
                Ok(found)
            }
            Self::Unix(..) | Self::UnixAbstract(_) | Self::Inherited(_) | Self::InMemory(_) => Ok(Vec::new()),
        }
    }
}

fn unix(path: &str) -> Result<Place, String> {
    let (path, mode) = match path.rsplit_once('?') {
        Some((path, parameter)) => (path, Some(mode(parameter)?)),
        None => (path, None),
    };
    let path = match path.strip_prefix("//") {
        Some(absolute) if absolute.starts_with('/') => absolute,
        Some(_) => return Err("after unix:// the path must begin with /".to_owned()),
        None => path,
    };
    if path.is_empty() {
        return Err("it has no path".to_owned());
    }
    // Also refuses one that is too long.
    match UnixAddr::from_pathname(path) {
        Ok(_) => Ok(Place::Unix(path.into(), mode)),
        Err(error) => Err(format!("a socket cannot have this path of {} bytes: {error}", path.len())),
    }
}

/// `mode=0660`.
fn mode(parameter: &str) -> Result<u32, String> {
    let Some(octal) = parameter.strip_prefix("mode=") else {
        return Err(format!("after the path's ? only mode= is known, such as mode=0660, not {parameter:?}"));
    };
    let digits = (3..=4).contains(&octal.len()) && octal.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    match u32::from_str_radix(octal, 8) {
        Ok(mode) if digits && mode & !0o777 == 0 && mode & 0o600 == 0o600 => Ok(mode),
        Ok(mode) if digits && mode & !0o777 == 0 => {
            Err(format!("with the mode {octal:?} its own user could not connect: begin with 06 or 07"))
        }
        _ => Err(format!("its mode {octal:?} is none: write it in octal, 0600 to 0777")),
    }
}

fn unix_abstract(name: &str) -> Result<Place, String> {
    if !cfg!(target_os = "linux") {
        return Err("only Linux has abstract names".to_owned());
    }
    if name.is_empty() {
        return Err("it has no name".to_owned());
    }
    if name.contains("?mode=") {
        return Err(
            "an abstract name has no mode, since it is no file: whoever is on this machine may connect"
                .to_owned(),
        );
    }
    // The byte that stands before the name is no NUL of its own.
    match UnixAddr::from_pathname(format!("/{name}")) {
        Ok(_) => Ok(Place::UnixAbstract(name.to_owned())),
        Err(error) => Err(format!("a socket cannot have this name of {} bytes: {error}", name.len())),
    }
}

fn inherited(name: &str) -> Result<Place, String> {
    if name.contains(':') {
        return Err("a name of systemd's has no colon".to_owned());
    }
    Ok(Place::Inherited(Some(name).filter(|name| !name.is_empty()).map(ToOwned::to_owned)))
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
