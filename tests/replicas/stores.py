"""The stores: what was written, in their order, and a crash with a new start."""

import base64
import json
import os
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

PAGE = 2000


def restart(program):
    subprocess.run([program], check=True, timeout=120, stdout=subprocess.DEVNULL)


class Etcd:
    """Started by .ci/etcd."""

    NAME = "etcd"

    def __init__(self):
        self.url, self.restarts = os.environ["ETCD_ENDPOINTS"], os.environ["ETCD_RESTART"]
        address = urllib.parse.urlsplit(self.url)
        self.address = (address.hostname, address.port)

    def through(self, port):
        return f"http://127.0.0.1:{port}"

    def restart(self):
        restart(self.restarts)

    def writes(self):
        """The epoch of each write, in the order of revisions."""
        writes, key = [], b"reports/"
        while True:
            asked = {"key": base64.b64encode(key).decode(), "range_end": base64.b64encode(b"reports0").decode(), "limit": PAGE}
            with urllib.request.urlopen(f"{self.url}/v3/kv/range", json.dumps(asked).encode(), timeout=30) as answer:
                page = json.load(answer).get("kvs", [])
            writes += [(int(one["mod_revision"]), int(base64.b64decode(one["value"]))) for one in page]
            if len(page) < PAGE:
                return [epoch for _, epoch in sorted(writes)]
            key = base64.b64decode(page[-1]["key"]) + b"\0"


class Postgres:
    """Started by .ci/postgres."""

    NAME = "PostgreSQL"

    def __init__(self):
        self.url, self.restarts = os.environ["DATABASE_URL"], os.environ["DATABASE_RESTART"]
        address = urllib.parse.urlsplit(self.url)
        self.address, self.rest = (address.hostname, address.port), address

    def through(self, port):
        return self.rest._replace(netloc=f"{self.rest.username}@127.0.0.1:{port}").geturl()

    def restart(self):
        restart(self.restarts)

    def writes(self):
        """The epoch of each write, in the order of the numbers that the row of the turn gives."""
        psql = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
        asked = "SELECT epoch FROM reports ORDER BY number"
        command = [psql, "-XAtq", "-d", self.url, "-c", asked]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
        return [int(line) for line in told.split()]


STORES = {"etcd": Etcd, "postgres": Postgres}
