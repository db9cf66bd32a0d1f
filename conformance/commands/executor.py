"""The option `--executor`: work on several machines."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor
from functools import wraps
from typing import Any, Final

import click

from conformance.commands.failure import Undecided
from conformance.commands.progress import TROUBLE

KIND: Final = "dask"
KEPT: Final = "slotproof.executor"


def _connected(context: click.Context, option: click.Parameter, wanted: str | None) -> None:
    """Until the command ends, work goes to the workers of that scheduler."""
    if wanted is None:
        return
    kind, _, address = wanted.partition(":")
    if kind != KIND or not address:
        raise click.BadParameter(f"{wanted!r} is none: expected dask:tcp://HOST:8786")
    # Only here: a plain install has neither solvers nor Dask.
    from smt_proofs.solving.cluster import dask
    from smt_proofs.solving.pool import carried_out_by

    try:
        executor = context.with_resource(dask(address))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    context.with_resource(carried_out_by(executor))
    context.meta[KEPT] = executor
    context.meta[TROUBLE] = executor.trouble


def executor_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--executor dask:ADDRESS`. Raises click.UsageError where a worker that came later has other
    code, and Undecided where work was lost, there or here."""

    @wraps(command)
    def carried_out(*words: Any, **options: Any) -> Any:
        from smt_proofs.solving.pool import LostExecutor, LostWork, OtherCode

        try:
            return command(*words, **options)
        except OtherCode as error:
            raise click.UsageError(str(error)) from None
        except (LostExecutor, LostWork, ChildProcessError, BrokenExecutor) as error:
            raise Undecided(f"not decided: {error}") from None

    return click.option(
        "--executor",
        metavar="dask:ADDRESS",
        expose_value=False,
        callback=_connected,
        help="Work on the workers of a Dask scheduler: dask scheduler, and dask worker ADDRESS.",
    )(carried_out)


def chosen_executor() -> Executor | None:
    """Where this command works, None for here."""
    found = click.get_current_context().meta.get(KEPT)
    return found if isinstance(found, Executor) else None
