from __future__ import annotations

import logging

from config_service_client._errors import InvalidSetting
from config_service_client._files import UnusableError, read_regular

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
        except UnusableError as error:
            raise InvalidSetting(f"{setting}: {path!r} {error}; accepted: {_ACCEPTED}") from None

    def read(self) -> str:
        """The token as it is now; while the file is unusable, the last good one."""
        try:
            self._token = _load(self.path)
        except UnusableError as error:
            if not self._reported:
                self._reported = True
                logger.warning("token file %r %s; the last good token is used", self.path, error)
        else:
            self._reported = False
        return self._token


def _load(path: str) -> str:
    try:
        token = read_regular(path, _LONGEST)[1].strip()
    except FileNotFoundError:
        raise UnusableError("does not exist") from None
    if not token:
        raise UnusableError("is empty")
    if not all(0x21 <= byte <= 0x7E for byte in token):
        raise UnusableError("holds more than one line of printable ASCII without spaces")
    return token.decode("ascii")
