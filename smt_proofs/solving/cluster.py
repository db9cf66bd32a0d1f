"""Work on several machines, by Dask: its scheduler hands out tasks and repeats those of a worker
that died."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

PATIENCE: Final = 10
"""Seconds within which a scheduler answers."""


@contextmanager
def dask(address: str) -> Iterator[Executor]:
    """The workers of the scheduler at an address, such as tcp://HOST:8786, as an executor.

    Raises ValueError where none answers or none has a worker, ModuleNotFoundError without Dask.
    """
    # It has no types of its own.
    distributed: Any = import_module("distributed")
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        said = " ".join(str(error).split())
        raise ValueError(f"no Dask scheduler answers at {address}: {said}") from None
    try:
        if not client.scheduler_info()["workers"]:
            raise ValueError(f"the scheduler at {address} has no worker: dask worker {address}")
        # Equal tasks are not taken for one: each is carried out.
        yield client.get_executor(pure=False)
    finally:
        client.close()
