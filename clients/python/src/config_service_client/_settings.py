from __future__ import annotations

import ipaddress
import math
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union
from urllib.parse import urlsplit

from config_service_client._errors import InvalidSetting
from config_service_client._token import TokenFile

if TYPE_CHECKING:
    import ssl

DEFAULT_URL = "http://localhost:8080"
DEFAULT_NAMESPACE = "default"
DEFAULT_ENVIRONMENT = "development"

Path = Union[str, "os.PathLike[str]"]

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL_GRAMMAR = "a DNS label: a-z 0-9 and, inside, -; at most 63 characters"


class Address(NamedTuple):
    """Where the sidecar is."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.secure else 80)
        return host if usual else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True)
class Settings:
    """Where the sidecar is and what to ask it for.

    ``namespace`` and ``environment`` are None unless somebody chose them: only a chosen name is
    sent, so that a program that chooses nothing gets what its sidecar was started for.
    """

    url: str
    address: Address
    namespace: Optional[str]
    environment: Optional[str]
    timeout: float
    token: Optional[TokenFile] = None
    cache_file: Optional[str] = None
    tls: Optional[ssl.SSLContext] = None

    @classmethod
    def resolve(
        cls,
        base_url: Optional[str],
        namespace: Optional[str],
        environment: Optional[str],
        timeout: float,
        token_file: Optional[Path] = None,
        cache_file: Optional[Path] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
    ) -> Settings:
        """Argument, then environment variable, then default. An empty one counts as not given.
        Raises InvalidSetting, in one line, for a value that can never work."""
        setting, url = _given("base_url", base_url, "CONFIG_SERVICE_URL")
        address = _address(setting, url or DEFAULT_URL)
        return cls(
            url=url or DEFAULT_URL,
            address=address,
            namespace=_label("namespace", namespace, "SERVICE_NAME"),
            environment=_label("environment", environment, "ENVIRONMENT"),
            timeout=_timeout(timeout),
            token=_token(token_file, address, url or DEFAULT_URL),
            cache_file=_given("cache_file", cache_file, "CONFIG_SERVICE_CACHE_FILE")[1],
            tls=(ssl_context or _default_tls()) if address.secure else None,
        )

    def arguments(self) -> dict[str, Any]:
        """The arguments of a client that has the same settings."""
        return {
            "base_url": self.url,
            "namespace": self.namespace,
            "environment": self.environment,
            "timeout": self.timeout,
            "token_file": self.token.path if self.token is not None else None,
            "cache_file": self.cache_file,
            "ssl_context": self.tls,
        }

    @classmethod
    def fixed(cls, namespace: str, environment: str) -> Settings:
        """For a client that asks nobody. Raises InvalidSetting."""
        return cls(
            url="a dict",
            address=Address(False, "", 0, ""),
            namespace=_label("namespace", namespace, ""),
            environment=_label("environment", environment, ""),
            timeout=0.0,
        )


def _given(argument: str, value: Any, variable: str) -> tuple[str, Optional[str]]:
    """The name under which a setting was given, and what was given."""
    if value is not None and not isinstance(value, (str, os.PathLike)):
        raise InvalidSetting(f"{argument}: {value!r} is not usable; accepted: a string")
    text = os.fspath(value) if value is not None else ""
    if text:
        return argument, text
    return variable, os.environ.get(variable) or None


def _address(setting: str, url: str) -> Address:
    accepted = "accepted: http://host:port or https://host:port"
    # What stands before an @ is a credential.
    shown = "the address" if "@" in url else repr(url)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidSetting(f"{setting}: {shown} is not usable ({error}); {accepted}") from None
    if "@" in parts.netloc:
        raise InvalidSetting(f"{setting}: user and password in a URL are not supported; {accepted}")
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not host or not plain or port == 0:
        raise InvalidSetting(f"{setting}: {shown} is not usable; {accepted}")
    if parts.query or parts.fragment:
        raise InvalidSetting(f"{setting}: {shown} has more than an address and a path; {accepted}")
    secure = parts.scheme == "https"
    return Address(secure, host, port or (443 if secure else 80), parts.path.rstrip("/"))


def _label(argument: str, value: Optional[str], variable: str) -> Optional[str]:
    setting, name = _given(argument, value, variable)
    if name is not None and not _LABEL.fullmatch(name):
        raise InvalidSetting(f"{setting}: {name!r} is not usable; accepted: {_LABEL_GRAMMAR}")
    return name


def _timeout(timeout: Any) -> float:
    usable = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
    if not (usable and math.isfinite(timeout) and timeout >= 0):
        raise InvalidSetting(f"timeout: {timeout!r} is not usable; accepted: seconds, 0 or more")
    return float(timeout)


def _token(token_file: Optional[Path], address: Address, url: str) -> Optional[TokenFile]:
    setting, path = _given("token_file", token_file, "CONFIG_SERVICE_TOKEN_FILE")
    if path is None:
        return None
    if not (address.secure or address.is_loopback):
        raise InvalidSetting(
            f"{setting}: a token is not sent to {url!r} in plain text;"
            " accepted with a token: https, or a loopback address"
        )
    return TokenFile(setting, path)


def _default_tls() -> ssl.SSLContext:
    import ssl  # a Python may be built without it

    return ssl.create_default_context()
