from __future__ import annotations

import enum


class Status(enum.Enum):
    """What the values of a client stand for at this moment."""

    INITIALIZING = "INITIALIZING"
    """Nothing was loaded yet."""
    VALID = "VALID"
    """The values are current."""
    STALE = "STALE"
    """The values are the last ones known: the sidecar cannot be reached, or itself says that it
    lost touch with its store."""
    DENIED = "DENIED"
    """The sidecar refuses to answer. Values loaded before that stay."""
    CLOSED = "CLOSED"
    """close() was called. Values loaded before that stay, and no longer change."""

    def __str__(self) -> str:
        return self.value
