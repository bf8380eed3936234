#!/usr/bin/env python3
"""Free ports of loopback, for what is told its port before it listens there, or listens there again after a crash.

    .ci/free_ports.py       one
    .ci/free_ports.py 4     four, on one line

The system gives connections on their way out ports of a range of its own. These are below it: none is taken meanwhile by a client of anybody.
"""
import random
import socket
import sys

FIRST = 10_000


def first_of_clients():
    with open("/proc/sys/net/ipv4/ip_local_port_range") as limits:
        return int(limits.read().split()[0])


def free_ports(count):
    """So many, each another."""
    found, last = [], max(first_of_clients(), FIRST + 1000)
    for port in random.sample(range(FIRST, last), 1000):
        if len(found) == count:
            break
        with socket.socket() as chosen:
            try:
                chosen.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    else:
        sys.exit(f"FAILED: of a thousand ports from {FIRST} to {last} not {count} are free")
    return found


if __name__ == "__main__":
    print(*free_ports(int(sys.argv[1]) if sys.argv[1:] else 1))
