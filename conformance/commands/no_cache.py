"""The option `--no-cache` of what decides by solvers."""

from __future__ import annotations

import click

from smt_proofs.solving.cache import nothing_remembered


def forgotten(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Until the command ends nothing is remembered."""
    if wanted:
        context.with_resource(nothing_remembered())


no_cache_option = click.option(
    "--no-cache",
    is_flag=True,
    expose_value=False,
    callback=forgotten,
    help="Decide everything now: look up and keep nothing of what earlier runs decided.",
)
