"""The server under test, as a child process.

    with serve(max_shutdown_ms=2000) as server:
        ...                       it serves at server.address; with http={} also over HTTP, at server.http
        report = server.stop()    SIGTERM, and its last line; at the latest when the block ends

Every server has to end cleanly: exit code 0, no socket and no handler left. A test that means it to end otherwise says
`server.stop(clean=False)` and looks at the report itself.
"""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import threading
import time

PROGRAM = os.environ["OUTSIDERS_SERVER"]

# How long anything may take that has no reason to take long, on a machine that is busy.
SOON = 20

# By how much later than it is due the end of a process may be seen there: it gets its turn late, and so does who looks.
LATE = 5


class Server:
    def __init__(self, **options):
        self.process = subprocess.Popen(
            [PROGRAM, json.dumps(options)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.address = None
        self.http = None
        self.report = None
        self._expected = 2 if "http" in options else 1
        self._lines = queue.Queue()
        self._log = []
        self._readers = []
        for stream, take in ((self.process.stdout, self._lines.put), (self.process.stderr, self._log.append)):
            self._readers.append(threading.Thread(target=self._read, args=(stream, take), daemon=True))
            self._readers[-1].start()

    def _read(self, stream, take):
        for line in stream:
            take(line)
        if stream is self.process.stdout:
            take(None)

    def _next(self, event, within):
        try:
            line = self._lines.get(timeout=within)
        except queue.Empty:
            raise AssertionError(f"the server did not print {event} within {within} s:\n{self.log()}") from None
        if line is None:
            code = self.process.wait(SOON)
            for reader in self._readers:
                reader.join(SOON)
            raise AssertionError(f"the server ended with {code} before it printed {event}:\n{self.log()}")
        line = json.loads(line)
        assert line["event"] == event, f"instead of {event}: {line}\n{self.log()}"
        return line

    def log(self):
        return "".join(self._log)

    def serving(self):
        """Waits until it serves."""
        for _ in range(self._expected):
            serving = self._next("serving", SOON)
            if "service" in serving:
                self.http = serving["address"]
            else:
                self.address = serving["address"]
        return self

    @property
    def http_host_and_port(self):
        host, port = self.http.rsplit(":", 1)
        return host, int(port)

    @property
    def host_and_port(self):
        host, port = self.address.rsplit(":", 1)
        return host, int(port)

    def terminate(self):
        """Asks it to end, and goes on."""
        self.asked_at = time.monotonic()
        self.process.send_signal(signal.SIGTERM)

    def stop(self, clean=True, within=SOON):
        """Asks it to end unless that was done, waits for its end, and returns its last line."""
        if self.report is None:
            if not hasattr(self, "asked_at"):
                self.terminate()
            self.report = self._next("report", within)
            code = self.process.wait(within)
            self.report["took"] = time.monotonic() - self.asked_at
            assert code == self.report["exit_code"], (code, self.report)
        if clean:
            assert self.report["ok"] and self.report["exit_code"] == 0, f"{self.report}\n{self.log()}"
        assert self.report["sockets_left"] == 0, self.report
        assert self.report["calls_left"] == 0, self.report
        return self.report

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(SOON)

    def kill_on_purpose(self):
        """Ends it at once, and asks it for no report."""
        self.kill()
        self.report = {}

    def accepts_nobody(self):
        """Waits until new connections are refused: the drain has begun."""
        deadline = time.monotonic() + SOON
        while time.monotonic() < deadline:
            try:
                socket.create_connection(self.host_and_port, SOON).close()
            except ConnectionError:
                return
            time.sleep(0.01)
        raise AssertionError(f"connections are accepted still:\n{self.log()}")

    def memory(self):
        """Its resident memory, in MiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            kib = next(line for line in status if line.startswith("VmRSS:")).split()[1]
        return int(kib) / 1024

    def descriptors(self):
        """How many file descriptors it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@contextlib.contextmanager
def serve(**options):
    """A server of one's own, serving; it ends with the block."""
    server = Server(**options)
    try:
        yield server.serving()
        if server.report is None:
            server.stop()
    finally:
        server.kill()
