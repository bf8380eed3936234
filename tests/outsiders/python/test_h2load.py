"""h2load, by nghttp2: load from a client that knows nothing of gRPC. Every request is answered, and by a handler."""

import re
import subprocess

import pytest

from clients import TEST, Client
from server import serve

# A message of no bytes.
EMPTY = b"\0\0\0\0\0"


@pytest.mark.parametrize("connections, streams, calls", [(16, 16, 20_000), (100, 100, 20_000)])
def test_every_call_under_load_is_answered(tmp_path, connections, streams, calls):
    message = tmp_path / "message"
    message.write_bytes(EMPTY)
    with serve() as server:
        command = ["h2load", "-n", calls, "-c", connections, "-m", streams, "-d", message]
        command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        command += [f"http://{server.address}{TEST}EmptyCall"]
        done = subprocess.run(map(str, command), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        line = re.search("^requests: .*", done.stdout, re.MULTILINE)[0]
        counted = {what: int(count) for count, what in re.findall(r"(\d+) (\w+)", line)}
        assert counted["succeeded"] == calls, done.stdout
        assert counted["failed"] == counted["errored"] == counted["timeout"] == 0, done.stdout
        with Client(server.address) as client:
            account = client.account(TEST + "EmptyCall", completed=calls)
        assert (account.begun, account.dropped) == (calls, 0)
