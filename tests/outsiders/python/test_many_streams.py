"""100 connections with 100 streams each, all open at once, all answered; nothing is left of them."""

import asyncio

import grpc.aio

from clients import TEST, Client, M
from grpc.testing import test_pb2_grpc
from server import serve

CONNECTIONS, STREAMS = 100, 100
ALL = CONNECTIONS * STREAMS
ASK = M.StreamingOutputCallRequest(response_parameters=[M.ResponseParameters(size=3)])


async def open_and_answer(address, all_are_open):
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, options) for _ in range(CONNECTIONS)]
    stubs = [test_pb2_grpc.TestServiceStub(channel) for channel in channels]
    calls = [stub.FullDuplexCall() for stub in stubs for _ in range(STREAMS)]
    await asyncio.gather(*(call.write(ASK) for call in calls))
    answers = await asyncio.gather(*(call.read() for call in calls))
    await asyncio.to_thread(all_are_open)
    await asyncio.gather(*(call.done_writing() for call in calls))
    codes = await asyncio.gather(*(call.code() for call in calls))
    await asyncio.gather(*(channel.close() for channel in channels))
    return answers, codes


def test_ten_thousand_streams_are_open_at_once_and_every_one_is_answered():
    with serve(max_shutdown_ms=20_000) as server, Client(server.address) as client:
        before = server.descriptors()

        def all_are_open():
            account = client.account(TEST + "FullDuplexCall", begun=ALL)
            assert account.completed == account.dropped == 0
            assert server.descriptors() >= before + CONNECTIONS

        answers, codes = asyncio.run(open_and_answer(server.address, all_are_open))
        assert {len(answer.payload.body) for answer in answers} == {3}
        assert set(codes) == {grpc.StatusCode.OK}
        assert client.account(TEST + "FullDuplexCall", completed=ALL).dropped == 0
        server.stop()
