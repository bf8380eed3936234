"""How late this machine gives a process its turn: what is promised "at once" counts from when those who do it have theirs."""

import threading
import time

NAP = 0.002
# A clean end passes through so many, one after the other: the old process, its proxy, the store, the other proxy and process, and whoever looks.
PASSAGES = 8


class Pace:
    def __init__(self):
        self._late, self._looked = [], threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while True:
            began = time.monotonic()
            time.sleep(NAP)
            late = time.monotonic() - began - NAP
            with self._looked:
                self._late.append(late)

    def allowance(self):
        """What is added to a limit that half of the times are to keep: nine of ten naps were less late, for each passage."""
        with self._looked:
            late = sorted(self._late)
        return PASSAGES * late[len(late) * 9 // 10] if late else 0.0
