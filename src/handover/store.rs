//! Sockets that systemd keeps for the next start of a unit (`FileDescriptorStoreMax=`), so that even a crash keeps the queue of connections.
//!
//! ```text
//!   it serves --FDSTORE=1, FDNAME=..--> systemd --crash, restart: LISTEN_FDS--> its servers find them where they bind
//! ```
//!
//! What is stored stays open there, whatever this process closes: so a server that is set up again has the same socket again. It blocks for
//! moments: `keeper.rs` has a thread for it. Which socket it is,
//! is in its name, which has to be short, and ASCII without control characters and colons (sd_notify(3)).

use std::env;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::protocol::{path_as_text, path_of_text};
use crate::notify::{Socket, SocketError, is_full};
use crate::server::listen::passing::{self, FileIdentity, STORED, SocketName};

/// How often, and how long apart, something is sent for which there is no room: for two seconds.
const TRIES: u32 = 400;
const PAUSE: Duration = Duration::from_millis(5);

/// How long a name may be.
const LONGEST: usize = 255;

/// What is written as a number: what may not be there, and what parts are told apart by.
const WRITTEN: &AsciiSet = &CONTROLS.add(b'%').add(b':').add(b',');

/// Why nothing is stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error(
        "the sockets could not be duplicated for systemd's store ({0}): raise the limit of open files, LimitNOFILE="
    )]
    Duplicate(io::Error),
    #[error(
        "of {all} sockets systemd keeps {most}, and a crash refuses who connects to the others meanwhile: raise FileDescriptorStoreMax= of \
         the unit"
    )]
    TooMany { all: usize, most: usize },
}

/// How many sockets systemd keeps for this unit, where it hears this process at all: `FDSTORE`, which systemd sets from its version 254 on, and
/// the unit where that is older.
pub(super) fn offered() -> Option<usize> {
    let number = env::var("FDSTORE").ok()?.parse().ok()?;
    (number > 0 && env::var_os("NOTIFY_SOCKET").is_some_and(|address| !address.is_empty())).then_some(number)
}

/// Has systemd keep whatever listens, for the next start of this unit; those that it has already stay as they are. How many there are; none
/// where nobody would keep them.
///
/// # Errors
/// Where the notification socket cannot be reached. What was stored before that is.
pub(super) fn store_all(most: usize) -> Result<usize, StoreError> {
    let Some(socket) = socket()? else { return Ok(0) };
    let named = passing::listening().filter_map(|one| Some((name_of(&one.name)?, one)));
    let named: Vec<_> = named.collect();
    for (name, one) in named.iter().take(most) {
        let text = format!("FDSTORE=1\nFDNAME={name}");
        patiently(|| socket.send_with(&text, one)).map_err(|source| socket.refused(source))?;
        passing::keep(one).map_err(StoreError::Duplicate)?;
    }
    match named.len() {
        all if all > most => Err(StoreError::TooMany { all, most }),
        all => Ok(all),
    }
}

/// Has systemd close what it keeps of these.
///
/// # Errors
/// As above.
pub(super) fn remove(names: &[SocketName]) -> Result<(), StoreError> {
    let Some(socket) = socket()? else { return Ok(()) };
    for name in names.iter().filter_map(name_of) {
        let text = format!("FDSTOREREMOVE=1\nFDNAME={name}");
        patiently(|| socket.send(&text)).map_err(|source| socket.refused(source))?;
    }
    Ok(())
}

fn socket() -> Result<Option<Socket>, SocketError> {
    let address = env::var_os("NOTIFY_SOCKET").filter(|address| !address.is_empty());
    address.map(|address| Socket::open(&address)).transpose()
}

/// Sends again where the receiver has no room, which it has a moment later.
fn patiently(send: impl Fn() -> io::Result<()>) -> io::Result<()> {
    for _ in 0..TRIES {
        match send() {
            Err(error) if is_full(&error) => std::thread::sleep(PAUSE),
            sent => return sent,
        }
    }
    send()
}

/// Has servers of this process find what systemd has kept of the one before, for the first who asks. `None`: it has kept nothing. What cannot
/// serve is closed, and named.
pub(crate) fn receive_stored() -> Option<Vec<SocketName>> {
    let of = |(name, socket): (String, OwnedFd)| Some((socket_of(&name)?, socket));
    let all: Vec<_> = passing::take_stored().into_iter().filter_map(of).collect();
    (!all.is_empty()).then(|| passing::receive_stored(all))
}

