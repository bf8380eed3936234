"""A peer that opens a stream after it has acknowledged the end of its connection, as gRPC's core may: nothing else is lost."""

from clients import PROBE, TEST, P
from raw_peer import ACK, DATA, END_STREAM, PING, WINDOW_UPDATE, Peer, frame, message
from server import serve


def test_a_call_is_answered_though_its_peer_opens_another_too_late():
    with serve() as server, Peer(server) as peer:
        peer.begin()
        peer.call(1, PROBE + "Linger", body=P.SleepRequest(ms=3000).SerializeToString())
        peer.is_answered(3)
        server.terminate()
        ping = peer.until(lambda frame: frame.kind == PING and not frame.flags & ACK)
        late = peer.open(5, TEST + "EmptyCall"), frame(WINDOW_UPDATE, 0, 5, b"\0\0\1\0"), frame(DATA, END_STREAM, 5, message())
        peer.send(frame(PING, ACK, 0, ping.payload), *late)
        _, headers = peer.answer(1)
        assert headers["grpc-status"] == "0", headers
