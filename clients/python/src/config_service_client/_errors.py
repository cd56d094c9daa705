"""The exceptions; their tree is in the package's docstring."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Any

MASKED = "it is sensitive, and this caller lacks the right to see it (read-sensitive)"


class ConfigError(Exception):
    """The base of every exception of this package."""


class InvalidSetting(ConfigError, ValueError):
    """A setting that can never work. The text names the argument or the variable, what was
    given and what is accepted."""


class InvalidKey(ConfigError, ValueError):
    """A key that breaks the grammar: it can never exist. Raised by every call, also by those
    with a default."""


class InvalidPattern(ConfigError, ValueError):
    """A pattern of keys that breaks the grammar."""


class KeyMissing(ConfigError, KeyError):
    """The configuration is loaded and has no such key for this program: there is none, or,
    when ``masked`` is true, its value is sensitive and not for who asks. Also a KeyError."""

    def __init__(
        self, key: str, scope: str = "", known: Collection[str] = (), masked: bool = False
    ) -> None:
        super().__init__(key)
        self.key = key
        self.masked = masked
        self._scope = scope
        self._known = known

    def __str__(self) -> str:
        if self.masked:
            scope = f" of {self._scope}" if self._scope else ""
            return f'key "{self.key}"{scope} is masked: {MASKED}'
        # Looking for similar keys is dear, and most programs that catch a KeyError
        # never show it.
        text = f'key "{self.key}" does not exist'
        if self._scope:
            text += f" in {self._scope}"
        similar = difflib.get_close_matches(str(self.key), self._known, n=1)
        return f'{text}; did you mean "{similar[0]}"?' if similar else text

    def __reduce__(self) -> tuple[Any, ...]:
        similar = difflib.get_close_matches(str(self.key), self._known, n=1)
        return type(self), (self.key, self._scope, similar, self.masked)


class ConfigUnavailable(ConfigError):
    """There is no value to answer, which is not the same as no such key: either nothing was
    loaded yet, or the stored value of the key is unusable and there never was a good one."""


class ConfigDenied(ConfigError):
    """The sidecar refuses to answer, and will until something is set right. ``reason`` is the
    reason it gave, for programs (``PERMISSION_DENIED``); the text is for people."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.reason)


class WrongType(ConfigError, TypeError):
    """A value of another type than the typed getter was asked for."""
