"""Metadata in both directions, text and binary (`-bin`), and what the wire does with their bytes."""

import os

import pytest

from clients import M, P

INITIAL = "x-grpc-test-echo-initial"
TRAILING = "x-grpc-test-echo-trailing-bin"


def seen(client, metadata):
    """What the handler sees of these."""
    seen = client.probe.Inspect(P.Nothing(), metadata=metadata, timeout=20)
    names = {name for name, _ in metadata}
    return [(entry.name, entry.value) for entry in seen.metadata if entry.name in names]


def test_text_arrives_as_it_was_sent(client):
    assert seen(client, [("some-key", "some value")]) == [("some-key", b"some value")]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 256, 4000])
def test_binary_values_of_every_length_arrive_as_they_were_sent(client, size):
    value = os.urandom(size)
    assert seen(client, [("some-key-bin", value)]) == [("some-key-bin", value)]


def test_every_byte_goes_through_a_binary_value(client):
    value = bytes(range(256))
    assert seen(client, [("some-key-bin", value)]) == [("some-key-bin", value)]


def test_a_key_may_come_several_times(client):
    several = [("some-key", "one"), ("some-key", "two"), ("some-key", "three")]
    assert seen(client, several) == [("some-key", b"one"), ("some-key", b"two"), ("some-key", b"three")]


def test_initial_and_trailing_metadata_come_back_on_a_unary_call(client):
    value = bytes(range(256))
    metadata = ((INITIAL, "initial value"), (TRAILING, value))
    _, call = client.test.UnaryCall.with_call(M.SimpleRequest(), metadata=metadata, timeout=20)
    assert (INITIAL, "initial value") in call.initial_metadata()
    assert (TRAILING, value) in call.trailing_metadata()


def test_trailing_metadata_comes_with_an_error(client):
    request = M.StreamingOutputCallRequest(response_status=M.EchoStatus(code=9, message="no"))
    call = client.test.StreamingOutputCall(request, metadata=((TRAILING, b"\x00\xff"),), timeout=20)
    try:
        list(call)
    except Exception:  # which status it has is not the question here
        pass
    assert (TRAILING, b"\x00\xff") in call.trailing_metadata()


def test_the_handler_sees_the_peers_address(client):
    peer = client.probe.Inspect(P.Nothing(), timeout=20).peer
    assert peer.startswith("127.0.0.1:"), peer
