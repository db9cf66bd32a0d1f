"""One QMP session, made synchronous: the `qemu.qmp` client on an event loop of its own.

Every wait has a deadline. Nothing here knows about the process behind the socket; the
owner turns `TimeoutError`, `EOFError` and `QMPError` into a message that says how QEMU ended.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from qemu.qmp import Message, QMPClient, QMPError, Runstate

from conformance.targets.working import Deadline

T = TypeVar("T")

_POLL = 0.02
"""Seconds between two looks at whether the peer is gone."""

_CLOSE_TIMEOUT = 5.0
"""Seconds the client may take to shut its own tasks down."""

# The client logs a lost peer as an error of its own; here that is an exception, reported once.
logging.getLogger("qemu.qmp").addHandler(logging.NullHandler())


class QmpMonitor:
    """A listening QMP socket, then one session with the QEMU that connects to it.

    To be used by one thread at a time, as the event loop runs only inside the calls.
    """

    def __init__(self, path: Path) -> None:
        """Listen on the unix socket `path`; `QMPError` if it cannot be created."""
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._client = QMPClient(path.parent.name)
        try:
            self._run(self._client.start_server(str(path)), None)
        except BaseException:
            self._runner.close()
            raise

    def accept(self, deadline: Deadline, ended: Callable[[], bool]) -> None:
        """Wait for QEMU and negotiate; `EOFError` as soon as `ended()` holds before that."""
        self._run(_unless(ended, self._client.accept()), deadline)

    def execute(self, command: str, arguments: Mapping[str, object], deadline: Deadline) -> Any:
        """The command's return value; `ExecuteError` if QEMU answers with an error."""
        return self._run(self._client.execute(command, arguments), deadline)

    def wait_event(self, name: str, deadline: Deadline) -> dict[str, Any]:
        """The next event called `name`; earlier events of other names are dropped."""

        async def next_event() -> Message:
            while (event := await self._client.events.get())["event"] != name:
                pass
            return event

        return dict(self._run(_unless(self._disconnected, next_event()), deadline))

    def close(self) -> None:
        """End the session, whatever state it is in."""
        # A peer that hung up or was killed shows up here again; it has been reported by then.
        with contextlib.suppress(QMPError, EOFError, OSError, TimeoutError):
            self._run(self._client.disconnect(), None)
        self._runner.close()

    def _disconnected(self) -> bool:
        return self._client.runstate is not Runstate.RUNNING

    def _run(self, work: Coroutine[Any, Any, T], deadline: Deadline | None) -> T:
        async def bounded() -> T:
            if deadline is None:
                return await asyncio.wait_for(work, _CLOSE_TIMEOUT)
            task = asyncio.ensure_future(work)
            while not (await asyncio.wait({task}, timeout=deadline.left()))[0]:
                if deadline.passed():
                    task.cancel()
                    await asyncio.wait({task})
                    raise TimeoutError
            return task.result()

        return self._runner.run(bounded())


async def _unless(ended: Callable[[], bool], work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; `EOFError` if `ended()` holds while there is none yet."""
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=_POLL))[0]:
            if ended():
                raise EOFError("the peer is gone")
        return task.result()
    finally:
        task.cancel()
