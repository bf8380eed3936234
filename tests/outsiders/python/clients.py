"""A client by grpcio: one connection of its own, and the stubs of both services."""

import os
import threading

import grpc

# The suite's package, grpc.testing, lies inside of what is already a package of grpcio.
grpc.__path__.append(os.path.join(os.environ["OUTSIDERS_STUBS"], "grpc"))

from grpc.testing import empty_pb2, messages_pb2, test_pb2_grpc
from outsiders import probe_pb2, probe_pb2_grpc

from server import SOON

Empty = empty_pb2.Empty
M = messages_pb2
P = probe_pb2

TEST = "/grpc.testing.TestService/"
PROBE = "/outsiders.Probe/"


class Client:
    """Its own connection: grpcio shares one among channels of the same options."""

    def __init__(self, address, credentials=None, options=(), **more):
        options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0), *options)
        if credentials is None:
            self.channel = grpc.insecure_channel(address, options=options, **more)
        else:
            self.channel = grpc.secure_channel(address, credentials, options=options, **more)
        self.test = test_pb2_grpc.TestServiceStub(self.channel)
        self.unimplemented = test_pb2_grpc.UnimplementedServiceStub(self.channel)
        self.probe = probe_pb2_grpc.ProbeStub(self.channel)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def connected(self):
        grpc.channel_ready_future(self.channel).result(timeout=SOON)
        return self

    def account(self, method, begun=0, completed=0, dropped=0):
        """How the calls of a method went, once at least so many have."""
        request = P.AccountRequest(method=method, begun=begun, completed=completed, dropped=dropped)
        return self.probe.Account(request, timeout=SOON)


class Requests:
    """Requests of a stream, sent one at a time as the test wants."""

    def __init__(self):
        self._all, self._more, self._over = [], threading.Condition(), False

    def send(self, *requests):
        with self._more:
            self._all.extend(requests)
            self._more.notify()

    def end(self):
        with self._more:
            self._over = True
            self._more.notify()

    def __iter__(self):
        return self

    def __next__(self):
        with self._more:
            self._more.wait_for(lambda: self._all or self._over)
            if self._all:
                return self._all.pop(0)
            raise StopIteration


def begun_before(client, method, call):
    """Plays `call` with a deadline that is so far away that its handler has begun before: how long that takes nobody knows, so
    the time is doubled until it does. Returns what came of that call."""
    within = 0.2
    while within < SOON:
        begun = client.account(method).begun
        came = call(within)
        if client.account(method).begun > begun:
            return came
        within *= 2
    raise AssertionError(f"no call of {method} has reached its handler before its deadline")


def payload(size):
    return M.Payload(body=bytes(size))


def fails(code, call):
    """Asserts that it fails with this status, and returns the error."""
    try:
        answer = call()
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()}: {error.details()}"
        return error
    raise AssertionError(f"it answered {answer!r} instead of {code}")


def ends(code, call):
    """Asserts that a stream comes to its end with this status; returns what came before."""
    messages = []

    def read():
        for message in call:
            messages.append(message)

    fails(code, read)
    return messages
