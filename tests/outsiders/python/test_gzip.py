"""gzip in both directions, as grpcio does it; the frames themselves are looked at in `test_raw_frames.py`."""

import grpc
import pytest

from clients import Client, M, fails, payload
from server import SOON

GZIP = grpc.Compression.Gzip


@pytest.mark.parametrize("size", [0, 1, 1000, 1_000_000])
def test_messages_are_compressed_both_ways(client, size):
    request = M.SimpleRequest(
        payload=payload(size), response_size=size, response_compressed=M.BoolValue(value=True)
    )
    assert client.test.UnaryCall(request, compression=GZIP, timeout=SOON).payload.body == bytes(size)


def test_a_whole_channel_may_be_compressed(server):
    with Client(server.address, compression=GZIP) as client:
        requests = (M.StreamingInputCallRequest(payload=payload(10_000)) for _ in range(20))
        assert client.test.StreamingInputCall(requests, timeout=SOON).aggregated_payload_size == 200_000
        parameters = [M.ResponseParameters(size=10_000)] * 20
        request = M.StreamingOutputCallRequest(response_parameters=parameters)
        assert len(list(client.test.StreamingOutputCall(request, timeout=SOON))) == 20


def test_a_compression_that_the_server_does_not_know_is_refused_by_name(client):
    call = lambda: client.test.UnaryCall(
        M.SimpleRequest(payload=payload(1000)), compression=grpc.Compression.Deflate, timeout=SOON
    )
    error = fails(grpc.StatusCode.UNIMPLEMENTED, call)
    assert "deflate" in error.details()
    accepted = dict(error.trailing_metadata()).get("grpc-accept-encoding")
    assert accepted is None or "gzip" in accepted
