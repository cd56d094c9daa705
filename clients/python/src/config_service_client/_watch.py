from __future__ import annotations

import contextlib
import logging
import random
import threading
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Optional

from config_service_client._bell import Bell
from config_service_client._frames import Broken, Refused
from config_service_client._memory import Denial, Memory
from config_service_client._settings import Settings
from config_service_client._stream import CONNECT_TIMEOUT, Stream
from config_service_client._view import OutOfStep, View, advance
from config_service_client._wire import TICK, Resolved

logger = logging.getLogger("config_service_client")

FIRST_DELAY = 0.1
LONGEST_DELAY = 2.0
# What was refused is asked again too, or a setting put right would need a restart of the
# program; but rarely, it is a person who has to act.
DENIED_DELAY = 5.0
# How old the last sign of life may be. After that reads take the watch for frozen.
HEARTBEAT = 3 * TICK
# Resolving a name has no bound. Only after this a read asks for the values itself.
_CONNECTING = 5 * CONNECT_TIMEOUT


class Watch:
    """Keeps the memory current, by one daemon thread and one stream after another. A forked
    child does not have that thread; it needs a Watch of its own."""

    def __init__(
        self,
        settings: Settings,
        memory: Memory,
        load_fallback: Callable[[], Optional[View]],
    ) -> None:
        """``load_fallback`` reads the cache file."""
        self._settings = settings
        self._memory = memory
        self._load_fallback = load_fallback
        self._starting = threading.Lock()
        self._closed = False
        # Whether the memory ends where a stream may go on.
        self.in_step = False
        # Whether the present stream said anything.
        self._heard = False
        self._stream: Optional[Stream] = None
        self._thread: Optional[threading.Thread] = None
        self._bell = Bell()
        # The level of the worst problem logged in this outage.
        self._reported = 0
        self.resolved: Optional[Resolved] = None
        self.beating_until = 0.0
        self.started_at: Optional[float] = None

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> bool:
        """Starts the thread, unless it runs. False: no thread was to be had."""
        if self.is_running or self._closed:
            return True
        with self._starting:
            if self.is_running or self._closed:
                return True
            self._begin()
            thread = threading.Thread(target=self._run, name="config-service-watch", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                # No threads left, or none allowed any more. The next read tries again.
                self.report(logging.WARNING, f"the watch cannot start: {error}")
                self.load()
                return False
            self._beat()
            self._thread = thread
            return True

    def load(self) -> None:
        """Begins the start without the thread: reads the cache file, so that whoever waits knows
        whether there is one."""
        self._begin()
        fallback, self._load_fallback = self._load_fallback, _nothing
        view = fallback()
        if view is not None:
            self._memory.offer(view, supersedes=not self.in_step)

    def abandon(self) -> None:
        """Ends the thread without waiting for it. Takes no lock: it runs as a finalizer, in
        whichever thread the collector happens to be."""
        self._closed = True
        self._bell.ring()
        stream = self._stream
        if stream is not None:
            stream.cut()

    def join(self, timeout: float) -> None:
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def disown(self) -> None:
        """In a forked child: lets go of the connection of the parent."""
        if self._stream is not None:
            self._stream.disown()

    def _begin(self) -> None:
        if self.started_at is None:
            self.started_at = monotonic()

    def _beat(self, grace: float = HEARTBEAT) -> None:
        if not self._closed:
            self.beating_until = self._memory.trusted_until = monotonic() + grace

    def _run(self) -> None:
        self.load()
        delay = FIRST_DELAY
        while not self._closed:
            began = monotonic()
            at_least = self._attempt()
            # A stream that ends as soon as it begins is no reason to come back at once.
            if self._heard and monotonic() - began >= LONGEST_DELAY:
                delay = FIRST_DELAY
            self._sleep(max(at_least * random.uniform(1.0, 1.3), delay * random.uniform(0.5, 1.0)))
            delay = min(delay * 2, LONGEST_DELAY)

    def _sleep(self, delay: float) -> None:
        end = monotonic() + delay
        while not self._closed and (left := end - monotonic()) > 0:
            self._beat()
            self._bell.wait(min(left, TICK))

    def _attempt(self) -> float:
        """Follows one stream to its end. Answers how long to stay away at least."""
        self._heard = False
        try:
            self._follow()
        except Refused as refusal:
            self.deny(refusal)
            return DENIED_DELAY
        except Broken as error:
            self._lose(str(error))
            return error.retry_after
        except OutOfStep as error:
            self.in_step = False
            self._lose(f"its stream is out of step: {error}")
        except Exception as error:
            # A fault of ours must not end the updates of a program that runs for months.
            self.in_step = False
            if not self._closed and self._reported < logging.ERROR:
                self._reported = logging.ERROR
                logger.exception("the watch failed and starts again")
            self._lose(type(error).__name__)
            return LONGEST_DELAY
        return 0.0

    def _follow(self) -> None:
        view = self._memory.base
        resume = view.state if view is not None and self.in_step else None
        stream = self._stream = Stream(self._settings, resume, self._beat)
        following = resume is not None
        self._beat(_CONNECTING)
        try:
            # close() cuts the stream it finds, which may have been the one before this.
            if self._closed:
                return
            with contextlib.closing(stream.frames()) as frames:
                for frame in frames:
                    step = partial(advance, frame=frame, following=following, now=monotonic())
                    self._memory.publish(step)
                    self._recovered()
                    following = True
            if not self._heard:
                raise Broken("the stream ended before its first message")
        finally:
            self._beat()
            self._memory.dim()
            self.resolved = stream.resolved or self.resolved
            self._stream = None

    def _recovered(self) -> None:
        self.in_step = self._heard = True
        view = self._memory.base
        if self._reported and view is not None:
            self._reported = 0
            logger.info("the sidecar at %s answers for %s", self._settings.url, view.scope)

    def deny(self, refusal: Refused) -> None:
        asked = [
            f'{field} "{name}"'
            for field in ("namespace", "environment")
            if (name := getattr(self._settings, field)) is not None
        ]
        scope = f" for {', '.join(asked)}" if asked else ""
        message = f"the sidecar at {self._settings.url} refuses to answer{scope}: {refusal}"
        self.report(logging.ERROR, message)
        self._memory.deny(Denial(refusal.reason, message))

    def _lose(self, problem: str) -> None:
        url = self._settings.url
        self._memory.lose()
        if self._closed:
            return
        if self._heard:
            # Streams end; it is a problem when there is no next one.
            logger.debug("the stream of the sidecar at %s broke: %s", url, problem)
        else:
            nothing = self._memory.base is None
            meanwhile = "there is no configuration yet" if nothing else "the last values stay"
            self.report(
                logging.WARNING, f"the sidecar at {url} does not answer ({problem}); {meanwhile}"
            )

    def report(self, level: int, message: str) -> None:
        """Logs the first problem of an outage, and once more when it gets worse."""
        if level > self._reported and not self._closed:
            self._reported = level
            logger.log(level, "%s", message)


def _nothing() -> None:
    return None
