"""Floods of what is cheap to send: each costs bounded memory, and others are served meanwhile."""

import pytest

from clients import TEST, Client, Empty
from raw_peer import ACK, CONTINUATION, END_HEADERS, HEADERS, PING, SETTINGS, Peer, frame
from server import SOON

FLOODS = {
    "pings": frame(PING, payload=bytes(8)),
    "settings": frame(SETTINGS),
    "settings with values": frame(SETTINGS, payload=bytes.fromhex("000400010000") * 10),
    "acknowledgements of nothing": frame(PING, ACK, payload=bytes(8)),
    "frames of an unknown kind": frame(0xEE, payload=bytes(100)),
}
COUNT, BATCH = 100_000, 1000


@pytest.fixture(autouse=True)
def memory_is_bounded(server, client):
    assert client.test.EmptyCall(Empty(), timeout=SOON) == Empty()
    before = server.memory()
    yield
    assert client.test.EmptyCall(Empty(), timeout=SOON) == Empty()
    assert server.memory() < before + 64


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_that_is_not_read_back_is_bounded(server, client, kind):
    with Peer(server, receive_buffer=4096) as peer:
        peer.begin()
        peer.socket.settimeout(1)
        try:
            for _ in range(COUNT // BATCH):
                peer.send(FLOODS[kind] * BATCH)
        except (TimeoutError, ConnectionError):
            # The server stopped reading, or sent it away: both bound the flood.
            pass
        assert client.test.EmptyCall(Empty(), timeout=SOON) == Empty()


def test_headers_without_end_are_cut_off(server):
    """CONTINUATION after CONTINUATION, none the last."""
    with Peer(server) as peer:
        block = peer.begin().headers(TEST + "EmptyCall")
        rest = peer.encoder.encode([("x-filler", "v" * 1000)]) * 8
        try:
            peer.send(frame(HEADERS, 0, 1, block))
            for _ in range(10_000):
                peer.send(frame(CONTINUATION, 0, 1, rest))
        except ConnectionError:
            return
        raise AssertionError("80 MB of headers were taken")


def test_empty_continuations_without_end_are_cut_off(server):
    with Peer(server) as peer:
        block = peer.begin().headers(TEST + "EmptyCall")
        try:
            peer.send(frame(HEADERS, 0, 1, block))
            for _ in range(1000):
                peer.send(frame(CONTINUATION, 0, 1) * BATCH)
        except ConnectionError:
            return
        raise AssertionError("a million empty frames were taken")


def test_headers_beyond_the_limit_are_refused_alone(server):
    """32 KiB where 16 are allowed: the call is refused, the connection serves on."""
    with Peer(server) as peer:
        block = peer.begin().headers(TEST + "EmptyCall", *((f"x-{n}", "v" * 1000) for n in range(32)))
        parts = [block[at : at + 16_000] for at in range(0, len(block), 16_000)]
        peer.send(frame(HEADERS, 0, 1, parts[0]))
        for at, part in enumerate(parts[1:], 2):
            peer.send(frame(CONTINUATION, END_HEADERS if at == len(parts) else 0, 1, part))
        refused = peer.until(lambda got: got.stream == 1)
        if refused.kind == HEADERS:
            assert dict(peer.decoder.decode(refused.payload))[":status"] == "431"
        peer.is_answered(stream=3)


def test_many_connections_that_flood_leave_room_for_others(server):
    peers = [Peer(server).begin() for _ in range(20)]
    for peer in peers:
        peer.send(FLOODS["pings"] * BATCH)
    with Client(server.address) as late:
        assert late.test.EmptyCall(Empty(), timeout=SOON) == Empty()
    for peer in peers:
        peer.socket.close()
