"""Bytes that are no HTTP/2, or break its rules: that connection ends, nothing else does."""

import random
import signal
import time

import pytest

from clients import TEST, Client, Empty
from raw_peer import (
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
    Peer, frame,
)
from server import SOON

FIRST_BYTES = {
    "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "zeros": bytes(1000),
    "noise": random.Random(1).randbytes(10_000),
    "a preface and noise": PREFACE + random.Random(2).randbytes(10_000),
}
BROKEN = {
    "a frame larger than allowed": frame(DATA, 0, 1, bytes(20_000)),
    "data on a stream that nobody opened": frame(DATA, 0, 1, b"x"),
    "settings of five bytes": frame(SETTINGS, payload=bytes(5)),
    "settings of a stream": frame(SETTINGS, stream=1),
    "a ping of seven bytes": frame(PING, payload=bytes(7)),
    "a window without bound": frame(WINDOW_UPDATE, payload=(2**31 - 1).to_bytes(4, "big")) * 2,
    "headers that are no HPACK": frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff" * 100),
    "a stream of an even number": frame(HEADERS, END_HEADERS | END_STREAM, 2, b"\x82"),
    "a continuation of nothing": frame(CONTINUATION, END_HEADERS, 1, b"\x82"),
    "a reset of stream 0": frame(RST_STREAM, 0, 0, bytes(4)),
}


@pytest.fixture(autouse=True)
def others_are_served(server, client):
    assert client.test.EmptyCall(Empty(), timeout=SOON) == Empty()
    yield
    assert client.test.EmptyCall(Empty(), timeout=SOON) == Empty()
    with Client(server.address) as late:
        assert late.test.EmptyCall(Empty(), timeout=SOON) == Empty()


@pytest.mark.parametrize("said", FIRST_BYTES.values(), ids=FIRST_BYTES)
def test_who_does_not_speak_http2_is_closed(server, said):
    with Peer(server) as peer:
        peer.send(said)
        list(peer.frames())


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN)
def test_who_breaks_the_rules_is_told_so_and_closed(server, said):
    with Peer(server) as peer:
        peer.begin().send(said)
        assert any(got.kind == GOAWAY and got.code() != 0 for got in peer.frames())


def test_a_message_that_is_no_protobuf_is_an_error_of_its_call_alone(server):
    with Peer(server) as peer:
        peer.begin().call(1, TEST + "UnaryCall", body=b"\xff\xff\xff")
        _, headers = peer.answer(1)
        assert headers["grpc-status"] in ("3", "13"), headers
        peer.is_answered(stream=3)


@pytest.mark.parametrize(
    "method, content_type, status",
    [
        ("POST", "text/html", "415"),
        ("POST", "text/plain", "415"),
        ("POST", "application/json", "415"),
        ("POST", "application/grpc+json", "415"),
        ("POST", "application/grpc-web", "415"),
        ("GET", "application/grpc", "405"),
        ("PUT", "text/plain", "405"),
    ],
)
def test_a_request_that_is_no_grpc_is_refused_alone(server, method, content_type, status):
    with Peer(server) as peer:
        peer.begin()
        headers = [(":method", method), (":scheme", "http"), (":path", TEST + "EmptyCall"), (":authority", "a")]
        block = peer.encoder.encode([*headers, ("content-type", content_type)])
        peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block))
        _, headers = peer.answer(1)
        assert headers[":status"] == status and headers.get("grpc-status") != "0", headers
        peer.is_answered(stream=3)


def test_what_a_peer_names_never_reaches_a_terminal_as_it_is(server):
    before = len(server.log())
    named = "/\x9b\u202e\x1b[2J" + "x" * 14_000
    with Peer(server) as peer:
        # Neither call is over: their bodies have not ended.
        peer.begin().send(peer.open(1, named), peer.open(3, TEST + "StreamingInputCall", ("x-named", named)))
        server.process.send_signal(signal.SIGUSR1)
        until = time.monotonic() + SOON
        while " running\n" not in (printed := server.log()[before:]):
            assert time.monotonic() < until, printed
            time.sleep(0.01)
    assert all(c == "\n" or c.isprintable() for c in printed), repr(printed)
    assert max(map(len, printed.splitlines())) < 1_000, printed
