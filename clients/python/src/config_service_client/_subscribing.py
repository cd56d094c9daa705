from __future__ import annotations

from collections.abc import Callable
from typing import Optional, TypeVar, Union, overload

from config_service_client._listeners import Change, Listener, Listeners, Subscription

ListenerT = TypeVar("ListenerT", bound=Callable[[Change], object])


class Subscribing:
    """The telling half of a client."""

    def __init__(self) -> None:
        self._listeners = Listeners()

    def _listen(self, pattern: str, listener: Listener) -> Subscription:
        raise NotImplementedError

    @overload
    def on_change(self, pattern: str) -> Callable[[ListenerT], ListenerT]: ...
    @overload
    def on_change(self, pattern: str, listener: Listener) -> Subscription: ...
    def on_change(
        self, pattern: str, listener: Optional[Listener] = None
    ) -> Union[Subscription, Callable[[ListenerT], ListenerT]]:
        """Calls the listener for each key that matches and whose value changes from now on.

        A pattern is a key, a key and ``.*`` for everything below it, or ``*``. As a decorator
        it leaves the function as it is; off_change() ends it.

        Listeners run one after another, when reads already answer the new value. They are told
        where things ended up: of two quick changes perhaps only one, from the first old to the
        last new value. The first values are no change, unless the program had to go on without
        them. Raises InvalidPattern.
        """
        if listener is not None:
            return self._listen(pattern, _checked(listener))

        def decorate(function: ListenerT) -> ListenerT:
            self._listen(pattern, _checked(function))
            return function

        return decorate

    def off_change(self, listener: Listener) -> None:
        """Ends what on_change() began with this listener."""
        self._listeners.remove(listener)


def _checked(listener: Listener) -> Listener:
    if not callable(listener):
        raise TypeError(f"a listener is called with one Change; {listener!r} cannot be called")
    return listener
