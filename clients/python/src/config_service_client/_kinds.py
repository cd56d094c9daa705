"""Which JSON value suits a default of which Python type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

BOOLEAN = "a boolean"
WHOLE = "a whole number"
NUMBER = "a number"
STRING = "a string"
LIST = "a list"
OBJECT = "an object"
NULL = "null"

_KINDS: dict[type, tuple[str, ...]] = {
    bool: (BOOLEAN,),
    int: (WHOLE, NUMBER),
    str: (STRING,),
    list: (LIST,),
    dict: (OBJECT,),
    type(None): (NULL,),
}


def kinds(value: Any) -> tuple[str, ...]:
    """The kinds a JSON value is of, the most specific first."""
    if type(value) is float:
        return (WHOLE, NUMBER) if value.is_integer() else (NUMBER,)
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
    """A value of the kind as the Python type of that kind: 3.0 is a whole number, 3 a float."""
    if kind is WHOLE:
        return int(value)
    if kind is NUMBER:
        return float(value)
    return value


def outlived(past: Mapping[str, Any], old: Any, new: Any) -> dict[str, Any]:
    """The last good value of each kind that ``new`` is not, after it replaced ``old``;
    ``past`` is the same from before."""
    now = kinds(new)
    merged = {**past, **dict.fromkeys(kinds(old), old)}
    return {kind: value for kind, value in merged.items() if kind not in now}


def copied(value: Any) -> Any:
    """A JSON value that shares nothing mutable with the given one."""
    if type(value) is list:
        return [copied(item) for item in value]
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    return value
