from __future__ import annotations

import enum
import logging
import os
import weakref
from types import TracebackType
from typing import Any, Optional, TypeVar, overload

from config_service_client._errors import (
    ConfigDenied,
    ConfigError,
    ConfigUnavailable,
    KeyMissing,
)
from config_service_client._kinds import cast, copied, kinds, wanted
from config_service_client._settings import DEFAULT_ENVIRONMENT, DEFAULT_NAMESPACE, Settings
from config_service_client._status import Status
from config_service_client._view import View
from config_service_client._watch import Denial, Watch

logger = logging.getLogger("config_service_client")

ClientT = TypeVar("ClientT", bound="ConfigClient")


class _Missing(enum.Enum):
    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing.MISSING

# Values that can be handed out as they are; a list or a dict is copied.
_SCALARS = frozenset((str, int, float, bool, type(None)))


class ConfigClient:
    """The configuration of one service, in memory.

    Where a setting comes from: the argument, else the environment variable, else the default.

    ============  ====================  =====================
    argument      variable              default
    ============  ====================  =====================
    base_url      CONFIG_SERVICE_URL    http://localhost:8080
    namespace     SERVICE_NAME          that of the sidecar
    environment   ENVIRONMENT           that of the sidecar
    ============  ====================  =====================

    The first read starts one background thread that follows every change, and waits at most
    ``timeout`` seconds for the first values. Later reads never wait. When the sidecar goes away
    the last values stay. A client may be shared by all threads of a program, and used on both
    sides of a fork.
    """

    def __init__(
        self,
        base_url: Optional[str] = None,
        namespace: Optional[str] = None,
        environment: Optional[str] = None,
        *,
        timeout: float = 2.0,
    ) -> None:
        self._settings = Settings.resolve(base_url, namespace, environment, timeout)
        self._mismatches: dict[str, object] = {}
        self._adopt(Watch(self._settings))
        _clients.add(self)

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
        value. With a default: answers it instead, and never raises.

        The type of the default is the type of the answer. A value of another type is not
        answered: the last good value of that type is, else the default, and one warning per key
        is logged. A whole number suits an int and every number a float; a bool is not a number.
        With None, or a default of a type JSON does not have, every value suits. JSON null is a
        value: None.
        """
        watch = self._watch
        view = watch.view
        if view is not None and watch.settled_in == os.getpid():
            value = view.values.get(key, MISSING)
            kind = type(value)
            if kind in _SCALARS and (
                default is MISSING or default is None or kind is type(default)
            ):
                return value
        return self._get(key, default)

    def __getitem__(self, key: str) -> Any:
        return self.get(key)

    def __contains__(self, key: object) -> bool:
        """Whether there is a value for the key. Raises ConfigUnavailable or ConfigDenied while
        nothing is loaded: that is not a no."""
        return key in self._loaded().values

    # Or iteration would try the keys 0, 1, 2, ...
    __iter__ = None

    def snapshot(self, prefix: Optional[str] = None) -> dict[str, Any]:
        """All values at one moment, in order of their keys; with a prefix ``database``, those of
        ``database`` and ``database.*``. Raises ConfigUnavailable or ConfigDenied while nothing
        is loaded: an empty dict means an empty configuration."""
        values = self._loaded().values
        below = f"{prefix}."
        return {
            key: copied(values[key])
            for key in sorted(values)
            if not prefix or key == prefix or key.startswith(below)
        }

    def wait_ready(self, timeout: float) -> bool:
        """Waits for the first values. False: there were none within ``timeout`` seconds. Raises
        ConfigDenied as soon as the sidecar refuses."""
        watch = self._own_watch()
        ready = watch.wait_ready(timeout)
        denial = watch.denial
        if denial is not None:
            raise ConfigDenied(denial.message, denial.reason)
        return ready

    @property
    def status(self) -> Status:
        """What the values stand for at this moment."""
        return self._own_watch().status

    @property
    def namespace(self) -> str:
        """The namespace the sidecar answers for; before it answered, the one to ask for."""
        view = self._watch.view
        if view is not None:
            return view.state.namespace
        return self._settings.namespace or DEFAULT_NAMESPACE

    @property
    def environment(self) -> str:
        """The environment the sidecar answers for; before it answered, the one to ask for."""
        view = self._watch.view
        if view is not None:
            return view.state.environment
        return self._settings.environment or DEFAULT_ENVIRONMENT

    def close(self) -> None:
        """Ends the background thread. The values loaded so far stay readable."""
        self._own_watch().close()

    def __enter__(self: ClientT) -> ClientT:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        scope = f"{self.namespace}/{self.environment}"
        return f"<{type(self).__name__} {scope} at {self._settings.url}: {self.status}>"

    def __reduce__(self) -> tuple[Any, ...]:
        settings = self._settings
        names = (settings.url, settings.namespace, settings.environment)
        return _rebuilt, (type(self), names, settings.timeout)

    def _get(self, key: str, default: object) -> Any:
        watch = self._own_watch()
        watch.settle()
        view = watch.view
        if view is not None and key in view.values:
            kind = None if default is MISSING else wanted(default)
            value = view.values[key]
            if kind is None or kind in kinds(value):
                return copied(cast(value, kind))
            self._report_mismatch(key, value, kind)
            past = view.former.get(key, {})
            return copied(cast(past[kind], kind)) if kind in past else default
        if default is not MISSING:
            return default
        denial = watch.denial
        if view is not None and denial is None:
            raise _absence(view, key)
        raise _emptiness(watch, denial)

    def _loaded(self) -> View:
        watch = self._own_watch()
        watch.settle()
        view = watch.view
        if view is None:
            raise _emptiness(watch, watch.denial)
        return view

    def _report_mismatch(self, key: str, value: Any, kind: str) -> None:
        # setdefault is what makes it once per key, with any number of threads.
        mine = object()
        if self._mismatches.setdefault(key, mine) is mine:
            found = kinds(value)[0]
            logger.warning('"%s" is %s where the program expects %s', key, found, kind)

    def _own_watch(self) -> Watch:
        """The watch of this process: after a fork by other means than Python's, a new one."""
        watch = self._watch
        if watch.process != os.getpid():
            self._adopt(watch.heir())
        return self._watch

    def _adopt(self, watch: Watch) -> None:
        self._watch = watch
        # The watch does not know its client: a client that is dropped, or left open at exit,
        # takes its thread along.
        weakref.finalize(self, watch.abandon)


def _emptiness(watch: Watch, denial: Optional[Denial]) -> ConfigError:
    """Why there is no configuration to answer from."""
    if denial is not None:
        return ConfigDenied(denial.message, denial.reason)
    if watch.status is Status.CLOSED:
        return ConfigUnavailable("the client was closed before it had loaded a configuration")
    return ConfigUnavailable(f"no configuration from {watch.settings.url} yet")


def _absence(view: View, key: str) -> ConfigError:
    """Why a configuration has no value for the key."""
    if key in view.invalid:
        return ConfigUnavailable(
            f'the stored value of "{key}" in {view.scope} is unusable; there was never a good one'
        )
    return KeyMissing(key, view.scope, view.values.keys())


def _rebuilt(
    kind: type[ClientT], names: tuple[str, Optional[str], Optional[str]], timeout: float
) -> ClientT:
    return kind(*names, timeout=timeout)


_clients: weakref.WeakSet[ConfigClient] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for client in list(_clients):
        client._own_watch()


# Only in the child: the parent and its thread notice nothing of a fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
