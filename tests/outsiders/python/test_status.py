"""The status of a call: code, message, and the details of `google.rpc.Status` where there are any."""

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from clients import P, fails

CODES = {code.value[0]: code for code in grpc.StatusCode}


@pytest.mark.parametrize("number", range(1, 17))
def test_every_code_arrives_with_its_message(client, number):
    request = P.FailRequest(code=number, message=f"code {number}")
    error = fails(CODES[number], lambda: client.probe.Fail(request, timeout=20))
    assert error.details() == f"code {number}"


def test_a_message_may_have_any_characters(client):
    message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈 and 100 %\t\n"
    error = fails(grpc.StatusCode.UNKNOWN, lambda: client.probe.Fail(P.FailRequest(code=2, message=message)))
    assert error.details() == message


def test_rich_details_arrive_whole(client):
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason="BAD", domain="outsiders", metadata={"key": "värde"}))
    status = status_pb2.Status(code=9, message="not now", details=[detail])
    request = P.FailRequest(code=9, message="not now", details=status.SerializeToString())
    error = fails(grpc.StatusCode.FAILED_PRECONDITION, lambda: client.probe.Fail(request, timeout=20))
    assert rpc_status.from_call(error) == status


def test_without_details_there_are_none(client):
    error = fails(grpc.StatusCode.ABORTED, lambda: client.probe.Fail(P.FailRequest(code=10, message="no")))
    assert rpc_status.from_call(error) is None
