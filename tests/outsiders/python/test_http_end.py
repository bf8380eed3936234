"""The end, with everything open at once that could hold it up."""

import time

import pytest

from clients import Client
from http_peer import HttpPeer
from server import LATE, SOON, serve

UPLOAD = "POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n"


def begun(server, what):
    """Waits until a handler has such a request."""
    with Client(server.address) as client:
        client.account(what, begun=1)


def web(report):
    return next(service for service in report["report"]["services"] if service["id"] == "web")


def test_whoever_is_there_the_end_comes_in_time_and_in_order():
    options = {"workers": 1, "stream_grace_ms": 500}
    with serve(max_shutdown_ms=10_000, http=options) as server, Client(server.address) as client:
        events = HttpPeer(server)
        events.get("/sse")
        assert events.head().status == 200
        socket, polite = HttpPeer(server).upgrade("/ws"), HttpPeer(server).upgrade("/ws/polite")
        socket.send_frame(2, b"here")
        assert socket.read_frame() == (2, b"here")
        idle = HttpPeer(server)
        idle.get("/")
        assert idle.answer().body == b"ok"
        slow_reader = HttpPeer(server, receive_buffer=4096)
        slow_reader.get("/bytes/50000000")
        assert slow_reader.head().status == 200
        working = HttpPeer(server)
        working.get("/linger/1500")
        uploading, half = HttpPeer(server), HttpPeer(server)
        uploading.send(UPLOAD, "x" * 1000)
        half.send("GET / HTTP/1.1\r\nHo")
        client.account("linger", begun=1)
        client.account("upload", begun=1)
        # The one worker serves connections in their order: all of that has been read when the last is answered.
        with HttpPeer(server) as last:
            last.get("/")
            assert last.answer().body == b"ok"

        server.terminate()
        assert idle.until_closed() == b""
        assert polite.read_frame() == (8, b"\x03\xe9leaving")
        answer = half.answer()
        assert (answer.status, answer.closes) == (408, True)
        uploading.send("x" * 99_000)
        answer = uploading.answer()
        assert (answer.status, answer.body, answer.closes) == (200, b"100000", True)
        assert events.until_closed().endswith(b"0\r\n\r\n"), "its end is in order"
        assert socket.until_closed() == b""
        answer = working.answer()
        assert (answer.body, answer.closes) == (b"late", True)
        report = server.stop()
        assert report["took"] < 10
        # The events and the two WebSockets; that of the polite one is open for as long as its client leaves it so.
        assert web(report)["streams_ended"] == 3
        for peer in (events, socket, polite, idle, slow_reader, working, uploading, half):
            peer.socket.close()


def test_what_holds_on_until_the_deadline_is_answered_and_named():
    with serve(max_shutdown_ms=1500, http={}) as server, HttpPeer(server) as peer:
        peer.get("/slow/600000")
        begun(server, "slow")
        server.terminate()
        answer = peer.answer()
        assert (answer.status, answer.closes, answer.headers["retry-after"]) == (503, True, "1")
        report = server.stop(clean=False)
        assert report["exit_code"] == 3 and report["took"] < 1.5 + LATE
        assert "web" in report["error"] and "GET /slow/.." in report["error"], report["error"]


@pytest.mark.parametrize("sends", ["nothing more", "drips"])
def test_an_upload_that_nobody_goes_on_with_is_no_failure(sends):
    with serve(max_shutdown_ms=10_000, http={}) as server, HttpPeer(server) as peer:
        peer.send(UPLOAD, "x")
        begun(server, "upload")
        server.terminate()
        peer.socket.settimeout(0.05)
        deadline = time.monotonic() + SOON
        while server.process.poll() is None and time.monotonic() < deadline:
            try:
                if sends == "drips":
                    peer.send("x")
                if peer.socket.recv(65536) == b"":
                    break
            except TimeoutError:
                pass
            except ConnectionError:
                break
        assert server.stop()["took"] < 7.5
