"""The program that is handed over, and the processes that follow each other in it.

Each process is the child of the one before. When that has ended it is this process's, which has itself made the one that adopts: so it hears
the exit code of each, and none is left as a zombie.
"""

import collections
import ctypes
import json
import os
import queue
import signal
import subprocess
import threading
import time

PR_SET_CHILD_SUBREAPER = 36

# No event and no end takes so long, on a machine that is busy.
HANG = 30


class Lost(Exception):
    """What must not be."""


def adopt():
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot adopt processes")


class Program:
    def __init__(self, command, folder):
        adopt()
        self.log = open(folder / "log", "w+")
        first = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.out, self.current, self.generation = first.stdout, first.pid, 1
        self.mine, self.reports = {first.pid}, []
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        served = [self.event("serving"), self.event("serving")]
        self.http = next(event["address"] for event in served if "service" in event)
        self.grpc = next(event["address"] for event in served if "service" not in event)

    def _read(self):
        for line in self.out:
            self.lines.put(json.loads(line))
        self.lines.put({"event": "end"})

    def said(self):
        self.log.seek(0)
        return self.log.read()[-4000:]

    def event(self, *names):
        """The next one of these; what else is told meanwhile is not waited for."""
        until = time.monotonic() + HANG
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise Lost(f"no {names} within {HANG} s:\n{self.said()}") from None
            if line["event"] == "report":
                self.reports.append(line)
            if line["event"] in names:
                return line
            if line["event"] == "end":
                raise Lost(f"instead of {names}: all have ended, {self.current} with {self._code(self.current)}\n{self.said()}")
            if line["event"] == "handover_refused" or line.get("outcome") in ("failed", "timed_out", "taken_back"):
                raise Lost(f"instead of {names}: {line}\n{self.said()}")

    def hand_over(self):
        """One hand-over, to the end of the old process: how long until the new one is in charge, and until the old one is gone."""
        began, old = time.monotonic(), self.current
        os.kill(old, signal.SIGUSR2)
        new = self.event("successor_started")["pid"]
        self.mine.add(new)
        self.current = new
        took_over = self.event("took_over")
        in_charge = time.monotonic() - began
        self.generation += 1
        if took_over["generation"] != self.generation or took_over["predecessor"] != old:
            raise Lost(f"{new} follows {old} as number {self.generation}, and says {took_over}")
        self._ended(old)
        return in_charge, time.monotonic() - began

    def _code(self, process):
        """How a process has ended, once it has; that of a signal is negative."""
        until = time.monotonic() + HANG
        while time.monotonic() < until:
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                self.mine.discard(process)
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        raise Lost(f"{process} has not ended within {HANG} s:\n{self.said()}")

    def _ended(self, process):
        before = len(self.reports)
        code = self._code(process)
        if len(self.reports) == before:
            self.event("report")
        report = self.reports[-1]
        cut = sum(account["dropped"] for account in report["calls"].values())
        if code != 0 or not report["ok"] or cut or report["calls_left"] or report["sockets_left"]:
            raise Lost(f"{process} ended with {code}: {json.dumps(report)}\n{self.said()}")

    def stop(self):
        os.kill(self.current, signal.SIGTERM)
        self._ended(self.current)

    def account(self):
        """How many requests the handlers of all processes have seen, by method."""
        seen = collections.Counter()
        for report in self.reports:
            seen.update({method: account["begun"] for method, account in report["calls"].items()})
        return seen

    def kill(self):
        for process in self.mine:
            try:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        self.log.close()
