from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from config_service_client._status import Layer, Source


@dataclass(frozen=True)
class Detail:
    """A value and where it comes from."""

    value: Any
    layer: Optional[Layer]
    """None: it comes from no layer; it is the default."""
    revision: int
    """At which it last changed; 0 for a default."""
    source: Source
    age: Optional[float]
    """Seconds since it was known to be current. None: it never was, or is the last good value in
    place of one of another type."""
