"""A peer that calls and does not read: it costs bounded memory, and holds up a drain no longer than the deadline."""

from clients import PROBE, TEST, Client, Empty, M, P
from raw_peer import WINDOW_UPDATE, Peer, frame
from server import LATE, SOON, serve

FLOOD = P.FloodRequest(size=100_000).SerializeToString()
WINDOW = (4).to_bytes(2, "big") + (2**31 - 1).to_bytes(4, "big")


def test_a_reader_that_stops_costs_bounded_memory_and_is_cut_in_time():
    with serve(max_shutdown_ms=1000) as server, Client(server.address) as client:
        assert client.test.EmptyCall(Empty(), timeout=SOON) == Empty()
        memory = server.memory()
        with Peer(server, receive_buffer=4096) as peer:
            peer.begin(settings=WINDOW)
            for stream in range(1, 41, 2):
                peer.call(stream, PROBE + "Flood", body=FLOOD)
            client.account(PROBE + "Flood", begun=20)
            for _ in range(100):
                assert client.test.EmptyCall(Empty(), timeout=SOON) == Empty()
            assert server.memory() < memory + 64
            report = server.stop(clean=False)
        assert report["exit_code"] == 3 and report["took"] < 1 + LATE
        assert "1 connection cut" in report["error"], report["error"]


def test_a_reader_that_is_slow_gets_its_answer_whole_while_the_server_drains():
    size = 3_000_000
    with serve(max_shutdown_ms=20_000) as server, Client(server.address) as client:
        with Peer(server, receive_buffer=4096) as peer:
            body = M.SimpleRequest(response_size=size).SerializeToString()
            peer.begin(settings=WINDOW)
            peer.send(frame(WINDOW_UPDATE, payload=(2**30).to_bytes(4, "big")))
            peer.call(1, TEST + "UnaryCall", body=body)
            client.account(TEST + "UnaryCall", begun=1)
            server.terminate()
            data, headers = peer.answer(1)
            assert len(data) > size and headers["grpc-status"] == "0"
        assert server.stop()["took"] < 10
