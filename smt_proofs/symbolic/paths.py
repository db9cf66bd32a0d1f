"""Every path through a rule: the rule is rerun once for each sequence of branch outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")

MAX_PATHS: Final = 4096
"""More paths than this means a rule that branches without end, not one that is merely rich."""


@dataclass(frozen=True, slots=True)
class Branch:
    """The outcome of one branch; `forced` where the other outcome was shown impossible."""

    outcome: bool
    forced: bool


class Script:
    """The branches of one run: those prescribed, then new ones."""

    def __init__(self, prescribed: list[Branch]) -> None:
        self.branches = prescribed
        self._at = 0

    def branch(self, forced: Callable[[], bool | None]) -> Branch:
        """The next branch with its outcome. At a new one `forced` is asked for the only outcome
        possible; where both are (None), True comes first."""
        if self._at == len(self.branches):
            only = forced()
            self.branches.append(Branch(outcome=only is not False, forced=only is not None))
        self._at += 1
        return self.branches[self._at - 1]


def explore(run: Callable[[Script], T]) -> Iterator[T]:
    """The results of `run` over all paths, depth first.

    The branch conditions of the paths are the leaves of one binary tree in which a missing child
    was shown impossible, so together they cover every input. Raises RuntimeError beyond MAX_PATHS.
    """
    prescribed: list[Branch] = []
    for _ in range(MAX_PATHS):
        script = Script(prescribed)
        yield run(script)
        open_branches = script.branches
        while open_branches and (open_branches[-1].forced or not open_branches[-1].outcome):
            open_branches.pop()
        if not open_branches:
            return
        prescribed = [*open_branches[:-1], Branch(outcome=False, forced=False)]
    raise RuntimeError(f"more than {MAX_PATHS} paths")
