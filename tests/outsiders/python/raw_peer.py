"""A peer by bytes: what it sends and reads is up to the test, frame by frame.

    peer = Peer(server)           connected, and nothing said
    peer.begin()                  preface and settings, both ways
    peer.call(1, "/a.B/C")        HEADERS of a call
    for frame in peer.frames():   until the server closes
"""

import socket
import struct

import hpack

from server import SOON

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM = ACK = 1
END_HEADERS = 4
CANCEL = 8


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def message(body=b"", compressed=False):
    """A gRPC message on the wire."""
    return struct.pack(">BI", compressed, len(body)) + body


class Frame:
    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload

    def code(self):
        """The error of a RST_STREAM or GOAWAY."""
        at = 4 if self.kind == GOAWAY else 0
        return struct.unpack(">I", self.payload[at : at + 4])[0]


class Peer:
    def __init__(self, server, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(SOON)
        self.socket.connect(server.host_and_port)
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *parts):
        self.socket.sendall(b"".join(parts))

    def begin(self, settings=b""):
        """Preface and settings; returns once the server has acknowledged ours, and so has read them."""
        self.send(PREFACE, frame(SETTINGS, payload=settings))
        self.until(lambda frame: frame.kind == SETTINGS and frame.flags == ACK)
        return self

    def headers(self, path, *more):
        headers = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost")]
        return self.encoder.encode(headers + [("content-type", "application/grpc"), ("te", "trailers"), *more])

    def open(self, stream, path, *more):
        """The frame that opens a call."""
        return frame(HEADERS, END_HEADERS, stream, self.headers(path, *more))

    def call(self, stream, path, *more, body=b""):
        """A whole unary call."""
        self.send(self.open(stream, path, *more), frame(DATA, END_STREAM, stream, message(body)))

    def _read(self, size):
        read = b""
        while len(read) < size:
            part = self.socket.recv(size - len(read))
            if not part:
                raise EOFError
            read += part
        return read

    def read(self):
        """The next frame. Settings are acknowledged; a lost connection is EOFError, however it was lost."""
        try:
            head = self._read(9)
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            payload = self._read(int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & ACK:
                self.send(frame(SETTINGS, ACK))
        except (ConnectionError, EOFError):
            raise EOFError("the connection has ended") from None
        return Frame(kind, flags, stream, payload)

    def until(self, is_it):
        while not is_it(found := self.read()):
            pass
        return found

    def frames(self):
        """All until the connection's end."""
        while True:
            try:
                yield self.read()
            except EOFError:
                return

    def until_closed(self):
        """Reads and says nothing, not even that it has understood."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            pass

    def answer(self, stream):
        """The messages and the headers, trailers among them, of a call's answer; read to its end."""
        headers, data = {}, b""
        while True:
            got = self.read()
            if got.kind == HEADERS:
                # Every block counts for the compression's state, whosever it is.
                block = dict(self.decoder.decode(got.payload))
                if got.stream == stream:
                    headers |= block
            elif got.kind == DATA and got.stream == stream:
                data += got.payload
            elif got.kind == RST_STREAM and got.stream == stream:
                raise AssertionError(f"reset with code {got.code()}")
            if got.stream == stream and got.kind in (HEADERS, DATA) and got.flags & END_STREAM:
                return data, headers

    def is_answered(self, stream=1):
        """Asserts that a call of its own is answered OK."""
        self.call(stream, "/grpc.testing.TestService/EmptyCall")
        data, headers = self.answer(stream)
        assert (data, headers["grpc-status"]) == (message(), "0")
