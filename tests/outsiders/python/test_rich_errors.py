"""Rich errors: those of our server as grpcio decodes them, those of a server in Python as our client does, and one that
passes from Rust through Python to Rust."""

import base64
import concurrent.futures
import contextlib
import os
import signal
import subprocess
import uuid

import grpc
import pytest
import sorting_hat_pb2
import sorting_hat_pb2_grpc
from google.rpc import status_pb2
from grpc_status import rpc_status
from pkerr import error_pb2

from clients import fails
from server import SOON

PROGRAM = os.environ["OUTSIDERS_SORTING_HAT"]

# An error as clients and servers in Go have it.
VECTOR = (
    "CAUSPyhSZXNvdXJjZUV4aXN0cyB8IEdSUEVBS0VDIHwgMTAwMSkgcmVxdWVzdGVkIHJlc291cmNlIG5vdCBmb3VuZBqQAQofdHlw"
    "ZS5nb29nbGVhcGlzLmNvbS9wa2Vyci5FcnJvchJtChIKEAABAgMEBQYHCAkKCwwNDg8SCEdSUEVBS0VDGOkHIAUqDlJlc291cmNl"
    "RXhpc3RzMhxyZXF1ZXN0ZWQgcmVzb3VyY2Ugbm90IGZvdW5kSggIgOLPqgYQBVoQCgpTb3J0aW5nSGF0EgJoMQ"
)
NOT_FOUND = "(ResourceExists | GRPEAKEC | 1001) requested resource not found"


@pytest.fixture
def hat(tmp_path):
    """The address of our server; it has to end cleanly."""
    serve = [PROGRAM, "serve", "127.0.0.1:0", str(tmp_path / "roster.sqlite3")]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("serving at "), line
            yield line.removeprefix("serving at ").strip()
            process.send_signal(signal.SIGTERM)
            assert process.wait(SOON) == 0
        finally:
            process.kill()


@contextlib.contextmanager
def stub(address):
    with grpc.insecure_channel(address) as channel:
        yield sorting_hat_pb2_grpc.SortingHatStub(channel)


@contextlib.contextmanager
def python_server(answer):
    """A server in Python whose methods answer so."""

    class Servicer(sorting_hat_pb2_grpc.SortingHatServicer):
        def Sort(self, request, context):
            return answer("Sort", request, context)

        def Find(self, request, context):
            return answer("Find", request, context)

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    sorting_hat_pb2_grpc.add_SortingHatServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait(SOON)


def our_client(command, address, name):
    """What our client prints on stderr. It has to fail, without a panic."""
    ran = subprocess.run([PROGRAM, command, address, name], capture_output=True, text=True, timeout=SOON)
    assert ran.returncode == 1 and "panicked" not in ran.stderr, ran
    return ran.stderr.splitlines()


def rich(error):
    """The rich error of a call, and the status around it."""
    status = rpc_status.from_call(error)
    assert (status.code, status.message) == (error.code().value[0], error.details())
    found = error_pb2.Error()
    assert status.details[0].Unpack(found), status
    return status, found


def test_our_errors_are_decoded_with_identity_details_and_trace(hat):
    with stub(hat) as client:
        harry = sorting_hat_pb2.Pupil(name="Harry")
        client.Sort(harry, timeout=SOON)
        error = fails(grpc.StatusCode.ALREADY_EXISTS, lambda: client.Sort(harry, timeout=SOON))
        _, found = rich(error)
        assert (found.issuer, found.code, found.grpc_code, found.name) == ("GRPEAKEC", 1002, 6, "AlreadyExists")
        assert found.message == "resource already exists: a pupil is sorted once"
        assert len(found.id.bin) == 16 and found.time.seconds > 1_600_000_000
        pupil = sorting_hat_pb2.Pupil()
        assert found.details[0].type_url == "type.googleapis.com/sortinghat.Pupil"
        assert found.details[0].Unpack(pupil) and pupil == harry
        assert [frame.app_name for frame in found.trace] == ["SortingHat"]
        assert found.trace[0].app_host != "" and found.trace[0].stack_trace == ""

        error = fails(grpc.StatusCode.NOT_FOUND, lambda: client.Find(sorting_hat_pb2.Pupil(name="Dudley")))
        status, found = rich(error)
        assert status.message == NOT_FOUND and (found.code, found.issuer) == (1001, "GRPEAKEC")


def fail(details, context):
    context.set_code(grpc.StatusCode.NOT_FOUND)
    context.set_details(NOT_FOUND)
    context.set_trailing_metadata((("grpc-status-details-bin", details),))
    return sorting_hat_pb2.Sorted()


def test_the_vector_is_what_python_makes_of_it_and_our_client_decodes_it():
    vector = base64.b64decode(VECTOR + "=" * (-len(VECTOR) % 4))
    error = error_pb2.Error(issuer="GRPEAKEC", code=1001, grpc_code=5, name="ResourceExists")
    error.id.bin = bytes(range(16))
    error.message = "requested resource not found"
    error.time.seconds, error.time.nanos = 1_700_000_000, 5
    error.trace.add(app_name="SortingHat", app_host="h1")
    status = status_pb2.Status(code=5, message=NOT_FOUND)
    status.details.add().Pack(error)
    assert status.SerializeToString(deterministic=True) == vector

    with python_server(lambda *call: fail(vector, call[2])) as address:
        told = our_client("find", address, "Dudley")
    assert told[:2] == [NOT_FOUND, "  at SortingHat on h1"]
    assert told[2].startswith("  at Deputy Headmistress on ")
    assert told[3:] == ["  occurrence 00010203-0405-0607-0809-0a0b0c0d0e0f"]


def test_an_error_passes_from_rust_through_python_to_rust(hat):
    seen = []

    def pass_on(method, request, context):
        with stub(hat) as client:
            try:
                return getattr(client, method)(request, timeout=SOON)
            except grpc.RpcError as error:
                status, found = rich(error)
                seen.append(found.id.bin)
                found.trace.add(app_name="Filch", app_host="dungeon", additional_context="asking: [error]")
                status.details[0].Pack(found)
                return context.abort_with_status(rpc_status.to_status(status))

    with python_server(pass_on) as address:
        subprocess.run([PROGRAM, "sort", address, "Harry"], check=True, timeout=SOON)
        told = our_client("sort", address, "Harry")
    assert told[0] == "(AlreadyExists | GRPEAKEC | 1002) resource already exists: a pupil is sorted once"
    assert told[1] == "  pupil: Harry"
    assert [line.split(" on ")[0] for line in told[2:5]] == ["  at SortingHat", "  at Filch", "  at Deputy Headmistress"]
    assert told[5:] == [f"  occurrence {uuid.UUID(bytes=id)}" for id in seen] and len(seen) == 1


def hostile():
    error = error_pb2.Error(issuer="x", code=1, grpc_code=5)
    error.id.bin = b"\x01"
    status = status_pb2.Status(code=5, message=NOT_FOUND)
    status.details.add().Pack(error)
    whole = status.SerializeToString()
    return {"a wrong id": whole, "truncated": whole[:-3], "no protobuf": b"\xff" * 100, "empty": b""}


@pytest.mark.parametrize("kind", hostile())
def test_what_cannot_be_read_leaves_the_plain_status(kind):
    with python_server(lambda *call: fail(hostile()[kind], call[2])) as address:
        assert our_client("find", address, "Dudley") == [f"NotFound: {NOT_FOUND}"]
