from __future__ import annotations

import contextlib
import logging
import os
import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

from config_service_client._frames import Broken, Refused
from config_service_client._settings import Settings
from config_service_client._status import Status
from config_service_client._stream import Stream
from config_service_client._view import OutOfStep, View, advance

logger = logging.getLogger("config_service_client")

FIRST_DELAY = 0.1
LONGEST_DELAY = 2.0
# What was refused is asked again too, or a setting put right would need a restart of the
# program; but rarely, it is a person who has to act.
DENIED_DELAY = 5.0
_JOIN_TIMEOUT = 1.0


@dataclass(frozen=True)
class Denial:
    reason: str
    message: str


class Watch:
    """Keeps the newest View of one process, by one daemon thread that starts at the first read.

    A forked child does not have that thread. It needs an heir(), which starts with the views
    of the parent and its own locks, thread and connection.

    ``view``, ``denial`` and ``settled_in`` are written under the condition and read without it:
    each is one reference to something immutable.
    """

    def __init__(self, settings: Settings, view: Optional[View] = None) -> None:
        self.settings = settings
        self.view = view
        self.denial: Optional[Denial] = None
        self.process = os.getpid()
        # The process whose first read is over; 0 before that. From then on no read waits.
        self.settled_in = 0
        self._heirs: dict[None, Watch] = {}
        self._changed = threading.Condition()
        self._started = False
        self._deadline = 0.0
        self._live = False
        # Whether the present stream said anything.
        self._heard = False
        self._closed = False
        self._in_step = view is not None
        self._stream: Optional[Stream] = None
        self._thread: Optional[threading.Thread] = None
        # The one thing a finalizer may wake the thread with: put() is reentrant.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        # The level of the worst problem logged in this outage.
        self._reported = 0

    @property
    def status(self) -> Status:
        view = self.view
        if self._closed:
            return Status.CLOSED
        if self.denial is not None:
            return Status.DENIED
        if view is None:
            return Status.INITIALIZING
        return Status.VALID if self._live and view.state.fresh else Status.STALE

    def heir(self) -> Watch:
        """For a forked child: the watch to go on with. Every caller in the child gets the same,
        though they share no lock that is safe to take there."""
        heir = Watch(self.settings, self.view)
        heir._in_step = self._in_step
        heir._closed = self._closed
        if self._stream is not None:
            self._stream.disown()
        return self._heirs.setdefault(None, heir)

    def settle(self) -> None:
        """Starts the watch, and waits until the first read may be answered: at most the timeout
        of the settings after the first call, and never again."""
        if self.settled_in:
            return
        self._start()
        if self._started:
            self._wait(lambda: self.settled_in != 0, self._deadline - time.monotonic())
            self.settled_in = self.process

    def wait_ready(self, timeout: float) -> bool:
        """Starts the watch, and waits for values or a denial. True: there are values."""
        self._start()
        if self._started:
            self._wait(lambda: bool(self.view or self.denial or self._closed), timeout)
        return self.view is not None

    def close(self) -> None:
        self.abandon()
        with self._changed:
            self.settled_in = self.process
            self._changed.notify_all()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_TIMEOUT)

    def abandon(self) -> None:
        """Ends the thread without waiting for it. Takes no lock: it runs as a finalizer, in
        whichever thread the collector happens to be."""
        if self.process != os.getpid():
            return
        self._closed = True
        self._wake.put(None)
        stream = self._stream
        if stream is not None:
            stream.cut()

    def _wait(self, condition: Callable[[], bool], timeout: float) -> None:
        with self._changed:
            self._changed.wait_for(condition, max(0.0, timeout))

    def _start(self) -> None:
        with self._changed:
            if self._started or self._closed:
                return
            self._started = True
            self._deadline = time.monotonic() + self.settings.timeout
            thread = threading.Thread(target=self._run, name="config-service-watch", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                # No threads left, or none allowed any more. The next read tries again.
                self._started = False
                self._report(logging.WARNING, f"the watch cannot start: {error}")
            else:
                self._thread = thread

    def _run(self) -> None:
        delay = FIRST_DELAY
        while not self._closed:
            began = time.monotonic()
            at_least = self._attempt()
            # A stream that ends as soon as it begins is no reason to come back at once.
            if time.monotonic() - began > LONGEST_DELAY:
                delay = FIRST_DELAY
            self._sleep(max(at_least * random.uniform(1.0, 1.3), delay * random.uniform(0.5, 1.0)))
            delay = min(delay * 2, LONGEST_DELAY)

    def _sleep(self, delay: float) -> None:
        if not self._closed:
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=delay)

    def _attempt(self) -> float:
        """Follows one stream to its end. Answers how long to stay away at least."""
        try:
            self._follow()
        except Refused as refusal:
            self._deny(refusal)
            return DENIED_DELAY
        except Broken as error:
            self._lose(str(error))
            return error.retry_after
        except OutOfStep as error:
            self._in_step = False
            self._lose(f"its stream is out of step: {error}")
        except Exception as error:
            # A fault of ours must not end the updates of a program that runs for months.
            self._in_step = False
            if not self._closed:
                logger.exception("the watch failed and starts again")
            self._lose(type(error).__name__)
            return LONGEST_DELAY
        return 0.0

    def _follow(self) -> None:
        view = self.view
        resume = view.state if view is not None and self._in_step else None
        stream = self._stream = Stream(self.settings, resume)
        following = resume is not None
        self._heard = False
        try:
            # close() cuts the stream it finds, which may have been the one before this.
            if self._closed:
                return
            with contextlib.closing(stream.frames()) as frames:
                for frame in frames:
                    self._publish(advance(self.view, frame, following))
                    following = True
        finally:
            self._live = False
            self._stream = None

    def _publish(self, view: View) -> None:
        with self._changed:
            if self._closed:
                return
            self.view = view
            self.denial = None
            self.settled_in = self.process
            self._live = self._in_step = self._heard = True
            self._changed.notify_all()
        if self._reported:
            self._reported = 0
            logger.info("the sidecar at %s answers for %s", self.settings.url, view.scope)

    def _deny(self, refusal: Refused) -> None:
        asked = [
            f'{field} "{name}"'
            for field in ("namespace", "environment")
            if (name := getattr(self.settings, field)) is not None
        ]
        scope = f" for {', '.join(asked)}" if asked else ""
        message = f"the sidecar at {self.settings.url} refuses to answer{scope}: {refusal}"
        self._report(logging.ERROR, message)
        with self._changed:
            self.denial = Denial(refusal.reason, message)
            self.settled_in = self.process
            self._changed.notify_all()

    def _lose(self, problem: str) -> None:
        url = self.settings.url
        meanwhile = "there is no configuration yet" if self.view is None else "the last values stay"
        if self._heard:
            # Streams end; it is a problem when there is no next one.
            logger.debug("the stream of the sidecar at %s broke: %s", url, problem)
        else:
            self._report(
                logging.WARNING, f"the sidecar at {url} does not answer ({problem}); {meanwhile}"
            )
        with self._changed:
            # With values in hand there is nothing to wait for. Without, the sidecar may just
            # be starting.
            if self.view is not None:
                self.settled_in = self.process
                self._changed.notify_all()

    def _report(self, level: int, message: str) -> None:
        """Logs the first problem of an outage, and once more when it gets worse."""
        if level > self._reported and not self._closed:
            self._reported = level
            logger.log(level, "%s", message)
