//! What the two processes say to each other: one message a datagram, as JSON. Pure.
//!
//! ```text
//!   successor     hello{version}   doing{text}*   ready | failed{text}
//!   predecessor   hello{version, generation, process}   socket{..}*   complete{count}   in_charge   released   called_off{reason}
//! ```
//!
//! A `hello` comes first, and can be read in every version, so that each side can name both. Of its own version a side takes only what it
//! knows. A `socket` comes with its descriptor.

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::base::peer_text::shown_within;
use crate::server::listen::passing::{FileIdentity, SocketName};

/// Of the protocol.
pub(super) const VERSION: u32 = 1;

/// How many bytes a message has at most.
pub(super) const LONGEST: usize = 16 * 1024;

/// How many sockets are handed over at most.
pub(super) const MOST_SOCKETS: usize = 1024;

/// How many bytes there are of what a successor is doing, and of its last words.
const DOING: usize = 256;
const LAST_WORDS: usize = 4 * 1024;

/// From predecessor to successor. Those that say nothing more have braces, so that serde refuses what else is in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ToSuccessor {
    Hello { version: u32, generation: u64, process: u32 },
    Socket(Socket),
    Complete { count: usize },
    InCharge {},
    Released {},
    CalledOff { reason: String },
}

/// From successor to predecessor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ToPredecessor {
    Hello { version: u32 },
    Doing { text: String },
    Ready {},
    Failed { text: String },
}

/// A socket, whose descriptor comes with the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Socket {
    address: String,
    index: usize,
    file: Option<File>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Percent-encoded where it is no text.
    path: String,
    device: u64,
    inode: u64,
}

/// What of a path is written as a number.
const KEPT: &AsciiSet = &CONTROLS.add(b'%');

/// Why a message cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is of another version.
    Version(u32),
    /// It makes no sense. What it was, cut.
    Nonsense(String),
}

/// What every version can read of a `hello`.
#[derive(Deserialize)]
struct AnyHello {
    message: String,
    version: u32,
}

impl ToSuccessor {
    pub(super) fn socket(name: &SocketName) -> Self {
        let file = name.file.as_ref().map(File::of);
        Self::Socket(Socket { address: name.address.clone(), index: name.index, file })
    }

    pub(super) fn called_off(reason: &str) -> Self {
        Self::CalledOff { reason: shown_within(reason, LAST_WORDS).into_owned() }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let bounded = |message: &Self| match message {
            Self::CalledOff { reason } => reason.len() <= LAST_WORDS,
            Self::Complete { count } => *count <= MOST_SOCKETS,
            _ => true,
        };
        decode(bytes, bounded)
    }
}

impl ToPredecessor {
    pub(super) const HELLO: Self = Self::Hello { version: VERSION };

    pub(super) fn doing(text: &str) -> Self {
        Self::Doing { text: shown_within(text, DOING).into_owned() }
    }

    /// Its lines stay lines.
    pub(super) fn failed(text: &str) -> Self {
        Self::Failed { text: lines_within(text, LAST_WORDS) }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Texts come out as they may be shown, whatever was sent.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let bounded = |message: &Self| match message {
            Self::Doing { text } => text.len() <= DOING && is_shown(text),
            Self::Failed { text } => text.len() <= LAST_WORDS && text.lines().all(is_shown),
            Self::Hello { .. } | Self::Ready {} => true,
        };
        decode(bytes, bounded)
    }
}

impl Socket {
    /// # Errors
    /// Where its path is none.
    pub(super) fn into_name(self) -> Result<SocketName, Unreadable> {
        let file = self.file.map(File::into_identity).transpose()?;
        Ok(SocketName { address: self.address, index: self.index, file })
    }
}

impl File {
    fn of(identity: &FileIdentity) -> Self {
        let FileIdentity { path, device, inode } = identity;
        Self { path: path_as_text(path), device: *device, inode: *inode }
    }

    fn into_identity(self) -> Result<FileIdentity, Unreadable> {
        let path = path_of_text(&self.path);
        if !path.is_absolute() {
            return Err(Unreadable::Nonsense(shown_within(&self.path, DOING).into_owned()));
        }
        Ok(FileIdentity { path, device: self.device, inode: self.inode })
    }
}

pub(super) fn path_as_text(path: &Path) -> String {
    percent_encode(path.as_os_str().as_bytes(), KEPT).to_string()
}

pub(super) fn path_of_text(text: &str) -> PathBuf {
    let bytes: Cow<'_, [u8]> = percent_decode_str(text).into();
    PathBuf::from(OsString::from_vec(bytes.into_owned()))
}

fn encode(message: &impl Serialize) -> Vec<u8> {
    // Nothing in a message can fail to be written: it has no maps, and its texts are text.
    serde_json::to_vec(message).unwrap_or_default()
}

fn decode<T: DeserializeOwned>(bytes: &[u8], bounded: impl Fn(&T) -> bool) -> Result<T, Unreadable> {
    let nonsense = || {
        let some = &bytes[..bytes.len().min(DOING)];
        Unreadable::Nonsense(shown_within(&String::from_utf8_lossy(some), DOING).into_owned())
    };
    if bytes.len() > LONGEST {
        return Err(nonsense());
    }
    if let Ok(AnyHello { message, version }) = serde_json::from_slice(bytes)
        && message == "hello"
        && version != VERSION
    {
        return Err(Unreadable::Version(version));
    }
    serde_json::from_slice(bytes).ok().filter(bounded).ok_or_else(nonsense)
}

fn is_shown(text: &str) -> bool {
    !text.chars().any(|char| crate::base::peer_text::is_hidden(char) || char.is_control())
}

fn lines_within(text: &str, longest: usize) -> String {
    let mut all = String::new();
    for line in text.lines() {
        let room = longest.saturating_sub(all.len() + 1);
        if room < 4 {
            break;
        }
        if !all.is_empty() {
            all.push('\n');
        }
        all.push_str(&shown_within(line, room));
    }
    all
}

#[cfg(test)]
mod tests;
