"""Rolling restarts behind HAProxy and nginx under load: no request fails."""

import asyncio
import contextlib
import http.client
import time

import pytest

from proxies import free_port, proxy
from server import SOON, serve

CLIENTS, ROUNDS = 8, 3
PAUSE = 0.002


class Load:
    """Clients that ask all the time, each on a connection of its own, and say what went wrong."""

    def __init__(self, port):
        self.port, self.over = port, False
        self.answered, self.failed, self.posts = 0, [], 0

    async def _ask(self, reader, writer, at):
        """Whether the connection goes on."""
        if at % 3:
            writer.write(b"GET /pid HTTP/1.1\r\nHost: test\r\n\r\n")
        else:
            self.posts += 1
            writer.write(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nabcde")
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in head.split("\r\n") if line.startswith("content-length:")).split(":")[1]
        body = await reader.readexactly(int(length))
        if head.split(" ")[1] != "200" or at % 3 == 0 and body != b"abcde":
            self.failed.append(f"{'GET' if at % 3 else 'POST'}: {head} {body!r}")
        self.answered += 1
        return "connection: close" not in head

    async def _client(self):
        at = 0
        while not self.over:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                while await self._ask(reader, writer, at) and not self.over:
                    at += 1
                    await asyncio.sleep(PAUSE)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                self.failed.append(repr(error))
            finally:
                writer.close()

    async def beside(self, work):
        clients = [asyncio.create_task(self._client()) for _ in range(CLIENTS)]
        try:
            await asyncio.to_thread(work)
        finally:
            self.over = True
            await asyncio.gather(*clients)


def answering(port, process):
    """Waits until this process is among those that the proxy asks."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)
        client.request("GET", "/pid")
        came = client.getresponse().read()
        client.close()
        if came == str(process.pid).encode():
            return
        time.sleep(0.01)
    raise AssertionError("the proxy does not ask the new server")


@pytest.mark.parametrize("kind", ["haproxy", "nginx"])
def test_rolling_restarts_fail_no_request(kind, tmp_path):
    ports = [free_port(), free_port()]

    def start(stack, port):
        return stack.enter_context(serve(drain_delay_ms=1000, http={"address": f"127.0.0.1:{port}"}))

    with contextlib.ExitStack() as stack:
        servers = [start(stack, port) for port in ports]
        front = stack.enter_context(proxy(kind, tmp_path, *ports))
        load = Load(front.port)

        def restarts():
            for server in servers:
                answering(front.port, server.process)
            for _ in range(ROUNDS):
                for at, port in enumerate(ports):
                    report = servers[at].stop()
                    assert report["took"] < 5, report
                    servers[at] = start(stack, port)
                    answering(front.port, servers[at].process)

        asyncio.run(load.beside(restarts))
        assert not load.failed, f"{len(load.failed)} failed, {load.failed[:3]}\n{front.log()[-4000:]}"
        print(f"{kind}: {load.answered} requests, {load.posts} of them POST, none failed")
        assert load.posts > 100
