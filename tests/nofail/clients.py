"""Clients of every make at work, as one: wrk, h2load, grpcio and our own.

What each says of a server that asks it to go elsewhere, and how it is counted here:

| client | what it does | what is a failure |
|---|---|---|
| wrk | connects anew after an answer with `Connection: close`, and counts nothing | each of its socket errors, and each answer but 200 |
| h2load | after GOAWAY it waits for what is under way, and gives up that connection. What it had still planned, or had composed and not sent, it calls failed and errored | a request that a handler has seen and that got no answer of 200; an answer but 200; that it could not connect |
| grpcio | connects anew after GOAWAY, and sends once more what no handler has seen | each call that its caller sees fail |
| our own | connects anew after an answer with `Connection: close` | each request that is not answered by 200 |
"""

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from own import WARM_UP

HERE = Path(__file__).parent
# What ends does so in this time.
HANG = 30

# Of wrk, and of each process of h2load.
CONNECTIONS = 16
STREAMS = 4
# A process of h2load plans so many seconds of work. It ends with its last connection, and the next one begins.
H2LOAD_PLANS = 2


class Own:
    """One of the two kinds of own.py."""

    def __init__(self, kind, address, rate):
        command = [sys.executable, HERE / "own.py", kind, address, str(rate)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end(self):
        out, _ = self.process.communicate(timeout=HANG)
        if self.process.returncode != 0:
            raise RuntimeError(f"own.py ended with {self.process.returncode}")
        return json.loads(out)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Wrk:
    NAME = "HTTP/1.1, wrk"

    def __init__(self, address, rate, folder):
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d3600s", "--timeout", "20s", "--latency"]
        if rate:
            # Each connection pauses between its requests; a request itself takes a small part of that.
            pause = CONNECTIONS / rate * 1000
            script = folder / "pause.lua"
            script.write_text(f"function delay() return math.floor(math.random() * {2 * pause:.1f} + 0.5) end\n")
            command += ["-s", script]
        command += [f"http://{address}/"]
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self):
        # As Ctrl-C does: it tells what it has.
        self.process.send_signal(2)
        out, _ = self.process.communicate(timeout=HANG)
        done = int(re.search(r"(\d+) requests in", out)[1])
        failed = re.findall(r"^ *(?:Socket errors|Non-2xx).*$", out, re.MULTILINE)
        p99 = re.search(r"99% +([\d.]+)(us|ms|s)", out)
        p99 = float(p99[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1}[p99[2]] if p99 else None
        return {self.NAME: {"count": done, "p99": p99, "failed": [line.strip() for line in failed]}}

    def kill(self):
        self.process.kill()
        self.process.wait()


class H2load:
    NAME = "HTTP/2, h2load"

    def __init__(self, address, rate, folder):
        self.address, self.rate, self.folder = address, rate, folder
        self.over, self.process = threading.Event(), None
        self.took, self.failed, self.unsent = [], [], 0
        self.thread = threading.Thread(target=self._go_on, daemon=True)
        self.thread.start()

    def _go_on(self):
        while not self.over.is_set():
            self._run()

    def _run(self):
        log = self.folder / "h2load.log"
        log.unlink(missing_ok=True)
        connections = 4
        command = ["h2load", "-c", connections, "-m", STREAMS, f"--log-file={log}", "-H", "user-agent: h2load"]
        if self.rate:
            per_connection = max(1, round(self.rate / connections))
            command += ["-n", per_connection * connections * H2LOAD_PLANS, f"--rps={per_connection}"]
        else:
            command += ["-n", 4000]
        command += [f"http://{self.address}/counted"]
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        out, _ = self.process.communicate(timeout=10 * HANG)
        counted = re.search(r"^requests: (\d+) total", out, re.MULTILINE)
        if not counted:
            self.failed.append(f"h2load said {out[-500:]}")
            return
        total = int(counted[1])
        rows = [line.split("\t") for line in log.read_text().splitlines()]
        self.took += [int(took) / 1e6 for _, status, took in rows if status == "200"]
        # -1: nghttp2 has closed that stream, since there was a GOAWAY when it was to be sent.
        self.failed += [f"answered by {status}" for _, status, _ in rows if status not in ("200", "-1")]
        if "could not connect" in out:
            self.failed.append("h2load could not connect")
        self.unsent += total - sum(status == "200" for _, status, _ in rows)

    def end(self):
        self.over.set()
        self.thread.join(HANG)
        return {self.NAME: {"took": self.took, "failed": self.failed, "unsent": self.unsent}}

    def kill(self):
        self.over.set()
        if self.process and self.process.poll() is None:
            self.process.kill()


class Clients:
    """Those of some kinds, at such rates, or as fast as they can."""

    def __init__(self, program, folder, rates):
        self.all = {}
        for kind, rate in rates.items():
            if kind == "wrk":
                # It has no time of its own to warm up, and would count what those of Python take from it in theirs.
                time.sleep(WARM_UP)
            if kind in ("http", "grpc"):
                self.all[kind] = Own(kind, getattr(program, kind), rate)
            else:
                self.all[kind] = {"wrk": Wrk, "h2load": H2load}[kind](program.http, rate, folder)
        self.began = time.monotonic()

    def end(self):
        """What came of each kind of requests, by name; and how many a second each kind of clients had answered."""
        lasted = time.monotonic() - self.began
        told, rates = {}, {}
        for kind, client in self.all.items():
            came = {name: Came(**of) for name, of in client.end().items()}
            paced = [of.count for name, of in came.items() if name not in PLAYED_AT_A_RATE]
            rates[kind] = sum(paced) / lasted
            told.update(came)
        return told, rates

    def kill(self):
        for client in self.all.values():
            client.kill()


# Whatever else there is to be done.
PLAYED_AT_A_RATE = ("gRPC, streams", "gRPC, both ways")


class Came:
    """What came of the requests of one kind."""

    def __init__(self, failed, took=None, count=None, p99=None, unsent=0):
        self.failed, self.unsent = failed, unsent
        if took is not None:
            took.sort()
            count = len(took)
            p99 = took[min(count - 1, count * 99 // 100)] if took else None
        self.count, self.p99 = count, p99
