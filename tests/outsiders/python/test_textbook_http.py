"""A server of actix-web that handles signals itself, inside a service: the end is in order all the same."""

import json
import os
import signal
import subprocess
import urllib.request

import pytest

from server import PROGRAM, SOON

TEXTBOOK = os.path.join(os.path.dirname(PROGRAM), "textbook_http")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_handles_signals_itself_ends_in_order(number):
    process = subprocess.Popen([TEXTBOOK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().strip()
        assert urllib.request.urlopen(f"http://{address}/", timeout=SOON).read() == b"ok"
        process.send_signal(number)
        out, err = process.communicate(timeout=SOON)
    finally:
        process.kill()
    released, report = out.splitlines()
    report = json.loads(report)
    assert released == "released", (out, err)
    assert process.returncode == report["exit_code"], (out, err)
    assert report["ok"] or "System::stop" in report["error"], report
