"""Deadlines: the client's, that travels as grpc-timeout, and the server's own. The handler is dropped at either."""

import grpc
import pytest

from clients import PROBE, Client, P, begun_before, ends, fails
from server import serve

EXCEEDED = grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_unary_call_ends_at_the_clients_deadline_and_its_handler_is_dropped(client):
    before = client.account(PROBE + "Sleep").dropped
    call = lambda within: client.probe.Sleep(P.SleepRequest(ms=600_000), timeout=within)
    begun_before(client, PROBE + "Sleep", lambda within: fails(EXCEEDED, lambda: call(within)))
    client.account(PROBE + "Sleep", dropped=before + 1)


def test_a_stream_ends_at_the_clients_deadline_and_its_handler_is_dropped(client):
    before = client.account(PROBE + "Endless").dropped
    call = lambda within: ends(EXCEEDED, client.probe.Endless(P.Nothing(), timeout=within))
    messages = begun_before(client, PROBE + "Endless", call)
    assert [message.body for message in messages] == [b"first"]
    client.account(PROBE + "Endless", dropped=before + 1)


def test_a_stream_that_always_has_something_to_say_ends_at_the_clients_deadline(client):
    before = client.account(PROBE + "Flood").dropped
    call = lambda within: ends(EXCEEDED, client.probe.Flood(P.FloodRequest(size=100), timeout=within))
    assert begun_before(client, PROBE + "Flood", call)
    client.account(PROBE + "Flood", dropped=before + 1)


@pytest.fixture(scope="module")
def impatient():
    with serve(request_timeout_ms=1500) as server:
        yield server


def test_the_servers_own_limit_ends_a_unary_call_of_a_client_without_a_deadline(impatient):
    with Client(impatient.address) as client:
        before = client.account(PROBE + "Sleep").dropped
        error = fails(EXCEEDED, lambda: client.probe.Sleep(P.SleepRequest(ms=600_000)))
        assert error.trailing_metadata() is not None, "the status is the server's, not made up by the client"
        client.account(PROBE + "Sleep", dropped=before + 1)


def test_the_servers_own_limit_ends_a_stream_of_a_client_without_a_deadline(impatient):
    with Client(impatient.address) as client:
        before = client.account(PROBE + "Endless").dropped
        messages = ends(EXCEEDED, client.probe.Endless(P.Nothing()))
        assert [message.body for message in messages] == [b"first"]
        client.account(PROBE + "Endless", dropped=before + 1)


def test_a_longer_deadline_of_the_client_does_not_lift_the_servers_limit(impatient):
    with Client(impatient.address) as client:
        fails(EXCEEDED, lambda: client.probe.Sleep(P.SleepRequest(ms=600_000), timeout=60))


def test_a_call_that_is_in_time_is_answered(impatient):
    with Client(impatient.address) as client:
        assert client.probe.Sleep(P.SleepRequest(ms=1), timeout=20) == P.Nothing()
