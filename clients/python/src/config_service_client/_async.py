from __future__ import annotations

import asyncio
import contextlib
import inspect
import weakref
from collections.abc import AsyncIterator
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Optional, TypeVar

from config_service_client._core import JOIN_TIMEOUT, LOOK, Core
from config_service_client._keys import Pattern
from config_service_client._listeners import Change, Listener, Listeners, Subscription, due
from config_service_client._memory import Memory
from config_service_client._reader import Reader
from config_service_client._settings import Path, Settings

if TYPE_CHECKING:
    import ssl

ClientT = TypeVar("ClientT", bound="AsyncConfigClient")

# How long close() waits for a listener that runs.
_PATIENCE = 1.0
# How often it looks whether the threads have ended.
_TICK = 0.002


class AsyncConfigClient(Reader):
    """The configuration of one service, in memory, for asyncio.

    Settings, values and errors are those of ConfigClient. get() and its kin are plain calls
    that never wait: before the start is over they find nothing loaded. ``async with`` waits for
    the first values, at most ``timeout`` seconds.
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

    _pulse: Optional[_Pulse] = None
    _telling: Optional[asyncio.Task[None]] = None

    async def start(self) -> None:
        """Starts the watch, and waits until the first read may be answered, at most
        ``timeout`` seconds. ``async with`` does it."""
        core, pulse = self._own_core(), self._attached()
        core.start()
        while not core.memory.settled:
            event = pulse.event
            left = core.start_left()
            if left <= 0:
                core.memory.give_up()
                return
            core.urge(left)
            if not core.memory.settled:
                await _wait(event, min(left, LOOK))

    async def wait_ready(self, timeout: float) -> bool:
        """Waits for the first values. False: there were none within ``timeout`` seconds. Raises
        ConfigDenied as soon as the sidecar refuses, and ConfigUnavailable when the client is
        closed without values."""
        end = monotonic() + timeout
        core, pulse = self._own_core(), self._attached()
        while True:
            event = pulse.event
            core.urge(end - monotonic())
            if core.is_ready():
                return True
            left = min(end - monotonic(), LOOK)
            if left <= 0:
                return False
            await _wait(event, left)

    def changes(self, pattern: str) -> AsyncIterator[Change]:
        """What on_change() tells, as an iterator: ``async for change in config.changes("*")``.
        It begins now, and ends when the client is closed. Raises InvalidPattern."""
        core, pulse = self._own_core(), self._attached()
        view = core.memory.standing.view
        subscription = Subscription(Pattern(pattern), _nobody, view, _nobody)
        core.start()
        return _changes(subscription, core.memory, pulse)

    async def close(self) -> None:
        """Ends the watch. The values loaded so far stay readable. After it has returned no
        listener is called; one that runs for more than a second is cancelled."""
        core, pulse, telling = self._own_core(), self._pulse, self._telling
        if pulse is not None:
            pulse.end()
        core.end()
        end = monotonic() + JOIN_TIMEOUT
        # In no other thread: that of an executor may be busy for long, or gone.
        while core.is_running and monotonic() < end:
            await asyncio.sleep(_TICK)
        if pulse is None or telling is None or pulse.loop is not asyncio.get_running_loop():
            return
        if asyncio.current_task() in (telling, pulse.calling):
            return
        await asyncio.wait({telling}, timeout=_PATIENCE)
        for task in (pulse.calling, telling):
            if task is not None:
                task.cancel()
        await asyncio.sleep(0)

    async def __aenter__(self: ClientT) -> ClientT:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    def _prepare(self, core: Core) -> None:
        if monotonic() >= core.memory.trusted_until:
            core.start()

    def _attend(self, core: Core) -> None:
        # An event loop does not survive a fork.
        self._pulse = self._telling = None

    def _listen(self, pattern: str, listener: Listener) -> Subscription:
        core = self._own_core()
        subscription = self._listeners.add(pattern, listener, core.memory)
        core.start()
        # Without a loop it is told from start() on.
        with contextlib.suppress(RuntimeError):
            self._attached()
        return subscription

    def _attached(self) -> _Pulse:
        """The pulse in the running loop, where listeners are told from now on."""
        loop, memory, pulse = asyncio.get_running_loop(), self._own_core().memory, self._pulse
        if pulse is None or pulse.loop is not loop:
            if pulse is not None:
                memory.ignore(pulse.ring)
                pulse.end()
            pulse = self._pulse = _Pulse(loop)
            memory.observe(pulse.ring)
            self._telling = loop.create_task(_tell(self._listeners, memory, pulse))
            weakref.finalize(self, pulse.end)
        return pulse


class _Pulse:
    """Wakes the tasks of one event loop when the memory has changed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.event = asyncio.Event()
        self.ended = False
        # The listener that runs.
        self.calling: Optional[asyncio.Task[None]] = None
        self._rung = False

    def ring(self) -> None:
        """From any thread."""
        if not self._rung:
            self._rung = True
            # The loop may have ended.
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._wake)

    def end(self) -> None:
        """From any thread: no listener is called any more."""
        self.ended = True
        self.ring()

    def _wake(self) -> None:
        self._rung = False
        event, self.event = self.event, asyncio.Event()
        event.set()


async def _tell(listeners: Listeners, memory: Memory, pulse: _Pulse) -> None:
    # It does not know the client: one that is dropped takes this task along.
    while not pulse.ended:
        event = pulse.event
        for subscription, change in listeners.due(memory):
            if pulse.ended:
                return
            # In a task of its own. A listener may await what somebody cancels, which would look
            # as if this task was.
            call = pulse.calling = pulse.loop.create_task(_call(subscription.listener, change))
            try:
                await asyncio.wait({call})
            except asyncio.CancelledError:
                call.cancel()
                raise
            finally:
                pulse.calling = None
            try:
                call.result()
            except (Exception, asyncio.CancelledError):
                subscription.report(change)
        await event.wait()


async def _call(listener: Listener, change: Change) -> None:
    result = listener(change)
    if inspect.isawaitable(result):
        await result


async def _changes(
    subscription: Subscription, memory: Memory, pulse: _Pulse
) -> AsyncIterator[Change]:
    while not pulse.ended:
        event = pulse.event
        for _, change in due([subscription], memory):
            if pulse.ended:
                return
            yield change
        await event.wait()


async def _wait(event: asyncio.Event, timeout: float) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(event.wait(), timeout)


def _nobody(_: object) -> None:
    pass
