"""Cancellation by the client: the handler is dropped, whatever it was doing, and the connection goes on."""

import grpc
import pytest

from clients import PROBE, TEST, Client, Empty, M, P, Requests, fails

CANCELLED = grpc.StatusCode.CANCELLED


def test_a_cancelled_unary_call_has_its_handler_dropped(client):
    before = client.account(PROBE + "Sleep")
    call = client.probe.Sleep.future(P.SleepRequest(ms=600_000))
    client.account(PROBE + "Sleep", begun=before.begun + 1)
    call.cancel()
    assert call.code() == CANCELLED
    client.account(PROBE + "Sleep", dropped=before.dropped + 1)
    assert client.test.EmptyCall(Empty(), timeout=20) == Empty()


def test_a_cancelled_server_stream_has_its_handler_dropped(client):
    before = client.account(PROBE + "Endless")
    call = client.probe.Endless(P.Nothing())
    assert next(call).body == b"first"
    call.cancel()
    fails(CANCELLED, lambda: next(call))
    client.account(PROBE + "Endless", dropped=before.dropped + 1)


def test_a_cancelled_client_stream_has_its_handler_dropped(client):
    before = client.account(TEST + "StreamingInputCall")
    requests = Requests()
    call = client.test.StreamingInputCall.future(requests)
    requests.send(M.StreamingInputCallRequest())
    client.account(TEST + "StreamingInputCall", begun=before.begun + 1)
    call.cancel()
    requests.end()
    client.account(TEST + "StreamingInputCall", dropped=before.dropped + 1)


def test_a_client_that_goes_has_all_its_handlers_dropped(server, client):
    before = client.account(PROBE + "Endless")
    with Client(server.address) as other:
        calls = [other.probe.Endless(P.Nothing()) for _ in range(20)]
        assert all(next(call).body == b"first" for call in calls)
    client.account(PROBE + "Endless", dropped=before.dropped + 20)


@pytest.mark.parametrize("method", ["Panic", "PanicLater"])
def test_a_panic_is_answered_internal_and_touches_no_other_call(client, method):
    other = client.probe.Endless(P.Nothing())
    assert next(other).body == b"first"
    call = getattr(client.probe, method)
    error = fails(grpc.StatusCode.INTERNAL, lambda: list(call(P.Nothing(), timeout=20)))
    assert "purpose" not in error.details(), "what a panic says is nobody's business outside"
    assert client.test.EmptyCall(Empty(), timeout=20) == Empty()
    other.cancel()
