//! Unix sockets: whose file it is that stands in the way, and its removal in the end.
//!
//! ```text
//!   bind --the file exists--> no socket ------------------------> refused
//!                             a socket, connecting succeeds ----> in use
//!                             a socket, connecting is refused --> stale: removed, bound again
//! ```
//!
//! Its file is for its own user alone, unless a mode is given. Who connects needs the right to write to the file, and is refused
//! as long as nobody listens; the mode is right before that.
//!
//! The file of a server that is bound but does not listen yet looks stale, too: whoever lets go of it so finds
//! out when it is to listen.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::server::error::ListenError;
use crate::server::listen::owners::{self, Origin};

/// Its own user may connect, nobody else.
const DEFAULT_MODE: u32 = 0o600;

/// Why a path could not be bound.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A process listens there.
    InUse(io::Error),
    /// No use in trying again.
    Hopeless(ListenError),
}

/// Which file it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    /// From the root on: the working directory may be another in the end.
    pub(crate) path: PathBuf,
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// What is found at the path of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Itself,
    Another,
    Nothing,
}

impl FileIdentity {
    fn of(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let file = fs::symlink_metadata(&path)?;
        Ok(Self { path, device: file.dev(), inode: file.ino() })
    }

    /// What its path leads to by now.
    pub(crate) fn found(&self) -> Found {
        match fs::symlink_metadata(&self.path) {
            Ok(file) if (file.dev(), file.ino()) == (self.device, self.inode) => Found::Itself,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
            _ => Found::Another,
        }
    }
}

/// The file of a socket that is ours. Dropping it removes the file, unless another is in its place by now, or another process is to
/// remove it: see `owners.rs`.
#[derive(Debug)]
pub(crate) struct SocketFile {
    identity: FileIdentity,
    origin: Origin,
}

impl SocketFile {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { identity: FileIdentity::of(path)?, origin: Origin::Bound })
    }

    /// That of a socket which another process bound.
    pub(crate) fn handed(identity: FileIdentity) -> Self {
        Self { identity, origin: Origin::Handed }
    }

    /// That of a socket which this process bound, and whose server has gone.
    pub(crate) fn left(identity: FileIdentity) -> Self {
        Self { identity, origin: Origin::Bound }
    }

    pub(crate) fn identity(&self) -> &FileIdentity {
        &self.identity
    }

    /// Whether it is still what its path leads to.
    pub(crate) fn is_in_place(&self) -> bool {
        self.identity.found() == Found::Itself
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if owners::is_ours(self.origin)
            && self.is_in_place()
            && let Err(error) = fs::remove_file(&self.identity.path)
        {
            let path = self.identity.path.display();
            tracing::warn!(%error, "cannot remove the server's socket {path}: the next start will");
        }
    }
}

/// Binds a socket to a path, in the place of a stale one if there is one, with exactly this mode, or with
/// [`DEFAULT_MODE`] less what the process's umask takes from it.
pub(crate) fn bind_path(path: &Path, mode: Option<u32>) -> Result<(Socket, SocketFile), Failure> {
    let unusable = |reason: String, mend| Failure::Hopeless(unusable(path, reason, mend));
    let other = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).display();
            unusable(format!("its folder {folder} does not exist"), "make it, or choose another path")
        }
        _ => unusable(error.to_string(), "choose a path in a folder that the process may write to"),
    };
    let mut last = None;
    // A stale file is removed once; what comes again is somebody who is quicker.
    for _ in 0..2 {
        let socket = stream().map_err(other)?;
        narrow(&socket, mode.unwrap_or(DEFAULT_MODE)).map_err(other)?;
        match socket.bind(&SockAddr::unix(path).map_err(other)?) {
            Ok(()) => {
                let file = SocketFile::new(path).map_err(other)?;
                set_mode(path, mode).map_err(other)?;
                return Ok((socket, file));
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_if_stale(path, other, unusable)?;
                last = Some(error);
            }
            Err(error) => return Err(other(error)),
        }
    }
    Err(Failure::InUse(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into())))
}

/// On Linux a file gets the mode of the socket that is bound to it, less the umask: so it is never there with a wider one. Elsewhere
/// this has no effect, and is made good before anybody can connect.
fn narrow(socket: &Socket, mode: u32) -> io::Result<()> {
    let same = File::from(OwnedFd::from(socket.try_clone()?));
    match same.set_permissions(Permissions::from_mode(mode)) {
        Err(error) if cfg!(target_os = "linux") => Err(error),
        _ => Ok(()),
    }
}

/// Makes the mode of a file what it is to be, where it is not.
fn set_mode(path: &Path, mode: Option<u32>) -> io::Result<()> {
    let has = fs::symlink_metadata(path)?.permissions().mode() & 0o777;
    let wanted = mode.unwrap_or(has & DEFAULT_MODE);
    if has == wanted { Ok(()) } else { fs::set_permissions(path, Permissions::from_mode(wanted)) }
}

fn remove_if_stale(
    path: &Path,
    other: impl Fn(io::Error) -> Failure,
    unusable: impl Fn(String, &'static str) -> Failure,
) -> Result<(), Failure> {
    let file = match fs::symlink_metadata(path) {
        Ok(file) => file,
        // It has gone in the meantime.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(other(error)),
    };
    if !file.file_type().is_socket() {
        let what = kind_of(&file);
        return Err(unusable(format!("it is {what}, not a socket"), "remove it, or choose another path"));
    }
    let connected = stream().and_then(|socket| socket.connect(&SockAddr::unix(path)?));
    match connected {
        Ok(()) => Err(Failure::InUse(io::ErrorKind::AddrInUse.into())),
        Err(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => {
                let same = fs::symlink_metadata(path)
                    .is_ok_and(|now| (now.dev(), now.ino()) == (file.dev(), file.ino()));
                match if same { fs::remove_file(path) } else { Ok(()) } {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(other(error)),
                    _ => Ok(()),
                }
            }
            io::ErrorKind::NotFound => Ok(()),
            // Its queue is full.
            io::ErrorKind::WouldBlock => Err(Failure::InUse(error)),
            _ => Err(unusable(
                format!("there is a socket whose owner cannot be asked ({error})"),
                "remove it, or choose another path",
            )),
        },
    }
}

/// Binds a socket to a name of the abstract namespace, which needs no file.
pub(crate) fn bind_abstract(name: &str) -> io::Result<Socket> {
    let socket = stream()?;
    socket.bind(&SockAddr::unix(format!("\0{name}"))?)?;
    Ok(socket)
}

fn stream() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn unusable(path: &Path, reason: String, mend: &'static str) -> ListenError {
    ListenError::Unusable { address: format!("unix:{}", path.display()), reason, mend }
}

fn kind_of(file: &Metadata) -> &'static str {
    let kind = file.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_file() {
        "a file"
    } else {
        "something else"
    }
}
