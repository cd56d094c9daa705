"""What the typed getters take. They read text forms too, because a number that does not fit a
double is stored as a string."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

from config_service_client._kinds import number

_INTEGER = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_DURATION = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|ms|s|m|h))+")
_PART = re.compile(r"([0-9.]+)([a-z]+)")
_MICROSECONDS = {
    "ns": Decimal("0.001"),
    "us": Decimal(1),
    "ms": Decimal(1_000),
    "s": Decimal(1_000_000),
    "m": Decimal(60_000_000),
    "h": Decimal(3_600_000_000),
}

# Every function raises ValueError for what it does not take, without showing it.


def to_str(value: Any) -> str:
    if type(value) is str:
        return value
    raise ValueError


def to_int(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is str and _INTEGER.fullmatch(value):
        return int(value)
    raise ValueError


def to_float(value: Any) -> float:
    if type(value) is int or type(value) is float:
        return float(value)
    if type(value) is str and _DECIMAL.fullmatch(value):
        return float(number(value))
    raise ValueError


def to_bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError


def to_duration(value: Any) -> timedelta:
    try:
        if type(value) is int or type(value) is float:
            return timedelta(seconds=value)
        if type(value) is str and _DURATION.fullmatch(value):
            parts = _PART.findall(value)
            length = sum(Decimal(amount) * _MICROSECONDS[unit] for amount, unit in parts)
            return timedelta(microseconds=round(-length if value[0] == "-" else length))
    except ArithmeticError:
        raise ValueError from None
    raise ValueError


def to_list(value: Any) -> list[Any]:
    if type(value) is list:
        return value
    raise ValueError


def to_json(value: Any) -> Any:
    return value
