"""All four kinds of call, with messages in both directions where there are several."""

from clients import M, Empty, Requests, payload


def test_a_unary_call_is_answered(client):
    answer = client.test.UnaryCall(M.SimpleRequest(response_size=10, payload=payload(20)), timeout=20)
    assert len(answer.payload.body) == 10


def test_a_server_stream_comes_whole_and_in_order(client):
    sizes = list(range(1, 500))
    request = M.StreamingOutputCallRequest(response_parameters=[M.ResponseParameters(size=s) for s in sizes])
    answers = client.test.StreamingOutputCall(request, timeout=20)
    assert [len(answer.payload.body) for answer in answers] == sizes


def test_a_server_stream_without_messages_ends(client):
    assert list(client.test.StreamingOutputCall(M.StreamingOutputCallRequest(), timeout=20)) == []


def test_a_client_stream_is_read_whole(client):
    requests = (M.StreamingInputCallRequest(payload=payload(size)) for size in range(500))
    answer = client.test.StreamingInputCall(requests, timeout=20)
    assert answer.aggregated_payload_size == sum(range(500))


def test_a_duplex_stream_answers_each_request_before_the_next_is_sent(client):
    requests = Requests()
    answers = client.test.FullDuplexCall(requests, timeout=20)
    for size in range(1, 50):
        parameters = [M.ResponseParameters(size=size)]
        requests.send(M.StreamingOutputCallRequest(response_parameters=parameters))
        assert len(next(answers).payload.body) == size
    requests.end()
    assert list(answers) == []


def test_calls_of_all_kinds_share_a_connection(client):
    requests = Requests()
    duplex = client.test.FullDuplexCall(requests, timeout=20)
    unary = [client.test.EmptyCall.future(Empty(), timeout=20) for _ in range(50)]
    assert all(call.result() == Empty() for call in unary)
    requests.end()
    assert list(duplex) == []
