from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401 - socket imports it at the first connection, see Stream
import http.client
import os
import socket
from collections.abc import Generator
from typing import Optional
from urllib.parse import urlencode

from config_service_client._frames import Broken, Frame, State, parse_failure, parse_frame
from config_service_client._settings import Settings
from config_service_client._version import __version__

CONNECT_TIMEOUT = 2.0
# The sidecar waits up to 5 s for a resume point before it answers.
ANSWER_TIMEOUT = 10.0
# Three checkpoint intervals. A stream that is silent for longer is dead, whatever TCP thinks.
SILENCE_TIMEOUT = 45.0

_LONGEST_FAILURE = 64 * 1024


class Stream:
    """One connection to the watch, for one pass over frames().

    It belongs to the thread that runs frames(). Two methods may be called from elsewhere:
    cut(), and disown() in a forked child. A proxy from the environment is never used: the
    sidecar is next door. Nothing here imports at run time: in a forked child the lock of a
    half-imported module is never released.
    """

    def __init__(self, settings: Settings, resume: Optional[State]) -> None:
        self._target = _target(settings, resume)
        connection = http.client.HTTPSConnection if settings.secure else http.client.HTTPConnection
        self._connection = connection(settings.host, settings.port, timeout=CONNECT_TIMEOUT)
        self._socket: Optional[socket.socket] = None
        self._is_cut = False

    def frames(self) -> Generator[Frame, None, None]:
        """The frames until the sidecar ends the stream, which is normal. Raises Refused, or
        Broken for every other way to fail."""
        try:
            yield from self._frames()
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise Broken(_described(error)) from error

    def cut(self) -> None:
        """Ends frames() from another thread, or from a finalizer: takes no lock."""
        self._is_cut = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def disown(self) -> None:
        """In a forked child: closes the inherited descriptor, or the sidecar would see a reader
        for as long as the child lives. The connection itself stays the parent's."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                os.close(self._socket.detach())

    def _frames(self) -> Generator[Frame, None, None]:
        with contextlib.closing(self._connection):
            self._connection.connect()
            # Kept here: the connection lets go of its socket when an answer announces its end.
            self._socket = self._connection.sock
            if self._is_cut:
                return
            self._socket.settimeout(ANSWER_TIMEOUT)
            agent = f"config-service-client-python/{__version__}"
            self._connection.request("GET", self._target, headers={"User-Agent": agent})
            with self._connection.getresponse() as answer:
                if answer.status != http.client.OK:
                    raise parse_failure(answer.status, answer.read(_LONGEST_FAILURE))
                self._socket.settimeout(SILENCE_TIMEOUT)
                for line in iter(answer.readline, b""):
                    if line.strip():
                        yield parse_frame(line)


def _target(settings: Settings, resume: Optional[State]) -> str:
    query = []
    if settings.namespace is not None:
        query.append(("namespace", settings.namespace))
    if settings.environment is not None:
        query.append(("environment", settings.environment))
    if resume is not None:
        query.append(("resume.epoch", resume.epoch))
        query.append(("resume.revision", str(resume.revision)))
    target = settings.path + "/v1/watch"
    return f"{target}?{urlencode(query)}" if query else target


def _described(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
