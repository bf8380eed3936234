"""What must hold of all lives and all writes together, and the table."""

import collections
import statistics


def never_two(lives):
    """What is wrong, how many overlaps are excused, and the least time between two lives."""
    wrong, excused, gaps = [], 0, []
    ordered = sorted(lives, key=lambda life: life.began)
    for at, life in enumerate(ordered):
        for later in ordered[at + 1 :]:
            if later.epoch <= life.epoch:
                wrong.append(f"epoch {later.epoch} began after epoch {life.epoch}")
            overlap = life.over - later.began
            if overlap <= 0:
                continue
            # Suspended before the other began: it has an old epoch, and the table refuses it.
            if life.suspended and life.suspended[0] < later.began:
                excused += 1
            else:
                wrong.append(f"epochs {life.epoch} and {later.epoch} ran together for {overlap:.3f} s")
        if at and not ordered[at - 1].suspended:
            gaps.append(life.began - ordered[at - 1].over)
    return wrong, excused, min(gaps, default=None)


def fenced(lives, writes):
    """What is wrong with the table: the epochs, in the order that the store gave."""
    wrong = [f"a write of epoch {late} follows one of {newer}" for newer, late in zip(writes, writes[1:]) if late < newer]
    known = {life.epoch for life in lives}
    wrong += [f"epoch {epoch} has written, and no life had it" for epoch in set(writes) - known]
    there = collections.Counter(writes)
    for life in lives:
        if life.came["wrote"] > there[life.epoch]:
            wrong.append(f"epoch {life.epoch}: {life.came['wrote']} writes acknowledged, {there[life.epoch]} there")
    return wrong


def ms(seconds):
    return f"{1000 * seconds:.0f}"


def spread(values):
    values = sorted(values)
    return " / ".join(ms(value) for value in (values[0], statistics.median(values), values[-1])) if values else "-"


def table(name, done, lives, writes, excused, gap, seconds):
    lines = [f"{name}, {seconds:.0f} s; milliseconds: least / median / most"]
    lines.append(f"{'fault':26} {'times':>5}  {'taken over after':>20}  {'over before its time':>20}  {'kept':>7}  {'went on':>14}")
    for fault, rows in done.items():
        column = {key: [row[key] for row in rows if key in row] for key in ("taken", "left", "kept", "went on")}
        kept = f"{sum(column['kept'])} of {len(column['kept'])}" if column["kept"] else "-"
        taken, left, went_on = (spread(column[key]) for key in ("taken", "left", "went on"))
        lines.append(f"{fault:26} {len(rows):5}  {taken:>20}  {left:>20}  {kept:>7}  {went_on:>14}")
    came = collections.Counter()
    for life in lives:
        came += life.came
    lines.append(
        f"{sum(map(len, done.values()))} faults, {len(lives)} lives; {len(writes)} writes in the table, {came['wrote']} of them acknowledged, "
        f"{came['refused']} refused, {came['away']} without an answer; least time between two lives: {'-' if gap is None else ms(gap) + ' ms'}; "
        f"lives that were suspended, and overlapped a later one until they were cut: {excused}"
    )
    return "\n".join(lines)
