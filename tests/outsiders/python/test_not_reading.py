"""Peers that call and never read: what they can have the server hold is bounded, and in the end they are cut."""

import pytest

from bystander import attacked
from raw_peer import END_HEADERS, END_STREAM, HEADERS, SETTINGS, PREFACE, Peer, frame
from server import SOON, serve

LENGTHS = [2, 10, 50, 100, 200, 400, 800, 1200, 1600, 2000, 2400, 2800, 3200, 3600, 3630, 3660, 3720, 3780, 3840, 3900]
CALLS, BATCH = 60_000, 500
# Of calls that are not short.
BYTES = 1_000_000


def number(value):
    """As HPACK writes the length of a string."""
    if value < 127:
        return bytes([value])
    value, out = value - 127, b"\x7f"
    while value > 127:
        out, value = out + bytes([value % 128 | 128]), value // 128
    return out + bytes([value])


def calls(length, indexed):
    """Calls of a path of this length, in batches; after the first at 12 bytes each, if it is indexed."""
    count = CALLS if indexed else max(500, BYTES // length)
    literal = b"\x83\x86\x44" + number(length) + b"/" + b"a" * (length - 1)
    block, out = literal, b""
    for at in range(min(CALLS, count)):
        out += frame(HEADERS, END_HEADERS | END_STREAM, 2 * at + 1, block)
        block = b"\x83\x86\xbe" if indexed else literal
        if len(out) > 64 * 1024 or at % BATCH == BATCH - 1:
            yield out
            out = b""


def floods(peer, length, indexed, attack):
    """Sends until the server takes no more, all is sent, or it cuts the peer off."""
    peer.send(PREFACE, frame(SETTINGS))
    peer.socket.settimeout(0.3)
    try:
        for batch in calls(length, indexed):
            peer.send(batch)
            attack.look()
    except (TimeoutError, ConnectionError):
        return
    # What is left fits into the buffers of the system.
    attack.look()


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed", "literal"])
def test_calls_whose_answers_are_never_read_cost_bounded_memory(server, indexed):
    for length in LENGTHS:
        with attacked(server, f"paths of {length}") as attack:
            with Peer(server, receive_buffer=4096) as peer:
                floods(peer, length, indexed, attack)


def test_many_such_peers_at_once_leave_room_for_others(server):
    with attacked(server, "eight peers") as attack:
        peers = [Peer(server, receive_buffer=4096) for _ in range(8)]
        for peer, length in zip(peers, (3600, 3840) * 4):
            floods(peer, length, True, attack)
        for peer in peers:
            peer.socket.close()


def test_who_never_reads_is_cut_in_time():
    with serve(write_timeout_ms=1000) as server:
        with attacked(server, "cut after a second") as attack, Peer(server, receive_buffer=4096) as peer:
            floods(peer, 2000, True, attack)
            peer.socket.settimeout(SOON)
            peer.until_closed()


def test_who_never_reads_does_not_hold_up_the_end():
    with serve(max_shutdown_ms=10_000) as server, Peer(server, receive_buffer=4096) as peer:
        with attacked(server, "not reading at the end") as attack:
            floods(peer, 3600, True, attack)
        assert server.stop()["took"] < 7.5
