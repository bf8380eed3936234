"""Attacks on the HTTP service, each beside a client that notices nothing and within 32 MiB of memory."""

import threading
import time

import pytest

from http_bystander import attacked
from http_peer import HttpPeer
from server import SOON, serve

POST = "POST /upload HTTP/1.1\r\nHost: test\r\n"


@pytest.fixture(scope="module")
def server_options():
    return {
        "http": {
            "max_body_size": 1_000_000, "head_timeout_ms": 1500, "body_timeout_ms": 1000, "request_timeout_ms": 3000,
            "write_timeout_ms": 1500,
        }
    }


def drips(peer, text, pause=0.05):
    """Sends byte by byte, over and over, until the server has had enough; returns after how long that was."""
    began = time.monotonic()
    peer.socket.settimeout(pause)
    while time.monotonic() < began + SOON:
        peer.send(text[0])
        text = text[1:] + text[0]
        try:
            part = peer.socket.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            part = b""
        peer.came += part
        if part == b"" or b"\r\n\r\n" in peer.came:
            break
    peer.socket.settimeout(SOON)
    return time.monotonic() - began


def test_heads_that_drip_are_answered_408(server):
    with attacked(server, "100 heads that drip") as attack:
        others = [HttpPeer(server) for _ in range(100)]
        for peer in others:
            peer.send("GET / HTTP/1.1\r\nX: ")
        with HttpPeer(server) as peer:
            peer.send("GET / HTTP/1.1\r\n")
            assert drips(peer, "X-a: b\r\n") < SOON / 2
            answer = peer.answer()
            assert (answer.status, answer.closes) == (408, True)
        for peer in others:
            assert peer.answer().status == 408
            assert peer.until_closed() == b""
            peer.socket.close()
        attack.look()


def test_bodies_that_stop_or_drip_are_ended(server):
    with attacked(server, "bodies that stop or drip") as attack:
        stopped = [HttpPeer(server) for _ in range(100)]
        for peer in stopped:
            peer.send(f"{POST}Content-Length: 100000\r\n\r\nabc")
        with HttpPeer(server) as peer:
            peer.send(f"{POST}Content-Length: 100000\r\n\r\n")
            # By request_timeout: it is never silent.
            assert 2 < drips(peer, "x") < SOON / 2
            assert peer.answer().status == 408
        for peer in stopped:
            answer = peer.answer()
            assert answer.status in (400, 408) and answer.closes, answer
            peer.socket.close()
        attack.look()


@pytest.mark.parametrize("path", ["/upload", "/echo"])
def test_chunks_without_end_are_answered_413(server, path):
    chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
    with attacked(server, f"chunks without end to {path}") as attack, HttpPeer(server) as peer:
        peer.send(f"POST {path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 100_000_000:
                peer.send(chunk)
                sent += len(chunk)
                attack.look()
        except ConnectionError:
            pass
        assert sent < 10_000_000
        answer = peer.answer()
        # The handler of `/upload` makes an answer of its own of what it is told.
        assert answer is None or answer.status == (400 if path == "/upload" else 413), answer


def test_chunks_of_one_byte_with_extensions_cost_no_memory(server):
    chunk = (b"1;" + b"x" * 100 + b"\r\na\r\n") * 50
    with attacked(server, "chunks of one byte") as attack, HttpPeer(server) as peer:
        peer.send(f"{POST}Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(2000):
                peer.send(chunk)
            attack.look()
        except ConnectionError:
            pass
        # By the limit for extensions of one body.
        answer = peer.answer()
        assert answer is None or answer.status == 400, answer


def test_a_thousand_requests_at_once_are_answered_in_order(server):
    with attacked(server, "1,000 requests at once") as attack, HttpPeer(server) as peer:
        requests = (f"GET /bytes/{at} HTTP/1.1\r\nHost: test\r\n\r\n" for at in range(1000))
        sending = threading.Thread(target=peer.send, args=("".join(requests),))
        sending.start()
        assert [len(peer.answer().body) for _ in range(1000)] == list(range(1000))
        sending.join(SOON)
        attack.look()


def test_answers_that_are_never_read_are_cut(server):
    before = server.descriptors()
    with attacked(server, "never read") as attack:
        peers = [HttpPeer(server, receive_buffer=4096) for _ in range(50)]
        for at, peer in enumerate(peers):
            path, times = ("/flood", 1) if at % 2 else ("/bytes/20000", 100)
            peer.send(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n" * times)
        with HttpPeer(server) as last:
            last.get("/")
            assert last.answer().body == b"ok"
        # All of them have been accepted.
        deadline = time.monotonic() + SOON
        # But for the client beside them.
        while server.descriptors() > before + 1 and time.monotonic() < deadline:
            attack.look()
            time.sleep(0.05)
        assert server.descriptors() <= before + 1
        for peer in peers:
            peer.socket.close()


def test_garbage_on_a_websocket_ends_it_alone(server):
    with attacked(server, "garbage on WebSockets") as attack:
        for garbage in (b"\xff" * 1000, b"\x82\xff" + b"\x7f" * 8 + bytes(4), b"GET / HTTP/1.1\r\n\r\n", b"\x01\x80\0\0\0\0" * 5000):
            with HttpPeer(server).upgrade("/ws") as peer:
                peer.send(garbage)
                peer.socket.shutdown(1)
                peer.until_closed()
            attack.look()


def test_connections_that_say_nothing_make_no_way_for_others_to_fail(server):
    with attacked(server, "300 silent connections") as attack:
        peers = [HttpPeer(server) for _ in range(300)]
        attack.look()
        for peer in peers:
            peer.socket.close()


HOSTILE = [
    "GET /\x1b[31mred\x07 HTTP/1.1\r\nHost: test\r\n\r\n",
    f"GET /{'x' * 9000} HTTP/1.1\r\nHost: test\r\n\r\n",
    b"GET /panic?\xc2\x9b31m\xe2\x80\xae HTTP/1.1\r\nHost: test\r\n\r\n",
    b"GET /\xc2\x9b31m\xe2\x80\xae HTTP/1.1\r\nHost: test\r\n\r\n",
    f"{'M' * 5000} /panic HTTP/1.1\r\nHost: test\r\n\r\n",
    "GET /%0aforged%20line%1b HTTP/1.1\r\nHost: test\r\nX: \x80\x9b\r\n\r\n",
    "POST /upload HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n\x1b[2J\r\n",
]


def test_what_is_logged_of_strangers_is_short_and_escaped(monkeypatch):
    monkeypatch.setenv("RUST_LOG", "majordomo=debug")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("RUST_BACKTRACE", "0")
    with serve(http={}) as server:
        before = len(server.log())
        for _ in range(20):
            for request in HOSTILE:
                with HttpPeer(server) as peer:
                    peer.send(request)
                    peer.head()
        told = server.log()[before:]
        lines = told.splitlines()
        assert "panicked" in told
        # A panic is told by the log, and by Rust itself; all else by nobody.
        assert len(lines) <= 20 * 5, told
        assert max(map(len, lines)) < 2000, max(lines, key=len)
        strange = {character for character in told if not character.isprintable() and character != "\n"}
        assert not strange, strange
