"""Peers that connect and say nothing, or half of something, and peers that have gone: they cost nobody else anything."""

import time

import pytest

from clients import PROBE, Client, Empty
from raw_peer import PREFACE, Peer
from server import SOON, serve

HALVES = {"nothing": b"", "one byte": b"P", "half a preface": PREFACE[:12], "a preface without settings": PREFACE}


@pytest.mark.parametrize("said", HALVES.values(), ids=HALVES)
def test_who_says_too_little_holds_up_neither_calls_nor_the_end(said):
    with serve(max_shutdown_ms=20_000) as server:
        peers = [Peer(server) for _ in range(50)]
        for peer in peers:
            peer.send(said)
        with Client(server.address) as client:
            assert client.test.EmptyCall(Empty(), timeout=SOON) == Empty()
        assert server.stop()["took"] < 10
        for peer in peers:
            list(peer.frames())


@pytest.mark.parametrize("said", list(HALVES.values())[:3], ids=list(HALVES)[:3])
def test_who_does_not_finish_its_preface_in_time_is_closed(said):
    with serve(handshake_timeout_ms=300) as server:
        began = time.monotonic()
        with Peer(server) as peer:
            peer.send(said)
            peer.until_closed()
        assert 0.3 <= time.monotonic() - began < SOON / 2


def test_a_peer_that_answers_no_ping_is_closed_and_its_handler_dropped():
    # The client answers in that time, however busy the machine is.
    with serve(keepalive_interval_ms=200, keepalive_timeout_ms=3000) as server, Client(server.address) as client:
        with Peer(server) as peer:
            peer.begin().call(1, PROBE + "Endless")
            client.account(PROBE + "Endless", begun=1)
            # It reads, but acknowledges nothing.
            list(peer.frames())
            client.account(PROBE + "Endless", dropped=1)


def test_peers_that_vanish_leave_nothing_behind():
    with serve() as server, Client(server.address) as client:
        assert client.test.EmptyCall(Empty(), timeout=SOON) == Empty()
        before = server.descriptors()
        peers = [Peer(server).begin() for _ in range(200)]
        for peer in peers:
            peer.call(1, PROBE + "Endless")
        client.account(PROBE + "Endless", begun=200)
        for peer in peers:
            peer.socket.close()
        client.account(PROBE + "Endless", dropped=200)
        # Its connection is closed a moment after the last handler of it is gone.
        with Client(server.address) as late:
            assert late.test.EmptyCall(Empty(), timeout=SOON) == Empty()
        deadline = time.monotonic() + SOON
        while server.descriptors() > before + 5:
            assert time.monotonic() < deadline, server.descriptors()
            time.sleep(0.01)
