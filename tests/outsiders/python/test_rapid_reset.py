"""Rapid reset: streams opened and reset at once, 10,000 of them. The server bounds what that costs and serves on."""

import pytest

from clients import PROBE, TEST, Client, Empty
from raw_peer import CANCEL, GOAWAY, RST_STREAM, Peer, frame
from server import SOON

ALL, BATCH = 10_000, 100
RESET = CANCEL.to_bytes(4, "big")


@pytest.mark.parametrize("path", [TEST + "EmptyCall", PROBE + "Endless"])
def test_ten_thousand_streams_that_are_reset_cost_nobody_anything(server, client, path):
    assert client.test.EmptyCall(Empty(), timeout=SOON) == Empty()
    memory = server.memory()
    sent, connections = 0, 0
    while sent < ALL:
        # The server may send an attacker away; then it comes back.
        with Peer(server) as peer:
            connections += 1
            try:
                peer.begin()
                for first in range(1, 2 * (ALL - sent), 2 * BATCH):
                    batch = range(first, first + 2 * BATCH, 2)
                    peer.send(*(part for id in batch for part in (peer.open(id, path), frame(RST_STREAM, 0, id, RESET))))
                    sent += BATCH
                peer.is_answered(stream=2 * ALL + 1)
            except (ConnectionError, EOFError):
                pass
        assert connections < ALL / BATCH
        # Others are served meanwhile.
        assert client.test.EmptyCall(Empty(), timeout=SOON) == Empty()
    assert server.memory() < memory + 64
    account = client.account(path)
    # Each handler that was begun is over, too.
    client.account(path, completed=account.completed)
    print(f"{connections} connections, {account.begun} handlers begun")


def test_who_resets_without_end_is_sent_away(server):
    with Peer(server) as peer:
        peer.begin()
        try:
            for id in range(1, 2 * ALL, 2):
                peer.send(peer.open(id, PROBE + "Endless"), frame(RST_STREAM, 0, id, RESET))
        except ConnectionError:
            return
        assert any(got.kind == GOAWAY and got.code() != 0 for got in peer.frames())
