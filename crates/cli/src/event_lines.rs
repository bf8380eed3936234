//! The lines of an event stream (`text/event-stream`, as the HTML standard has it).

use http_body_util::BodyExt;
use hyper::body::Incoming;

/// How long a line may be: no event comes near.
const LONGEST: usize = 1 << 20;

/// What comes, an event a line.
#[derive(Debug)]
pub(crate) struct EventLines {
    body: Incoming,
    lines: Lines,
}

impl EventLines {
    pub(crate) fn new(body: Incoming) -> Self {
        Self { body, lines: Lines::default() }
    }

    /// The next; `None` where the stream has ended in order.
    ///
    /// # Errors
    /// Where it broke off, and why. May be dropped and called again: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, String> {
        loop {
            if let Some(line) = self.lines.next() {
                return Ok(Some(line));
            }
            if self.lines.buffer.len() > LONGEST {
                return Err(format!("a line has more than {LONGEST} bytes"));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.lines.buffer.extend(frame.data_ref().into_iter().flatten()),
                Some(Err(error)) => return Err(error.to_string()),
                None => return Ok(None),
            }
        }
    }
}

/// Bytes, until they are lines.
#[derive(Debug, Default)]
struct Lines {
    buffer: Vec<u8>,
}

impl Lines {
    /// The data of the next event that is there as a whole; fields other than data, and comments, say nothing.
    fn next(&mut self) -> Option<String> {
        loop {
            let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if let Some(data) = line.trim_end_matches(['\r', '\n']).strip_prefix("data:") {
                return Some(data.strip_prefix(' ').unwrap_or(data).to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_whole_however_they_are_cut() {
        let text = "retry: 5\n: still here\n\ndata: {\"a\":1}\n\nevent: x\r\ndata:two\r\n\r\ndata: {";
        let (mut lines, mut read) = (Lines::default(), Vec::new());
        for byte in text.bytes() {
            lines.buffer.push(byte);
            read.extend(lines.next());
        }
        assert_eq!(read, ["{\"a\":1}", "two"]);
        assert_eq!(lines.buffer, b"data: {");
    }
}
