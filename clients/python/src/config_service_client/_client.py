from __future__ import annotations

import inspect
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from config_service_client._core import Core
from config_service_client._listeners import Listener, Subscription
from config_service_client._memory import Memory
from config_service_client._reader import Reader
from config_service_client._settings import Path, Settings

if TYPE_CHECKING:
    import ssl

ClientT = TypeVar("ClientT", bound="ConfigClient")


class ConfigClient(Reader):
    """The configuration of one service, in memory.

    Where a setting comes from: the argument, else the environment variable, else the default.

    ============  =========================  =====================
    argument      variable                   default
    ============  =========================  =====================
    base_url      CONFIG_SERVICE_URL         http://localhost:8080
    namespace     SERVICE_NAME               that of the sidecar
    environment   ENVIRONMENT                that of the sidecar
    token_file    CONFIG_SERVICE_TOKEN_FILE  no credential
    cache_file    CONFIG_SERVICE_CACHE_FILE  no file
    ============  =========================  =====================

    The first read starts one background thread that follows every change, and waits at most
    ``timeout`` seconds for the first values. Later reads never wait. When the sidecar goes away
    the last values stay. A client may be shared by all threads of a program, and used on both
    sides of a fork. ``ssl_context`` is for an https address. Raises InvalidSetting.
    """

    def __init__(
        self,
        base_url: Optional[str] = None,
        namespace: Optional[str] = None,
        environment: Optional[str] = None,
        *,
        timeout: float = 2.0,
        token_file: Optional[Path] = None,
        cache_file: Optional[Path] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
    ) -> None:
        settings = Settings.resolve(
            base_url, namespace, environment, timeout, token_file, cache_file, ssl_context
        )
        super().__init__(settings, Core(settings, Memory()))

    def wait_ready(self, timeout: float) -> bool:
        """Waits for the first values. False: there were none within ``timeout`` seconds. Raises
        ConfigDenied as soon as the sidecar refuses, and ConfigUnavailable when the client is
        closed without values."""
        return self._own_core().wait_ready(timeout)

    def close(self) -> None:
        """Ends the background threads. The values loaded so far stay readable. After it has
        returned no listener is called, except one that runs for more than a second."""
        self._own_core().close()

    def __enter__(self: ClientT) -> ClientT:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._core.is_fixed:
            scope = {"namespace": self.namespace, "environment": self.environment}
            return _rebuilt, (type(self).from_dict, (self.snapshot(),), scope)
        return _rebuilt, (type(self), (), self._settings.arguments())

    def _prepare(self, core: Core) -> None:
        core.settle()
        core.renew()

    def _attend(self, core: Core) -> None:
        core.dispatch(self._listeners)

    def _listen(self, pattern: str, listener: Listener) -> Subscription:
        if inspect.iscoroutinefunction(listener):
            raise TypeError("a coroutine function is a listener for AsyncConfigClient")
        core = self._own_core()
        subscription = self._listeners.add(pattern, listener, core.memory)
        core.dispatch(self._listeners)
        return subscription


def _rebuilt(
    make: Callable[..., ClientT], arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> ClientT:
    return make(*arguments, **keywords)
