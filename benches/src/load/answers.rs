//! Whether an answer is the one expected.
//!
//! Headers are read in full until they come as references into the table alone: the very same bytes then say
//! the same until the table changes, which only a block that is read in full can do.

use loona_hpack::Decoder;

use super::spec::Refused;

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
        self.response = only_references(block).then(|| block.to_vec());
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
        self.trailers = only_references(block).then(|| block.to_vec());
        Ok(())
    }

    fn read(&mut self, block: &[u8]) -> Result<Headers, Refused> {
        let headers = self.decoder.decode(block).map_err(Refused::Headers)?;
        if !only_references(block) {
            (self.response, self.trailers) = (None, None);
        }
        Ok(headers)
    }
}

type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// Whether a block leaves HPACK's table as it is. Longer references than of one byte are taken for changes.
fn only_references(block: &[u8]) -> bool {
    block.iter().all(|&byte| byte > 0x80 && byte < 0xff)
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
    fn an_error_is_no_answer() {
        let refused = Answers::new().trailers(&literal("grpc-status", "14")).unwrap_err();
        assert!(refused.to_string().contains("grpc-status: 14"), "{refused}");
    }
}
