"""Functions of a source to the typed subset; what is outside it is refused by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from smt_proofs.source.c_types import CType
from smt_proofs.source.comments import continued
from smt_proofs.source.ir import Function
from smt_proofs.source.macros import Macros, expanded, holds, unconditional
from smt_proofs.source.names import EXTENT, OWN, STRUCT_NAMED
from smt_proofs.source.parse import FunctionText, Source
from smt_proofs.source.statements import Statements
from smt_proofs.source.typed import UnsupportedError


class Lowering:
    """Lowers the functions of one source.

    `chosen` says whether conditions of the preprocessor hold that nothing in the source tells.
    `followed` are helpers that calls do not stand for: their text does, under a name of their own.
    """

    def __init__(
        self,
        source: Source,
        chosen: Mapping[str, bool] | None = None,
        followed: frozenset[str] = frozenset(),
    ) -> None:
        self._source = source
        self.chosen = dict(chosen or {})
        self.followed = followed
        numbers, pointers = STRUCT_NAMED[source.struct]
        self._fields: dict[str, CType | None] = dict(numbers)
        if source.complete:
            self._fields = {name: None for name in (*numbers, *pointers)}
        known = self._fields.keys() | pointers.keys()
        self._fields |= {k: v for k, v in source.fields.items() if k in known}
        self._shown: dict[str, FunctionText] = {}
        self._functions: dict[str, Function] = {}
        self._busy: set[str] = set()

    def choosing(self, condition: str, *, holds: bool) -> Lowering:
        """As this one, with one more condition chosen."""
        return Lowering(self._source, self.chosen | {condition: holds}, self.followed)

    def following(self, helpers: frozenset[str]) -> Lowering:
        """As this one, with more helpers followed."""
        return Lowering(self._source, self.chosen, self.followed | helpers)

    def text(self, name: str) -> FunctionText | None:
        """The text of a function with its macros expanded, None where there is none.

        Raises UnsupportedError, and OpenConditionError where a condition is to be chosen.
        """
        name = name.removeprefix(OWN)
        if name not in self._shown:
            texts = [(t, self._macros(t)) for t in self._source.functions.get(name, [])]
            texts = [
                (text, macros)
                for text, macros in texts
                if all(holds(c, self.chosen, macros, text.lines[0]) for c in text.conditions)
            ]
            if not texts:
                return None
            if len(texts) > 1:
                raise UnsupportedError(f"{name} is defined more than once", texts[1][0].lines[0])
            [(text, macros)] = texts
            body = unconditional(text.text, text.lines, self.chosen, macros)
            joined = continued(body)
            if joined is not None:
                line = text.lines[min(joined, len(text.lines)) - 1]
                raise UnsupportedError("a line that a backslash goes on with", line)
            body = expanded(body, text.lines, macros, frozenset({EXTENT}))
            self._shown[name] = replace(text, text=body)
        return self._shown[name]

    def _macros(self, text: FunctionText) -> Macros:
        return Macros(self._source.macros, text.lines[0], self.chosen)

    def function(self, name: str) -> Function | None:
        """A function of the source, None where there is none. Raises as `text`."""
        if name not in self._functions:
            text = self.text(name)
            if text is None:
                return None
            if name in self._busy:
                raise UnsupportedError(f"{name} calls itself", text.lines[0])
            self._busy.add(name)
            try:
                lowered = Statements(self.function, self._source, self._fields, text, self.followed)
                self._functions[name] = replace(lowered.lower(), name=name)
            finally:
                self._busy.discard(name)
        return self._functions[name]
