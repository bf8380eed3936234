//! Whether an answer is the one expected.
//!
//! Headers are read in full until they come without a change of the table: the very same bytes then say
//! the same until it changes, which only a block that is read in full can do.

use loona_hpack::Decoder;

use super::super::spec::Refused;

/// Reads the headers of one connection's answers.
pub(super) struct Answers {
    decoder: Decoder<'static>,
    /// Blocks that said what they must, since the table last changed.
    response: Option<Vec<u8>>,
    trailers: Option<Vec<u8>>,
}

impl Answers {
    pub(super) fn new() -> Self {
        Self { decoder: Decoder::new(), response: None, trailers: None }
    }

    /// The headers of an answer.
    pub(super) fn response(&mut self, block: &[u8]) -> Result<(), Refused> {
        if self.response.as_deref() == Some(block) {
            return Ok(());
        }
        let headers = self.read(block)?;
        if !has(&headers, b":status", b"200") {
            return Err(Refused::Response(text(&headers)));
        }
        self.response = keeps_table(block).then(|| block.to_vec());
        Ok(())
    }

    /// The trailers of an answer.
    pub(super) fn trailers(&mut self, block: &[u8]) -> Result<(), Refused> {
        if self.trailers.as_deref() == Some(block) {
            return Ok(());
        }
        let trailers = self.read(block)?;
        if !has(&trailers, b"grpc-status", b"0") {
            return Err(Refused::Status(text(&trailers)));
        }
        self.trailers = keeps_table(block).then(|| block.to_vec());
        Ok(())
    }

    fn read(&mut self, block: &[u8]) -> Result<Headers, Refused> {
        let headers = self.decoder.decode(block).map_err(Refused::Headers)?;
        if !keeps_table(block) {
            (self.response, self.trailers) = (None, None);
        }
        Ok(headers)
    }
}

type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// Whether a block leaves HPACK's table as it is: it has references into it, and literals that are not remembered, alone (RFC 7541,
/// section 6). Whatever is not easily read is taken for a change.
fn keeps_table(mut block: &[u8]) -> bool {
    while let [first, more @ ..] = block {
        block = match first {
            0x81..=0xfe => more,
            // The name stands in the table.
            0x01..=0x0e | 0x11..=0x1e => more_after_text(more),
            0x0f | 0x1f if more.first().is_some_and(|index| *index < 0x80) => more_after_text(&more[1..]),
            0x00 | 0x10 => more_after_text(more_after_text(more)),
            _ => return false,
        };
    }
    true
}

/// What follows a text; where that cannot be told, what is no header.
fn more_after_text(block: &[u8]) -> &[u8] {
    const NONE: &[u8] = &[0x80];
    let Some((length, more)) = block.split_first() else { return NONE };
    let length = usize::from(length & 0x7f);
    if length < 0x7f { more.get(length..).unwrap_or(NONE) } else { NONE }
}

fn has(headers: &Headers, name: &[u8], value: &[u8]) -> bool {
    headers.iter().any(|header| header.0 == name && header.1 == value)
}

fn text(headers: &Headers) -> String {
    let line = |(name, value): &(Vec<u8>, Vec<u8>)| {
        format!("{}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
    };
    headers.iter().map(line).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A literal that is remembered.
    fn literal(name: &str, value: &str) -> Vec<u8> {
        let mut block = vec![0x40, name.len() as u8];
        block.extend_from_slice(name.as_bytes());
        block.push(value.len() as u8);
        block.extend_from_slice(value.as_bytes());
        block
    }

    #[test]
    fn the_same_bytes_are_read_again_once_the_table_has_changed() {
        let mut answers = Answers::new();
        answers.trailers(&literal("grpc-status", "0")).unwrap();
        answers.trailers(&[0x80 | 62]).unwrap();
        answers.trailers(&[0x80 | 62]).unwrap();
        let mut response = vec![0x88];
        response.extend(literal("date", "today"));
        answers.response(&response).unwrap();
        // What stood first stands second now.
        let refused = answers.trailers(&[0x80 | 62]).unwrap_err();
        assert!(refused.to_string().contains("date: today"), "{refused}");
        answers.trailers(&[0x80 | 63]).unwrap();
    }

    #[test]
    fn literals_that_are_not_remembered_leave_the_table_as_it_is() {
        // `content-length: 13`, as h2 says it: the name is the 28th of the static table.
        let length = [0x0f, 13, 2, b'1', b'3'];
        assert!(keeps_table(&[&[0x88][..], &length, &[0x80 | 62]].concat()));
        assert!(keeps_table(&[0x00, 1, b'a', 1, b'b', 0x88]));
        for changed in [&[0x88, 0x5c, 2, b'1', b'3'][..], &[0x3f, 0x01], &[0xff, 0x00], &[0x80]] {
            assert!(!keeps_table(changed), "{changed:?}");
        }
        for cut in 1..length.len() {
            assert!(!keeps_table(&length[..cut]), "{cut}");
        }
    }

    #[test]
    fn an_error_is_no_answer() {
        let refused = Answers::new().trailers(&literal("grpc-status", "14")).unwrap_err();
        assert!(refused.to_string().contains("grpc-status: 14"), "{refused}");
    }
}
