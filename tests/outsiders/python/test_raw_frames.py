"""What goes over the wire, seen by the frames: compression by message, and the headers of answers."""

import gzip

from clients import TEST, M
from raw_peer import END_STREAM, DATA, Peer, frame, message

ACCEPTS = ("grpc-accept-encoding", "gzip")
SENDS = ("grpc-encoding", "gzip")


def answer_to(server, request, *headers):
    with Peer(server) as peer:
        peer.begin().call(1, TEST + "UnaryCall", *headers, body=request.SerializeToString())
        return peer.answer(1)


def test_an_answer_is_compressed_when_it_is_asked_for_and_accepted(server):
    request = M.SimpleRequest(response_size=5000, response_compressed=M.BoolValue(value=True))
    data, headers = answer_to(server, request, ACCEPTS)
    assert (headers["grpc-encoding"], data[0]) == ("gzip", 1)
    answer = M.SimpleResponse.FromString(gzip.decompress(data[5:]))
    assert len(answer.payload.body) == 5000


def test_an_answer_is_not_compressed_for_a_client_that_does_not_accept_it(server):
    request = M.SimpleRequest(response_size=5000, response_compressed=M.BoolValue(value=True))
    data, headers = answer_to(server, request)
    assert "grpc-encoding" not in headers and data[0] == 0


def test_an_answer_is_not_compressed_unless_it_is_asked_for(server):
    data, _ = answer_to(server, M.SimpleRequest(response_size=5000), ACCEPTS)
    assert data[0] == 0


def test_compressed_and_plain_messages_may_come_in_one_stream(server):
    body = M.StreamingInputCallRequest(payload=M.Payload(body=bytes(1000))).SerializeToString()
    messages = message(gzip.compress(body), compressed=True), message(body), message(gzip.compress(body), True)
    with Peer(server) as peer:
        peer.begin().send(peer.open(1, TEST + "StreamingInputCall", SENDS))
        peer.send(frame(DATA, END_STREAM, 1, b"".join(messages)))
        data, headers = peer.answer(1)
    assert headers["grpc-status"] == "0"
    assert M.StreamingInputCallResponse.FromString(data[5:]).aggregated_payload_size == 3000


def test_a_message_in_frames_of_one_byte_is_read(server):
    body = message(M.SimpleRequest(response_size=3).SerializeToString())
    with Peer(server) as peer:
        peer.begin().send(peer.open(1, TEST + "UnaryCall"))
        for at in range(len(body)):
            peer.send(frame(DATA, END_STREAM if at == len(body) - 1 else 0, 1, body[at : at + 1]))
        data, headers = peer.answer(1)
    assert headers["grpc-status"] == "0" and len(M.SimpleResponse.FromString(data[5:]).payload.body) == 3


def test_answers_say_what_they_are(server):
    _, headers = answer_to(server, M.SimpleRequest())
    assert headers[":status"] == "200" and headers["content-type"] == "application/grpc"
