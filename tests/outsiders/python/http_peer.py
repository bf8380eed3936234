"""A client of HTTP/1.1 by bytes: what it sends and reads is up to the test.

    peer = HttpPeer(server)           connected, and nothing said
    peer.send("GET / HTTP/1.1\\r\\n")
    answer = peer.answer()            status, headers and body of the next answer; None: closed without one
"""

import contextlib
import os
import socket

from server import SOON


class Answer:
    def __init__(self, status, headers, body=b""):
        self.status, self.headers, self.body = status, headers, body

    @property
    def closes(self):
        return self.headers.get("connection", "").lower() == "close"

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:200]!r}"


class HttpPeer:
    def __init__(self, server, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(SOON)
        self.socket.connect(server.http_host_and_port)
        self.came = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *parts):
        for part in parts:
            self.socket.sendall(part.encode("latin-1") if isinstance(part, str) else part)

    def get(self, path, *lines):
        self.send("".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", "Host: test", *lines, "")))

    def _more(self):
        try:
            part = self.socket.recv(65536)
        except ConnectionError:
            return False
        self.came += part
        return bool(part)

    def head(self):
        """The head of the next answer; None where the connection ends without one."""
        while b"\r\n\r\n" not in self.came:
            if not self._more():
                assert not self.came, f"half an answer: {self.came!r}"
                return None
        head, self.came = self.came.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        return Answer(int(first.split(" ")[1]), headers)

    def take(self, count):
        """So many bytes, or what came of them before the end."""
        while len(self.came) < count and self._more():
            pass
        taken, self.came = self.came[:count], self.came[count:]
        return taken

    def answer(self, bodiless=False):
        """The next answer, 100 Continue left out; None where the connection ends without one."""
        while (answer := self.head()) and answer.status == 100:
            pass
        if answer is None or bodiless:
            return answer
        if answer.headers.get("transfer-encoding") == "chunked":
            answer.body = b"".join(self._chunks())
        else:
            answer.body = self.take(int(answer.headers.get("content-length", 0)))
        return answer

    def _chunks(self):
        while True:
            while b"\r\n" not in self.came:
                assert self._more(), "the answer was cut"
            size, self.came = self.came.split(b"\r\n", 1)
            chunk = self.take(int(size, 16) + 2)[:-2]
            if not chunk:
                return
            yield chunk

    def until_closed(self):
        """All that comes until the server closes the connection, or resets it."""
        while self._more():
            pass
        rest, self.came = self.came, b""
        return rest

    def upgrade(self, path):
        """Speaks WebSocket from here on."""
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        self.get(path, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}")
        answer = self.head()
        assert answer.status == 101, answer
        return self

    def send_frame(self, kind, payload):
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.send(bytes([0x80 | kind, 0x80 | len(payload)]), mask, masked)

    def read_frame(self):
        """Kind and payload of the next short frame; None at the end."""
        head = self.take(2)
        if len(head) < 2:
            return None
        return head[0] & 0x0F, self.take(head[1] & 0x7F)


@contextlib.contextmanager
def asked(server, *parts):
    """A connection on which something was said."""
    with HttpPeer(server) as peer:
        peer.send(*parts)
        yield peer
