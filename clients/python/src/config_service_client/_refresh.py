from __future__ import annotations

import contextlib
import logging
import threading
from email.message import Message
from functools import partial
from time import monotonic
from typing import Optional

from config_service_client._frames import (
    NOT_OURS,
    Broken,
    Checkpoint,
    Frame,
    Refused,
    parse_listing,
    parse_state,
)
from config_service_client._memory import Memory
from config_service_client._settings import Settings
from config_service_client._stream import LONGEST_MESSAGE
from config_service_client._uwsgi import is_before_its_fork
from config_service_client._view import OutOfStep, View, advance
from config_service_client._watch import Watch
from config_service_client._wire import Wire, check_status, failures, target

logger = logging.getLogger("config_service_client")

TOTAL_TIMEOUT = 1.0
INTERVAL = 5.0
LONGEST_INTERVAL = 60.0

_NOT_MODIFIED = 304
_STATE_HEADERS = ("Epoch", "Revision", "Freshness", "Source", "Namespace", "Environment")


class Refresh:
    """Asks for the values in the thread of a read, when the watch does not run: uWSGI without
    threads freezes every other thread between requests, and where uWSGI loads a program, or
    none is left, a thread does not start at all.

    It takes at most a second, at most once in five; less often while it fails.
    """

    def __init__(self, settings: Settings, memory: Memory, watch: Watch) -> None:
        self._settings = settings
        self._memory = memory
        self._watch = watch
        self._busy = threading.Lock()
        self._not_before = 0.0
        self._interval = INTERVAL
        self._reported = False
        # The newest answer, to ask whether there is another by now.
        self._tag: Optional[str] = None
        self._answer: Optional[View] = None
        # Until then the last answer speaks for the values.
        self.good_until = 0.0

    def run(self, left: Optional[float] = None) -> bool:
        """Asks if it is due. For who waits for values, and has so many seconds ``left``, it is.
        False: it is not, or another thread is at it."""
        if not self._is_due(left) or not self._busy.acquire(blocking=False):
            return False
        try:
            if not self._is_due(left):
                return False
            self._run(left)
            return True
        finally:
            self._busy.release()

    def _is_due(self, left: Optional[float]) -> bool:
        return left is not None or monotonic() >= self._not_before

    def _run(self, left: Optional[float]) -> None:
        loading = is_before_its_fork()
        if not self._reported and not loading:
            self._reported = True
            logger.info(
                "the watch of %s does not run, reads ask for the values themselves;"
                " uWSGI runs it with enable-threads",
                self._settings.url,
            )
        good = False
        try:
            self._ask(TOTAL_TIMEOUT if left is None else min(left, TOTAL_TIMEOUT))
            good = True
        except Refused as refusal:
            self._watch.deny(refusal)
        except (Broken, OutOfStep) as error:
            self._watch.report(
                logging.WARNING, f"the sidecar at {self._settings.url} does not answer ({error})"
            )
        except Exception:
            logger.exception("a refresh failed")
        eager = good or left is not None
        self._interval = INTERVAL if eager else min(self._interval * 2, LONGEST_INTERVAL)
        self._not_before = monotonic() + self._interval
        self.good_until = self._not_before if good else 0.0
        if not loading:
            # Until then a read has nothing to look for, unless the watch wakes up and says so.
            # Where uWSGI loads a program, the first read of a worker is to start the watch.
            self._memory.trusted_until = self._not_before

    def _ask(self, limit: float) -> None:
        wire = Wire(self._settings, monotonic() + limit, _nothing)
        answer, headers = self._answer, {"Connection": "close"}
        base = self._memory.base
        if self._tag and answer and base and answer.entries is base.entries:
            headers["If-None-Match"] = self._tag
        with failures(), contextlib.closing(wire):
            # A name that the watch has resolved is not resolved again: that has no bound.
            wire.connect(self._watch.resolved)
            with wire.ask(target(self._settings, "/v1/config"), headers) as response:
                if response.status == _NOT_MODIFIED:
                    self._apply(_unchanged(response.headers))
                    return
                check_status(response)
                body = response.read(LONGEST_MESSAGE + 1)
                tag = response.getheader("ETag")
        if len(body) > LONGEST_MESSAGE:
            raise Broken(f"an answer of more than {LONGEST_MESSAGE} bytes")
        self._apply(parse_listing(body))
        self._tag, self._answer = tag, self._memory.base

    def _apply(self, frame: Frame) -> None:
        self._memory.refresh(partial(_newest, frame=frame))


def _newest(base: Optional[View], frame: Frame) -> View:
    """The step that the frame is, unless the watch woke up and was faster."""
    if (
        base is not None
        and base.state.epoch == frame.state.epoch
        and base.state.revision > frame.state.revision
    ):
        return base
    return advance(base, frame, isinstance(frame, Checkpoint), monotonic())


def _unchanged(headers: Message) -> Checkpoint:
    """The answer that nothing changed, which has no body."""
    try:
        return Checkpoint(
            parse_state({name.lower(): headers[f"Config-{name}"] for name in _STATE_HEADERS})
        )
    except NOT_OURS as error:
        raise Broken(f"not an answer of the sidecar ({type(error).__name__})") from None


def _nothing() -> None:
    pass
