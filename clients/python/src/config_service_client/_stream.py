from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from time import monotonic
from typing import Optional

from config_service_client._frames import Broken, Frame, State, parse_frame
from config_service_client._settings import Settings
from config_service_client._wire import Resolved, Wire, check_status, failures, target

CONNECT_TIMEOUT = 2.0
# The sidecar waits up to 5 s for a resume point before it answers.
ANSWER_TIMEOUT = 10.0
# Three checkpoint intervals. A stream that says nothing for longer is dead, whatever TCP thinks.
SILENCE_TIMEOUT = 45.0
LONGEST_MESSAGE = 8 * 1024 * 1024


class Stream:
    """One connection to the watch, for one pass over frames(), in one thread. cut() and
    disown() are those of its wire."""

    def __init__(
        self, settings: Settings, resume: Optional[State], tick: Callable[[], None]
    ) -> None:
        query = {}
        if resume is not None:
            query = {"resume.epoch": resume.epoch, "resume.revision": str(resume.revision)}
        self._target = target(settings, "/v1/watch", **query)
        self._wire = Wire(settings, 0.0, tick)
        self.cut = self._wire.cut
        self.disown = self._wire.disown
        self.resolved: Optional[Resolved] = None

    def frames(self) -> Generator[Frame, None, None]:
        """The frames until the sidecar ends the stream, which is normal. Raises Refused, or
        Broken for every other way to fail."""
        wire = self._wire
        with failures(), contextlib.closing(wire):
            wire.deadline = monotonic() + CONNECT_TIMEOUT
            self.resolved = wire.connect()
            wire.deadline = monotonic() + ANSWER_TIMEOUT
            with wire.ask(self._target, {}) as answer:
                check_status(answer)
                # One more than allowed tells a line that is too long.
                while line := answer.readline(LONGEST_MESSAGE + 1):
                    if len(line) > LONGEST_MESSAGE:
                        raise Broken(f"a message of more than {LONGEST_MESSAGE} bytes")
                    if line.strip():
                        yield parse_frame(line)
                        wire.deadline = monotonic() + SILENCE_TIMEOUT
