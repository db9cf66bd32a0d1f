"""How a target fails a command, apart from what else commands share: that imports the profiles."""

from __future__ import annotations

import click


class TargetFailure(click.ClickException):
    """A target that failed before anything was asked of it: exit code 1."""

    exit_code = 1


class Undecided(click.ClickException):
    """What was asked for came to no end: exit code 3."""

    exit_code = 3
