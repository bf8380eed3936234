"""Attacks that have names, each beside a client that notices nothing and within 32 MiB of memory."""

import pytest

from bystander import attacked
from clients import PROBE, TEST
from raw_peer import (
    ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, Peer,
    frame, message,
)

ROUNDS, BATCH = 100, 100


def streams(round):
    first = 2 * round * BATCH + 1
    return range(first, first + 2 * BATCH, 2)


def rapid_reset(peer, round):
    reset = CANCEL.to_bytes(4, "big")
    for id in streams(round):
        yield peer.open(id, PROBE + "Endless") + frame(RST_STREAM, 0, id, reset)


def made_you_reset_by_a_window_of_nothing(peer, round):
    for id in streams(round):
        yield peer.open(id, PROBE + "Endless") + frame(WINDOW_UPDATE, 0, id, bytes(4))


def made_you_reset_by_a_window_too_large(peer, round):
    for id in streams(round):
        window = frame(WINDOW_UPDATE, 0, id, (2**31 - 1).to_bytes(4, "big"))
        yield peer.open(id, PROBE + "Endless") + window


def made_you_reset_by_data_after_the_end(peer, round):
    for id in streams(round):
        data = frame(DATA, END_STREAM, id, message())
        yield peer.open(id, PROBE + "Endless") + data + data


def continuation_without_end(peer, round):
    if round == 0:
        yield frame(HEADERS, 0, 1, peer.headers(TEST + "EmptyCall"))
    for _ in range(BATCH):
        yield frame(CONTINUATION, 0, 1, b"\0\x01x\x7f\x81\x06" + b"v" * 1024)


def continuation_of_nothing(peer, round):
    if round == 0:
        yield frame(HEADERS, 0, 1, peer.headers(TEST + "EmptyCall"))
    for _ in range(BATCH):
        yield frame(CONTINUATION, 0, 1)


def settings(peer, round):
    for _ in range(BATCH):
        yield frame(SETTINGS, payload=bytes.fromhex("000400010000") * 10)


def pings(peer, round):
    for _ in range(BATCH):
        yield frame(PING, payload=bytes(8))


def acknowledgements(peer, round):
    for _ in range(BATCH):
        yield frame(PING, ACK, payload=bytes(8))


def empty_data(peer, round):
    if round == 0:
        yield peer.open(1, TEST + "StreamingInputCall")
    for _ in range(BATCH):
        yield frame(DATA, 0, 1)


def header_bomb(peer, round):
    """A header that is remembered once, and named a thousand times in each call."""
    remembered = b"\x40\x06x-bomb\x7f\x81\x1e" + b"v" * 3968
    for at, id in enumerate(streams(round)):
        block = peer.headers(PROBE + "Inspect")
        if round == at == 0:
            yield frame(HEADERS, END_HEADERS | END_STREAM, id, block + remembered)
        else:
            yield frame(HEADERS, END_HEADERS | END_STREAM, id, block + b"\xbe" * 1000)


def huge_tables(peer, round):
    """Answers that differ, to a peer that would have all of them remembered."""
    if round == 0:
        yield frame(SETTINGS, payload=(1).to_bytes(2, "big") + b"\xff\xff\xff\xff")
    for id in streams(round):
        yield frame(HEADERS, END_HEADERS | END_STREAM, id, peer.headers(f"/no.Service/{id:0200}"))


ATTACKS = [
    rapid_reset,
    made_you_reset_by_a_window_of_nothing,
    made_you_reset_by_a_window_too_large,
    made_you_reset_by_data_after_the_end,
    continuation_without_end,
    continuation_of_nothing,
    settings,
    pings,
    acknowledgements,
    empty_data,
    header_bomb,
    huge_tables,
]


@pytest.mark.parametrize("reads", [True, False], ids=["read", "unread"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_it_costs_bounded_memory_and_no_call_of_another(server, attack, reads):
    with attacked(server, f"{attack.__name__}, {'read' if reads else 'unread'}") as watched:
        with Peer(server, receive_buffer=None if reads else 4096) as peer:
            peer.begin()
            peer.socket.settimeout(0.5)
            try:
                for round in range(ROUNDS):
                    peer.send(*attack(peer, round))
                    watched.look()
                    if reads:
                        discard(peer)
            except (TimeoutError, ConnectionError):
                # The server has had enough: it reads no more, or sends the attacker away.
                pass
            watched.look()


def discard(peer):
    """What has come so far; the attacker does not understand it."""
    peer.socket.setblocking(False)
    try:
        while peer.socket.recv(65536):
            pass
    except BlockingIOError:
        pass
    finally:
        peer.socket.settimeout(0.5)
