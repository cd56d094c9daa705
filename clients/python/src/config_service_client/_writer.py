from __future__ import annotations

import atexit
import contextlib
import math
import threading
import weakref
from time import monotonic
from typing import Optional

from config_service_client._bell import Bell
from config_service_client._cachefile import CacheFile
from config_service_client._memory import Memory
from config_service_client._status import Source
from config_service_client._stream import SILENCE_TIMEOUT
from config_service_client._view import View

INTERVAL = 1.0
# After a write that failed.
RETRY = 10.0


class Writer:
    """Keeps the cache file after the memory, by one daemon thread: after a change, at most once
    a second, and at the end."""

    def __init__(self, file: CacheFile, memory: Memory) -> None:
        self._file = file
        self._memory = memory
        self._bell = Bell()
        self._closed = False
        # What a fork left here is for the parent to write; the file may be newer by now.
        self._written: Optional[View] = memory.base
        self._written_at = math.inf
        self._thread: Optional[threading.Thread] = None
        memory.observe(self._bell.ring)
        _writers.add(self)

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Does nothing when there is no thread to be had: that is said by the watch."""
        if self._thread is None and not self._closed:
            thread = threading.Thread(target=self._run, name="config-service-cache", daemon=True)
            self._thread = thread
            try:
                thread.start()
            except RuntimeError:
                self._thread = None

    def abandon(self) -> None:
        """Writes what is unwritten and ends. Takes no lock: it runs as a finalizer."""
        self._closed = True
        self._bell.ring()

    def finish(self) -> None:
        """After abandon(): does what the thread would have done, if there never was one."""
        if self._thread is None and self._is_unwritten():
            self._save()

    def join(self, timeout: float) -> None:
        # It may not have started yet, when another thread is at it.
        with contextlib.suppress(RuntimeError):
            if self._thread is not None:
                self._thread.join(timeout)

    def _run(self) -> None:
        while not self._closed:
            if self._is_unwritten():
                self._pause(INTERVAL if self._save() else RETRY)
            else:
                self._bell.wait()
        if self._is_unwritten() or self._is_worth_a_new_date():
            self._save()

    def _pause(self, length: float) -> None:
        end = monotonic() + length
        while not self._closed and (left := end - monotonic()) > 0:
            self._bell.wait(left)

    def _is_unwritten(self) -> bool:
        view = self._memory.base
        if view is None or view.state.source is Source.CACHE_FILE:
            return False
        return self._written is None or self._written.entries is not view.entries

    def _is_worth_a_new_date(self) -> bool:
        """Whether the values, though written, are known to be current for longer than the file
        says."""
        view = self._memory.base
        if view is None or self._written is None or view.confirmed is None:
            return False
        now = monotonic()
        return now - view.confirmed < SILENCE_TIMEOUT and now - self._written_at > INTERVAL

    def _save(self) -> bool:
        view = self._memory.base
        if view is None or not self._file.save(view):
            return False
        self._written, self._written_at = view, monotonic()
        return True


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


@atexit.register
def _finish() -> None:
    # A daemon thread would be stopped in the midst of a file.
    end = monotonic() + 1.0
    for writer in list(_writers):
        writer.abandon()
        writer.join(max(0.0, end - monotonic()))
