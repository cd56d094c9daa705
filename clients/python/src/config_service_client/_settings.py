from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Optional
from urllib.parse import urlsplit

DEFAULT_URL = "http://localhost:8080"
DEFAULT_NAMESPACE = "default"
DEFAULT_ENVIRONMENT = "development"


@dataclass(frozen=True)
class Settings:
    """Where the sidecar is and what to ask it for.

    ``namespace`` and ``environment`` are None unless somebody chose them: only a chosen name is
    sent, so that a program that chooses nothing gets what its sidecar was started for.
    """

    url: str
    secure: bool
    host: str
    port: Optional[int]
    path: str
    namespace: Optional[str]
    environment: Optional[str]
    timeout: float

    @classmethod
    def resolve(
        cls,
        base_url: Optional[str],
        namespace: Optional[str],
        environment: Optional[str],
        timeout: float,
    ) -> Settings:
        """Argument, then environment variable, then default. An empty one counts as not given.
        Raises ValueError, in one line, for a value that can never work."""
        name = "base_url" if base_url else "CONFIG_SERVICE_URL"
        url = base_url or os.environ.get("CONFIG_SERVICE_URL") or DEFAULT_URL
        secure, host, port, path = _parse(name, url)
        if not (math.isfinite(timeout) and timeout >= 0):
            raise ValueError(f"timeout: {timeout!r} is not usable; accepted: seconds, 0 or more")
        return cls(
            url=url,
            secure=secure,
            host=host,
            port=port,
            path=path,
            namespace=namespace or os.environ.get("SERVICE_NAME") or None,
            environment=environment or os.environ.get("ENVIRONMENT") or None,
            timeout=float(timeout),
        )


def _parse(name: str, url: str) -> tuple[bool, str, Optional[int], str]:
    accepted = "accepted: http://host:port or https://host:port"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{name}: {error}; {accepted}") from None
    if "@" in parts.netloc:
        # Not shown: what stands before the @ is a credential.
        raise ValueError(f"{name}: user and password in a URL are not supported; {accepted}")
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not host or not plain:
        raise ValueError(f"{name}: {url!r} is not usable; {accepted}")
    if parts.query or parts.fragment:
        raise ValueError(f"{name}: {url!r} has more than an address and a path; {accepted}")
    return parts.scheme == "https", host, port, parts.path.rstrip("/")
