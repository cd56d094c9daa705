from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, Union, overload

from config_service_client import _convert

DefaultT = TypeVar("DefaultT")


class _Missing(enum.Enum):
    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing.MISSING


class TypedGetters:
    """The getters that name the type they want.

    Without a value they answer the default, if there is one; a value of another type raises
    WrongType, default or not. They read text forms too, because what does not fit a double is
    stored as a string.
    """

    def _typed(
        self, key: str, default: object, convert: Callable[[Any], Any], expected: str
    ) -> Any:
        raise NotImplementedError

    @overload
    def get_str(self, key: str) -> str: ...
    @overload
    def get_str(self, key: str, default: DefaultT) -> Union[str, DefaultT]: ...
    def get_str(self, key: str, default: object = MISSING) -> Any:
        """A string."""
        return self._typed(key, default, _convert.to_str, "a string")

    @overload
    def get_int(self, key: str) -> int: ...
    @overload
    def get_int(self, key: str, default: DefaultT) -> Union[int, DefaultT]: ...
    def get_int(self, key: str, default: object = MISSING) -> Any:
        """A whole number, or a string of decimal digits."""
        return self._typed(key, default, _convert.to_int, "a whole number")

    @overload
    def get_float(self, key: str) -> float: ...
    @overload
    def get_float(self, key: str, default: DefaultT) -> Union[float, DefaultT]: ...
    def get_float(self, key: str, default: object = MISSING) -> Any:
        """A number, or a string that is a finite decimal number."""
        return self._typed(key, default, _convert.to_float, "a number")

    @overload
    def get_bool(self, key: str) -> bool: ...
    @overload
    def get_bool(self, key: str, default: DefaultT) -> Union[bool, DefaultT]: ...
    def get_bool(self, key: str, default: object = MISSING) -> Any:
        """A boolean, or one of the strings ``true`` and ``false``."""
        return self._typed(key, default, _convert.to_bool, "a boolean")

    @overload
    def get_duration(self, key: str) -> timedelta: ...
    @overload
    def get_duration(self, key: str, default: DefaultT) -> Union[timedelta, DefaultT]: ...
    def get_duration(self, key: str, default: object = MISSING) -> Any:
        """A number of seconds, or a string such as ``1h30m``, ``1.5s`` or ``250ms``."""
        expected = "a duration (a number of seconds, or such as 1h30m, 1.5s, 250ms)"
        return self._typed(key, default, _convert.to_duration, expected)

    @overload
    def get_list(self, key: str) -> list[Any]: ...
    @overload
    def get_list(self, key: str, default: DefaultT) -> Union[list[Any], DefaultT]: ...
    def get_list(self, key: str, default: object = MISSING) -> Any:
        """A list."""
        return self._typed(key, default, _convert.to_list, "a list")

    def get_json(self, key: str, default: object = MISSING) -> Any:
        """Any value, as it is."""
        return self._typed(key, default, _convert.to_json, "a JSON value")
