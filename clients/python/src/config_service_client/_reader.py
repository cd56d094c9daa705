from __future__ import annotations

import contextlib
import logging
import os
import weakref
from collections.abc import Callable, Generator, Mapping
from os import getpid
from time import monotonic
from typing import Any, Optional, TypeVar, Union, overload

from config_service_client._core import CLOSED_EMPTY, Core
from config_service_client._detail import Detail
from config_service_client._errors import (
    ConfigDenied,
    ConfigError,
    ConfigUnavailable,
    KeyMissing,
    WrongType,
)
from config_service_client._fixed import fixed_memory, layer_of
from config_service_client._frames import State
from config_service_client._getters import MISSING, TypedGetters
from config_service_client._keys import check_key
from config_service_client._kinds import Entry, cast, copied, kinds, wanted
from config_service_client._memory import Standing
from config_service_client._settings import DEFAULT_ENVIRONMENT, DEFAULT_NAMESPACE, Settings
from config_service_client._status import Layer, Source, Status
from config_service_client._subscribing import Subscribing
from config_service_client._view import View

logger = logging.getLogger("config_service_client")

ReaderT = TypeVar("ReaderT", bound="Reader")

# Values that can be handed out as they are; a list or a dict is copied.
_SCALARS = frozenset((str, int, float, bool, type(None)))


