from __future__ import annotations

import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Optional

from config_service_client._cachefile import CacheFile
from config_service_client._dispatcher import Dispatcher
from config_service_client._errors import ConfigDenied, ConfigUnavailable
from config_service_client._listeners import Listeners
from config_service_client._memory import Memory
from config_service_client._refresh import Refresh
from config_service_client._settings import Settings
from config_service_client._status import Status
from config_service_client._uwsgi import is_before_its_fork
from config_service_client._view import View
from config_service_client._watch import Watch
from config_service_client._writer import Writer

# How long the start waits for live values when there are others to fall back on.
_PATIENCE = 1.0
# How long close() waits for the threads.
JOIN_TIMEOUT = 1.0
# How long a waiter sleeps before it looks whether there is a thread to wait for, and asks the
# sidecar itself if there is not.
LOOK = 0.5

CLOSED_EMPTY = "the client was closed before it had loaded a configuration"


class Core:
    """What a client is made of in one process: the memory, and the threads that feed it, tell
    of it and keep it on disk. A forked child does not have the threads, and the locks may be
    held by nobody; it needs an heir().

    Without a watch the memory is what it is.
    """

    def __init__(self, settings: Settings, memory: Memory, fixed: bool = False) -> None:
        self.memory = memory
        self.process = os.getpid()
        self._settings = settings
        self._heirs: dict[None, Core] = {}
        self._starting = threading.Lock()
        self._dispatcher: Optional[Dispatcher] = None
        self._writer: Optional[Writer] = None
        self._watch: Optional[Watch] = None
        if fixed:
            return
        load: Callable[[], Optional[View]] = _no_file
        if settings.cache_file is not None:
            file = CacheFile(settings.cache_file, settings)
            load = file.load
            self._writer = Writer(file, memory)
        self._watch = Watch(settings, memory, load)
        self._refresh = Refresh(settings, memory, self._watch)

    def heir(self) -> Core:
        """For a forked child: the core to go on with. Every caller in the child gets the same,
        though they share no lock that is safe to take there."""
        heir = Core(self._settings, self.memory.heir(), fixed=self.is_fixed)
        if self._watch is not None and heir._watch is not None:
            heir._watch.in_step = self._watch.in_step
            self._watch.disown()
        if self.memory.standing.closed:
            heir.abandon()
        return self._heirs.setdefault(None, heir)

    @property
    def is_fixed(self) -> bool:
        return self._watch is None

    @property
    def status(self) -> Status:
        status = self.memory.standing.status
        if status is Status.VALID and self._watch is not None:
            # A watch that does not run cannot say that it lost its stream.
            good_until = max(self._watch.beating_until, self._refresh.good_until)
            return status if monotonic() < good_until else Status.STALE
        return status

    def start(self) -> bool:
        """Starts what does not run yet. False: there is no thread for the watch."""
        watch = self._watch
        if self.memory.standing.closed:
            return True
        if is_before_its_fork():
            if watch is not None:
                watch.load()
            return watch is None
        with self._starting:
            for part in (self._writer, self._dispatcher):
                if part is not None:
                    part.start()
            return watch is None or watch.start()

    def dispatch(self, listeners: Listeners) -> None:
        """Starts to tell the listeners."""
        with self._starting:
            if self._dispatcher is None:
                self._dispatcher = Dispatcher(listeners, self.memory)
        self.start()

    def urge(self, left: float) -> None:
        """For who waits for values, and has so many seconds left: starts the watch. Where there
        is no thread for it, makes one attempt in its place."""
        if not self.start() and left > 0 and self._refresh.run(left) and not self.memory.settled:
            self.memory.lose()

    def settle(self) -> None:
        """Starts the watch, and waits until the first read may be answered: at most the timeout
        of the settings after the first call, and never again."""
        memory = self.memory
        if memory.settled:
            return
        self.start()
        while not memory.settled and (left := self.start_left()) > 0:
            self.urge(left)
            with memory.changed:
                memory.changed.wait_for(lambda: memory.settled, min(left, LOOK))
        if not memory.settled:
            memory.give_up()

    def start_left(self) -> float:
        """How long the start may still take."""
        watch = self._watch
        if watch is None or watch.started_at is None:
            return 0.0
        limit = self._settings.timeout
        if self.memory.fallback is not None or self.memory.base is not None:
            limit = min(limit, _PATIENCE)
        return watch.started_at + limit - monotonic()

    def wait_ready(self, timeout: float) -> bool:
        """Starts the watch, and waits for values. Raises what is_ready() raises."""
        end = monotonic() + timeout
        while True:
            self.urge(end - monotonic())
            with self.memory.changed:
                if self.is_ready():
                    return True
                left = min(end - monotonic(), LOOK)
                if left <= 0:
                    return False
                self.memory.changed.wait(left)
            self.renew()

    def is_ready(self) -> bool:
        """Whether there are values. Raises ConfigDenied and ConfigUnavailable when there is
        nothing to wait for."""
        memory, standing = self.memory, self.memory.standing
        if standing.closed and standing.view is None:
            raise ConfigUnavailable(CLOSED_EMPTY)
        if standing.denial is not None and not standing.closed:
            raise ConfigDenied(standing.denial.message, standing.denial.reason)
        if standing.view is None and memory.fallback is not None and self.start_left() <= 0:
            memory.give_up()
        return memory.standing.view is not None

    def renew(self) -> None:
        """For a read: looks after a watch that does not run. At most once in a while it asks
        the sidecar itself; it never waits for another thread."""
        watch = self._watch
        if watch is None or monotonic() < self.memory.trusted_until or self.memory.standing.closed:
            return
        if watch.is_running or not self.start():
            self._refresh.run()

    @property
    def is_running(self) -> bool:
        """Whether a thread that feeds the memory, or keeps it on disk, is at work."""
        return any(part is not None and part.is_running for part in (self._watch, self._writer))

    def end(self) -> None:
        """Ends the threads without waiting for them. Nothing changes any more."""
        self.abandon()
        self.memory.close()
        if self._writer is not None:
            self._writer.finish()

    def close(self) -> None:
        """As end(), and waits for them."""
        self.end()
        end = monotonic() + JOIN_TIMEOUT
        for part in (self._watch, self._writer):
            if part is not None:
                part.join(max(0.0, end - monotonic()))
        if self._dispatcher is not None:
            self._dispatcher.join(JOIN_TIMEOUT)

    def abandon(self) -> None:
        """Ends the threads without waiting for them. Takes no lock: it runs as a finalizer, in
        whichever thread the collector happens to be."""
        if self.process != os.getpid():
            return
        for part in (self._watch, self._writer, self._dispatcher):
            if part is not None:
                part.abandon()


def _no_file() -> None:
    return None
