"""Peers that would hold up a drain: it is over within a share of its time all the same, and nobody else loses a call."""

import threading
import time

import pytest

from clients import PROBE, TEST, Client, P
from raw_peer import ACK, CONTINUATION, DATA, END_STREAM, GOAWAY, HEADERS, PING, SETTINGS, Peer, frame, message
from server import SOON, serve

LIMIT_MS = 10_000
NO_WINDOW = (4).to_bytes(2, "big") + bytes(4)


def go_on(peer, what):
    """Does something every 10 ms until the server has had enough."""

    def again():
        try:
            at = 1001
            while True:
                peer.send(what(at))
                at += 2
                time.sleep(0.01)
        except OSError:
            pass

    threading.Thread(target=again, daemon=True).start()


def call(peer):
    return lambda at: peer.open(at, TEST + "EmptyCall") + frame(DATA, END_STREAM, at, message())


def calls_on_and_reads(peer):
    peer.begin()
    go_on(peer, call(peer))


def calls_on_and_acknowledges(peer):
    peer.begin()
    go_on(peer, call(peer))

    def acknowledge():
        try:
            for got in peer.frames():
                if got.kind == PING and not got.flags & ACK:
                    peer.send(frame(PING, ACK, payload=got.payload))
        except OSError:
            pass

    threading.Thread(target=acknowledge, daemon=True).start()


def grants_no_window(peer):
    peer.begin(settings=NO_WINDOW)
    for stream in range(1, 21, 2):
        peer.call(stream, TEST + "EmptyCall")


def grants_no_window_and_pings(peer):
    grants_no_window(peer)
    go_on(peer, lambda _: frame(PING, payload=bytes(8)))


def headers_without_end(peer):
    block = peer.begin().headers(TEST + "EmptyCall")
    peer.send(frame(HEADERS, 0, 1, block))
    go_on(peer, lambda _: frame(CONTINUATION, 0, 1, b"\0\x01x\x01y"))


def settings_without_end(peer):
    peer.begin()
    go_on(peer, lambda _: frame(SETTINGS))


PEERS = [
    calls_on_and_reads,
    calls_on_and_acknowledges,
    grants_no_window,
    grants_no_window_and_pings,
    headers_without_end,
    settings_without_end,
]


@pytest.mark.parametrize("peer_does", PEERS, ids=lambda peer_does: peer_does.__name__)
def test_a_peer_holds_up_the_end_for_a_share_of_its_time_at_most(peer_does):
    with serve(max_shutdown_ms=LIMIT_MS) as server, Client(server.address) as client:
        with Peer(server) as peer:
            peer_does(peer)
            lingering = client.probe.Linger.future(P.SleepRequest(ms=300))
            client.account(PROBE + "Linger", begun=1)
            server.terminate()
            assert lingering.result(timeout=SOON) == P.Nothing()
            report = server.stop()
            print(f"{peer_does.__name__}: over after {report['took']:.2f} of {LIMIT_MS / 1000:.0f} s")
            assert report["took"] < 0.6 * LIMIT_MS / 1000


def test_an_old_connection_whose_peer_calls_on_holds_up_nothing():
    with serve(max_connection_age_ms=200, max_shutdown_ms=LIMIT_MS) as server:
        with Peer(server) as peer:
            calls_on_and_reads(peer)
            peer.until(lambda frame: frame.kind == GOAWAY)
            assert server.stop()["took"] < 0.6 * LIMIT_MS / 1000
