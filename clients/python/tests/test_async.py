from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from config_service_client import (
    AsyncConfigClient,
    Change,
    ConfigDenied,
    ConfigUnavailable,
    InvalidPattern,
    Status,
)
from conftest import own_threads
from devserver import DEADLINE, DevServer, eventually, free_address
from messages import snapshot_line
from rudeserver import RudeServer, Visit


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 2 * DEADLINE))
    eventually(lambda: not own_threads())


async def until(condition: Any) -> None:
    """As eventually(), while the event loop goes on."""
    while not condition():
        await asyncio.sleep(0.01)


async def in_thread(call: Any, *arguments: Any) -> None:
    await asyncio.get_running_loop().run_in_executor(None, call, *arguments)


def test_one_line(sidecar: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SERVICE_URL", sidecar.url)

    async def main() -> None:
        async with AsyncConfigClient() as config:
            assert config.get("database.pool_size", default=10) == 20
            assert config["database.pool_size"] == 20
            assert config.get_int("database.pool_size") == 20
            assert config.status is Status.VALID
            assert await config.wait_ready(0)
            assert config.snapshot("database")["database.pool_size"] == 20
        assert str(config.status) == "CLOSED"
        assert config["database.pool_size"] == 20

    run(main())


def test_a_listener_that_awaits_what_was_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    told: list[Change] = []

    async def awaits(change: Change) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async def main() -> None:
        async with AsyncConfigClient.from_dict({"a": 0}) as config:
            config.on_change("a", awaits)
            config.on_change("a", told.append)
            with config.override({"a": 1}):
                await until(lambda: told)

    run(main())
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_listener_does_not_hold_up_the_end_of_the_loop() -> None:
    async def main() -> None:
        config, busy = AsyncConfigClient.from_dict({"a": 0}), asyncio.Event()

        async def waits(change: Change) -> None:
            busy.set()
            await asyncio.Event().wait()

        config.on_change("a", waits)
        with config.override({"a": 1}):
            await busy.wait()

    run(main())


def test_a_read_before_the_start_finds_nothing_and_does_not_wait() -> None:
    go = threading.Event()

    def act(visit: Visit) -> None:
        assert go.wait(DEADLINE)
        visit.stream(snapshot_line(k=20))
        visit.stay()

    async def main() -> None:
        with RudeServer(act) as server:
            config = AsyncConfigClient(server.url, timeout=DEADLINE)
            told: list[Change] = []
            config.on_change("k", told.append)
            assert config.get("k", default=10) == 10
            with pytest.raises(ConfigUnavailable):
                config["k"]
            # It has begun all the same, and what a read did not find is a change when it comes.
            go.set()
            await until(lambda: told)
            assert config["k"] == 20
            assert (told[0].old, told[0].new) == (None, 20)
            await config.close()

    run(main())


def test_the_event_loop_goes_on(own_sidecar: DevServer) -> None:
    """While the start waits, and while close() does."""

    async def main() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.ensure_future(tick())
        with RudeServer(Visit.stay) as server:
            async with AsyncConfigClient(server.url, timeout=0.5) as config:
                # Not one, if it were blocked.
                assert ticks > 0
                assert config.get("a", default=1) == 1
                assert await config.wait_ready(0.1) is False
        ticking.cancel()

    run(main())


def test_without_a_sidecar(own_sidecar: DevServer) -> None:
    async def main() -> None:
        async with AsyncConfigClient(own_sidecar.url, timeout=0.1) as config:
            assert config.get("database.pool_size", default=10) == 10
            waiting = asyncio.ensure_future(config.wait_ready(60))
            await in_thread(own_sidecar.start)
            assert await waiting
            assert config["database.pool_size"] == 20

    run(main())


def test_a_refusal(sidecar: DevServer) -> None:
    async def main() -> None:
        async with AsyncConfigClient(sidecar.url, "another-service", timeout=60) as config:
            with pytest.raises(ConfigDenied):
                config["database.pool_size"]
            with pytest.raises(ConfigDenied):
                await config.wait_ready(60)
            assert config.get("database.pool_size", default=10) == 10

    run(main())


def test_wait_ready_and_close() -> None:
    async def main() -> None:
        config = AsyncConfigClient(f"http://{free_address()}")
        waiting = asyncio.ensure_future(config.wait_ready(600))
        await asyncio.sleep(0)
        await config.close()
        with pytest.raises(ConfigUnavailable, match="closed"):
            await waiting

    run(main())


def test_listeners_run_in_the_event_loop_one_after_another(sidecar: DevServer) -> None:
    async def main() -> None:
        told: list[str] = []
        thread = threading.current_thread()
        async with AsyncConfigClient(sidecar.url) as config:

            @config.on_change("async.*")
            async def slow(change: Change) -> None:
                told.append(f"slow begins {change.new}")
                await asyncio.sleep(0.05)
                told.append(f"slow ends {change.new}")

            @config.on_change("async.*")
            def plain(change: Change) -> None:
                assert threading.current_thread() is thread
                told.append(f"plain {change.new}")

            await in_thread(sidecar.set, "async.a", 1)
            await until(lambda: len(told) == 3)
            assert told == ["slow begins 1", "slow ends 1", "plain 1"]
            config.off_change(slow)
            await in_thread(sidecar.set, "async.a", 2)
            await until(lambda: len(told) == 4)
            assert told[3] == "plain 2"

    run(main())


def test_a_listener_that_throws(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        told: list[Change] = []
        async with AsyncConfigClient.from_dict({"a": 1}) as config:

            @config.on_change("a")
            async def throws(change: Change) -> None:
                raise ValueError("told to")

            config.on_change("a", told.append)
            for value in range(2, 5):
                with config.override({"a": value}):
                    await until(lambda value=value: value in [change.new for change in told])

    run(main())
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_listener_registered_before_there_is_a_loop(sidecar: DevServer) -> None:
    told: list[Change] = []
    config = AsyncConfigClient(sidecar.url)

    @config.on_change("early")
    async def listener(change: Change) -> None:
        told.append(change)

    async def main() -> None:
        async with config:
            await in_thread(sidecar.set, "early", 1)
            await until(lambda: told)

    run(main())


def test_changes(sidecar: DevServer) -> None:
    async def main() -> None:
        seen: list[Any] = []
        async with AsyncConfigClient(sidecar.url) as config:
            changes = config.changes("iterated.*")
            with pytest.raises(InvalidPattern):
                config.changes("a b")

            async def follow() -> None:
                async for change in changes:
                    seen.append((change.key, str(change.kind), change.new))  # noqa: PERF401

            following = asyncio.ensure_future(follow())
            await in_thread(sidecar.set, "iterated.a", 1)
            await until(lambda: len(seen) == 1)
            await in_thread(sidecar.set, "iterated.b", 2)
            await until(lambda: len(seen) == 2)
        # It ends with the client.
        await following
        assert seen == [("iterated.a", "ADDED", 1), ("iterated.b", "ADDED", 2)]

    run(main())


def test_a_slow_iterator_is_told_where_things_ended_up() -> None:
    async def main() -> None:
        seen: list[Any] = []
        async with AsyncConfigClient.from_dict({"a": 0}) as config:
            changes = config.changes("*")
            for value in range(1, 100):
                with config.override({"a": value}):
                    await asyncio.sleep(0)
            with config.override({"a": 100}):
                async for change in changes:
                    seen.append((change.old, change.new))
                    break
        assert seen == [(0, 100)]

    run(main())


def test_close_cancels_a_listener_that_does_not_end() -> None:
    async def main() -> None:
        ended: list[str] = []
        config = AsyncConfigClient.from_dict({"a": 1})

        @config.on_change("a")
        async def listener(change: Change) -> None:
            ended.append("began")
            try:
                await asyncio.sleep(600)
            finally:
                ended.append("cancelled")

        with config.override({"a": 2}):
            await until(lambda: ended)
            await config.close()
        assert ended == ["began", "cancelled"]

    run(main())


def test_close_calls_no_other_listener() -> None:
    async def main() -> None:
        busy, go_on = asyncio.Event(), asyncio.Event()
        late: list[Change] = []
        config = AsyncConfigClient.from_dict({"a": 1})

        @config.on_change("a")
        async def listener(change: Change) -> None:
            busy.set()
            await go_on.wait()

        config.on_change("a", late.append)
        changes = config.changes("*")
        with config.override({"a": 2, "b": 3}):
            await busy.wait()
            assert (await changes.__anext__()).key == "a"
            closing = asyncio.ensure_future(config.close())
            await until(lambda: config.status is Status.CLOSED)
            go_on.set()
            await closing
        assert not late
        with pytest.raises(StopAsyncIteration):
            await changes.__anext__()

    run(main())


def test_a_listener_may_close_the_client() -> None:
    async def main() -> None:
        closed = asyncio.Event()
        config = AsyncConfigClient.from_dict({"a": 1})

        @config.on_change("a")
        async def listener(change: Change) -> None:
            await config.close()
            closed.set()

        with config.override({"a": 2}):
            await closed.wait()

    run(main())


def test_close_with_a_busy_executor(sidecar: DevServer) -> None:
    """Its threads belong to the program, and may have something else to do, or be gone."""

    async def main() -> None:
        loop, over = asyncio.get_running_loop(), threading.Event()
        with ThreadPoolExecutor(1) as executor:
            loop.set_default_executor(executor)
            busy = loop.run_in_executor(None, over.wait, DEADLINE)
            async with AsyncConfigClient(sidecar.url) as config:
                assert config["database.pool_size"] == 20
            assert config.status is Status.CLOSED
            assert not own_threads()
            assert not busy.done()
            over.set()
            await busy
        async with AsyncConfigClient(sidecar.url) as config:
            assert config["database.pool_size"] == 20
        assert not own_threads()

    run(main())


def test_one_client_in_one_loop_after_another(sidecar: DevServer) -> None:
    told: list[Any] = []
    config = AsyncConfigClient(sidecar.url)
    config.on_change("loops", lambda change: told.append(change.new))

    async def main(value: int) -> None:
        assert await config.wait_ready(60)
        await in_thread(sidecar.set, "loops", value)
        await until(lambda: told[-1:] == [value])

    for value in (1, 2):
        asyncio.run(asyncio.wait_for(main(value), 2 * DEADLINE))
    run(config.close())
    assert told == [1, 2]


def test_a_hundred_clients_leave_nothing(sidecar: DevServer) -> None:
    async def main() -> None:
        for _ in range(100):
            async with AsyncConfigClient(sidecar.url) as config:
                config.on_change("*", print)
                assert config["database.pool_size"] == 20
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        assert not [task for task in tasks if "_tell" in repr(task)]

    run(main())
