from __future__ import annotations

import enum
from decimal import Decimal
from typing import Any

import pytest

from config_service_client._kinds import cast, kinds, wanted


class Color(str, enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("default", "value", "answer"),
    [
        (1, 2, 2),
        (1.5, 2, 2.0),
        (1.5, 2.5, 2.5),
        (False, True, True),
        ("", "x", "x"),
        (Color.RED, "blue", "blue"),
        ([], [1], [1]),
        ({}, {"a": 1}, {"a": 1}),
        (None, 7, 7),
        (None, None, None),
        (Decimal(1), 7, 7),
        ((), [1], [1]),
    ],
)
def test_values_that_suit(default: Any, value: Any, answer: Any) -> None:
    kind = wanted(default)
    assert kind is None or kind in kinds(value)
    assert cast(value, kind) == answer
    assert type(cast(value, kind)) is type(answer)


@pytest.mark.parametrize(
    ("default", "value"),
    [
        (1, True),
        (1, 2.5),
        (1, "2"),
        (1, None),
        (1.5, True),
        (1.5, "2"),
        (False, 1),
        (False, "true"),
        ("", 1),
        ("", None),
        ([], {}),
        ({}, []),
    ],
)
def test_values_that_do_not(default: Any, value: Any) -> None:
    assert wanted(default) not in kinds(value)