class Reader(Subscribing, TypedGetters):
    """What all clients have in common: everything that is answered from memory. What happens
    before the first answer, and where listeners run, is up to the client."""

    def __init__(self, settings: Settings, core: Core) -> None:
        super().__init__()
        self._settings = settings
        self._mismatches: dict[str, object] = {}
        self._masked: dict[str, object] = {}
        self._adopt(core)
        clients.add(self)

    @classmethod
    def from_dict(
        cls: type[ReaderT],
        values: Mapping[str, Any],
        *,
        namespace: str = DEFAULT_NAMESPACE,
        environment: str = DEFAULT_ENVIRONMENT,
    ) -> ReaderT:
        """A client of these values, for tests: VALID at once, no thread, no connection. Keys
        are dotted, as everywhere; a dict is an object."""
        client = cls.__new__(cls)
        settings = Settings.fixed(namespace, environment)
        memory = fixed_memory(values, namespace, environment)
        Reader.__init__(client, settings, Core(settings, memory, fixed=True))
        return client

    @overload
    def get(self, key: str) -> Any: ...
    @overload
    def get(self, key: str, default: None) -> Any: ...
    @overload
    def get(self, key: str, default: bool) -> bool: ...
    @overload
    def get(self, key: str, default: int) -> int: ...
    @overload
    def get(self, key: str, default: float) -> float: ...
    @overload
    def get(self, key: str, default: str) -> str: ...
    @overload
    def get(self, key: str, default: list[Any]) -> list[Any]: ...
    @overload
    def get(self, key: str, default: dict[str, Any]) -> dict[str, Any]: ...
    @overload
    def get(self, key: str, default: object) -> Any: ...
    def get(self, key: str, default: object = MISSING) -> Any:
        """The value of a key.

        Without a default: raises KeyMissing, ConfigUnavailable or ConfigDenied when there is no
        value. With a default: answers it instead. A key that breaks the grammar raises
        InvalidKey.

        The type of the default is the type of the answer. A value of another type is not
        answered: the last good value of that type is, else the default, and one warning per key
        is logged. A whole number suits an int and every number a float; a bool is not a number.
        With None, or a default of a type JSON does not have, every value suits. JSON null is a
        value: None.
        """
        # What most reads are over with. While the memory is trusted, there is nothing to start,
        # to wait for, or to look after; except in a child whose fork nobody told of, as in uWSGI:
        # the trust was earned by the threads of its parent.
        memory = self._memory
        view = memory.standing.view
        if view is not None and monotonic() < memory.trusted_until and getpid() == self._process:
            entry = view.entries.get(key)
            if entry is not None:
                value = entry[0]
                kind = type(value)
                if kind in _SCALARS and (
                    default is MISSING or default is None or kind is type(default)
                ):
                    return value
        return self._resolve(key, default)[0]

    def get_detail(self, key: str, default: object = MISSING) -> Detail:
        """As get(), with where the answer comes from."""
        value, entry, view = self._resolve(key, default)
        if entry is None:
            return Detail(value, None, 0, Source.DEFAULT, None)
        source, age = Source.LIVE, None
        if view is not None:
            source = view.state.source
            if view.confirmed is not None:
                age = max(0.0, monotonic() - view.confirmed)
        return Detail(value, entry.layer, entry.revision, source, age)

    def __getitem__(self, key: str) -> Any:
        return self.get(key)

    def __contains__(self, key: str) -> bool:
        """Whether there is a value for the key. Raises ConfigUnavailable or ConfigDenied when
        that cannot be known: nothing is loaded, the value is unusable, or the key is missing
        and the sidecar refuses."""
        found = self._find(key)[1]
        if isinstance(found, ConfigError) and not isinstance(found, KeyMissing):
            raise found
        return isinstance(found, Entry)

    # Or iteration would try the keys 0, 1, 2, ...
    __iter__ = None

    def snapshot(self, prefix: Optional[str] = None) -> dict[str, Any]:
        """All values at one moment, in order of their keys; with a prefix ``database``, those of
        ``database`` and ``database.*``. Raises ConfigUnavailable or ConfigDenied while nothing
        is loaded: an empty dict means an empty configuration."""
        if prefix:
            check_key(prefix)
        standing = self._standing(self._own_core())
        if standing.view is None:
            raise self._emptiness(standing)
        entries = standing.view.entries
        below = f"{prefix}."
        return {
            key: copied(entries[key].value)
            for key in sorted(entries)
            if not prefix or key == prefix or key.startswith(below)
        }

    def as_tree(self) -> dict[str, Any]:
        """All values at one moment, as dicts in dicts: ``tree["database"]["pool_size"]``.
        Raises as snapshot()."""
        tree: dict[str, Any] = {}
        for key, value in self.snapshot().items():
            *folders, name = key.split(".")
            folder = tree
            for each in folders:
                folder = folder.setdefault(each, {})
            folder[name] = value
        return tree

    @contextlib.contextmanager
    def override(self, values: Mapping[str, Any]) -> Generator[None, None, None]:
        """For tests: lays values over the others, and takes them away again. Overrides may be
        nested; listeners are told. An overridden key is answered without waiting for anything.
        """
        layer = layer_of(values)
        self._own_core().memory.push(layer)
        try:
            yield
        finally:
            # By now it may be another process.
            self._own_core().memory.pop(layer)

    @property
    def status(self) -> Status:
        """What the values stand for at this moment."""
        return self._own_core().status

    @property
    def namespace(self) -> str:
        """The namespace the sidecar answers for; before it answered, the one to ask for."""
        state = self._confirmed()
        return state.namespace if state else self._settings.namespace or DEFAULT_NAMESPACE

    @property
    def environment(self) -> str:
        """The environment the sidecar answers for; before it answered, the one to ask for."""
        state = self._confirmed()
        return state.environment if state else self._settings.environment or DEFAULT_ENVIRONMENT

    def __repr__(self) -> str:
        scope = f"{self.namespace}/{self.environment}"
        return f"<{type(self).__name__} {scope} at {self._settings.url}: {self.status}>"

    def _prepare(self, core: Core) -> None:
        """Before a read that found nothing at hand."""
        raise NotImplementedError

    def _attend(self, core: Core) -> None:
        """In a forked child, when there are listeners."""
        raise NotImplementedError

    def _resolve(self, key: str, default: object) -> tuple[Any, Optional[Entry], Optional[View]]:
        """The value to answer, the entry it is of, and the view it is in. No entry: it is the
        default. No view: it is not of the present one."""
        view, found = self._find(key)
        if isinstance(found, ConfigError):
            if default is MISSING:
                raise found
            return default, None, None
        kind = None if default is MISSING else wanted(default)
        if kind is None or kind in kinds(found.value):
            return copied(cast(found.value, kind)), found, view
        self._report_mismatch(key, found.value, kind)
        past = view.former.get(key, {}).get(kind) if view is not None else None
        if past is None:
            return default, None, None
        return copied(cast(past.value, kind)), past, None

    def _typed(
        self, key: str, default: object, convert: Callable[[Any], Any], expected: str
    ) -> Any:
        found = self._find(key)[1]
        if isinstance(found, ConfigError):
            if default is MISSING:
                raise found
            return default
        try:
            return copied(convert(found.value))
        except ValueError:
            kind = kinds(found.value)[0]
            raise WrongType(f'"{key}" is {kind} where {expected} is asked for') from None

    def _find(self, key: str) -> tuple[Optional[View], Union[Entry, ConfigError]]:
        """The entry of a key, or why there is none. Raises InvalidKey."""
        core = self._own_core()
        memory, view = core.memory, core.memory.standing.view
        if view is None or key not in view.entries:
            check_key(key)
        if view is None and key in memory.overrides:
            return None, Entry(memory.overrides[key], Layer.SERVICE_ENVIRONMENT, 0)
        standing = self._standing(core)
        view = standing.view
        if view is None:
            return None, self._emptiness(standing)
        found = view.entries.get(key) or _absence(standing, view, key)
        if isinstance(found, KeyMissing) and found.masked:
            self._report_masked(found)
        return view, found

    def _standing(self, core: Core) -> Standing:
        self._prepare(core)
        standing = core.memory.standing
        return standing if standing.view is not None else core.memory.concede()

    def _emptiness(self, standing: Standing) -> ConfigError:
        """Why there is no configuration to answer from."""
        if standing.closed:
            return ConfigUnavailable(CLOSED_EMPTY)
        if standing.denial is not None:
            return ConfigDenied(standing.denial.message, standing.denial.reason)
        return ConfigUnavailable(f"no configuration from {self._settings.url} yet")

    def _report_mismatch(self, key: str, value: Any, kind: str) -> None:
        # setdefault is what makes it once per key, with any number of threads.
        mine = object()
        if self._mismatches.setdefault(key, mine) is mine:
            found = kinds(value)[0]
            logger.warning('"%s" is %s where the program expects %s', key, found, kind)

    def _report_masked(self, error: KeyMissing) -> None:
        mine = object()
        if self._masked.setdefault(error.key, mine) is mine:
            logger.warning("%s; it counts as missing", error)

    def _confirmed(self) -> Optional[State]:
        """What the sidecar said last."""
        base = self._memory.base
        if base is None or base.state.source is Source.CACHE_FILE:
            return None
        return base.state

    def _own_core(self) -> Core:
        """The core of this process: in a forked child, a new one."""
        core = self._core
        if core.process != os.getpid():
            self._adopt(core.heir())
            if self._listeners:
                self._attend(self._core)
        return self._core

    def _adopt(self, core: Core) -> None:
        self._core = core
        self._memory = core.memory
        self._process = core.process
        # The core does not know its client: a client that is dropped, or left open at exit,
        # takes its threads along.
        weakref.finalize(self, core.abandon)


def _absence(standing: Standing, view: View, key: str) -> ConfigError:
    """Why a configuration has no value for the key."""
    if key in view.invalid:
        return ConfigUnavailable(
            f'the stored value of "{key}" in {view.scope} is unusable; there was never a good one'
        )
    if standing.denial is not None:
        return ConfigDenied(standing.denial.message, standing.denial.reason)
    if key in view.masked:
        return KeyMissing(key, view.scope, masked=True)
    return KeyMissing(key, view.scope, view.entries.keys())


clients: weakref.WeakSet[Reader] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for client in list(clients):
        client._own_core()


# Only in the child: the parent and its threads notice nothing of a fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
