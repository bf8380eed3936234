"""What is no gRPC is refused before a handler hears of it: a web page cannot forge calls."""

import pytest

from bystander import attacked
from clients import PROBE, TEST
from raw_peer import DATA, END_HEADERS, END_STREAM, HEADERS, Peer, frame, message


def status(server, method, content_type, path=TEST + "EmptyCall"):
    """The status of HTTP that a request is answered."""
    with Peer(server) as peer:
        peer.begin()
        headers = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost")]
        if content_type is not None:
            headers.append(("content-type", content_type))
        peer.send(frame(HEADERS, END_HEADERS, 1, peer.encoder.encode(headers)), frame(DATA, END_STREAM, 1, message()))
        answer = peer.until(lambda got: got.kind == HEADERS and got.stream == 1)
        return dict(peer.decoder.decode(answer.payload))[":status"]


@pytest.mark.parametrize("content_type", ["application/grpc", "application/grpc+proto"])
def test_grpc_is_served(server, content_type):
    assert status(server, "POST", content_type) == "200"


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "", None],
    ids=str,
)
def test_other_content_types_are_415(server, client, content_type):
    with attacked(server, f"content type {content_type}"):
        assert status(server, "POST", content_type, PROBE + "Inspect") == "415"
    assert client.account(PROBE + "Inspect").begun == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "DELETE"])
def test_other_methods_are_405(server, client, method):
    with attacked(server, method):
        assert status(server, method, "application/grpc", PROBE + "Inspect") == "405"
    assert client.account(PROBE + "Inspect").begun == 0
