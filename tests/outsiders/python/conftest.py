"""What all tests share: a server for each file, and clients of it."""

import pytest

from clients import Client
from server import serve


@pytest.fixture(scope="module")
def server_options():
    """Overridden by files whose server is not to be the usual one."""
    return {}


@pytest.fixture(scope="module")
def server(server_options):
    """One server for the file. It has to end cleanly."""
    with serve(**server_options) as server:
        yield server


@pytest.fixture
def client(server):
    with Client(server.address) as client:
        yield client
