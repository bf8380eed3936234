"""Hand-overs under load: see .ci/nofail, which installs what this needs.

    wrk and h2load as fast as they can, the others beside   -> what each gets of the machine
    the same at rates in that proportion, lower each time   -> the capacity: the first that are answered promptly
    wrk and h2load at 70 % of it, the others beside         -> p99, undisturbed
    the same, and it is handed over again and again         -> nothing may fail; p99 at most twice the undisturbed one
"""

import argparse
import collections
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from clients import PLAYED_AT_A_RATE, Clients, H2load
from program import Lost, Program

# Requests a second of the clients in Python. They are no measure of a server: more would only tell how fast Python is.
STEADY = {"http": 400, "grpc": 300}
FASTEST_FOR = 4
# A client that sends when it is due does more for each request than one that waits for the answer before: nobody gets all of what it had then.
NEXT_TRY = 0.9
# Where not even that is answered promptly, the machine is busy with something else; the load is high enough for it.
LOWEST_TRY = 0.3
TRY_FOR = 4
# The capacity is what 99 of 100 requests of each kind are answered at in this time.
PROMPT = 0.05
# At least; more where many hand-overs follow, so that both percentiles are of enough.
UNDISTURBED_FOR = 10
UNDISTURBED_FOR_EACH = 0.3
OF_CAPACITY = 0.7
MOST = 2
# What is that fast is not looked at: the scheduler's part is larger than ours.
FAST = 0.001
# A run of so many hand-overs is held to that alone. In a shorter one a few starts of successors, each of which takes the processor for a moment,
# decide the percentile: there a request may wait for the longest of them, too.
FULL = 50


def busy():
    return subprocess.Popen([sys.executable, "-c", "while True: pass"])


def measure(program, folder, rates, meanwhile):
    clients = Clients(program, folder, rates)
    try:
        meanwhile()
        return clients.end()
    finally:
        clients.kill()


def capacity(program, folder, all_of):
    """Requests a second of each of the two that make the load."""
    came, most = measure(program, folder, STEADY | {"wrk": 0, "h2load": 0}, lambda: time.sleep(FASTEST_FOR))
    all_of(came)
    share = 1.0
    while True:
        rates = {kind: share * rate for kind, rate in most.items() if kind not in STEADY}
        came, _ = measure(program, folder, STEADY | rates, lambda: time.sleep(TRY_FOR))
        all_of(came)
        slowest = max(of.p99 or math.inf for name, of in came.items() if name not in PLAYED_AT_A_RATE)
        print(f"at {share:.2f} of the fastest: p99 up to {ms(slowest)} ms", flush=True)
        if slowest <= PROMPT or share < LOWEST_TRY:
            return rates
        share *= NEXT_TRY


def ms(seconds):
    return "-" if seconds is None else f"{seconds * 1000:.2f}"


def run(arguments, folder):
    """What is wrong."""
    options = {"handover": True, "http": {}, "max_shutdown_ms": 20_000}
    program = Program([arguments.server, json.dumps(options)], folder)
    try:
        answered = collections.Counter()

        def count(came):
            answered.update({name: of.count for name, of in came.items()})

        rates = STEADY | {kind: OF_CAPACITY * rate for kind, rate in capacity(program, folder, count).items()}
        print("requests a second: " + ", ".join(f"{kind} {rate:.0f}" for kind, rate in rates.items()), flush=True)
        lasts = max(UNDISTURBED_FOR, UNDISTURBED_FOR_EACH * arguments.handovers)
        undisturbed, _ = measure(program, folder, rates, lambda: time.sleep(lasts))
        count(undisturbed)
        took, began = [], time.monotonic()

        def hand_over():
            while len(took) < arguments.handovers:
                took.append(program.hand_over())
                if len(took) % 10 == 0:
                    print(f"{len(took)} hand-overs in {time.monotonic() - began:.0f} s", flush=True)

        handed, _ = measure(program, folder, rates, hand_over)
        count(handed)
        program.stop()
    finally:
        program.kill()
    waits = 0 if arguments.handovers >= FULL else max(in_charge for in_charge, _ in took)
    wrong = tell(undisturbed, handed, took, waits)
    account = program.account()
    if account["counted"] != answered[H2load.NAME]:
        wrong.append(f"handlers have seen {account['counted']} requests of h2load, which got {answered[H2load.NAME]} answers")
    calls = sum(count for method, count in account.items() if method.startswith("/grpc."))
    print(f"{len(took)} hand-overs; handlers have seen {calls} calls of gRPC and {account['counted']} requests of h2load, and answered all")
    return wrong


def tell(undisturbed, handed, took, waits):
    """Prints it, and returns what is wrong."""
    wrong = []
    print(f"{'':28}{'requests':>9}{'failed':>8}{'p99':>9}{'undisturbed':>13}   ms")
    for name, came in handed.items():
        before = undisturbed[name]
        unsent = f"; {came.unsent} not sent" if came.unsent else ""
        print(f"{name:28}{came.count:>9}{len(came.failed):>8}{ms(came.p99):>9}{ms(before.p99):>13}{unsent}")
        for phase, of in (("undisturbed", before), ("handed over", came)):
            if of.failed:
                wrong.append(f"{name}, {phase}: {len(of.failed)} failed, {of.failed[:3]}")
            if not of.count:
                wrong.append(f"{name}, {phase}: nothing was asked")
        if came.p99 and before.p99 and came.p99 > max(MOST * before.p99 + waits, FAST):
            wrong.append(f"{name}: p99 is {ms(came.p99)} ms, and was {ms(before.p99)} ms undisturbed")
    for what, of in zip(("in charge", "the old one gone"), zip(*took)):
        of = sorted(of)
        print(f"{what} after {of[len(of) // 2]:.2f} s, at most {of[-1]:.2f} s")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--handovers", type=int, default=10)
    parser.add_argument("--busy", action="store_true", help="a busy loop beside it")
    arguments = parser.parse_args()
    loop = busy() if arguments.busy else None
    try:
        with tempfile.TemporaryDirectory() as folder:
            wrong = run(arguments, Path(folder))
    except Lost as lost:
        wrong = [str(lost)]
    finally:
        if loop:
            loop.kill()
    for what in wrong:
        print(f"FAILED: nofail: {what}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
