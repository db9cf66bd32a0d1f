"""Work on several machines, by Dask: its scheduler hands out tasks and repeats those of a worker
that died."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, Final, TypeVar

from smt_proofs.solving.apart import apart, code_here
from smt_proofs.solving.cache import VARIABLE

T = TypeVar("T")

PATIENCE: Final = 10
"""Seconds within which a scheduler answers."""


class _Apart(Executor):
    """Has another executor carry out each task apart, by whoever has the same code."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._code = code_here()
        # A folder is of this machine; that nothing is remembered holds everywhere.
        self._cache = "off" if os.environ.get(VARIABLE) == "off" else None

    def submit(self, work: Callable[..., T], /, *about: Any, **named: Any) -> Future[T]:
        if named:
            work = partial(work, **named)
        return self._executor.submit(apart, self._code, self._cache, work, *about)


@contextmanager
def dask(address: str) -> Iterator[Executor]:
    """The workers of the scheduler at an address, such as tcp://HOST:8786, as an executor.

    Raises ValueError where none answers, none has a worker or one has other code, and
    ModuleNotFoundError without Dask.
    """
    # It has no types of its own.
    distributed: Any = import_module("distributed")
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
        said = client.run(apart, code_here(), None, abs, 0, on_error="return")
        for worker, found in said.items():
            if isinstance(found, Exception):
                raise ValueError(f"{worker}: {' '.join(str(found).split())}")
        # Equal tasks are not taken for one: each is carried out.
        yield _Apart(client.get_executor(pure=False))
    finally:
        client.close()
