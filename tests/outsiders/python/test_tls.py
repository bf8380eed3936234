"""TLS and mutual TLS, by grpcio, grpcurl and grpc-js; and peers that do not speak it on its port."""

import os
import pathlib
import subprocess

import grpc
import pytest

from certificates import Authority
from clients import Client, Empty, P, fails
from raw_peer import PREFACE, Peer
from server import SOON, Server

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
NODE = pathlib.Path(__file__).parent.parent / "node"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def identity(authority):
    return authority.issue("client")


@pytest.fixture(scope="module")
def serve_tls(authority):
    """Starts servers with TLS; all end with the file."""
    servers = []

    def serve(**more):
        cert, key = authority.issue("server")
        server = Server(tls={"cert": str(cert), "key": str(key), **more})
        servers.append(server)
        return server.serving()

    yield serve
    for server in servers:
        try:
            server.stop()
        finally:
            server.kill()


@pytest.fixture(scope="module")
def tls(serve_tls):
    return serve_tls()


@pytest.fixture(scope="module")
def mutual(serve_tls, authority):
    return serve_tls(client_ca=str(authority.file))


@pytest.fixture(scope="module")
def optional(serve_tls, authority):
    return serve_tls(client_ca=str(authority.file), client_auth_optional=True)


def trusting(authority, identity=None):
    root = authority.file.read_bytes()
    if identity is None:
        return grpc.ssl_channel_credentials(root)
    cert, key = (path.read_bytes() for path in identity)
    return grpc.ssl_channel_credentials(root, key, cert)


def certificates_seen(server, credentials):
    with Client(server.address, credentials) as client:
        return client.probe.Inspect(P.Nothing(), timeout=SOON).certificates


def refused(server, credentials):
    with Client(server.address, credentials) as client:
        fails(UNAVAILABLE, lambda: client.test.EmptyCall(Empty(), timeout=SOON))


def test_a_client_that_trusts_the_authority_is_served(tls, authority):
    assert certificates_seen(tls, trusting(authority)) == 0


def test_a_client_that_does_not_trust_it_refuses_the_server(tls, tmp_path):
    refused(tls, trusting(Authority(tmp_path, "another")))


def test_a_plaintext_client_is_refused_and_others_are_served(tls, authority):
    refused(tls, None)
    with Peer(tls) as half, Peer(tls) as silent:
        half.send(PREFACE[:10])
        assert silent.socket is not None
        assert certificates_seen(tls, trusting(authority)) == 0


def test_a_client_with_a_certificate_of_the_authority_is_served_and_seen(mutual, authority, identity):
    assert certificates_seen(mutual, trusting(authority, identity)) == 1


def test_a_client_without_a_certificate_is_refused(mutual, authority):
    refused(mutual, trusting(authority))


def test_a_client_with_a_certificate_of_another_authority_is_refused(mutual, authority, tmp_path):
    refused(mutual, trusting(authority, Authority(tmp_path, "another").issue("stranger")))


def test_where_certificates_are_optional_both_are_served(optional, authority, identity):
    assert certificates_seen(optional, trusting(authority)) == 0
    assert certificates_seen(optional, trusting(authority, identity)) == 1


def test_grpcurl_is_served_over_mutual_tls(mutual, authority, identity):
    files = ["-cacert", authority.file, "-cert", identity[0], "-key", identity[1]]
    command = ["grpcurl", *files, "-max-time", SOON, mutual.address, "list"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=2 * SOON)
    assert "outsiders.Probe" in done.stdout.split(), done.stdout + done.stderr


def test_node_is_served_over_mutual_tls(mutual, authority, identity):
    command = ["node", NODE / "tls_client.js", mutual.address, authority.file, *identity]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=2 * SOON, env=dict(os.environ)
    )
    assert done.stdout.strip() == "seen", done.stdout + done.stderr
