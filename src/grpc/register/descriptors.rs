//! Where everything is that was registered, by its name.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use prost::Message;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, ServiceDescriptorProto,
};

/// Why a descriptor set cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DescriptorError {
    #[error(
        "it is not an encoded google.protobuf.FileDescriptorSet ({0}): give the bytes of the file that prost writes to file_descriptor_set_path"
    )]
    Undecodable(#[from] prost::DecodeError),
    #[error("file {0} of the set has no name: have the set written by a compiler such as protoc or protox")]
    Nameless(usize),
}

/// A descriptor set whose files are left as they are: decoding would lose options that only others know.
#[derive(Clone, PartialEq, Message)]
struct EncodedSet {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file: Vec<Vec<u8>>,
}

/// A file as it was given.
#[derive(Debug)]
struct File {
    encoded: Vec<u8>,
    name: String,
    imports: Vec<String>,
}

/// A descriptor set that can be served: its files, each as it was given and as it reads.
#[derive(Debug, Clone)]
pub(crate) struct DescriptorSet(Vec<(Vec<u8>, FileDescriptorProto)>);

impl DescriptorSet {
    pub(crate) fn decode(set: &[u8]) -> Result<Self, DescriptorError> {
        let files = EncodedSet::decode(set)?.file.into_iter().enumerate();
        let decode = |(at, encoded): (usize, Vec<u8>)| {
            let file = FileDescriptorProto::decode(&*encoded)?;
            if file.name().is_empty() {
                return Err(DescriptorError::Nameless(at + 1));
            }
            Ok((encoded, file))
        };
        files.map(decode).collect::<Result<_, _>>().map(Self)
    }

    /// The files in it.
    pub(crate) fn files(&self) -> impl Iterator<Item = &FileDescriptorProto> {
        self.0.iter().map(|(_, file)| file)
    }

    /// The services in it, each with its full name.
    pub(crate) fn services(&self) -> impl Iterator<Item = (String, &ServiceDescriptorProto)> {
        self.0.iter().flat_map(|(_, file)| {
            file.service.iter().map(|service| (full_name(file.package(), service.name()), service))
        })
    }
}

fn full_name(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

/// Everything that can be asked for. What was registered first goes before others of its name.
#[derive(Debug, Default)]
pub(crate) struct Index {
    files: HashMap<String, Arc<File>>,
    symbols: HashMap<String, Arc<File>>,
    /// By the type that is extended, and the number of the field.
    extensions: HashMap<String, BTreeMap<i32, Arc<File>>>,
}

impl Index {
    pub(crate) fn new(sets: Vec<DescriptorSet>) -> Self {
        let mut index = Self::default();
        for (encoded, file) in sets.into_iter().flat_map(|set| set.0) {
            index.add(encoded, &file);
        }
        index
    }

    pub(crate) fn file(&self, name: &str) -> Option<Vec<Vec<u8>>> {
        self.files.get(name).map(|file| self.with_imports(file))
    }

    pub(crate) fn symbol(&self, name: &str) -> Option<Vec<Vec<u8>>> {
        self.symbols.get(name).map(|file| self.with_imports(file))
    }

    pub(crate) fn extension(&self, of: &str, number: i32) -> Option<Vec<Vec<u8>>> {
        self.extensions.get(of)?.get(&number).map(|file| self.with_imports(file))
    }

    /// The numbers of all extensions of a type; `None` where there is no such type.
    pub(crate) fn extensions(&self, of: &str) -> Option<Vec<i32>> {
        match self.extensions.get(of) {
            Some(extensions) => Some(extensions.keys().copied().collect()),
            None => self.symbols.contains_key(of).then(Vec::new),
        }
    }

    /// The file, and each that it needs, once.
    fn with_imports(&self, file: &Arc<File>) -> Vec<Vec<u8>> {
        let mut seen = HashSet::from([&*file.name]);
        let mut found = vec![file];
        let mut at = 0;
        while let Some(file) = found.get(at).copied() {
            let imports = file.imports.iter().filter(|name| seen.insert(name));
            found.extend(imports.filter_map(|name| self.files.get(name)));
            at += 1;
        }
        found.into_iter().map(|file| file.encoded.clone()).collect()
    }

    fn add(&mut self, encoded: Vec<u8>, file: &FileDescriptorProto) {
        let (name, imports) = (file.name().to_owned(), file.dependency.clone());
        let known = Arc::new(File { encoded, name: name.clone(), imports });
        self.files.entry(name).or_insert_with(|| Arc::clone(&known));
        let mut adding = Adding { index: self, file: known };
        let scope = file.package();
        file.message_type.iter().for_each(|message| adding.message(scope, message));
        file.enum_type.iter().for_each(|choice| adding.choice(scope, choice));
        file.extension.iter().for_each(|field| adding.extension(scope, field));
        for service in &file.service {
            let scope = adding.symbol(scope, service.name());
            for method in &service.method {
                adding.symbol(&scope, method.name());
            }
        }
    }
}

/// Adds what is in a file.
struct Adding<'a> {
    index: &'a mut Index,
    file: Arc<File>,
}

