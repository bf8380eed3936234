"""The faults: each is done to the world, and says what it measured, or what is wrong.

What is measured, in seconds: `taken`, from the fault to the first instruction of the next life; `left`, from the end of the old life to the end of its
lease less the margin, at the earliest that this may be: a lease that is renewed no more is over a time to live after the network was cut.
"""

import signal
import time

from proxy import CUTS
from replica import Failed

# For what has no bound of its own: whatever hangs is a failure.
HANG = 30
# How much later than its time to live a lease may be another's.
LATE = 1.0
# How long the cut of a run may take on a busy machine, where nothing else is promised.
CUT = 1.0
# How much later than it happened the end of a process may be seen here; the margin has room for it.
SEEN_LATE = 0.3
# A clean end: within that another runs, where the store tells when a lease is free, and the machine gives each its turn.
AT_ONCE = 0.1


def sleep_until(at):
    time.sleep(max(0.0, at - time.monotonic()))


def taken_over(world, life, since, within):
    """From then to the next life; `within`: where more is wrong."""
    following = world.next(life)
    taken = following.began - since
    if taken > within:
        raise Failed(f"epoch {following.epoch} began {taken:.3f} s after the fault, where {within:.3f} s are promised")
    return taken


def over_in_time(world, life, cut):
    """How long before the end of its lease, less the margin, it was over."""
    over = world.over(life)
    left = cut + world.terms.ttl - world.terms.margin - over
    if left < -SEEN_LATE:
        raise Failed(f"epoch {life.epoch} was over {-left:.3f} s too late")
    return left


def killed(world, life):
    at = life.replica.signal(signal.SIGKILL)
    world.replace(life.replica)
    return {"taken": taken_over(world, life, at, world.terms.ttl + LATE)}


def suspended(world, life):
    at = life.replica.signal(signal.SIGSTOP)
    life.suspended = (at, None)
    sleep_until(at + 2 * world.terms.ttl)
    woke = life.replica.signal(signal.SIGCONT)
    life.suspended = (at, woke)
    taken = taken_over(world, life, at, world.terms.ttl + LATE)
    went_on = world.over(life) - woke
    if went_on > CUT:
        raise Failed(f"epoch {life.epoch} went on for {went_on:.3f} s after it was suspended")
    return {"taken": taken, "went on": went_on}


def lost(world, life, cut_off):
    """The holder, or all, have no store until the lease is over, and for up to as long again."""
    how = world.random.choice(CUTS)
    at = time.monotonic()
    for replica in cut_off:
        replica.proxy.cut(how)
    left = over_in_time(world, life, at)
    sleep_until(at + world.terms.ttl * world.random.uniform(1.0, 2.0))
    return at, left


def cut_off(world, life):
    at, left = lost(world, life, [life.replica])
    taken = taken_over(world, life, at, world.terms.ttl + LATE)
    life.replica.proxy.mend()
    return {"taken": taken, "left": left}


def cut_off_shortly(world, life):
    """Long enough to lose answers, too short to lose the lease, as a rule."""
    life.replica.proxy.cut(world.random.choice(CUTS))
    time.sleep(world.random.uniform(0.05, world.terms.ttl / 6))
    life.replica.proxy.mend()
    return {"kept": world.still_holds(life)}


def all_cut_off(world, life):
    _, left = lost(world, life, world.replicas)
    mended = time.monotonic()
    for replica in world.replicas:
        replica.proxy.mend()
    # From the moment when there is a store again.
    return {"left": left, "taken": taken_over(world, life, mended, world.terms.ttl + LATE)}


def restarted(world, life):
    at = time.monotonic()
    world.store.restart()
    away = time.monotonic() - at
    # It may be lost where the store was away for longer than three renewals take.
    return {"away": away, "kept": world.still_holds(life)}


def blocked(world, life):
    replica = life.replica
    replica.order("block")
    world.board.wait(lambda: life.came["blocks"], HANG, "thread that blocks")
    at = time.monotonic()
    replica.proxy.cut(world.random.choice(CUTS))
    if (code := replica.ended(HANG, "end of a process whose thread is blocked")) != 3:
        raise Failed(f"a process whose thread is blocked ended with {code}:\n{replica.said()}")
    left = over_in_time(world, life, at)
    taken = taken_over(world, life, at, world.terms.ttl + LATE)
    world.replace(replica)
    return {"taken": taken, "left": left}


def ignored(world, life):
    life.replica.order("ignore")
    measured = cut_off(world, life)
    if life.replica.process.poll() is not None:
        raise Failed(f"a process ended whose run could be cut:\n{life.replica.said()}")
    return measured


def ended(world, life):
    replica = life.replica
    replica.signal(signal.SIGTERM)
    over = world.over(life)
    taken = taken_over(world, life, over, world.terms.ttl + LATE)
    if (code := replica.ended(HANG, "end that was asked for")) != 0:
        raise Failed(f"a clean end had the code {code}:\n{replica.said()}")
    world.replace(replica)
    return {"taken": taken}


def bystander(world, life):
    """One that stands by is killed, suspended or cut off: the holder does not notice."""
    other = world.random.choice([replica for replica in world.replicas if replica is not life.replica])
    kind = world.random.choice(("kill", "suspend", *CUTS))
    if kind == "kill":
        other.signal(signal.SIGKILL)
        world.replace(other)
    elif kind == "suspend":
        other.signal(signal.SIGSTOP)
        time.sleep(1)
        other.signal(signal.SIGCONT)
    else:
        other.proxy.cut(kind)
        time.sleep(1)
        other.proxy.mend()
    if not world.still_holds(life):
        raise Failed(f"epoch {life.epoch} ended since another, which stood by, had a fault ({kind})")
    return {}


FAULTS = {
    "kill -9": killed,
    "suspended for 2 x ttl": suspended,
    "network cut": cut_off,
    "network cut for a moment": cut_off_shortly,
    "network cut for all": all_cut_off,
    "store restarted": restarted,
    "blocks its thread, cut": blocked,
    "ignores its signal, cut": ignored,
    "clean end": ended,
    "one that stands by": bystander,
}
