from __future__ import annotations

import contextlib
import threading
from typing import Optional

from config_service_client._bell import Bell
from config_service_client._listeners import Listeners
from config_service_client._memory import Memory


class Dispatcher:
    """Calls the listeners, one after another, in one daemon thread that does nothing else.

    There is no queue: the thread tells the difference between what it told last and what reads
    answer now. A listener that blocks holds up the other listeners and nothing else.
    """

    def __init__(self, listeners: Listeners, memory: Memory) -> None:
        self._listeners = listeners
        self._memory = memory
        self._bell = Bell()
        self._closed = False
        self._thread: Optional[threading.Thread] = None
        memory.observe(self._bell.ring)

    def start(self) -> None:
        """Does nothing when there is no thread to be had: that is said by the watch."""
        if self._thread is None and not self._is_over:
            thread = threading.Thread(
                target=self._run, name="config-service-listeners", daemon=True
            )
            self._thread = thread
            try:
                thread.start()
            except RuntimeError:
                self._thread = None

    def abandon(self) -> None:
        """Calls no listener any more. Takes no lock: it runs as a finalizer."""
        self._closed = True
        self._bell.ring()

    def join(self, timeout: float) -> None:
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            # It may not have started yet, when another thread is at it.
            with contextlib.suppress(RuntimeError):
                thread.join(timeout)

    @property
    def _is_over(self) -> bool:
        # Whoever closes the client may not have seen this one, when a listener is registered
        # in the same instant.
        return self._closed or self._memory.standing.closed

    def _run(self) -> None:
        while not self._is_over:
            for subscription, change in self._listeners.due(self._memory):
                if self._is_over:
                    return
                try:
                    subscription.listener(change)
                except BaseException:
                    # The thread ends for nobody: pytest.fail() and gevent throw such.
                    subscription.report(change)
            self._bell.wait()
