"""Requests that could be read in two ways, or that no server has to bear: refused, and nothing after them is served.

What is refused is so with `Connection: close`; what RFC 9112 leaves to the server, and is accepted, is here, too.
"""

import json

import pytest

from http_bystander import attacked
from http_peer import HttpPeer, asked

HOST = "Host: test\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
# Served only if what comes before it has ended where its sender wants that to have ended.
SMUGGLED = "GET /pid HTTP/1.1\r\nHost: test\r\n\r\n"


def head(first, *lines):
    return "".join([first, "\r\n", *lines, "\r\n"])


def get(*lines, target="/seen", version="HTTP/1.1"):
    return head(f"GET {target} {version}", *lines)


def post(*lines):
    return head("POST /echo HTTP/1.1", HOST, *lines)


REFUSED = {
    "two different lengths": (400, post("Content-Length: 5\r\n", "Content-Length: 6\r\n") + "abcdef"),
    "a list of lengths": (400, post("Content-Length: 5, 6\r\n") + "abcdef"),
    "a length with a sign": (400, post("Content-Length: +5\r\n") + "abcde"),
    "a length below nothing": (400, post("Content-Length: -5\r\n")),
    "chunks that are not the last coding": (400, post("Transfer-Encoding: chunked, gzip\r\n") + "0\r\n\r\n"),
    "a coding that nobody knows": (501, post("Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n"),
    "chunked twice": (400, post("Transfer-Encoding: chunked, chunked\r\n") + "0\r\n\r\n"),
    "chunked on two lines": (400, post(CHUNKED, CHUNKED) + "0\r\n\r\n"),
    "chunked behind a control character": (400, post("Transfer-Encoding: \x0bchunked\r\n") + "0\r\n\r\n"),
    "chunked in quotes": (400, post('Transfer-Encoding: "chunked"\r\n') + "0\r\n\r\n"),
    "chunks over HTTP/1.0": (400, head("POST /echo HTTP/1.0", HOST, CHUNKED) + "0\r\n\r\n"),
    "a chunk of no number": (400, post(CHUNKED) + "zz\r\n"),
    "a chunk below nothing": (400, post(CHUNKED) + "-1\r\n"),
    "a chunk with a prefix": (400, post(CHUNKED) + "0x5\r\nabcde\r\n0\r\n\r\n"),
    "a chunk beyond all numbers": (400, post(CHUNKED) + "f" * 17 + "\r\n"),
    "a chunk that a bare LF begins": (400, post(CHUNKED) + "5\nabcde\r\n0\r\n\r\n"),
    "a chunk that a bare LF ends": (400, post(CHUNKED) + "5\r\nabcde\n0\r\n\r\n"),
    "a bare LF in an extension": (400, post(CHUNKED) + "5;a\nb\r\nabcde\r\n0\r\n\r\n"),
    "a huge extension": (400, post(CHUNKED) + "5;" + "a" * 20_000 + "\r\nabcde\r\n0\r\n\r\n"),
    "huge trailers": (400, post(CHUNKED) + "0\r\nA: " + "b" * 100_000 + "\r\n\r\n"),
    "a bare CR in a value": (400, get(HOST, "A: b\rc\r\n")),
    "a folded line": (400, get(HOST, "A: b\r\n c\r\n")),
    "a line before the first": (400, get(" A: b\r\n", HOST)),
    "a space before the colon": (400, get("Host : test\r\n")),
    "a space before the length's colon": (400, post("Content-Length : 5\r\n") + "abcde"),
    "two hosts": (400, get(HOST, HOST)),
    "no host": (400, get()),
    "a host that is none": (400, get("Host: test/../other\r\n")),
    "a host with a user": (400, get("Host: user@test\r\n")),
    "a target with a user": (400, get(HOST, target="http://user:word@test/seen")),
    "a place as the target": (400, get(HOST, target="test:80")),
    "a star as the target": (400, get(HOST, target="*")),
    "CONNECT to a path": (400, head("CONNECT /pid HTTP/1.1", HOST)),
    "a NUL in a value": (400, get(HOST, "A: b\0c\r\n")),
    "a NUL in a name": (400, get(HOST, "A\0: b\r\n")),
    "a DEL in a value": (400, get(HOST, "A: b\x7fc\r\n")),
    "a control character in the path": (400, get(HOST, target="/seen\x01")),
    "a tab in the path": (400, get(HOST, target="/se\ten")),
    "bytes that are no text in the path": (400, get(HOST, target="/\xff\xfe")),
    "HTTP/0.9": (400, "GET /seen\r\n"),
    "HTTP/1.2": (400, get(HOST, version="HTTP/1.2")),
    "HTTP/3": (400, get(HOST, version="HTTP/3")),
    "TLS": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "too many headers": (431, get(HOST, *(f"a{at}: b\r\n" for at in range(100)))),
    "a huge header": (431, get(HOST, "A: " + "x" * 100_000 + "\r\n")),
    "a header without end": (431, f"GET / HTTP/1.1\r\nA: {'x' * 1_000_000}"),
    "a huge target": (431, get(HOST, target="/" + "x" * 100_000)),
    "a body that is too long": (413, post("Content-Length: 100001\r\n")),
    "a body beyond all numbers": (400, post("Content-Length: 99999999999999999999999\r\n")),
}


@pytest.fixture(scope="module")
def server_options():
    return {"http": {"max_body_size": 100_000}}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_and_the_connection_ends(server, name):
    status, request = REFUSED[name]
    with HttpPeer(server) as peer:
        try:
            peer.send(request, SMUGGLED)
        except ConnectionError:
            pass  # It has heard enough; what it says is to be read all the same.
        answer = peer.answer()
        assert answer and answer.status == status, answer
        assert answer.closes, answer
        assert peer.until_closed() == b""
    assert not server.log(), server.log()


ACCEPTED = {
    "HTTP/1.0 without a host": get(version="HTTP/1.0"),
    "lines that LF alone ends": "GET /seen HTTP/1.1\nHost: test\n\n",
    "empty lines before it": "\r\n\r\n" + get(HOST),
    "an h2c upgrade, which is not taken": get(
        HOST, "Connection: Upgrade, HTTP2-Settings\r\n", "Upgrade: h2c\r\n", "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    ),
    "an upgrade to garbage": get(HOST, "Connection: Upgrade\r\n", "Upgrade: \xff\x80garbage\r\n"),
    "OPTIONS of the server": head("OPTIONS * HTTP/1.1", HOST),
    "the same length twice": head("POST /seen HTTP/1.1", HOST, "Content-Length: 2\r\n", "Content-Length: 2\r\n") + "ab",
    "CONNECT that no handler takes": head("CONNECT test:443 HTTP/1.1", "Host: test:443\r\n"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_it_is_harmless(server, name):
    with asked(server, ACCEPTED[name]) as peer:
        answer = peer.answer()
        assert answer.status in (200, 404) and "upgrade" not in answer.headers, answer


@pytest.mark.parametrize("first", ["Content-Length", "Transfer-Encoding"])
def test_a_length_beside_chunks_is_ignored_and_the_connection_ends(server, first):
    lines = ["Content-Length: 5\r\n", CHUNKED]
    request = post(*(lines if first == "Content-Length" else lines[::-1]))
    with asked(server, request, "0\r\n\r\n", SMUGGLED) as peer:
        answer = peer.answer()
        assert (answer.status, answer.body, answer.closes) == (200, b"", True), answer
        assert peer.until_closed() == b""


def test_a_target_that_names_a_host_is_for_that_host(server):
    with asked(server, get("Host: other.example\r\n", target="http://real.example/seen")) as peer:
        seen = json.loads(peer.answer().body)
    assert [value for name, value in seen["headers"] if name == "host"] == ["real.example"]


def test_the_body_of_a_get_is_no_request(server):
    with asked(server, get(HOST, f"Content-Length: {len(SMUGGLED)}\r\n"), SMUGGLED, get(HOST, target="/")) as peer:
        assert b"/seen" in peer.answer().body
        # What was not read of a body ends the connection, or is passed over.
        rest = peer.answer()
        assert rest is None or rest.body == b"ok", rest


def test_trailers_do_not_become_headers(server):
    request = head("POST /seen HTTP/1.1", HOST, CHUNKED) + "1\r\na\r\n0\r\nHost: other\r\nA: b\r\n\r\n"
    with asked(server, request) as peer:
        names = [name for name, _ in json.loads(peer.answer().body)["headers"]]
    assert names == ["host", "transfer-encoding"]


def test_all_of_them_at_once_cost_next_to_nothing(server):
    with attacked(server, "what is refused") as attack:
        for _ in range(5):
            peers = []
            for _, request in REFUSED.values():
                peers.append(HttpPeer(server))
                try:
                    peers[-1].send(request)
                except ConnectionError:
                    pass
            attack.look()
            for peer in peers:
                peer.socket.close()
