"""HTTP clients that people have: curl, wrk, httpx."""

import asyncio
import re
import ssl
import subprocess

import httpx
import pytest

from certificates import Authority
from server import SOON, serve

BODY = 100_000


@pytest.fixture(scope="module")
def server_options():
    return {"http": {"max_body_size": 1_000_000}}


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    cert, key = authority.issue("server")
    with serve(http={"tls": {"cert": str(cert), "key": str(key)}}) as server:
        server.authority = str(authority.file)
        yield server


def curl(url, *args, sends=None):
    """What curl wrote, and what it told of the connection."""
    command = ["curl", "--silent", "--show-error", "--verbose", "--max-time", str(SOON), *args, url]
    ran = subprocess.run(command, input=sends, capture_output=True, timeout=2 * SOON)
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout, ran.stderr.decode()


def status(said):
    return [line.split()[2] for line in said.splitlines() if line.startswith("< HTTP/")]


@pytest.mark.parametrize("how", ["--http1.1", "--http2-prior-knowledge", "--http2"])
def test_curl_gets_posts_and_asks_for_the_head(server, how):
    url = f"http://{server.http}"
    assert curl(f"{url}/", how)[0] == b"ok"
    assert curl(f"{url}/echo", how, "--data-binary", "@-", sends=bytes(BODY))[0] == bytes(BODY)
    head, _ = curl(f"{url}/bytes/12345", how, "--head")
    assert b"content-length: 12345" in head.lower()
    assert curl(f"{url}/slow/50", how)[0] == b"late"


def test_curl_uploads_in_chunks(server):
    length, said = curl(f"http://{server.http}/upload", "--http1.1", "--upload-file", "-", "-X", "POST", sends=bytes(BODY))
    assert length == str(BODY).encode()
    assert "> Transfer-Encoding: chunked" in said


def test_curl_is_told_to_continue_or_that_it_need_not(server):
    expect = ("--http1.1", "-H", "Expect: 100-continue", "--expect100-timeout", str(SOON), "--data-binary", "@-")
    came, said = curl(f"http://{server.http}/echo", *expect, sends=bytes(BODY))
    assert (came, status(said)) == (bytes(BODY), ["100", "200"])
    # It is too long: nothing of it is sent.
    _, said = curl(f"http://{server.http}/echo", *expect, sends=bytes(2_000_000))
    assert status(said) == ["413"]


@pytest.mark.parametrize("how, spoken", [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2")])
def test_curl_agrees_on_a_protocol_over_tls(tls_server, how, spoken):
    port = tls_server.http_host_and_port[1]
    came, said = curl(f"https://localhost:{port}/", how, "--cacert", tls_server.authority, "--resolve", f"localhost:{port}:127.0.0.1")
    assert came == b"ok"
    assert f"< {spoken} 200" in said


def test_curl_uses_one_connection_for_several_requests(server):
    _, said = curl(f"http://{server.http}/bytes/[10-19]", "--http1.1")
    assert said.count("Connected to") == 1
    assert status(said) == ["200"] * 10


@pytest.mark.parametrize("path", ["/", "/bytes/20000"])
def test_wrk_counts_no_error(server, path):
    ran = subprocess.run(
        ["wrk", "--threads", "1", "--connections", "32", "--duration", "2s", f"http://{server.http}{path}"],
        capture_output=True, text=True, timeout=2 * SOON,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Socket errors" not in ran.stdout and "Non-2xx" not in ran.stdout, ran.stdout
    assert int(re.search(r"(\d+) requests in", ran.stdout)[1]) > 100, ran.stdout
    print(re.search(r"Requests/sec.*", ran.stdout)[0])


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
def test_httpx_has_many_requests_open_at_once(server, version):
    async def ask():
        http2 = version == "HTTP/2"
        async with httpx.AsyncClient(http1=not http2, http2=http2, base_url=f"http://{server.http}", timeout=SOON) as client:
            return await asyncio.gather(*(client.post("/echo", content=bytes(at)) for at in range(100)))

    answers = asyncio.run(ask())
    assert [(answer.status_code, answer.http_version) for answer in answers] == [(200, version)] * 100
    assert [len(answer.content) for answer in answers] == list(range(100))


def test_httpx_reads_events_as_they_come_and_leaves(server):
    with httpx.Client(http1=False, http2=True, timeout=SOON) as client:
        with client.stream("GET", f"http://{server.http}/sse") as events:
            lines = events.iter_lines()
            assert [next(lines) for _ in range(3)] == ["data: tick", "", "data: tick"]
        # The connection goes on.
        assert client.get(f"http://{server.http}/").text == "ok"


def test_httpx_over_tls(tls_server):
    context = ssl.create_default_context(cafile=tls_server.authority)
    with httpx.Client(http2=True, verify=context, timeout=SOON) as client:
        answer = client.get(f"https://localhost:{tls_server.http_host_and_port[1]}/")
    assert (answer.text, answer.http_version) == ("ok", "HTTP/2")
