"""Clients of a Service: they call whatever pod it leads to, all the time, and note what becomes of each call."""

import dataclasses
import http.client
import random
import threading
import time

# Seconds until every node has learnt that a pod has left: until then it is called.
LAG = 3


def call(pod, path, connection=None, timeout=30):
    """One request: the status, or what went wrong; and whether the connection may be used again."""
    connection = connection or http.client.HTTPConnection(pod.ip, 8080, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status, None if answer.will_close else connection
    except (OSError, http.client.HTTPException) as error:
        return repr(error), None


@dataclasses.dataclass
class Call:
    pod: object
    began: float
    ended: float
    outcome: object


class Service:
    """The pods that are ready, as the clients' nodes know them."""

    def __init__(self, *pods):
        self.pods = list(pods)

    def pick(self):
        now = time.monotonic()
        known = [pod for pod in self.pods if pod.ready_at and (not pod.left_at or now < pod.left_at + LAG)]
        return random.choice(known)


class Clients:
    """Some that keep their connections, and some that make one for each call."""

    def __init__(self, service):
        self.service, self.calls, self._lock, self._over = service, [], threading.Lock(), threading.Event()
        plans = [("/slow/0", True), ("/slow/0", False), ("/slow/1", True), ("/slow/1", False), ("/slow/2", True)]
        self.threads = [threading.Thread(target=self._go_on, args=plan, daemon=True) for plan in plans]
        for thread in self.threads:
            thread.start()

    def _go_on(self, path, keep):
        kept = {}
        while not self._over.wait(0.05):
            pod, began = self.service.pick(), time.monotonic()
            outcome, connection = call(pod, path, kept.pop(pod, None))
            if keep and connection:
                kept[pod] = connection
            with self._lock:
                self.calls.append(Call(pod, began, time.monotonic(), outcome))

    def end(self):
        """Every call, each with its outcome."""
        self._over.set()
        for thread in self.threads:
            thread.join(60)
        return self.calls