/// `majordomo,INDEX,ADDRESS` and of a Unix socket `,DEVICE,INODE,PATH`; `None`: it is too long.
fn name_of(name: &SocketName) -> Option<String> {
    let SocketName { address, index, file } = name;
    let address = utf8_percent_encode(address, WRITTEN);
    let file = file.as_ref().map(|FileIdentity { path, device, inode }| {
        let path = path_as_text(path);
        // What is a number in the path by now stays one.
        format!(",{device},{inode},{}", utf8_percent_encode(&path, WRITTEN))
    });
    let text = format!("{STORED}{index},{address}{}", file.unwrap_or_default());
    (text.len() <= LONGEST).then_some(text)
}

fn socket_of(name: &str) -> Option<SocketName> {
    let text = |part: &str| Some(percent_decode_str(part).decode_utf8().ok()?.into_owned());
    let parts: Vec<&str> = name.strip_prefix(STORED)?.split(',').collect();
    let (first, file) = parts.split_first_chunk()?;
    let [index, address] = first;
    let file = match file {
        [] => None,
        [device, inode, path] => {
            let path = path_of_text(&text(path)?);
            Some(FileIdentity { path, device: device.parse().ok()?, inode: inode.parse().ok()? })
        }
        _ => return None,
    };
    Some(SocketName { address: text(address)?, index: index.parse().ok()?, file })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::PathBuf;

    use super::*;

    fn named(address: &str, file: Option<&[u8]>) -> SocketName {
        let path = file.map(|path| PathBuf::from(OsString::from_vec(path.to_vec())));
        let file = path.map(|path| FileIdentity { path, device: 7, inode: u64::MAX });
        SocketName { address: address.to_owned(), index: 3, file }
    }

    #[test]
    fn g24_a_socket_is_known_again_by_its_name_in_the_store() {
        for name in [
            named("127.0.0.1:0", None),
            named("[::]:50051", None),
            named("unix:/run/a,b%41\u{202e}.sock?mode=0660", Some(b"/run/a,b%41\xff\n:.sock")),
            named("unix-abstract:a", None),
        ] {
            let text = name_of(&name).unwrap();
            let fits = |char: char| char.is_ascii() && !char.is_control() && char != ':';
            assert!(text.chars().all(fits) && text.len() <= LONGEST, "{text}");
            assert_eq!(socket_of(&text), Some(name), "{text}");
        }
    }

    #[test]
    fn g24_a_name_that_is_too_long_for_the_store_is_left_out() {
        assert_eq!(name_of(&named(&format!("unix-abstract:{}", "\u{202e}".repeat(30)), None)), None);
    }

    #[test]
    fn g24_a_name_that_is_none_of_ours_is_no_socket_of_the_store() {
        for name in [
            "",
            "stored",
            "web",
            STORED,
            "majordomo,x,a",
            "majordomo,-1,a",
            "majordomo,1",
            "majordomo,1,a,1",
            "majordomo,1,a,1,2",
            "majordomo,1,a,x,2,/a",
            "majordomo,1,a,1,2,/a,3",
            "majordomo,1,%ff",
        ] {
            assert_eq!(socket_of(name), None, "{name:?}");
        }
    }

    #[test]
    fn g24_what_listens_is_sent_to_systemd_with_its_descriptor() {
        use std::io::{IoSliceMut, Write};
        use std::mem::MaybeUninit;

        let folder = env::temp_dir().join(format!("majordomo-store-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("notify");
        let systemd = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        let socket = Socket::open(path.as_os_str()).unwrap();
        let (reader, writer) = io::pipe().unwrap();
        socket.send_with("FDSTORE=1\nFDNAME=a", &writer).unwrap();
        drop(writer);
        let mut bytes = [0; 64];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = rustix::net::RecvAncillaryBuffer::new(&mut space);
        let flags = rustix::net::RecvFlags::empty();
        let received =
            rustix::net::recvmsg(&systemd, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags).unwrap();
        assert_eq!(&bytes[..received.bytes], b"FDSTORE=1\nFDNAME=a");
        let Some(rustix::net::RecvAncillaryMessage::ScmRights(mut descriptors)) = control.drain().next()
        else {
            panic!("it comes with a descriptor")
        };
        let mut file = std::fs::File::from(descriptors.next().unwrap());
        file.write_all(b"through").unwrap();
        drop(file);
        assert_eq!(io::read_to_string(reader).unwrap(), "through");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
