"""The start: nobody is served before every service is set up, and who waits is served then."""

import grpc

from clients import Client, Empty, fails
from free_ports import free_ports
from server import SOON, Server


def test_a_client_that_waits_is_served_when_the_server_has_started():
    address = "127.0.0.1:%d" % free_ports(1)[0]
    with Client(address, options=[("grpc.initial_reconnect_backoff_ms", 100)]) as client:
        waiting = client.test.EmptyCall.future(Empty(), wait_for_ready=True, timeout=SOON)
        error = fails(grpc.StatusCode.UNAVAILABLE, lambda: client.test.EmptyCall(Empty(), timeout=SOON))
        assert error.details()
        server = Server(address=address, setup_ms=3000)
        try:
            fails(grpc.StatusCode.UNAVAILABLE, lambda: client.test.EmptyCall(Empty(), timeout=SOON))
            assert not waiting.done()
            server.serving()
            assert waiting.result() == Empty()
            server.stop()
        finally:
            server.kill()
