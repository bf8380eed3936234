"""Reflection in both versions: by grpcio's own client for v1alpha, and by the same messages under v1's name."""

import grpc
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

Request = reflection_pb2.ServerReflectionRequest
SERVICES = {"grpc.testing.TestService", "outsiders.Probe", "grpc.health.v1.Health", "pkping.Ping"}


@pytest.fixture(params=["v1", "v1alpha"])
def ask(request, client):
    """Asks several questions over one stream. The messages of both versions have the same wire form."""
    call = client.channel.stream_stream(
        f"/grpc.reflection.{request.param}.ServerReflection/ServerReflectionInfo",
        request_serializer=Request.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return lambda *questions: list(call(iter(questions), timeout=20))


def test_services_are_listed(ask):
    (answer,) = ask(Request(list_services=""))
    names = {service.name for service in answer.list_services_response.service}
    assert SERVICES <= names, names


def test_a_symbol_leads_to_its_file(ask):
    questions = [
        Request(file_containing_symbol=name)
        for name in ("outsiders.Probe", "outsiders.Probe.Sleep", "outsiders.SleepRequest")
    ]
    for answer in ask(*questions):
        (encoded,) = answer.file_descriptor_response.file_descriptor_proto[:1]
        assert descriptor_pb2.FileDescriptorProto.FromString(encoded).name == "outsiders/probe.proto"


def test_a_file_is_found_by_its_name(ask):
    (answer,) = ask(Request(file_by_filename="grpc/testing/messages.proto"))
    (encoded,) = answer.file_descriptor_response.file_descriptor_proto[:1]
    assert descriptor_pb2.FileDescriptorProto.FromString(encoded).package == "grpc.testing"


def test_an_unknown_symbol_is_answered_not_found_and_the_stream_goes_on(ask):
    unknown, known = ask(Request(file_containing_symbol="no.Such"), Request(list_services=""))
    assert unknown.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    assert known.list_services_response.service


def test_a_client_without_stubs_can_call_by_reflection_alone(client):
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(client.channel))
    method = pool.FindServiceByName("grpc.testing.TestService").FindMethodByName("UnaryCall")
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    call = client.channel.unary_unary(
        "/grpc.testing.TestService/UnaryCall",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    assert len(call(request(response_size=7), timeout=20).payload.body) == 7
