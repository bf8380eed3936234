"""grpcurl, a client written in Go, which knows of the services by reflection alone."""

import json
import subprocess

import pytest

from server import SOON


@pytest.fixture
def grpcurl(server):
    def run(*args, data=None, fails=False):
        data = [] if data is None else ["-d", json.dumps(data)]
        command = ["grpcurl", "-plaintext", "-max-time", str(SOON), *data, server.address, *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * SOON)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout if not fails else done.stderr

    return run


def test_list_names_the_services(grpcurl):
    services = grpcurl("list").split()
    assert {"grpc.testing.TestService", "outsiders.Probe", "grpc.health.v1.Health", "pkping.Ping"} <= set(services)


def test_list_names_the_methods_of_a_service(grpcurl):
    assert "grpc.testing.TestService.FullDuplexCall" in grpcurl("list", "grpc.testing.TestService").split()


def test_describe_shows_a_message(grpcurl):
    shown = grpcurl("describe", "outsiders.SleepRequest")
    assert "uint32 ms = 1;" in shown


def test_a_method_is_called(grpcurl):
    answer = json.loads(grpcurl("grpc.testing.TestService/UnaryCall", data={"responseSize": 3}))
    assert answer["payload"]["body"] == "AAAA"


def test_a_stream_is_called(grpcurl):
    answer = grpcurl(
        "grpc.testing.TestService/StreamingOutputCall",
        data={"responseParameters": [{"size": 3}, {"size": 6}]},
    )
    assert answer.count('"body"') == 2


def test_an_error_is_shown_with_its_code(grpcurl):
    shown = grpcurl("outsiders.Probe/Fail", data={"code": 9, "message": "not now"}, fails=True)
    assert "FailedPrecondition" in shown and "not now" in shown


def test_health_is_asked(grpcurl):
    assert json.loads(grpcurl("grpc.health.v1.Health/Check", data={}))["status"] == "SERVING"
