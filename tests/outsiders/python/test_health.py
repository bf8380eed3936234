"""Health by the standard client: what is asked, what is watched, and what both say while the server ends."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from clients import Client, P, fails
from server import LATE, SOON, serve

Check = health_pb2.HealthCheckRequest
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN

KNOWN = ["", "outsiders", "outsiders.Probe", "grpc.testing.TestService", "grpc.health.v1.Health", "liveness"]


@pytest.fixture
def health(client):
    return health_pb2_grpc.HealthStub(client.channel)


@pytest.mark.parametrize("name", KNOWN)
def test_what_runs_is_serving(health, name):
    assert health.Check(Check(service=name), timeout=20).status == SERVING


def test_check_of_an_unknown_name_is_not_found(health):
    fails(grpc.StatusCode.NOT_FOUND, lambda: health.Check(Check(service="nobody"), timeout=20))


def test_list_has_every_name(health):
    statuses = health.List(health_pb2.HealthListRequest(), timeout=20).statuses
    assert {name: statuses[name].status for name in KNOWN} == dict.fromkeys(KNOWN, SERVING)


def test_watch_of_an_unknown_name_says_so_and_stays_open(health):
    watch = health.Watch(Check(service="nobody"), timeout=SOON)
    assert next(watch).status == SERVICE_UNKNOWN
    # Had it ended with that, its end would have come before this answer on the same connection.
    assert health.Check(Check(), timeout=SOON).status == SERVING
    watch.cancel()
    fails(grpc.StatusCode.CANCELLED, lambda: next(watch))


def test_during_the_drain_delay_health_says_not_serving_while_calls_are_answered():
    with serve(drain_delay_ms=4000, max_shutdown_ms=20_000) as server, Client(server.address) as client:
        health = health_pb2_grpc.HealthStub(client.channel)
        watch = health.Watch(Check(), timeout=SOON)
        alive = health.Watch(Check(service="liveness"), timeout=SOON)
        assert (next(watch).status, next(alive).status) == (SERVING, SERVING)
        server.terminate()
        assert next(watch).status == NOT_SERVING
        with Client(server.address) as late:
            assert late.probe.Sleep(P.SleepRequest(), timeout=SOON) == P.Nothing()
        assert health.Check(Check(service="liveness"), timeout=SOON).status == SERVING
        assert health.Check(Check(), timeout=SOON).status == NOT_SERVING
        # Both end by themselves, with OK, and hold nothing up.
        assert list(watch) == [] and list(alive) == []
        assert server.stop()["took"] < 4 + LATE
