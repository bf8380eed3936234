"""The limit of messages, 4 MiB unless it is set: exactly so much passes, one byte more does not."""

import grpc

from clients import TEST, Client, Empty, M, fails

LIMIT = 4 * 1024 * 1024
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


def request_of(size):
    """A request with exactly so many bytes on the wire."""
    request = M.SimpleRequest(payload=M.Payload(body=bytes(size)))
    request.payload.body = bytes(size - (request.ByteSize() - size))
    assert request.ByteSize() == size
    return request


def test_a_request_of_four_mebibytes_is_taken(client):
    assert client.test.UnaryCall(request_of(LIMIT), timeout=20) == M.SimpleResponse(payload=M.Payload())


def test_one_byte_more_is_refused_and_the_connection_goes_on(client):
    error = fails(EXHAUSTED, lambda: client.test.UnaryCall(request_of(LIMIT + 1), timeout=20))
    assert f"({LIMIT + 1} vs. {LIMIT})" in error.details()
    assert client.test.EmptyCall(Empty(), timeout=20) == Empty()


def test_in_a_stream_what_came_before_counts_and_the_stream_is_refused(client):
    small = M.StreamingInputCallRequest(payload=M.Payload(body=bytes(10)))
    large = M.StreamingInputCallRequest(payload=M.Payload(body=bytes(LIMIT)))
    fails(EXHAUSTED, lambda: client.test.StreamingInputCall(iter([small, large]), timeout=20))
    assert client.test.EmptyCall(Empty(), timeout=20) == Empty()


def test_a_stream_may_be_longer_than_any_message(client):
    chunk = M.StreamingInputCallRequest(payload=M.Payload(body=bytes(1024 * 1024)))
    answer = client.test.StreamingInputCall(iter([chunk] * 16), timeout=20)
    assert answer.aggregated_payload_size == 16 * 1024 * 1024


def test_a_large_answer_is_the_clients_to_refuse(server, client):
    big = M.SimpleRequest(response_size=LIMIT + 1)
    fails(EXHAUSTED, lambda: client.test.UnaryCall(big, timeout=20))
    with Client(server.address, options=[("grpc.max_receive_message_length", -1)]) as open_to_all:
        assert len(open_to_all.test.UnaryCall(big, timeout=20).payload.body) == LIMIT + 1
    client.account(TEST + "UnaryCall", completed=1)
