"""The cases of the gRPC interoperability suite, by their names there, as far as they need no credentials.

Not here: `cacheable_unary` (no proxy), the cases of authentication, and the two of compression within a stream, which
`test_raw_frames.py` holds by looking at the frames.
"""

import time

import grpc

from clients import Empty, M, Requests, ends, fails, payload

LARGE_REQUEST, LARGE_ANSWER = 271828, 314159
REQUEST_SIZES, ANSWER_SIZES = [27182, 8, 1828, 45904], [31415, 9, 2653, 58979]
STATUS = M.EchoStatus(code=2, message="test status message")


def wanting(*sizes, **more):
    parameters = [M.ResponseParameters(size=size) for size in sizes]
    return M.StreamingOutputCallRequest(response_parameters=parameters, **more)


def large(**more):
    return M.SimpleRequest(response_size=LARGE_ANSWER, payload=payload(LARGE_REQUEST), **more)


def test_empty_unary(client):
    assert client.test.EmptyCall(Empty(), timeout=20) == Empty()


def test_large_unary(client):
    assert client.test.UnaryCall(large(), timeout=20).payload.body == bytes(LARGE_ANSWER)


def test_client_compressed_unary(client):
    yes, no = M.BoolValue(value=True), M.BoolValue(value=False)
    probe = large(expect_compressed=yes)
    fails(grpc.StatusCode.INVALID_ARGUMENT, lambda: client.test.UnaryCall(probe, timeout=20))
    answer = client.test.UnaryCall(probe, compression=grpc.Compression.Gzip, timeout=20)
    assert answer.payload.body == bytes(LARGE_ANSWER)
    answer = client.test.UnaryCall(large(expect_compressed=no), timeout=20)
    assert answer.payload.body == bytes(LARGE_ANSWER)


def test_server_compressed_unary(client):
    for compressed in True, False:
        request = large(response_compressed=M.BoolValue(value=compressed))
        assert client.test.UnaryCall(request, timeout=20).payload.body == bytes(LARGE_ANSWER)


def test_client_streaming(client):
    requests = (M.StreamingInputCallRequest(payload=payload(size)) for size in REQUEST_SIZES)
    assert client.test.StreamingInputCall(requests, timeout=20).aggregated_payload_size == 74922


def test_server_streaming(client):
    answers = client.test.StreamingOutputCall(wanting(*ANSWER_SIZES), timeout=20)
    assert [len(answer.payload.body) for answer in answers] == ANSWER_SIZES


def test_ping_pong(client):
    requests = Requests()
    answers = client.test.FullDuplexCall(requests, timeout=20)
    for size, answer_size in zip(REQUEST_SIZES, ANSWER_SIZES):
        requests.send(wanting(answer_size, payload=payload(size)))
        assert len(next(answers).payload.body) == answer_size
    requests.end()
    assert list(answers) == []


def test_half_duplex(client):
    requests = (wanting(size) for size in ANSWER_SIZES)
    answers = client.test.HalfDuplexCall(requests, timeout=20)
    assert [len(answer.payload.body) for answer in answers] == ANSWER_SIZES


def test_empty_stream(client):
    assert list(client.test.FullDuplexCall(iter(()), timeout=20)) == []


def test_custom_metadata(client):
    initial = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
    trailing = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
    _, unary = client.test.UnaryCall.with_call(large(), metadata=(initial, trailing), timeout=20)
    request = wanting(LARGE_ANSWER, payload=payload(LARGE_REQUEST))
    duplex = client.test.FullDuplexCall(iter([request]), metadata=(initial, trailing), timeout=20)
    assert len(list(duplex)) == 1
    for call in unary, duplex:
        assert initial in call.initial_metadata()
        assert trailing in call.trailing_metadata()


def test_status_code_and_message(client):
    unary = M.SimpleRequest(response_status=STATUS)
    error = fails(grpc.StatusCode.UNKNOWN, lambda: client.test.UnaryCall(unary, timeout=20))
    assert error.details() == STATUS.message
    duplex = client.test.FullDuplexCall(iter([wanting(response_status=STATUS)]), timeout=20)
    assert ends(grpc.StatusCode.UNKNOWN, duplex) == []
    assert duplex.details() == STATUS.message


def test_special_status_message(client):
    message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    request = M.SimpleRequest(response_status=M.EchoStatus(code=2, message=message))
    error = fails(grpc.StatusCode.UNKNOWN, lambda: client.test.UnaryCall(request, timeout=20))
    assert error.details() == message


def test_unimplemented_method(client):
    call = lambda: client.test.UnimplementedCall(Empty(), timeout=20)
    fails(grpc.StatusCode.UNIMPLEMENTED, call)
    missing = client.channel.unary_unary("/grpc.testing.TestService/NoSuchMethod")
    fails(grpc.StatusCode.UNIMPLEMENTED, lambda: missing(b"", timeout=20))


def test_unimplemented_service(client):
    call = lambda: client.unimplemented.UnimplementedCall(Empty(), timeout=20)
    fails(grpc.StatusCode.UNIMPLEMENTED, call)


def test_cancel_after_begin(client):
    requests = Requests()
    call = client.test.StreamingInputCall.future(requests)
    call.cancel()
    requests.end()
    assert call.cancelled() and call.code() == grpc.StatusCode.CANCELLED


def test_cancel_after_first_response(client):
    requests = Requests()
    call = client.test.FullDuplexCall(requests)
    requests.send(wanting(ANSWER_SIZES[0], payload=payload(REQUEST_SIZES[0])))
    next(call)
    call.cancel()
    requests.end()
    fails(grpc.StatusCode.CANCELLED, lambda: next(call))


def test_timeout_on_sleeping_server(client):
    requests = Requests()
    call = client.test.FullDuplexCall(requests, timeout=0.001)
    requests.send(wanting(payload=payload(REQUEST_SIZES[0])))
    assert ends(grpc.StatusCode.DEADLINE_EXCEEDED, call) == []
    requests.end()


def test_rpc_soak(client):
    for _ in range(200):
        assert client.test.UnaryCall(large(), timeout=20).payload.body == bytes(LARGE_ANSWER)


def test_timed_answers_of_a_stream_come_when_they_are_made(client):
    parameters = [M.ResponseParameters(size=1), M.ResponseParameters(size=1, interval_us=1_000_000)]
    request = M.StreamingOutputCallRequest(response_parameters=parameters)
    arrived = [time.monotonic() for _ in client.test.StreamingOutputCall(request, timeout=20)]
    assert arrived[1] - arrived[0] > 0.1, "the first answer waited for the second"
