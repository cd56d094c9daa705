from __future__ import annotations

import contextlib
import logging
import os
import stat

from config_service_client._errors import InvalidSetting

logger = logging.getLogger("config_service_client")

_LONGEST = 16 * 1024
_ACCEPTED = f"a readable regular file with one line, the token, of at most {_LONGEST} bytes"


class TokenFile:
    """The credential of the client: the one line of a file, which others may replace at any
    time. No error and no message shows it."""

    def __init__(self, setting: str, path: str) -> None:
        """``setting`` names the argument or the variable that ``path`` came from. Raises
        InvalidSetting."""
        self.path = path
        self._reported = False
        try:
            self._token = _load(path)
        except _UnusableError as error:
            raise InvalidSetting(f"{setting}: {path!r} {error}; accepted: {_ACCEPTED}") from None

    def read(self) -> str:
        """The token as it is now; while the file is unusable, the last good one."""
        try:
            self._token = _load(self.path)
        except _UnusableError as error:
            if not self._reported:
                self._reported = True
                logger.warning("token file %r %s; the last good token is used", self.path, error)
        else:
            self._reported = False
        return self._token


class _UnusableError(Exception):
    """Reads on from the path: "is empty"."""


def _load(path: str) -> str:
    try:
        # Without O_NONBLOCK a pipe in its place would hold up whoever opens it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise _UnusableError(f"cannot be read ({_reason(error)})") from None
    with contextlib.closing(os.fdopen(descriptor, "rb", buffering=0)) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _UnusableError("is not a regular file")
        try:
            content = file.read(_LONGEST + 1)
        except OSError as error:
            raise _UnusableError(f"cannot be read ({_reason(error)})") from None
    if len(content) > _LONGEST:
        raise _UnusableError("is too long")
    token = content.strip()
    if not token:
        raise _UnusableError("is empty")
    if not all(0x21 <= byte <= 0x7E for byte in token):
        raise _UnusableError("holds more than one line of printable ASCII without spaces")
    return token.decode("ascii")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
