"""The grammar of keys and of patterns of keys."""

from __future__ import annotations

import re

from config_service_client._errors import InvalidKey, InvalidPattern

_LONGEST = 253
_KEY = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")

GRAMMAR = f"names of A-Z a-z 0-9 _ - joined by dots, at most {_LONGEST} characters"


def is_key(key: object) -> bool:
    return isinstance(key, str) and len(key) <= _LONGEST and _KEY.fullmatch(key) is not None


def check_key(key: object) -> None:
    """Raises InvalidKey for what can never be a key."""
    if not is_key(key):
        raise InvalidKey(f"{_shown(key)} is not a key; accepted: {GRAMMAR}")


class Pattern:
    """A key, or a key and ``.*`` for everything below it, or ``*``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._key = text
        self._below = ""
        if text == "*":
            self._key = ""
        elif isinstance(text, str) and text.endswith(".*"):
            self._key = ""
            self._below = text[:-1]
        if text != "*" and not is_key(self._key or self._below[:-1]):
            raise InvalidPattern(
                f"{_shown(text)} is not a pattern; accepted: a key, a key and .* , or *"
                f" (a key: {GRAMMAR})"
            )

    def matches(self, key: str) -> bool:
        return key == self._key if self._key else key.startswith(self._below)


def _shown(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= 2 * _LONGEST else f"{shown[:_LONGEST]}..."
