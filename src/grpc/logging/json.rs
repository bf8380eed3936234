//! A message as JSON, as far as it is shown.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io::{self, Write};

use hyper::body::Bytes;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde::Serialize;

use crate::base::peer_text;
use crate::grpc::logging::depth::{Counted, Depth};

/// What is shown of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) json: String,
    /// Whether there is more.
    pub(crate) cut: bool,
}

/// # Errors
/// Why it is no such message, or cannot be shown.
pub(crate) fn show(message: Bytes, descriptor: &MessageDescriptor, longest: usize) -> Result<Shown, String> {
    // Errors name the types that an `Any` claims to be of.
    let told = |error: &dyn fmt::Display| peer_text::shown(&error.to_string()).into_owned();
    let message = DynamicMessage::decode(descriptor.clone(), message).map_err(|error| told(&error))?;
    let mut written = Limited { written: Vec::new(), longest, cut: false };
    let too_deep = Cell::new(false);
    let mut json = serde_json::Serializer::new(&mut written);
    let ended = message.serialize(Counted { inner: &mut json, depth: Depth::new(&too_deep) });
    let cut = written.cut || too_deep.get();
    match ended {
        Err(error) if !cut => Err(told(&error)),
        _ => Ok(escaped(text(written.written), cut, longest)),
    }
}

/// JSON itself only escapes the first 32 characters, and a terminal obeys others, too.
fn escaped(json: String, cut: bool, longest: usize) -> Shown {
    if json.is_ascii() && !json.contains('\x7f') {
        return Shown { json, cut };
    }
    let mut shown = String::with_capacity(json.len());
    for char in json.chars() {
        let before = shown.len();
        if peer_text::is_hidden(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(char);
        }
        if shown.len() > longest {
            shown.truncate(before);
            return Shown { json: shown, cut: true };
        }
    }
    Shown { json: shown, cut }
}

