"""The file's own macros, expanded as the preprocessor does, and text that stands under a condition.

A function is parsed once its macros are expanded, so that a name means what the file says, whatever
it is: a keyword, a type, a field, a constant of QEMU. Lines keep their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from smt_proofs.source.conditions import DIRECTIVE, Conditions, logical_lines
from smt_proofs.source.typed import UnsupportedError

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|/\*.*?\*/|//(?:\\[ \t]*\n|[^\n])*)
    |(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<name>[A-Za-z_]\w*)
    |(?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
    |(?P<mark>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\.\.\.|\#\#|.)""",
    re.DOTALL | re.VERBOSE,
)
_ASKED: Final = re.compile(r"\bdefined\((\w+)\)(?!@)|\b(?!defined\()([A-Za-z_]\w*)\b(?!@)")
_MOST_NESTED: Final = 8
"""Macros inside one another in a condition."""
_PUT_BACK: Final = re.compile(r"\bpop_macro\s*\(\s*\\?\"(\w+)")
_UNKNOWN: Final = "#"
"""The text of a macro that is refused where it is used."""
_HEAD: Final = re.compile(r"\s*([A-Za-z_]\w*)(\([^)]*\))?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Definition:
    """What a #define or #undef says of a name; `line` counts in the file, from 1.

    `parameters` are those of a function-like macro, None for a plain name; `text` is None for
    #undef. `conditions` are those it stands under, a leading "!" for what must not hold.
    """

    name: str
    parameters: tuple[str, ...] | None
    text: str | None
    line: int
    conditions: tuple[str, ...] = ()


class OpenConditionError(Exception):
    """What a function says depends on a condition that is neither known nor chosen."""

    def __init__(self, condition: str, line: int) -> None:
        super().__init__(condition)
        self.condition = condition
        self.line = line


def definitions_of(text: str, first: int = 1) -> list[Definition]:
    """The macros that a text defines or forgets; its first line has the number `first`."""
    found = []
    conditions = Conditions()
    for number, line, _ in logical_lines(text):
        match = DIRECTIVE.fullmatch(line)
        if match is None or conditions.take(match[1], match[2]):
            continue
        head = _HEAD.fullmatch(match[2])
        if match[1] not in ("define", "undef") or head is None:
            continue
        parameters = None
        if head[2] is not None:
            parameters = tuple(p.strip() for p in head[2][1:-1].split(",") if p.strip())
        body = head[3].strip() if match[1] == "define" else None
        at = first + number - 1
        found.append(Definition(head[1], parameters, body, at, conditions.now))
    for match in _PUT_BACK.finditer(text):
        at = first + text.count("\n", 0, match.start())
        found.append(Definition(match[1], None, _UNKNOWN, at))
    return sorted(found, key=lambda d: d.line)


def holds(condition: str, chosen: Mapping[str, bool], macros: Macros, line: int) -> bool:
    """Whether a condition holds. Raises OpenConditionError where nothing says."""
    if condition.startswith("!"):
        return not holds(condition[1:], chosen, macros, line)
    shown = macros.shown(condition)
    number = shown.strip("( )")
    if number.isdigit():
        return int(number) != 0
    if shown in chosen:
        return chosen[shown]
    raise OpenConditionError(shown, line)


class Macros:
    """The macros that are defined at a line of a file."""

    def __init__(
        self, definitions: list[Definition], line: int, chosen: Mapping[str, bool]
    ) -> None:
        self.plain: dict[str, Definition] = {}
        self._doubtful: dict[str, Definition] = {}
        self._gone: set[str] = set()
        for definition in definitions:
            if definition.line >= line:
                continue
            try:
                stands = all(holds(c, chosen, self, definition.line) for c in definition.conditions)
            except OpenConditionError:
                self._doubtful[definition.name] = definition
                continue
            if not stands:
                continue
            self._doubtful.pop(definition.name, None)
            self._gone.discard(definition.name)
            if definition.text is None:
                self.plain.pop(definition.name, None)
                self._gone.add(definition.name)
            else:
                self.plain[definition.name] = definition

    def shown(self, condition: str) -> str:
        """A condition with what the file says here of the names in it."""
        for _ in range(_MOST_NESTED):
            last, condition = condition, _ASKED.sub(self._shown, condition)
            if condition == last:
                break
        return condition

    def _shown(self, match: re.Match[str]) -> str:
        asked, name = match[1], match[1] or match[2]
        doubtful, plain = self._doubtful.get(name), self.plain.get(name)
        if doubtful is not None:
            return f"{match[0]}@{doubtful.line}"
        if plain is not None and not asked and plain.text:
            return plain.text if plain.parameters is None else f"{name}@{plain.line}"
        if plain is not None or name in self._gone:
            return str(int(plain is not None))
        return match[0]

    def known(self, name: str, line: int) -> Definition | None:
        """The macro of this name. Raises UnsupportedError where only a condition tells."""
        doubtful = self._doubtful.get(name)
        if doubtful is not None:
            why = f"the name {name}, which line {doubtful.line} redefines under a condition"
            raise UnsupportedError(why, line)
        return self.plain.get(name)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    hidden: frozenset[str] = frozenset()


def _tokens(text: str) -> list[_Token]:
    return [_Token(str(m.lastgroup), m[0]) for m in _TOKEN.finditer(text)]


def unconditional(text: str, lines: tuple[int, ...], chosen: Mapping[str, bool], m: Macros) -> str:
    """The text without the lines that stand under conditions which do not hold.

    Raises OpenConditionError.
    """
    conditions = Conditions()
    kept = text.split("\n")
    for number, line, count in logical_lines(text):
        at = lines[min(number, len(lines)) - 1]
        match = DIRECTIVE.fullmatch(line)
        stands = True
        if match is None or not conditions.take(match[1], match[2]):
            stands = all(holds(c, chosen, m, at) for c in conditions.now)
            if match is not None and stands:
                continue
        if match is not None or not stands:
            kept[number - 1 : number - 1 + count] = [""] * count
    return "\n".join(kept)


def expanded(text: str, lines: tuple[int, ...], macros: Macros, keep: frozenset[str]) -> str:
    """The text with its macros expanded, but for names of `keep`. Raises UnsupportedError."""
    tokens = _tokens(text)
    found = _Expansion(macros, keep, lines).expand(tokens, 0)
    return "".join(token.text for token in found)


class _Expansion:
    """One text whose macros are expanded."""

    def __init__(self, macros: Macros, keep: frozenset[str], lines: tuple[int, ...]) -> None:
        self._macros = macros
        self._keep = keep
        self._lines = lines

    def expand(self, tokens: list[_Token], row: int) -> list[_Token]:
        """The tokens with macros expanded; those ahead of them end in row `row`."""
        found: list[_Token] = []
        at = 0
        while at < len(tokens):
            token = tokens[at]
            line = self._lines[min(row, len(self._lines) - 1)]
            macro = None
            if token.kind == "name" and token.text not in self._keep | token.hidden:
                macro = self._macros.known(token.text, line)
            end, given = at + 1, None
            if macro is not None and macro.parameters is not None:
                end, given = _arguments(tokens, at + 1)
                if given is None:
                    macro = None
            if macro is None:
                found.append(token)
                row += token.text.count("\n")
                at += 1
                continue
            body = self._body(macro, given, line, row)
            hidden = token.hidden | {macro.name}
            body = [_Token(t.kind, t.text, t.hidden | hidden) for t in body]
            skipped = sum(t.text.count("\n") for t in tokens[at:end])
            # What follows may complete a call whose name the macro gives.
            tokens = [*body, _Token("space", " " + "\n" * skipped), *tokens[end:]]
            at = 0
        return found

    def _body(
        self, macro: Definition, given: list[list[_Token]] | None, line: int, row: int
    ) -> list[_Token]:
        assert macro.text is not None
        body = _tokens(macro.text)
        if any(t.text in ("#", "##") for t in body if t.kind == "mark"):
            why = "pastes tokens" if macro.text != _UNKNOWN else "a pragma puts back"
            raise UnsupportedError(f"the macro {macro.name}, which {why}", line)
        if macro.parameters is None or given is None:
            return body
        names = list(macro.parameters)
        if not names and len(given) == 1 and not any(t.kind != "space" for t in given[0]):
            given = []
        if names and names[-1] == "...":
            names[-1] = "__VA_ARGS__"
            rest = given[len(names) - 1 :]
            joined = [t for part in rest for t in (_Token("mark", ","), *part)][1:]
            given = [*given[: len(names) - 1], joined]
        if len(given) != len(names):
            raise UnsupportedError(f"{macro.name} with {len(given)} arguments", line)
        values = {name: self.expand(part, row) for name, part in zip(names, given, strict=True)}
        return [t for token in body for t in values.get(token.text, [token])]


def _arguments(tokens: list[_Token], at: int) -> tuple[int, list[list[_Token]] | None]:
    """The arguments of a call that begins at `at`, and where it ends; None where there is none."""
    while at < len(tokens) and tokens[at].kind == "space":
        at += 1
    if at == len(tokens) or tokens[at].text != "(":
        return at, None
    found: list[list[_Token]] = [[]]
    depth = 1
    at += 1
    while at < len(tokens):
        token = tokens[at]
        depth += (token.text == "(") - (token.text == ")")
        at += 1
        if not depth:
            return at, found
        if depth == 1 and token.text == ",":
            found.append([])
        else:
            found[-1].append(_Token("space", " ") if "\n" in token.text else token)
    return at, None