impl Adding<'_> {
    /// Returns its full name.
    fn symbol(&mut self, scope: &str, name: &str) -> String {
        let full = full_name(scope, name);
        self.index.symbols.entry(full.clone()).or_insert_with(|| Arc::clone(&self.file));
        full
    }

    fn message(&mut self, scope: &str, message: &DescriptorProto) {
        let scope = &self.symbol(scope, message.name());
        message.nested_type.iter().for_each(|nested| self.message(scope, nested));
        message.enum_type.iter().for_each(|choice| self.choice(scope, choice));
        message.extension.iter().for_each(|field| self.extension(scope, field));
        for name in message.field.iter().map(|field| field.name()) {
            self.symbol(scope, name);
        }
        for name in message.oneof_decl.iter().map(|oneof| oneof.name()) {
            self.symbol(scope, name);
        }
    }

    /// The values of an enum are its siblings, not its children.
    fn choice(&mut self, scope: &str, choice: &EnumDescriptorProto) {
        self.symbol(scope, choice.name());
        for value in &choice.value {
            self.symbol(scope, value.name());
        }
    }

    fn extension(&mut self, scope: &str, field: &FieldDescriptorProto) {
        self.symbol(scope, field.name());
        let of = field.extendee().trim_start_matches('.').to_owned();
        let extensions = self.index.extensions.entry(of).or_default();
        extensions.entry(field.number()).or_insert_with(|| Arc::clone(&self.file));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::builtin::health;
    use crate::grpc::builtin::ping;
    use prost_types::FileDescriptorSet;

    fn names(files: Option<Vec<Vec<u8>>>) -> Vec<String> {
        let name = |file: Vec<u8>| FileDescriptorProto::decode(&*file).unwrap().name().to_owned();
        files.unwrap_or_default().into_iter().map(name).collect()
    }

    fn index_of<'a>(sets: impl IntoIterator<Item = &'a [u8]>) -> Index {
        Index::new(sets.into_iter().map(|set| DescriptorSet::decode(set).unwrap()).collect())
    }

    fn encoded(file: FileDescriptorProto) -> Vec<u8> {
        FileDescriptorSet { file: vec![file] }.encode_to_vec()
    }

    #[test]
    fn everything_that_has_a_name_is_found_with_the_files_that_it_needs() {
        let index = index_of([ping::FILE_DESCRIPTOR_SET, health::FILE_DESCRIPTOR_SET]);
        let ping = ["pkping.proto", "google/protobuf/empty.proto"];
        assert_eq!(names(index.file("pkping.proto")), ping);
        assert_eq!(names(index.symbol("pkping.Ping.Ping")), ping);
        for symbol in [
            "grpc.health.v1.Health",
            "grpc.health.v1.HealthCheckRequest.service",
            "grpc.health.v1.HealthCheckResponse.ServingStatus",
            "grpc.health.v1.HealthCheckResponse.NOT_SERVING",
        ] {
            assert_eq!(names(index.symbol(symbol)), ["grpc/health/v1/health.proto"], "{symbol}");
        }
        assert_eq!(index.symbol("pkping.Pong"), None);
        assert_eq!(index.extensions("pkping.Ping"), Some(Vec::new()));
        assert_eq!(index.extensions("pkping.Pong"), None);
    }

    #[test]
    fn extensions_are_found_by_their_number() {
        let extension = FieldDescriptorProto {
            name: Some("mark".to_owned()),
            number: Some(1000),
            extendee: Some(".google.protobuf.FieldOptions".to_owned()),
            ..Default::default()
        };
        let file = FileDescriptorProto {
            name: Some("marks.proto".to_owned()),
            extension: vec![extension],
            ..Default::default()
        };
        let index = index_of([&*encoded(file)]);
        let options = "google.protobuf.FieldOptions";
        assert_eq!(names(index.extension(options, 1000)), ["marks.proto"]);
        assert_eq!(index.extension(options, 1001), None);
        assert_eq!(index.extensions(options), Some(vec![1000]));
        assert_eq!(names(index.symbol("mark")), ["marks.proto"]);
    }

    #[test]
    fn a_descriptor_set_that_is_none_is_refused() {
        let error = DescriptorSet::decode(b"no descriptors").unwrap_err().to_string();
        assert!(error.contains("FileDescriptorSet"), "{error}");
        let error = DescriptorSet::decode(&encoded(FileDescriptorProto::default())).unwrap_err().to_string();
        assert!(error.starts_with("file 1 of the set has no name"), "{error}");
    }
}