/// Takes so many bytes and refuses the rest, so that what is not shown is not written either.
struct Limited {
    written: Vec<u8>,
    longest: usize,
    cut: bool,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.longest - self.written.len();
        if room == 0 && !bytes.is_empty() {
            self.cut = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = room.min(bytes.len());
        self.written.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where it was cut within a character, that is left out.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::builtin::health::{FILE_DESCRIPTOR_SET, HealthCheckRequest};
    use prost::Message;
    use prost_reflect::DescriptorPool;

    fn shown(message: Vec<u8>, longest: usize) -> Result<Shown, String> {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
        let descriptor = pool.get_message_by_name("grpc.health.v1.HealthCheckRequest").unwrap();
        show(message.into(), &descriptor, longest)
    }

    fn request(service: &str) -> Vec<u8> {
        HealthCheckRequest { service: service.to_owned() }.encode_to_vec()
    }

    #[test]
    fn a_message_is_shown_whole_or_cut_between_characters() {
        let whole = r#"{"service":"für"}"#;
        let cut = |longest| shown(request("für"), longest).unwrap();
        assert_eq!(cut(whole.len()), Shown { json: whole.to_owned(), cut: false });
        assert_eq!(cut(whole.len() - 1), Shown { json: whole[..whole.len() - 1].to_owned(), cut: true });
        assert_eq!(cut(14), Shown { json: r#"{"service":"f"#.to_owned(), cut: true });
        assert_eq!(cut(1), Shown { json: "{".to_owned(), cut: true });
    }

    #[test]
    fn what_is_no_such_message_is_told() {
        assert!(shown(b"\x0a\x7f too short".to_vec(), 100).is_err());
    }

    /// Messages that nest in every way there is.
    fn nesting() -> DescriptorPool {
        use prost_types::field_descriptor_proto::{Label, Type};
        use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, MessageOptions};
        let field = |name: &str, number, label, kind, type_name: &str| FieldDescriptorProto {
            name: Some(name.to_owned()),
            number: Some(number),
            label: Some(label as i32),
            r#type: Some(kind as i32),
            type_name: (!type_name.is_empty()).then(|| type_name.to_owned()),
            ..Default::default()
        };
        let one = |name: &str, number, of: &str| field(name, number, Label::Optional, Type::Message, of);
        let many = |name: &str, number, of: &str| field(name, number, Label::Repeated, Type::Message, of);
        let entry = DescriptorProto {
            name: Some("MEntry".to_owned()),
            field: vec![field("key", 1, Label::Optional, Type::Int32, ""), one("value", 2, ".N")],
            options: Some(MessageOptions { map_entry: Some(true), ..Default::default() }),
            ..Default::default()
        };
        let message = DescriptorProto {
            name: Some("N".to_owned()),
            field: vec![
                one("a", 1, ".N"),
                one("b", 2, ".google.protobuf.Any"),
                one("s", 3, ".google.protobuf.Struct"),
                one("v", 4, ".google.protobuf.Value"),
                many("m", 5, ".N.MEntry"),
                field("g", 6, Label::Optional, Type::Group, ".N.G"),
            ],
            nested_type: vec![
                entry,
                DescriptorProto {
                    name: Some("G".to_owned()),
                    field: vec![one("n", 1, ".N")],
                    ..Default::default()
                },
            ],
            ..Default::default()
        };
        let file = FileDescriptorProto {
            name: Some("nesting.proto".to_owned()),
            dependency: ["any", "struct"].map(|name| format!("google/protobuf/{name}.proto")).into(),
            message_type: vec![message],
            ..Default::default()
        };
        let mut pool = DescriptorPool::global();
        pool.add_file_descriptor_proto(file).unwrap();
        pool
    }

    /// A field of that number that holds these bytes.
    fn held(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2];
        prost::encoding::encode_varint(bytes.len() as u64, &mut field);
        field.extend_from_slice(bytes);
        field
    }

    fn any(bytes: &[u8]) -> Vec<u8> {
        [held(1, b"type.googleapis.com/N"), held(2, bytes)].concat()
    }

    /// What one level more is made by.
    type Wrap = fn(Vec<u8>) -> Vec<u8>;

    /// Something that is within something of its own kind, so many times.
    fn nested(times: usize, within: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        (0..times).fold(Vec::new(), |inner, _| within(inner))
    }

    /// Shown where there is little of a stack.
    fn shown_on_a_small_stack(message: Vec<u8>) -> Result<Shown, String> {
        let pool = nesting();
        let descriptor = pool.get_message_by_name("N").unwrap();
        let small = std::thread::Builder::new().stack_size(1 << 20);
        small.spawn(move || show(message.into(), &descriptor, 1 << 20)).unwrap().join().unwrap()
    }

    #[test]
    fn g17_a_message_that_is_nested_too_deeply_is_cut_however_it_is_nested() {
        // Of each kind one level, as it is written into the message around it.
        let wrap: [(&str, Wrap); 5] = [
            ("message", |n| held(1, &n)),
            ("Any", |n| held(2, &any(&n))),
            ("Any in Any", |n| held(2, &[held(1, b"x/google.protobuf.Any"), held(2, &any(&n))].concat())),
            ("map", |n| held(5, &[&[8, 1][..], &held(2, &n)].concat())),
            ("group", |n| [&[6 << 3 | 3][..], &held(1, &n), &[6 << 3 | 4]].concat()),
        ];
        for (kind, wrap) in wrap {
            // As deep as a decoder goes, in an Any again and again.
            let message = nested(8, |inner| {
                let mut message = held(2, &any(&inner));
                for _ in 0..40 {
                    message = wrap(message);
                }
                message
            });
            let shown = shown_on_a_small_stack(message).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert!(shown.cut, "{kind}");
            assert!(shown.json.matches(['{', '[']).count() <= crate::grpc::logging::depth::DEEPEST, "{kind}");
            let shallow = shown_on_a_small_stack(nested(5, wrap)).unwrap();
            assert!(!shallow.cut, "{kind}: {}", shallow.json);
        }
    }

    #[test]
    fn g17_values_that_are_nested_too_deeply_are_cut() {
        // Value > ListValue > Value, and Value > Struct > entry > Value.
        let lists = |depth| nested(depth, |value| held(6, &held(1, &value)));
        let structs =
            |depth| nested(depth, |value| held(5, &held(1, &[held(1, b"k"), held(2, &value)].concat())));
        for value in [&lists as &dyn Fn(usize) -> Vec<u8>, &structs] {
            // No decoder goes deeper than a hundred messages, but each Any has one of its own.
            let deep = (0..3).fold(held(4, &value(25)), |message, _| {
                (0..20).fold(held(2, &any(&message)), |message, _| held(1, &message))
            });
            assert!(shown_on_a_small_stack(deep).unwrap().cut);
            let shown = shown_on_a_small_stack(held(4, &value(25))).unwrap();
            assert!(!shown.cut && shown.json.ends_with("}"), "{}", shown.json);
        }
    }

    #[test]
    fn g17_the_message_that_overflowed_a_stack_is_shown_as_cut() {
        let nines = |inner: Vec<u8>| (0..90).fold(inner, |inner, _| held(1, &inner));
        let message = nested(8, |inner| nines(held(2, &any(&inner))));
        let shown = shown_on_a_small_stack(message).unwrap();
        assert!(shown.cut && shown.json.starts_with(r#"{"a":{"a":"#), "{}", shown.json);
    }

    #[test]
    fn g17_what_a_terminal_obeys_is_escaped_in_json_and_stays_json() {
        let name = "\u{9b}31m \u{202e} \x1b \x7f für";
        let whole = shown(request(name), 1000).unwrap();
        assert!(!whole.json.chars().any(peer_text::is_hidden), "{}", whole.json);
        let value: serde_json::Value = serde_json::from_str(&whole.json).unwrap();
        assert_eq!(value["service"], name);
        for longest in 1..whole.json.len() {
            let cut = shown(request(name), longest).unwrap();
            assert!(
                cut.cut && cut.json.len() <= longest && whole.json.starts_with(&cut.json),
                "{longest}: {cut:?}"
            );
        }
    }

    #[test]
    fn g17_a_type_that_an_any_claims_to_be_of_is_told_short() {
        let message = held(2, &held(1, format!("x/{}", "\u{202e}".repeat(3000)).as_bytes()));
        let error = shown_on_a_small_stack(message).unwrap_err();
        assert!(error.len() <= 256 && error.is_ascii(), "{error}");
    }
}
