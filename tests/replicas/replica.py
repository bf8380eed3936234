"""The processes, and what they tell of their lives. All stamps are of the clock that the processes of a machine share."""

import collections
import os
import signal
import subprocess
import threading
import time

from proxy import Proxy


class Failed(Exception):
    """What must not be."""


class Life:
    """One run with a lease, from its first instruction to its end, or that of its process."""

    def __init__(self, replica, epoch, began):
        self.replica, self.epoch, self.began = replica, epoch, began
        self.over = None
        self.came = collections.Counter()
        # When it was suspended, and when it went on.
        self.suspended = None


class Board:
    """All lives, in the order in which they were heard of."""

    def __init__(self):
        self.lives, self.changed = [], threading.Condition()

    def wait(self, found, within, what):
        """The first true value of `found`, asked again whenever something has come."""
        until = time.monotonic() + within
        with self.changed:
            while not (value := found()):
                if not self.changed.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                    raise Failed(f"no {what} within {within:.1f} s")
            return value


class Replica:
    """A process, with a network of its own to the store."""

    def __init__(self, binary, store, terms, board, folder):
        self.board, self.proxy, self.lives, self.code = board, Proxy(store.address), {}, None
        # It stands by: signals are handled.
        self.is_up = False
        arguments = [str(round(1000 * seconds)) for seconds in (terms.ttl, terms.margin, terms.stop)]
        self.log = open(folder / f"log-{self.proxy.port}", "w+")
        self.process = subprocess.Popen(
            [binary, store.through(self.proxy.port), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            what, epoch, at = line.split()
            with self.board.changed:
                self._told(what, int(epoch), int(at) / 1e9)
                self.board.changed.notify_all()
        code, at = self.process.wait(), time.monotonic()
        with self.board.changed:
            self.code = code
            for life in self.lives.values():
                life.over = life.over or at
            self.board.changed.notify_all()

    def _told(self, what, epoch, at):
        if what == "stands-by":
            self.is_up = True
        elif what == "began":
            self.lives[epoch] = Life(self, epoch, at)
            self.board.lives.append(self.lives[epoch])
        elif what == "over":
            self.lives[epoch].over = at
        else:
            self.lives[epoch].came[what] += 1

    def order(self, what):
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()

    def signal(self, which):
        """Sends it, and tells when."""
        at = time.monotonic()
        if self.process.poll() is None:
            os.kill(self.process.pid, which)
        return at

    def ended(self, within, what):
        """Its exit code."""
        self.board.wait(lambda: self.code is not None, within, what)
        return self.code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def said(self):
        self.log.seek(0)
        return self.log.read()[-2000:]


def end_all(replicas):
    """All at once, in order; whoever does not end is killed, and named."""
    for replica in replicas:
        replica.proxy.mend()
        replica.board.wait(lambda: replica.is_up or replica.code is not None, 15, "process that stands by")
    for replica in replicas:
        replica.signal(signal.SIGTERM)
    for replica in replicas:
        if (code := replica.ended(15, f"end of process {replica.process.pid}")) != 0:
            raise Failed(f"process {replica.process.pid} ended with {code}:\n{replica.said()}")
