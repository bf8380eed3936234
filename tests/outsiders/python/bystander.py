"""A well-behaved client beside an attack: all its calls succeed, and how long they take is printed.

    with attacked(server) as attack:      fails if a call of the bystander does, or if the server's memory has grown
        ...
        attack.look()                     the memory is looked at now, and in the end
"""

import contextlib
import threading
import time

from clients import Client, Empty
from server import SOON

# So many calls are made beside an attack, and after it where it is over sooner.
FEWEST = 20

# In MiB: what an attack may cost at any time.
MOST = 32


class Attack:
    def __init__(self, server):
        self.server, self.first, self.most = server, server.memory(), 0

    def look(self):
        self.most = max(self.most, self.server.memory() - self.first)
        assert self.most < MOST, f"{self.most:.1f} MiB more than before the attack"


@contextlib.contextmanager
def attacked(server, name="the attack"):
    with Client(server.address) as client:
        # What every connection and method costs once is no growth.
        for _ in range(100):
            client.test.EmptyCall(Empty(), timeout=SOON)
        attack, over, took, failed = Attack(server), threading.Event(), [], []

        def call():
            while not (over.wait(0.005) and len(took) >= FEWEST):
                began = time.monotonic()
                try:
                    client.test.EmptyCall(Empty(), timeout=SOON)
                except Exception as error:  # told by the main thread
                    failed.append(error)
                took.append(time.monotonic() - began)

        calling = threading.Thread(target=call, daemon=True)
        calling.start()
        try:
            yield attack
            attack.look()
        finally:
            over.set()
            calling.join(FEWEST * SOON)
        assert not failed, failed[0]
        took.sort()
        p99 = took[min(len(took) - 1, len(took) * 99 // 100)]
        print(f"{name}: {len(took)} calls beside it, p99 {p99 * 1000:.1f} ms; {attack.most:.1f} MiB at most")
