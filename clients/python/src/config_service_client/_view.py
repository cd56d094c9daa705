from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

from config_service_client._frames import Checkpoint, Delta, Frame, Snapshot, State
from config_service_client._kinds import outlived


class OutOfStep(Exception):
    """A frame that does not start where the view ends. Only a new Snapshot helps."""


@dataclass(frozen=True)
class View:
    """The configuration at one revision. Nothing in it changes after it was published; a reader
    that holds one has one consistent state."""

    state: State
    values: Mapping[str, Any]
    invalid: frozenset[str]
    """Keys without any usable value: neither present nor deleted."""
    former: Mapping[str, Mapping[str, Any]]
    """For keys whose value changed its kind: the last good value of each kind left behind."""

    @property
    def scope(self) -> str:
        return f"{self.state.namespace}/{self.state.environment}"


def advance(view: Optional[View], frame: Frame, following: bool) -> View:
    """The view after the frame. ``following`` tells whether the stream of the frame continues
    the view; only a Snapshot may come when it does not."""
    if isinstance(frame, Snapshot):
        return _replaced(view, frame)
    if view is None or not following:
        raise OutOfStep("the stream does not begin with a snapshot")
    _check_continuity(view.state, frame.state)
    if isinstance(frame, Checkpoint):
        return replace(view, state=frame.state)
    if frame.from_revision != view.state.revision:
        raise OutOfStep(f"a delta from {frame.from_revision} at {view.state.revision}")
    return _amended(view, frame)


def _check_continuity(old: State, new: State) -> None:
    if new.epoch != old.epoch:
        raise OutOfStep("the epoch changed without a snapshot")
    if new.revision < old.revision:
        raise OutOfStep(f"revision {new.revision} after {old.revision}")
    if (new.namespace, new.environment) != (old.namespace, old.environment):
        raise OutOfStep("the scope changed without a snapshot")


def _replaced(view: Optional[View], snapshot: Snapshot) -> View:
    # A snapshot is taken at its word, also one of a lower revision: refusing it would hold on
    # to a state that the store no longer has, for as long as this process lives.
    state, values = snapshot.state, dict(snapshot.values)
    if view is None or view.scope != f"{state.namespace}/{state.environment}":
        return View(state, values, snapshot.invalid, former={})
    # An invalid key is not deleted. A sidecar that was restarted may have lost its last good
    # value while this process still has it.
    kept = {key: view.values[key] for key in snapshot.invalid if key in view.values}
    values.update(kept)
    former = {}
    for key in values:
        past = _past(view, key, values[key])
        if past:
            former[key] = past
    return View(state, values, snapshot.invalid - kept.keys(), former)


def _amended(view: View, delta: Delta) -> View:
    values, former = dict(view.values), dict(view.former)
    for key in delta.deleted:
        values.pop(key, None)
        former.pop(key, None)
    for key, value in delta.values.items():
        past = _past(view, key, value)
        values[key] = value
        former.pop(key, None)
        if past:
            former[key] = past
    invalid = (view.invalid - delta.deleted - delta.values.keys()) | delta.invalid
    return View(delta.state, values, frozenset(invalid - values.keys()), former)


def _past(view: View, key: str, new: Any) -> dict[str, Any]:
    if key not in view.values:
        return {}
    return outlived(view.former.get(key, {}), view.values[key], new)
