"""JSON values: what kind they are, which default they suit, when two are the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

from config_service_client._errors import WrongType
from config_service_client._status import Layer

BOOLEAN = "a boolean"
WHOLE = "a whole number"
NUMBER = "a number"
STRING = "a string"
LIST = "a list"
OBJECT = "an object"
NULL = "null"

_MAX_WHOLE = 2**53 - 1

_KINDS: dict[type, tuple[str, ...]] = {
    bool: (BOOLEAN,),
    int: (WHOLE, NUMBER),
    # A whole number is never a float here, see number().
    float: (NUMBER,),
    str: (STRING,),
    list: (LIST,),
    dict: (OBJECT,),
    type(None): (NULL,),
}


class Entry(NamedTuple):
    """A value and where it comes from. The value is never changed; see copied()."""

    value: Any
    layer: Optional[Layer]
    revision: int


def number(text: str) -> float:
    """A JSON number. It is a double; a whole one is an int, whether it was written 3 or 3.0.
    Raises ValueError beyond the range of a double."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number beyond the range of a double")
    return normal(value)


def normal(value: float) -> float:
    """The same number; a whole one as an int, if a double tells it from its neighbours."""
    return int(value) if value.is_integer() and abs(value) <= _MAX_WHOLE else value


def kinds(value: Any) -> tuple[str, ...]:
    """The kinds a JSON value is of, the most specific first."""
    return _KINDS[type(value)]


def wanted(default: Any) -> Optional[str]:
    """The kind a default asks for. None: it suits every value."""
    if isinstance(default, bool):
        return BOOLEAN
    if isinstance(default, int):
        return WHOLE
    if isinstance(default, float):
        return NUMBER
    if isinstance(default, str):
        return STRING
    if isinstance(default, list):
        return LIST
    if isinstance(default, dict):
        return OBJECT
    return None


def cast(value: Any, kind: Optional[str]) -> Any:
    """A value of the kind as the Python type of that kind: 3 as a number is 3.0."""
    return float(value) if kind is NUMBER else value


def outlived(past: Mapping[str, Entry], old: Entry, new: Entry) -> dict[str, Entry]:
    """The last good entry of each kind that ``new`` is not, after it replaced ``old``;
    ``past`` is the same from before."""
    now = kinds(new.value)
    merged = {**past, **dict.fromkeys(kinds(old.value), old)}
    return {kind: entry for kind, entry in merged.items() if kind not in now}


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same. Python's == takes true for 1."""
    if type(one) is not type(other):
        return False
    if type(one) is list:
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) is dict:
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def copied(value: Any) -> Any:
    """A JSON value that shares nothing mutable with the given one."""
    if type(value) is list:
        return [copied(item) for item in value]
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    return value


def from_python(key: str, value: Any) -> Any:
    """A value of a program as the JSON value it would come back as. Raises WrongType."""
    if isinstance(value, (list, tuple)):
        return [from_python(key, item) for item in value]
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {name: from_python(key, item) for name, item in value.items()}
    if isinstance(value, float) and math.isfinite(value):
        return normal(value)
    if type(value) in (str, int, bool, type(None)):
        return value
    raise WrongType(f'"{key}": {type(value).__name__} is not a JSON value')
