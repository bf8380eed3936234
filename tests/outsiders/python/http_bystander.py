"""A client of HTTP beside an attack: its requests go through meanwhile, and the server's memory stays within its bound."""

import contextlib
import http.client
import threading
import time

from bystander import FEWEST, Attack
from server import SOON


@contextlib.contextmanager
def attacked(server, name="the attack"):
    client = http.client.HTTPConnection(*server.http_host_and_port, timeout=SOON)

    def ask():
        client.request("POST", "/echo", body=b"here")
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (200, b"here"), answer.status

    for _ in range(50):
        ask()
    attack, over, took, failed = Attack(server), threading.Event(), [], []

    def go_on():
        while not (over.wait(0.005) and len(took) >= FEWEST):
            began = time.monotonic()
            try:
                ask()
            except Exception as error:  # told by the main thread
                failed.append(error)
                client.close()
            took.append(time.monotonic() - began)

    asking = threading.Thread(target=go_on, daemon=True)
    asking.start()
    try:
        yield attack
        attack.look()
    finally:
        over.set()
        asking.join(FEWEST * SOON)
        client.close()
    assert not failed, failed[0]
    took.sort()
    p99 = took[min(len(took) - 1, len(took) * 99 // 100)]
    print(f"{name}: {len(took)} requests beside it, p99 {p99 * 1000:.1f} ms; {attack.most:.1f} MiB at most")
