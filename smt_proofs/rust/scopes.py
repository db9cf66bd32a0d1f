"""The names of a block, with those around it."""

from __future__ import annotations

from typing import Any


class Scope:
    """Names and what they stand for."""

    def __init__(self, outer: Scope | None = None) -> None:
        self._outer = outer
        self._own: dict[str, Any] = {}

    def declare(self, names: dict[str, Any]) -> None:
        """Names of this block, from here on."""
        self._own |= names

    def _of(self, name: str) -> Scope | None:
        if name in self._own:
            return self
        return None if self._outer is None else self._outer._of(name)

    def __contains__(self, name: object) -> bool:
        return self._of(str(name)) is not None

    def __getitem__(self, name: str) -> Any:
        found = self._of(name)
        if found is None:
            raise KeyError(name)
        return found._own[name]

    def assign(self, name: str, value: Any) -> None:
        """A new value for a name that is there."""
        found = self._of(name)
        assert found is not None
        found._own[name] = value
