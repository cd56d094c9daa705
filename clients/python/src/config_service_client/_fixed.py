from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from config_service_client._frames import State
from config_service_client._keys import check_key
from config_service_client._kinds import Entry, from_python
from config_service_client._memory import Memory
from config_service_client._status import Layer, Source
from config_service_client._view import View, as_layer


def layer_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a program as a layer of the configuration. Raises InvalidKey and WrongType."""
    for key in values:
        check_key(key)
    return as_layer({key: from_python(key, value) for key, value in values.items()})


def fixed_memory(values: Mapping[str, Any], namespace: str, environment: str) -> Memory:
    """A memory that needs nobody to feed it, and is current for ever."""
    state = State("fixed", 1, True, Source.LIVE, namespace, environment)
    entries = {
        key: Entry(value, Layer.SERVICE_ENVIRONMENT, 1) for key, value in layer_of(values).items()
    }
    view = View(state, entries, invalid=frozenset(), former={}, confirmed=math.inf)
    memory = Memory()
    memory.publish(lambda _: view)
    memory.trusted_until = math.inf
    return memory
