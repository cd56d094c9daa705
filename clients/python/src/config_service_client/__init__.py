"""Read configuration from the sidecar on localhost.

    from config_service_client import ConfigClient

    config = ConfigClient()
    config.get("database.pool_size", default=10)

Values live in this process's memory and follow every change; a read costs no
request.

Every exception of this package::

    ConfigError
    +-- KeyMissing         also a KeyError: the configuration has no such key
    +-- ConfigUnavailable  no configuration was loaded yet, or not one usable value of this key
    +-- ConfigDenied       the sidecar refuses to answer: a wrong name, no credential, no permission
"""

from config_service_client._client import ConfigClient
from config_service_client._errors import (
    ConfigDenied,
    ConfigError,
    ConfigUnavailable,
    KeyMissing,
)
from config_service_client._status import Status
from config_service_client._version import __version__

__all__ = [
    "ConfigClient",
    "ConfigDenied",
    "ConfigError",
    "ConfigUnavailable",
    "KeyMissing",
    "Status",
    "__version__",
]
