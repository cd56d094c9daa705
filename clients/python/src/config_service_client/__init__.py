"""Read configuration from the sidecar on localhost.

    from config_service_client import ConfigClient

    config = ConfigClient()
    config.get("database.pool_size", default=10)

Values live in this process's memory and follow every change; a read costs no
request. AsyncConfigClient is the same for asyncio.

Every exception of this package::

    ConfigError
    +-- KeyMissing         also a KeyError: the configuration has no such key
    +-- ConfigUnavailable  no configuration was loaded yet, or not one usable value of this key
    +-- ConfigDenied       the sidecar refuses to answer: a wrong name, no credential, no permission
    +-- WrongType          also a TypeError: the value is not what a typed getter is for
    +-- InvalidKey         also a ValueError: what was asked for can never be a key
    +-- InvalidPattern     also a ValueError: on_change() does not take such a pattern
    +-- InvalidSetting     also a ValueError: a client cannot be made like this
"""

from typing import TYPE_CHECKING, Any

from config_service_client._client import ConfigClient
from config_service_client._detail import Detail
from config_service_client._errors import (
    ConfigDenied,
    ConfigError,
    ConfigUnavailable,
    InvalidKey,
    InvalidPattern,
    InvalidSetting,
    KeyMissing,
    WrongType,
)
from config_service_client._listeners import Change, ChangeKind, Subscription
from config_service_client._status import Layer, Source, Status
from config_service_client._version import __version__

if TYPE_CHECKING:
    from config_service_client._async import AsyncConfigClient

__all__ = [
    "AsyncConfigClient",
    "Change",
    "ChangeKind",
    "ConfigClient",
    "ConfigDenied",
    "ConfigError",
    "ConfigUnavailable",
    "Detail",
    "InvalidKey",
    "InvalidPattern",
    "InvalidSetting",
    "KeyMissing",
    "Layer",
    "Source",
    "Status",
    "Subscription",
    "WrongType",
    "__version__",
]


def __getattr__(name: str) -> Any:
    # Who does not use it does not import asyncio.
    if name == "AsyncConfigClient":
        from config_service_client._async import AsyncConfigClient

        return AsyncConfigClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
