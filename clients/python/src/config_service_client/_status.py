"""The words for what values stand for and where they come from."""

from __future__ import annotations

import enum


class _Word(enum.Enum):
    def __str__(self) -> str:
        return str(self.value)


class Status(_Word):
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


class Layer(_Word):
    """Which of the four layers a value comes from, strongest first."""

    SERVICE_ENVIRONMENT = "SERVICE_ENVIRONMENT"
    """This service in this environment."""
    SERVICE = "SERVICE"
    """This service, in every environment."""
    SHARED_ENVIRONMENT = "SHARED_ENVIRONMENT"
    """Every service, in this environment."""
    SHARED = "SHARED"
    """Every service, in every environment."""


class Source(_Word):
    """Where a value was loaded from."""

    LIVE = "LIVE"
    """From the sidecar, which had it from its store."""
    DISK = "DISK"
    """From the sidecar, which had it from its last known good copy on disk."""
    CACHE_FILE = "CACHE_FILE"
    """From this client's own cache file."""
    DEFAULT = "DEFAULT"
    """It is the caller's default."""
