//! HTTP/2's frames: their headers, and the few that the load sends itself.

/// Length of a frame's header.
pub(super) const HEADER: usize = 9;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0x0;
pub(super) const HEADERS: u8 = 0x1;
pub(super) const RST_STREAM: u8 = 0x3;
pub(super) const SETTINGS: u8 = 0x4;
pub(super) const PING: u8 = 0x6;
pub(super) const GOAWAY: u8 = 0x7;
pub(super) const WINDOW_UPDATE: u8 = 0x8;

/// Of SETTINGS and PING.
pub(super) const ACK: u8 = 0x1;
/// Of DATA and HEADERS.
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;

/// SETTINGS parameters.
pub(super) const ENABLE_PUSH: u16 = 0x2;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 0x4;

/// An error code that is none.
pub(super) const NO_ERROR: u32 = 0;

/// The window of HTTP/2 where nobody says another.
pub(super) const DEFAULT_WINDOW: u32 = 65_535;

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Head {
    /// Of the first bytes, if all of it is there.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, kind, flags, s0, s1, s2, s3] = bytes.first_chunk::<HEADER>()?;
        Some(Self {
            length: u32::from_be_bytes([0, a, b, c]) as usize,
            kind,
            flags,
            stream: u32::from_be_bytes([s0, s1, s2, s3]) & 0x7fff_ffff,
        })
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Appends a frame. No frame here has more than 16 KiB.
pub(super) fn push(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    out.extend_from_slice(&[a, b, c, kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// Appends what lets the server send so many bytes more on the whole connection.
pub(super) fn push_window(out: &mut Vec<u8>, more: u32) {
    push(out, WINDOW_UPDATE, 0, 0, &more.to_be_bytes());
}

/// Appends how a connection begins: windows so large that a server never waits for one.
pub(super) fn push_opening(out: &mut Vec<u8>, window: u32) {
    out.extend_from_slice(PREFACE);
    let mut settings = Vec::with_capacity(12);
    for (parameter, value) in [(ENABLE_PUSH, 0), (INITIAL_WINDOW_SIZE, window)] {
        settings.extend_from_slice(&parameter.to_be_bytes());
        settings.extend_from_slice(&u32::to_be_bytes(value));
    }
    push(out, SETTINGS, 0, 0, &settings);
    push_window(out, window - DEFAULT_WINDOW);
}

/// The value of a parameter in the payload of SETTINGS, if it is there.
pub(super) fn setting(payload: &[u8], parameter: u16) -> Option<u32> {
    let entries = payload.as_chunks::<6>().0.iter();
    let mut found = entries.filter(|entry| u16::from_be_bytes([entry[0], entry[1]]) == parameter);
    found.next_back().map(|entry| u32::from_be_bytes([entry[2], entry[3], entry[4], entry[5]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        push(&mut out, DATA, END_STREAM, 7, &[1; 300]);
        let head = Head { length: 300, kind: DATA, flags: END_STREAM, stream: 7 };
        assert_eq!(Head::read(&out), Some(head));
        assert_eq!(Head::read(&out[..HEADER - 1]), None);
    }

    #[test]
    fn a_setting_is_found_among_others() {
        let payload = [0, 3, 0, 0, 0, 9, 0, 4, 0, 1, 0, 0];
        assert_eq!(setting(&payload, INITIAL_WINDOW_SIZE), Some(65_536));
        assert_eq!(setting(&payload, ENABLE_PUSH), None);
    }
}
