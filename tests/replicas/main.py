"""Three replicas on one store, with faults one after the other: see .ci/replicas, which starts the store and builds the program."""

import argparse
import random
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NamedTuple

from checks import fenced, ms, never_two, table
from faults import AT_ONCE, FAULTS, HANG
from pace import Pace
from replica import Board, Failed, Replica, end_all
from stores import STORES

REPLICAS = 3
# Clean ends take a moment each, and one alone tells little.
DECK = [*sorted(FAULTS), "clean end", "clean end"]


class Terms(NamedTuple):
    ttl: float = 3.0
    margin: float = 0.5
    stop: float = 0.5


class World:
    def __init__(self, arguments, folder):
        self.store, self.terms, self.random = STORES[arguments.store](), Terms(), random.Random(arguments.seed)
        self.binary, self.folder, self.board = arguments.binary, folder, Board()
        self.replicas, self.gone = [], []
        for _ in range(REPLICAS):
            self.replicas.append(self.start())

    def start(self):
        return Replica(self.binary, self.store, self.terms, self.board, self.folder)

    def replace(self, replica):
        """A new process in the place of one that ends."""
        self.gone.append(replica)
        self.replicas[self.replicas.index(replica)] = self.start()

    def holder(self):
        """The life that is under way, once it has written."""
        def found():
            latest = max(self.board.lives, key=lambda life: life.epoch, default=None)
            return latest if latest and latest.over is None and latest.came["wrote"] else None

        return self.board.wait(found, HANG, "life that writes")

    def next(self, life):
        """The first life of a later epoch."""
        def found():
            return min((one for one in self.board.lives if one.epoch > life.epoch), key=lambda one: one.epoch, default=None)

        return self.board.wait(found, HANG, f"life after epoch {life.epoch}")

    def over(self, life):
        self.board.wait(lambda: life.over is not None, HANG, f"end of epoch {life.epoch}")
        return life.over

    def still_holds(self, life):
        """Whether it is still that one that writes."""
        before = life.came["wrote"]
        self.board.wait(lambda: life.over is not None or life.came["wrote"] > before, HANG, "write, nor an end")
        return life.over is None

    def kill(self):
        for replica in [*self.replicas, *self.gone]:
            replica.kill()


def deck(world):
    """Each fault, in an order of its own each time."""
    while True:
        yield from world.random.sample(DECK, len(DECK))


def play(world, seconds):
    """What was measured, and what is wrong. Each fault comes at least once."""
    done, wrong, began = {fault: [] for fault in FAULTS}, [], time.monotonic()
    for number, fault in enumerate(deck(world)):
        if number >= len(DECK) and time.monotonic() - began > seconds:
            return done, wrong
        life = world.holder()
        time.sleep(world.random.uniform(0.1, 0.6))
        if life is not world.holder():
            # Given away in between, as after a restart of the store.
            life = world.holder()
        at = f"{time.monotonic() - began:6.1f} s  epoch {life.epoch}: {fault}"
        try:
            row = FAULTS[fault](world, life)
        except Failed as failure:
            wrong.append(f"{at}: {failure}")
            print(f"{at}: WRONG: {failure}", flush=True)
            # What comes after it begins anew.
            for replica in world.replicas:
                replica.signal(signal.SIGCONT)
                replica.proxy.mend()
            continue
        done[fault].append(row)
        print(f"{at}: " + ", ".join(f"{key} {value if key == 'kept' else ms(value) + ' ms'}" for key, value in row.items()), flush=True)


def at_once(done, allowance):
    """Half of the clean ends at least were followed at once: a busy machine delays single ones."""
    taken = sorted(row["taken"] for row in done["clean end"])
    if taken and taken[(len(taken) - 1) // 2] > AT_ONCE + allowance:
        return [f"after a clean end another ran only after {', '.join(map(ms, taken))} ms"]
    return []


def run(arguments, folder):
    """What is wrong."""
    world, pace, began = World(arguments, folder), Pace(), time.monotonic()
    try:
        done, wrong = play(world, arguments.seconds)
        end_all(world.replicas)
        lives, writes = world.board.lives, world.store.writes()
        overlaps, excused, gap = never_two(lives)
        print(table(world.store.NAME, done, lives, writes, excused, gap, time.monotonic() - began), flush=True)
        return wrong + overlaps + fenced(lives, writes) + at_once(done, pace.allowance())
    finally:
        world.kill()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--store", choices=STORES, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            wrong = run(arguments, Path(folder))
        except Failed:
            wrong = [traceback.format_exc()]
    if wrong:
        sys.exit(f"FAILED, seed {arguments.seed}: " + "\n".join(wrong))


main()
