"""Three replicas behind HAProxy and nginx under load: rolling restarts fail no request, and one that is killed only what it is at."""

import asyncio
import contextlib
import http.client
import os
import time

import pytest

from free_ports import free_ports
from proxies import proxy
from server import SOON, serve

REPLICAS, CLIENTS = 3, 8
# A round takes five to ten seconds; the claim in docs/upgrades.md is of ten.
ROUNDS = int(os.environ.get("RESTART_ROUNDS", 3))
PAUSE = 0.002


class Load:
    """Clients that ask all the time, each on a connection of its own, and say what went wrong."""

    def __init__(self, port):
        self.port, self.over = port, False
        self.answered, self.failed, self.posts = 0, [], 0
        # When those that failed were sent, and had failed.
        self.open_failed = []

    def fail(self, began, what):
        self.failed.append(what)
        self.open_failed.append((began, time.monotonic()))

    async def _ask(self, reader, writer, at):
        """Whether the connection goes on."""
        began = time.monotonic()
        if at % 3:
            writer.write(b"GET /pid HTTP/1.1\r\nHost: test\r\n\r\n")
        else:
            self.posts += 1
            writer.write(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nabcde")
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in head.split("\r\n") if line.startswith("content-length:")).split(":")[1]
        body = await reader.readexactly(int(length))
        if head.split(" ")[1] != "200" or at % 3 == 0 and body != b"abcde":
            self.fail(began, f"{'GET' if at % 3 else 'POST'}: {head} {body!r}")
        self.answered += 1
        return "connection: close" not in head

    async def _client(self):
        at = 0
        while not self.over:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                began = time.monotonic()
                while await self._ask(reader, writer, at) and not self.over:
                    at += 1
                    await asyncio.sleep(PAUSE)
                    began = time.monotonic()
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                self.fail(began, repr(error))
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


class Replicas:
    """Those of one program, each at a port of its own, and the proxy before them."""

    def __init__(self, kind, folder, stack):
        self.stack, self.ports = stack, free_ports(REPLICAS)
        self.servers = [self.started(port) for port in self.ports]
        self.front = stack.enter_context(proxy(kind, folder, self.ports))

    def started(self, port):
        return self.stack.enter_context(serve(drain_delay_ms=1000, http={"address": f"127.0.0.1:{port}"}))

    def all_answering(self):
        for server in self.servers:
            answering(self.front.port, server.process)

    def replace(self, at):
        self.servers[at] = self.started(self.ports[at])
        answering(self.front.port, self.servers[at].process)


@pytest.mark.parametrize("kind", ["haproxy", "nginx"])
def test_rolling_restarts_fail_no_request(kind, tmp_path):
    with contextlib.ExitStack() as stack:
        replicas = Replicas(kind, tmp_path, stack)
        load = Load(replicas.front.port)

        def restarts():
            replicas.all_answering()
            for _ in range(ROUNDS):
                for at in range(REPLICAS):
                    report = replicas.servers[at].stop()
                    assert report["took"] < 10, report
                    replicas.replace(at)

        asyncio.run(load.beside(restarts))
        assert not load.failed, f"{len(load.failed)} failed, {load.failed[:3]}\n{replicas.front.log()[-4000:]}"
        print(f"{kind}: {REPLICAS * ROUNDS} restarts, {load.answered} requests, {load.posts} of them POST, none failed")
        assert load.posts > 100


@pytest.mark.parametrize("kind", ["haproxy", "nginx"])
def test_a_replica_that_is_killed_fails_what_it_is_at_and_nothing_else(kind, tmp_path):
    with contextlib.ExitStack() as stack:
        replicas = Replicas(kind, tmp_path, stack)
        load, gone = Load(replicas.front.port), []

        def killed():
            replicas.all_answering()
            for at in range(REPLICAS):
                killed = time.monotonic()
                replicas.servers[at].kill_on_purpose()
                gone.append((killed, time.monotonic()))
                replicas.replace(at)

        asyncio.run(load.beside(killed))
        print(f"{kind}: {REPLICAS} killed, {load.answered} requests, {len(load.failed)} failed")
        # Each client asks for one thing at a time.
        assert len(load.failed) <= REPLICAS * CLIENTS, load.failed
        if kind == "nginx":
            # It asks another replica, where that cannot do anything twice.
            assert all(what.startswith("POST") for what in load.failed), load.failed
        for (sent, failed), what in zip(load.open_failed, load.failed):
            # What was open when one was killed, and nothing that was sent after its end.
            assert any(sent < end and killed < failed for killed, end in gone), (what, sent, failed, gone)
