from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

from config_service_client._status import Status
from config_service_client._view import View, emptied, hidden_by, is_later, overlaid

Observer = Callable[[], None]
Step = Callable[[Optional[View]], View]


@dataclass(frozen=True)
class Denial:
    reason: str
    message: str


@dataclass(frozen=True)
class Standing:
    """What reads are answered from, and what it stands for. It is replaced as a whole: whoever
    holds one holds one moment."""

    view: Optional[View] = None
    live: bool = False
    denial: Optional[Denial] = None
    closed: bool = False

    @property
    def status(self) -> Status:
        if self.closed:
            return Status.CLOSED
        if self.denial is not None:
            return Status.DENIED
        if self.view is None:
            return Status.INITIALIZING
        return Status.VALID if self.live and self.view.state.fresh else Status.STALE


class Memory:
    """The newest view in one process. The watch and the refresh write it; everybody reads it.

    ``standing``, ``trusted_until``, ``settled`` and ``overrides`` are read without a lock: each
    is one reference to something immutable. Everything is written under ``changed``, except
    ``trusted_until``, which is only ever a point of time, and the last one set is right.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.standing = Standing()
        # Until then, by the monotonic clock, a read needs no look at the watch.
        self.trusted_until = 0.0
        # Whether the start is over: from then on no read waits.
        self.settled = False
        self.overrides: Mapping[str, Any] = {}
        # The view without overrides: where the next step begins.
        self.base: Optional[View] = None
        # What the start falls back on: the view of the cache file, once it was read.
        self.fallback: Optional[View] = None
        # What a listener that was there before any values is told the difference to.
        self.origin: Optional[View] = None
        self._conceded = False
        self._layers: tuple[Mapping[str, Any], ...] = ()
        self._observers: tuple[Observer, ...] = ()

    def heir(self) -> Memory:
        """For a forked child: the same values, and locks of its own."""
        heir = Memory()
        heir.standing = replace(self.standing, live=False)
        heir.overrides, heir._layers = self.overrides, self._layers
        heir.base, heir.origin, heir._conceded = self.base, self.origin, self._conceded
        if self.standing.closed or self.trusted_until == math.inf:
            heir.standing = self.standing
            heir.trusted_until, heir.settled = math.inf, True
        # The program goes on without values already: its start is over, here as well. With values
        # the first read waits for newer ones, as the parent's may have aged.
        heir.settled = heir.settled or (self.settled and self.base is None)
        # The parent may have been at it.
        with heir.changed:
            heir._show()
        return heir

    def observe(self, observer: Observer) -> None:
        """Calls it after every change. It must neither block nor throw."""
        with self.changed:
            self._observers += (observer,)

    def ignore(self, observer: Observer) -> None:
        with self.changed:
            self._observers = tuple(one for one in self._observers if one != observer)

    def offer(self, fallback: View, supersedes: bool) -> None:
        """``supersedes``: newer ones take the place of values that a fork left here, which may be
        as old as the parent's start."""
        with self.changed:
            self.fallback = fallback
            if supersedes and self.base is not None and is_later(fallback, self.base):
                self.base = fallback
            self._show()

    def publish(self, step: Step) -> None:
        """Takes one step, as said by an open stream."""
        with self.changed:
            if self.standing.closed:
                return
            self.base = step(self.base)
            self.settled = True
            self._show(live=True, denial=None)

    def refresh(self, step: Step) -> None:
        """Takes one step that does not come from the stream: whether that is open, it does not
        tell."""
        with self.changed:
            if self.standing.closed:
                return
            self.base = step(self.base)
            self.settled = True
            self._show(denial=None)

    def deny(self, denial: Denial) -> None:
        with self.changed:
            if self.standing.closed:
                return
            self._fall_back()
            self.settled = True
            self._show(live=False, denial=denial)

    def lose(self) -> None:
        """The stream is over. With values in hand there is nothing to wait for; without, the
        sidecar may just be starting."""
        with self.changed:
            if self.standing.closed:
                return
            self._fall_back()
            self.settled = self.settled or self.base is not None
            self._show(live=False, denial=None)

    def give_up(self) -> None:
        """Ends the start without an answer of the sidecar."""
        with self.changed:
            self._fall_back()
            self.settled = True
            self._show()

    def dim(self) -> None:
        """The stream ended, which is normal."""
        with self.changed:
            if self.standing.live:
                self._show(live=False)

    def concede(self) -> Standing:
        """For a read that found nothing loaded: how it stands after all. Without values the
        program goes on with others, so that the first ones will be a change to it."""
        if not self._conceded:
            with self.changed:
                self._conceded = self.standing.view is None
        return self.standing

    def push(self, layer: Mapping[str, Any]) -> None:
        """Lays values over all others, until pop() of the same."""
        with self.changed:
            self._relayer((*self._layers, layer))

    def pop(self, layer: Mapping[str, Any]) -> None:
        with self.changed:
            self._relayer(tuple(one for one in self._layers if one is not layer))

    def close(self) -> None:
        with self.changed:
            self.settled = True
            self.trusted_until = math.inf
            self._show(closed=True)

    def _fall_back(self) -> None:
        if self.base is None and not self.standing.closed:
            self.base = self.fallback

    def _relayer(self, layers: tuple[Mapping[str, Any], ...]) -> None:
        merged: dict[str, Any] = {}
        for layer in layers:
            for key in hidden_by(layer, merged):
                del merged[key]
            merged.update(layer)
        self._layers, self.overrides = layers, merged
        self._show()

    def _show(self, **standing: Any) -> None:
        view = self.base
        if view is not None and self.overrides:
            view = overlaid(view, self.overrides)
        self.standing = replace(self.standing, view=view, **standing)
        if self.origin is None and view is not None:
            self.origin = emptied(view) if self._conceded else view
        self.changed.notify_all()
        for observer in self._observers:
            observer()
