//! The types of messages, from the descriptor sets that services registered.

use std::collections::{HashMap, HashSet};

use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::FileDescriptorProto;

use crate::grpc::logging::target::TARGET;

/// What is known of messages.
#[derive(Debug, Default)]
pub(crate) struct Types(DescriptorPool);

impl Types {
    /// Of files with the same name the first counts, as in reflection. Google's own (`google/protobuf/..`) need not be
    /// registered. What lacks another import, or is at odds with others, is left out and told once: its messages are
    /// logged by their size.
    pub(crate) fn new<'a>(files: impl IntoIterator<Item = &'a FileDescriptorProto>) -> Self {
        let mut pool = DescriptorPool::new();
        let mut waiting: HashMap<&str, &FileDescriptorProto> = HashMap::new();
        let mut order = Vec::new();
        let well_known = well_known();
        for file in files {
            waiting.entry(file.name()).or_insert_with(|| {
                order.push(file.name());
                file
            });
        }
        // Added where they are imported.
        for file in &well_known {
            waiting.entry(file.name()).or_insert(file);
        }
        for name in order {
            add(&mut pool, &mut waiting, name);
        }
        Self(pool)
    }

    pub(crate) fn message(&self, name: &str) -> Option<MessageDescriptor> {
        self.0.get_message_by_name(name)
    }
}

/// Google's own, as they come with prost-reflect: descriptor sets are often made without what they import.
fn well_known() -> Vec<FileDescriptorProto> {
    let pool = DescriptorPool::global();
    let all = pool.files().map(|file| file.file_descriptor_proto().clone());
    all.filter(|file| file.name().starts_with("google/protobuf/")).collect()
}

/// Adds a file after those that it imports.
fn add<'a>(
    pool: &mut DescriptorPool,
    waiting: &mut HashMap<&'a str, &'a FileDescriptorProto>,
    name: &'a str,
) {
    // Not by recursion: the files are users'.
    let mut path = vec![name];
    let mut entered = HashSet::new();
    while let Some(&name) = path.last() {
        let Some(&file) = waiting.get(name) else {
            path.pop();
            continue;
        };
        let imports = file.dependency.iter().map(String::as_str);
        let missing: Vec<_> =
            imports.filter(|import| waiting.contains_key(import) && *import != name).collect();
        // Files that import each other are refused when they are added.
        if entered.insert(name) && !missing.is_empty() {
            path.extend(missing);
            continue;
        }
        path.pop();
        waiting.remove(name);
        if let Err(error) = pool.add_file_descriptor_proto(file.clone()) {
            tracing::warn!(
                target: TARGET,
                file = name,
                %error,
                "messages of this file are logged by their size alone: register it with all that it imports"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{grpc::health, ping};
    use prost::Message;
    use prost_types::FileDescriptorSet;

    fn files(sets: &[&[u8]]) -> Vec<FileDescriptorProto> {
        sets.iter().flat_map(|set| FileDescriptorSet::decode(*set).unwrap().file).collect()
    }

    #[test]
    fn files_are_known_in_whatever_order_and_however_often_they_came() {
        let mut files =
            files(&[ping::FILE_DESCRIPTOR_SET, health::FILE_DESCRIPTOR_SET, ping::FILE_DESCRIPTOR_SET]);
        files.reverse();
        let types = Types::new(&files);
        for name in ["google.protobuf.Empty", "grpc.health.v1.HealthCheckRequest"] {
            assert!(types.message(name).is_some(), "{name}");
        }
        assert!(types.message("grpc.health.v1.Other").is_none());
    }

    #[test]
    fn googles_own_types_need_not_be_registered() {
        let mut file = files(&[ping::FILE_DESCRIPTOR_SET]);
        file.retain(|file| !file.name().starts_with("google/"));
        assert_eq!(file.len(), 1, "the ping's own file");
        assert!(Types::new(&file).message("google.protobuf.Empty").is_some());
        // Of these one imports others.
        file[0].dependency.push("google/protobuf/type.proto".to_owned());
        let types = Types::new(&file);
        for name in ["google.protobuf.Empty", "google.protobuf.Type", "google.protobuf.Any"] {
            assert!(types.message(name).is_some(), "{name}");
        }
        assert!(Types::new(&[]).message("google.protobuf.Empty").is_none(), "nobody asked for it");
    }

    #[test]
    fn a_file_that_lacks_an_import_or_imports_itself_costs_the_others_nothing() {
        let file = |name: &str, import: &str| FileDescriptorProto {
            name: Some(name.to_owned()),
            dependency: vec![import.to_owned()],
            ..FileDescriptorProto::default()
        };
        let mut all = vec![file("a", "nowhere"), file("b", "b"), file("c", "d"), file("d", "c")];
        all.extend(files(&[health::FILE_DESCRIPTOR_SET]));
        assert!(Types::new(&all).message("grpc.health.v1.HealthCheckRequest").is_some());
    }
}
