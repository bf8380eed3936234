"""SIGTERM while calls are open: those that can finish do, the rest are told in time, and nobody holds up the end."""

import grpc

from clients import PROBE, Client, Empty, M, P, Requests, ends, fails
from server import LATE, SOON, serve

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE

# So long that the end of a drain, its last tenth, takes as long as it ever may: busy machines need it.
LIMIT_MS = 2000
# How often a client may be slower than that, on a machine that is busy.
TRIES = 8


def test_a_call_in_flight_finishes_and_the_end_is_clean():
    with serve(max_shutdown_ms=20_000) as server, Client(server.address) as client:
        call = client.probe.Linger.future(P.SleepRequest(ms=300))
        client.account(PROBE + "Linger", begun=1)
        server.terminate()
        assert call.result(timeout=SOON) == P.Nothing()
        assert server.stop()["took"] < 10


def test_a_stream_in_flight_goes_on_to_its_own_end():
    with serve(max_shutdown_ms=20_000) as server, Client(server.address) as client:
        lingering = client.probe.Linger.future(P.SleepRequest())
        requests = Requests()
        duplex = client.test.FullDuplexCall(requests)
        ask = M.StreamingOutputCallRequest(response_parameters=[M.ResponseParameters(size=5)])
        requests.send(ask)
        next(duplex)
        client.account(PROBE + "Linger", begun=1)
        server.terminate()
        assert lingering.result(timeout=SOON) == P.Nothing()
        # The drain has begun by now.
        requests.send(ask, ask)
        assert [len(next(duplex).payload.body) for _ in range(2)] == [5, 5]
        requests.end()
        assert list(duplex) == []
        server.stop()


def test_while_calls_finish_new_ones_are_unavailable():
    with serve(max_shutdown_ms=20_000) as server, Client(server.address) as client:
        call = client.probe.Linger.future(P.SleepRequest(ms=1500))
        begun = client.probe.Linger.future(P.SleepRequest())
        client.account(PROBE + "Linger", begun=2)
        server.terminate()
        begun.result(timeout=SOON)
        server.accepts_nobody()
        with Client(server.address) as late:
            fails(UNAVAILABLE, lambda: late.test.EmptyCall(Empty(), timeout=SOON))
        # The old connection serves until the client has read that it is to go away.
        fails(UNAVAILABLE, lambda: [client.test.EmptyCall(Empty(), timeout=SOON) for _ in range(10_000)])
        assert call.result(timeout=SOON) == P.Nothing()
        server.stop()


def assert_told_in_time(server, call):
    """It is answered by the server shortly before the deadline, and its connection is not cut."""
    server.terminate()
    assert ends(UNAVAILABLE, call) == []
    assert call.details() == "server is shutting down", "made up by the client"
    report = server.stop(clean=False)
    assert report["exit_code"] == 3 and report["took"] < LIMIT_MS / 1000 + LATE
    assert "1 call answered UNAVAILABLE, 0 connections cut" in report["error"], report["error"]


def test_an_endless_stream_that_is_silent_is_answered_unavailable_before_the_deadline():
    with serve(max_shutdown_ms=LIMIT_MS) as server, Client(server.address) as client:
        call = client.probe.Endless(P.Nothing())
        assert next(call).body == b"first"
        assert_told_in_time(server, call)


def test_an_endless_stream_that_always_has_more_is_answered_unavailable_before_the_deadline():
    # What a client has not read comes before the server's last word: one that keeps up has little of that.
    small_window = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_535)]
    for _ in range(TRIES):
        with serve(max_shutdown_ms=LIMIT_MS) as server, Client(server.address, options=small_window) as client:
            call = client.probe.Flood(P.FloodRequest(size=10_000))
            next(call)
            server.terminate()
            assert ends(UNAVAILABLE, call)
            report = server.stop(clean=False)
            assert report["exit_code"] == 3 and report["took"] < LIMIT_MS / 1000 + LATE
            if "1 call answered UNAVAILABLE, 0 connections cut" in report["error"]:
                assert call.details() == "server is shutting down", "made up by the client"
                return
            # A client that has no turn for 75 ms does not keep up, and is cut.
            assert "1 connection cut" in report["error"], report["error"]
    raise AssertionError(f"the client was cut {TRIES} times")


def test_a_call_beside_one_that_its_client_does_not_read_is_told_all_the_same():
    with serve(max_shutdown_ms=LIMIT_MS) as server, Client(server.address) as client:
        read, unread = client.probe.Endless(P.Nothing()), client.probe.Flood(P.FloodRequest(size=10_000))
        assert (next(read).body, len(next(unread).body)) == (b"first", 10_000)
        server.terminate()
        assert ends(UNAVAILABLE, read) == []
        assert read.details() == "server is shutting down", "made up by the client"
        report = server.stop(clean=False)
        assert report["exit_code"] == 3 and report["took"] < LIMIT_MS / 1000 + LATE
        assert "1 connection held on, 1 call answered UNAVAILABLE" in report["error"], report["error"]


def test_idle_clients_hold_nothing_up():
    with serve(max_shutdown_ms=20_000) as server:
        clients = [Client(server.address).connected() for _ in range(30)]
        assert server.stop()["took"] < 10
        for client in clients:
            client.channel.close()
