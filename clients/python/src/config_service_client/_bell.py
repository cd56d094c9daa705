from __future__ import annotations

import contextlib
import queue
from typing import Optional


class Bell:
    """Wakes one thread. ring() takes no lock, so that a finalizer may ring in whichever thread
    the collector happens to be. Rings before wait() count as one."""

    def __init__(self) -> None:
        self._rings: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._rung = False

    def ring(self) -> None:
        if not self._rung:
            self._rung = True
            self._rings.put(None)

    def wait(self, timeout: Optional[float] = None) -> None:
        """Returns when rung, or after the timeout. What the ringing is about must be looked at
        afterwards, not before."""
        with contextlib.suppress(queue.Empty):
            self._rings.get(timeout=timeout)
        self._rung = False
