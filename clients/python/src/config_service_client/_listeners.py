from __future__ import annotations

import enum
import itertools
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any, Optional

from config_service_client._keys import Pattern
from config_service_client._kinds import copied, same
from config_service_client._memory import Memory
from config_service_client._view import View

logger = logging.getLogger("config_service_client")

_LOG_INTERVAL = 10.0


class ChangeKind(enum.Enum):
    """What happened to a key."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    DELETED = "DELETED"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Change:
    """One key whose value changed. ``old`` and ``new`` are None when there is none; ``kind``
    tells that from a stored null. They belong to the listener."""

    key: str
    kind: ChangeKind
    old: Any
    new: Any
    revision: int


Listener = Callable[[Change], object]


class Subscription:
    """A listener at work. cancel() ends it."""

    def __init__(
        self,
        pattern: Pattern,
        listener: Listener,
        told: Optional[View],
        withdraw: Callable[[Subscription], None],
    ) -> None:
        self.listener = listener
        self.is_active = True
        self._pattern = pattern
        # The view this listener knows. None: it was there before any values.
        self._told = told
        self._withdraw = withdraw
        self._logged_at = float("-inf")

    @property
    def pattern(self) -> str:
        return self._pattern.text

    def cancel(self) -> None:
        """The listener is not called again, except that it may be running at this moment. It
        may cancel itself."""
        self.is_active = False
        self._withdraw(self)

    def matches(self, key: str) -> bool:
        return self.is_active and self._pattern.matches(key)

    def report(self, change: Change) -> None:
        """To be called when the listener has thrown: logs it, but not again and again."""
        now = monotonic()
        if now - self._logged_at >= _LOG_INTERVAL:
            self._logged_at = now
            name = getattr(self.listener, "__qualname__", type(self.listener).__name__)
            # Not what the exception says, which may be a value.
            kind, _, trace = sys.exc_info()
            place = traceback.extract_tb(trace)[-1]
            logger.error(
                'the listener %s failed at a change of "%s": %s at %s:%s',
                name,
                change.key,
                kind.__name__ if kind else "",
                place.filename,
                place.lineno,
            )

    def __repr__(self) -> str:
        return f"<Subscription {self.pattern}>"


class Listeners:
    """The listeners of one client, in the order in which they were registered.

    There is no lock: it would be in the way of a fork. What is done to the dict is atomic.
    """

    def __init__(self) -> None:
        self._subscriptions: dict[int, Subscription] = {}
        self._numbers = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._subscriptions)

    def add(self, pattern: str, listener: Listener, memory: Memory) -> Subscription:
        """The listener will be told what changes from now on. Raises InvalidPattern."""
        number = next(self._numbers)
        subscription = Subscription(
            Pattern(pattern),
            listener,
            memory.standing.view,
            lambda _: self._forget(number),
        )
        self._subscriptions[number] = subscription
        return subscription

    def remove(self, listener: Listener) -> None:
        for subscription in list(self._subscriptions.values()):
            if subscription.listener == listener:
                subscription.cancel()

    def due(self, memory: Memory) -> Iterator[tuple[Subscription, Change]]:
        """The difference between what the listeners were told and what reads answer now, in the
        order in which it is to be told. It counts as told when the iteration is over.

        To be used by one thread, or one task."""
        return due(list(self._subscriptions.values()), memory)

    def _forget(self, number: int) -> None:
        self._subscriptions.pop(number, None)


def due(subscriptions: list[Subscription], memory: Memory) -> Iterator[tuple[Subscription, Change]]:
    """As Listeners.due."""
    now = memory.standing.view
    if now is None:
        return
    # Listeners were told different views when they were registered at different times. Mostly
    # all were told the same one.
    known = [subscription._told or memory.origin or now for subscription in subscriptions]
    steps = {id(told): differences(told, now) for told in known}
    for key in sorted(set().union(*steps.values())):
        for subscription, told in zip(subscriptions, known):
            change = steps[id(told)].get(key)
            if change is not None and subscription.matches(key):
                yield subscription, own(change)
    for subscription in subscriptions:
        subscription._told = now


def differences(old: View, new: View) -> dict[str, Change]:
    if old.entries is new.entries:
        return {}
    changes = {}
    for key, entry in new.entries.items():
        before = old.entries.get(key)
        if before is None:
            changes[key] = Change(key, ChangeKind.ADDED, None, entry.value, entry.revision)
        elif before is not entry and not same(before.value, entry.value):
            changes[key] = Change(
                key, ChangeKind.CHANGED, before.value, entry.value, entry.revision
            )
    for key in old.entries.keys() - new.entries.keys():
        before = old.entries[key]
        changes[key] = Change(key, ChangeKind.DELETED, before.value, None, new.state.revision)
    return changes


def own(change: Change) -> Change:
    """A change that the listener may do to what it likes."""
    return Change(change.key, change.kind, copied(change.old), copied(change.new), change.revision)
