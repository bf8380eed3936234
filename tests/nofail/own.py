"""Our own load, and that of grpcio: each a process that goes on until its standard input ends, and then tells what came of it.

    own.py http ADDRESS RATE        requests over HTTP/1.1: half of them on connections of their own, half on those that are kept
    own.py grpc ADDRESS RATE        calls by grpcio: unary ones, and streams of 0.1 s and of 2 s in both kinds

A rate of 0 is as many as it can. Requests are sent when they are due, whether or not those before are answered, and the time of each
begins when it was due; how long those of the first WARM_UP seconds took is not told, only what failed of them. Nothing is sent a second time
but by grpcio itself, which does so with calls that no handler has seen.
"""

import asyncio
import collections
import itertools
import json
import socket
import sys
import time

AT_ONCE = 16
ANSWER_WITHIN = 20
# Seconds in which a client of Python is busy with itself.
WARM_UP = 1.5


class Told:
    """What came of requests of one kind: seconds, and failures in words."""

    def __init__(self):
        self.took, self.failed, self.warm_at = [], [], time.perf_counter() + WARM_UP

    async def one(self, due, doing):
        try:
            await asyncio.wait_for(doing, ANSWER_WITHIN)
            if due >= self.warm_at:
                self.took.append(time.perf_counter() - due)
        except Exception as error:  # each is told
            self.failed.append(f"{type(error).__name__}: {error}"[:300])

    def told(self):
        return {"took": self.took, "failed": self.failed}


async def pace(told, rate, once, over):
    """Begins one after the other at that rate, or so many at once."""
    if rate == 0:
        async def again():
            while not over.is_set():
                await told.one(time.perf_counter(), once())
        await asyncio.gather(*(again() for _ in range(AT_ONCE)))
        return
    began, count, open_ones = time.perf_counter(), 0, set()
    while not over.is_set():
        due = began + count / rate
        late = time.perf_counter() - due
        if late < 0:
            await asyncio.sleep(-late)
        doing = asyncio.create_task(told.one(due, once()))
        open_ones.add(doing)
        doing.add_done_callback(open_ones.discard)
        count += 1
    if open_ones:
        await asyncio.wait(open_ones)


class Http:
    GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
    LAST = b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    POST = b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nabcde"

    # Where connections come from, in turn: from one address a second's thousand would soon have used all ports, which rest for a minute.
    SOURCES = [f"127.0.0.{last}" for last in range(1, 17)]
    IP_BIND_ADDRESS_NO_PORT = 24  # of linux/in.h: connect() chooses the port

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.server, self.sources = (host, int(port)), itertools.cycle(self.SOURCES)
        self.kept, self.turn = collections.deque(), 0

    async def ask(self, reader, writer, request, wanted):
        """Whether the connection is to be kept."""
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in head.split("\r\n") if line.startswith("content-length:")).split(":")[1]
        body = await reader.readexactly(int(length))
        if not head.startswith("http/1.1 200 ") or body != wanted:
            raise AssertionError(f"{head} {body!r}")
        return "connection: close" not in head

    async def connect(self):
        connection = socket.socket()
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_IP, self.IP_BIND_ADDRESS_NO_PORT, 1)
            connection.bind((next(self.sources), 0))
            await asyncio.get_running_loop().sock_connect(connection, self.server)
            return await asyncio.open_connection(sock=connection)
        except BaseException:
            connection.close()
            raise

    async def alone(self):
        reader, writer = await self.connect()
        try:
            await self.ask(reader, writer, self.LAST, b"ok")
        finally:
            writer.close()

    async def on_kept(self):
        # The one that was idle for longest, so that none is idle for long.
        reader, writer = self.kept.popleft() if self.kept else await self.connect()
        self.turn += 1
        request, wanted = (self.POST, b"abcde") if self.turn % 2 else (self.GET, b"ok")
        if await self.ask(reader, writer, request, wanted):
            self.kept.append((reader, writer))
        else:
            writer.close()

    async def play(self, rate, over):
        alone, kept = Told(), Told()
        await asyncio.gather(pace(alone, rate / 2, self.alone, over), pace(kept, rate / 2, self.on_kept, over))
        for _, writer in self.kept:
            writer.close()
        return {"HTTP/1.1, a connection each": alone.told(), "HTTP/1.1, kept": kept.told()}


def number(value):
    """As protobuf writes one."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def wanted_messages(count, pause):
    """A StreamingOutputCallRequest: so many messages of one byte, each after so many seconds."""
    one = b"\x08\x01\x10" + number(int(pause * 1_000_000))
    return (b"\x12" + number(len(one)) + one) * count


class Grpc:
    TEST = "/grpc.testing.TestService/"

    def __init__(self, address):
        import grpc

        # Channels of the same options share one connection, unless they are told not to.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self.channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(4)]
        self.turn = 0

    def channel(self):
        self.turn += 1
        return self.channels[self.turn % len(self.channels)]

    async def unary(self):
        await self.channel().unary_unary(self.TEST + "EmptyCall")(b"")

    async def stream(self, count, pause):
        call = self.channel().unary_stream(self.TEST + "StreamingOutputCall")(wanted_messages(count, pause))
        came = [message async for message in call]
        if len(came) != count:
            raise AssertionError(f"{len(came)} of {count} messages")

    async def dialogue(self, count, pause):
        from grpc import StatusCode, aio

        call = self.channel().stream_stream(self.TEST + "FullDuplexCall")()
        for _ in range(count):
            await call.write(wanted_messages(1, pause))
            if await call.read() is aio.EOF:
                raise AssertionError(f"the stream ended: {await call.code()} {await call.details()}")
        await call.done_writing()
        if await call.read() is not aio.EOF or await call.code() != StatusCode.OK:
            raise AssertionError(f"it ended with {await call.code()} {await call.details()}")

    async def play(self, rate, over):
        unary, streams, dialogues = Told(), Told(), Told()
        await asyncio.gather(
            pace(unary, rate, self.unary, over),
            pace(streams, 10, lambda: self.stream(20, 0.005), over),
            pace(streams, 1, lambda: self.stream(200, 0.01), over),
            pace(dialogues, 5, lambda: self.dialogue(20, 0.005), over),
            pace(dialogues, 0.5, lambda: self.dialogue(100, 0.02), over),
        )
        for channel in self.channels:
            await channel.close()
        return {"gRPC, unary": unary.told(), "gRPC, streams": streams.told(), "gRPC, both ways": dialogues.told()}


async def main():
    kind, address, rate = sys.argv[1:]
    over = asyncio.Event()
    client = {"http": Http, "grpc": Grpc}[kind](address)
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, sys.stdin.read).add_done_callback(lambda _: over.set())
    print(json.dumps(await client.play(float(rate), over)))


if __name__ == "__main__":
    asyncio.run(main())
