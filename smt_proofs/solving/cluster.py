"""Work on several machines, by Dask: its scheduler hands out tasks and repeats those of a worker
that died."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, Final, TypeVar

from smt_proofs.solving.apart import apart, code_here
from smt_proofs.solving.cache import VARIABLE
from smt_proofs.solving.pool import LostExecutor

T = TypeVar("T")

PATIENCE: Final = 10
"""Seconds within which a scheduler answers."""
LOGGERS: Final = ("distributed", "distributed.client", "tornado")
"""Those of Dask that would say in their own words, on standard error, what is told here."""


class Workers(Executor):
    """Has each task carried out apart, by whichever worker is free and has the same code.

    A future raises ChildProcessError where the process of its task ended before it was done, or one
    worker after the other did, and LostExecutor where the scheduler is gone. (Dask's own executor
    has futures that never end where the scheduler goes while it hands over a result.)
    """

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address
        self._code = code_here()
        self._lost = False

    def submit(self, work: Callable[..., T], /, *about: Any, **named: Any) -> Future[T]:
        if named:
            work = partial(work, **named)
        # It closes some seconds after the scheduler is gone, also where nothing was asked.
        if self._lost or self._client.status in ("closing", "closed"):
            raise self._gone()
        # A folder is of this machine; that nothing is remembered holds everywhere, and may be said
        # after this was made.
        cache = "off" if os.environ.get(VARIABLE) == "off" else None
        # Equal tasks are not taken for one: each is carried out.
        theirs = self._client.submit(apart, self._code, cache, work, *about, pure=False)
        return asyncio.run_coroutine_threadsafe(
            self._outcome(theirs), self._client.loop.asyncio_loop
        )

    def trouble(self) -> str:
        """Why nothing is done for now, in words; empty where something may be."""
        known = self._client.scheduler_info()
        if self._client.status != "running" or known.get("n_workers", len(known["workers"])):
            return ""
        return f"no worker is connected: dask worker {self._address}"

    async def _outcome(self, theirs: Any) -> Any:
        """What came of a task. Whoever cancels waits no longer, and so the task is dropped."""
        try:
            return await theirs
        except (CancelledError, OSError):
            if theirs.status == "error":
                raise
            self._lost = True
            raise self._gone() from None
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "distributed":
                raise
            raise ChildProcessError(
                f"Dask gave a task up ({type(error).__name__}): each worker that began it died, or "
                "none came for it; the logs of workers and scheduler may say why"
            ) from None

    def _gone(self) -> LostExecutor:
        return LostExecutor(
            f"the connection to the Dask scheduler at {self._address} was lost: "
            "start it and its workers, and this again"
        )


@contextmanager
def dask(address: str) -> Iterator[Workers]:
    """The workers of the scheduler at an address, such as tcp://HOST:8786, as an executor.

    Raises ValueError where none answers, none has a worker or one has other code, and
    ModuleNotFoundError without Dask.
    """
    # It has no types of its own.
    distributed: Any = import_module("distributed")
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        # A client of what is no address at all takes 20 seconds to end.
        distributed.comm.get_address_host_port(address, strict=True)
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        said = " ".join(str(error).split())
        raise ValueError(f"no Dask scheduler answers at {address}: {said}") from None
    try:
        if not client.scheduler_info()["workers"]:
            raise ValueError(f"the scheduler at {address} has no worker: dask worker {address}")
        # Whoever comes later is asked with each task.
        try:
            said = client.run(apart, code_here(), None, abs, 0, on_error="return")
        except OSError as error:
            raise ValueError(f"the scheduler at {address} is gone again: {error}") from None
        for worker, found in said.items():
            if isinstance(found, Exception):
                raise ValueError(f"{worker}: {' '.join(str(found).split())}")
        yield Workers(client, address)
    finally:
        client.close()
