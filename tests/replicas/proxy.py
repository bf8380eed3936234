"""The network between one replica and the store: a proxy of TCP that can be cut.

    stall   nothing passes in either direction, and nobody is told; what was sent meanwhile arrives late, when it is mended
    drop    all connections break, and new ones do, too
"""

import asyncio
import threading

CUTS = ("stall", "drop")


class Proxy:
    def __init__(self, target):
        self.target, self.drops, self.transports = target, False, set()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self.thread.start()
        if not ready.wait(10):
            raise TimeoutError("a proxy does not start")

    def _run(self, ready):
        self.passes = asyncio.Event()
        self.passes.set()
        server = self.loop.run_until_complete(self._listen())
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()

    async def _listen(self):
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader, writer):
        if self.drops:
            writer.transport.abort()
            return
        await self.passes.wait()
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        transports = {writer.transport, up_writer.transport}
        self.transports |= transports
        try:
            await asyncio.gather(self._pass(reader, up_writer), self._pass(up_reader, writer))
        finally:
            self.transports -= transports

    async def _pass(self, reader, writer):
        try:
            while data := await reader.read(1 << 16):
                await self.passes.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        await self.passes.wait()
        writer.close()

    def _change(self, change):
        async def changed():
            change()

        asyncio.run_coroutine_threadsafe(changed(), self.loop).result(10)

    def cut(self, how):
        def stall():
            self.passes.clear()

        def drop():
            self.drops = True
            for transport in self.transports:
                transport.abort()

        self._change({"stall": stall, "drop": drop}[how])

    def mend(self):
        def mend():
            self.drops = False
            self.passes.set()

        self._change(mend)
