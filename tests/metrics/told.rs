//! Methods, as a descriptor set tells of them.

use majordomo::RegisterOnServer;
use prost::Message;
use prost_types::{
    DescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};
use support::rpc::Calls;
use support::{Answer, Probe};

/// The set of `test.Calls`.
fn descriptors() -> Vec<u8> {
    let method = |name: &str, server_streaming| MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(".test.Nothing".to_owned()),
        output_type: Some(".test.Nothing".to_owned()),
        server_streaming: Some(server_streaming),
        ..MethodDescriptorProto::default()
    };
    let service = ServiceDescriptorProto {
        name: Some("Calls".to_owned()),
        method: vec![
            method("Hold", false),
            method("Panic", false),
            method("Block", false),
            method("Endless", true),
        ],
        options: None,
    };
    let nothing = DescriptorProto { name: Some("Nothing".to_owned()), ..DescriptorProto::default() };
    let file = FileDescriptorProto {
        name: Some("test/calls.proto".to_owned()),
        package: Some("test".to_owned()),
        message_type: vec![nothing],
        service: vec![service],
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

/// Registers [`Calls`] with what tells of its methods.
pub fn register(calls: Calls) -> impl FnOnce(RegisterOnServer, &mut actix::Context<Probe>) -> Answer + Send {
    move |on, context| {
        on.server.add_file_descriptor_set(descriptors());
        calls.register()(on, context)
    }
}
