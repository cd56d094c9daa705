from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional, TypeVar

from config_service_client._frames import Checkpoint, Delta, Frame, Snapshot, State
from config_service_client._kinds import Entry, outlived
from config_service_client._status import Layer

ValueT = TypeVar("ValueT")


class OutOfStep(Exception):
    """A frame that does not start where the view ends. Only a new Snapshot helps."""


@dataclass(frozen=True)
class View:
    """The configuration at one revision. Nothing in it changes after it was published; a reader
    that holds one has one consistent state."""

    state: State
    entries: Mapping[str, Entry]
    invalid: frozenset[str]
    """Keys without any usable value: neither present nor deleted."""
    former: Mapping[str, Mapping[str, Entry]]
    """For keys whose value changed its kind: the last good entry of each kind left behind."""
    confirmed: Optional[float]
    """When it was last known to be current, by the monotonic clock. None: never."""
    masked: frozenset[str] = frozenset()
    """Keys that are there, and whose value the sidecar does not tell this program."""

    @property
    def scope(self) -> str:
        return f"{self.state.namespace}/{self.state.environment}"


def advance(view: Optional[View], frame: Frame, following: bool, now: float) -> View:
    """The view after the frame, which arrived ``now``. ``following`` tells whether the stream of
    the frame continues the view; only a Snapshot may come when it does not."""
    confirmed = now if frame.state.fresh else view.confirmed if view is not None else None
    if view is not None and following:
        _check_continuity(view.state, frame)
    if isinstance(frame, Snapshot):
        return _replaced(view, frame, confirmed)
    if view is None or not following:
        raise OutOfStep("the stream does not begin with a snapshot")
    if isinstance(frame, Checkpoint):
        return replace(view, state=frame.state, confirmed=confirmed)
    if frame.from_revision != view.state.revision:
        raise OutOfStep(f"a delta from {frame.from_revision} at {view.state.revision}")
    return _amended(view, frame, confirmed)


def emptied(view: View) -> View:
    """The view without its entries: what a reader knows who got nothing but defaults."""
    return replace(view, entries={}, former={})


def is_later(one: View, other: View) -> bool:
    """Whether the one was known to be current when the other was not any more."""
    if one.scope != other.scope or one.confirmed is None or other.confirmed is None:
        return False
    return one.confirmed > other.confirmed


def overlaid(view: View, values: Mapping[str, Any]) -> View:
    """The view with values of the program's own on top, as a layer above all others."""
    own = {
        key: Entry(value, Layer.SERVICE_ENVIRONMENT, view.state.revision)
        for key, value in values.items()
    }
    hidden = hidden_by(own, view.entries)
    entries = {key: entry for key, entry in view.entries.items() if key not in hidden}
    invalid, masked = view.invalid - own.keys(), view.masked - own.keys()
    return replace(view, entries={**entries, **own}, invalid=invalid, masked=masked)


def hidden_by(strong: Collection[str], weak: Collection[str]) -> set[str]:
    """Which weaker keys stronger ones hide, so that together they form a tree: all above and
    below a stronger key."""
    above = {prefix for key in strong for prefix in _above(key)}
    return {key for key in weak if key in above or any(p in strong for p in _above(key))}


def as_layer(values: Mapping[str, ValueT]) -> dict[str, ValueT]:
    """The values that can be in one layer: a key hides what is above it, as in the service."""
    above = {prefix for key in values for prefix in _above(key)}
    return {key: value for key, value in values.items() if key not in above}


def _above(key: str) -> list[str]:
    """``a`` and ``a.b`` for ``a.b.c``."""
    names = key.split(".")
    return [".".join(names[:length]) for length in range(1, len(names))]


def _check_continuity(old: State, frame: Frame) -> None:
    new = frame.state
    if (new.namespace, new.environment) != (old.namespace, old.environment):
        raise OutOfStep("the scope changed")
    if new.epoch != old.epoch:
        if not isinstance(frame, Snapshot):
            raise OutOfStep("the epoch changed without a snapshot")
    elif new.revision < old.revision:
        raise OutOfStep(f"revision {new.revision} after {old.revision}")


def _replaced(view: Optional[View], snapshot: Snapshot, confirmed: Optional[float]) -> View:
    # The first one of a stream that continues nothing is taken at its word, also with a lower
    # revision: refusing it would hold on to a state that the store no longer has, for as long
    # as this process lives.
    state, entries = snapshot.state, dict(snapshot.entries)
    if view is None or view.scope != f"{state.namespace}/{state.environment}":
        return View(state, entries, snapshot.invalid, {}, confirmed, snapshot.masked)
    # An invalid key is not deleted. A sidecar that was restarted may have lost its last good
    # value while this process still has it.
    kept = {key: view.entries[key] for key in snapshot.invalid if key in view.entries}
    entries.update(kept)
    former = {}
    for key, entry in entries.items():
        past = _past(view, key, entry)
        if past:
            former[key] = past
    invalid = snapshot.invalid - kept.keys()
    return View(state, entries, invalid, former, confirmed, snapshot.masked)


def _amended(view: View, delta: Delta, confirmed: Optional[float]) -> View:
    entries, former = dict(view.entries), dict(view.former)
    for key in delta.deleted | delta.masked:
        entries.pop(key, None)
        former.pop(key, None)
    for key, entry in delta.entries.items():
        past = _past(view, key, entry)
        entries[key] = entry
        former.pop(key, None)
        if past:
            former[key] = past
    told = delta.deleted | delta.entries.keys() | delta.masked
    invalid = ((view.invalid - told) | delta.invalid) - entries.keys()
    masked = (view.masked - told - delta.invalid) | delta.masked
    return View(delta.state, entries, frozenset(invalid), former, confirmed, frozenset(masked))


def _past(view: View, key: str, new: Entry) -> dict[str, Entry]:
    if key not in view.entries:
        return {}
    return outlived(view.former.get(key, {}), view.entries[key], new)
