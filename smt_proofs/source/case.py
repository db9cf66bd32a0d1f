"""One function at its inputs, on the source's side and on the model's: what is to be alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from model.effects import ABOUT_SLOTS, Effect
from model.profiles import Mapping, Profile
from smt_proofs.source.c_types import BOOL, POINTER, VOID
from smt_proofs.source.evaluation import Lookup, Pointer
from smt_proofs.source.host import Event
from smt_proofs.source.inputs import Inputs, device_fields, fixed, host, state
from smt_proofs.source.ir import Function
from smt_proofs.source.machine import AgainError
from smt_proofs.source.messages import Messenger
from smt_proofs.source.names import FIELDS, SIGNATURES
from smt_proofs.source.typed import UnsupportedError

SAID: Final = {
    "asked": "other functions asked",
    "answers": "responses sent",
    "refused": "errors told to the host",
    "notified": "configuration changes told to the driver",
    "popped": "requests taken from the queue",
    "released": "what becomes of a request",
    "broken": "protocol violations told",
}
"""What only some functions do, by the name under which a run counts it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`holds`: source and model are alike in `what`; here is what each says."""

    what: str
    holds: Any
    source: Any = None
    model: Any = None


class Case:
    """One function at its inputs, on the source's side and on the model's."""

    def __init__(
        self,
        d: Any,
        x: Inputs,
        profile: Profile,
        mapping: Mapping,
        run: Callable[..., Messenger],
        functions: Lookup,
        function: Function,
    ) -> None:
        self.d, self.x, self.profile, self.mapping = d, x, profile, mapping
        self.function = function
        self.fixed = fixed(d, x, profile, mapping)
        self.state = state(d, x)
        self.before = device_fields(d, x, mapping)
        self.run = run(d, functions, self.before, host(self.fixed, x), (x.plugged, x.mapped))
        self.run.opaque -= {function.name}
        self.arguments: tuple[Any, ...] = ()
        self.pointers: dict[str, Pointer] = {}
        self.answer: Any = None
        # One round of an endless loop may be asked for, and whether the next one begins.
        self.rounds = self.again = False
        if mapping is Mapping.STATIC:
            none = d.truth(False)
            self.run.pointers |= {p: Pointer(p, none) for p in ("mr", "memslots")}

    def set(self, **values: Any) -> None:
        """Fields that are otherwise before the call."""
        self.before |= values
        self.run.fields |= values

    def call(self, *arguments: Any) -> Any:
        """Run the source as its callers do: numbers are converted to what it declares."""
        d, function = self.d, self.function
        known = SIGNATURES[function.name]
        named = [p for p in function.parameters if p is not None]
        kinds = [kind for _, kind in named]
        if len(kinds) != len(known.parameters) or (function.kind == VOID) != (known.kind == VOID):
            raise UnsupportedError("a function of other parameters or result", function.line)
        passed = []
        for value, want, kind in zip(arguments, known.parameters, kinds, strict=True):
            if (kind.signed and kind != want) or (want != kind and {want, kind} & {BOOL, POINTER}):
                raise UnsupportedError(f"a parameter of type {kind.name}", function.line)
            passed.append(d.narrow(value, kind.bits) if kind.bits < want.bits else value)
        self.arguments, self.pointers = tuple(passed), dict(self.run.pointers)
        try:
            self.answer = self.run.call(function, passed)
        except AgainError:
            self.again = True
            if not self.rounds:
                raise UnsupportedError("an endless loop", function.line) from None
            return None
        if function.kind == known.kind:
            return self.answer
        if known.kind == BOOL:
            return d.negate(d.eq(self.answer, d.lit(0)))
        if function.kind == BOOL:
            return self.run.number(self.answer)
        raise UnsupportedError(f"a result of type {function.kind.name}", function.line)

    def equal(self, what: str, source: Any, model: Any) -> Claim:
        """Two words are the same."""
        return Claim(what, self.d.eq(source, model), source, model)

    def alike(self, what: str, source: Any, model: Any) -> Claim:
        """Two sets are the same."""
        return Claim(what, self.d.same_members(source, model), source, model)

    def same_kind(self, what: str, source: Any, model: Any) -> Claim:
        """Two plain values are the same."""
        return Claim(what, self.d.truth(source == model), source, model)

    def unchanged(self, *but: str) -> list[Claim]:
        """All that the model does not speak of stays as it was; `but` names what it speaks of."""
        run, x = self.run, self.x
        claims = []
        for name, value in self.before.items():
            now = run.fields[name]
            if name in but or now is value:
                continue
            if FIELDS.get(name) == BOOL:
                claims.append(Claim(name, self.d.same_truth(now, value), now, value))
            else:
                claims.append(self.equal(name, now, value))
        for name, now, value in (
            ("plugged", run.plugged, x.plugged),
            ("mapped", run.mapped, x.mapped),
        ):
            if name not in but and now is not value:
                claims.append(self.alike(f"{name} set", now, value))
        if "events" not in but:
            claims += self.did(())
        for name, what in SAID.items():
            if name not in but:
                said = getattr(run, name)
                claims.append(self.same_kind(what, said if isinstance(said, int) else len(said), 0))
        if "sizes" not in but:
            claims.append(self.same_kind("plugged sizes told", len(run.sizes), 0))
        moved = [p for p, now in run.pointers.items() if now is not self.pointers.get(p)]
        claims.append(self.same_kind("pointers", sorted({*moved} - {*but}), []))
        claims.append(self.same_kind("open transactions", run.depth, 0))
        if run.errors:
            made, freed = run.errors[-1], self.d.truth(run.freed == 1)
            claims.append(Claim("errors freed", self.d.same_truth(made, freed), run.freed, 1))
            claims.append(self.same_kind("how often an error is made", len(run.errors), 1))
        return claims

    def did(self, effects: tuple[Effect[Any, Any, Any], ...]) -> list[Claim]:
        """The same is done to the host and to listeners, in the same order, with the same sets at
        that moment and the same success.

        A transaction in which no memslot changes is nothing to anybody: either side may have it.
        """
        got, want = self.run.events, effects
        pairs = aligned(list(got), list(want))
        if pairs is None:
            return [self.same_kind("what is done, in order", names(got), names(want))]
        claims: list[Claim] = []
        before = [self.x.mapped, self.x.mapped]
        for event, effect in pairs:
            if event is not None and effect is not None:
                claims += self._same_effect(event, effect)
            for side, one in enumerate((event, effect)):
                if one is None:
                    continue
                if event is None or effect is None:
                    what = "memslots in a transaction that one side alone has"
                    claims.append(self.alike(what, one.mapped, before[side]))
                before[side] = one.mapped
        return claims

    def _same_effect(self, event: Event, effect: Effect[Any, Any, Any]) -> list[Claim]:
        when = f" at {effect.did.value}"
        claims = [
            self.alike("plugged blocks" + when, event.plugged, effect.plugged),
            self.alike("mapped memslots" + when, event.mapped, effect.mapped),
        ]
        if effect.did not in ABOUT_SLOTS:
            same = self.d.same_truth(event.done, effect.done)
            claims += [
                self.equal("offset" + when, event.offset, effect.offset),
                self.equal("size" + when, event.size, effect.size),
                Claim("success" + when, same, event.done, effect.done),
            ]
        return claims

    def told_size(self, *, changes: Any) -> list[Claim]:
        """Those who follow the plugged size are told the new one once, where it changes."""
        run = self.run
        want = int(self.d.test(changes))
        claims = [self.same_kind("how often the plugged size is told", len(run.sizes), want)]
        return claims + [self.equal("plugged size told", s, run.fields["size"]) for s in run.sizes]


Pair = tuple[Event | None, Effect[Any, Any, Any] | None]


def aligned(got: list[Event], want: list[Effect[Any, Any, Any]]) -> list[Pair] | None:
    """What was done beside what should be; transactions may stand alone. None where that fails."""
    if not got and not want:
        return []
    if got and want and got[0].did is want[0].did:
        rest = aligned(got[1:], want[1:])
        if rest is not None:
            return [(got[0], want[0]), *rest]
    if got and got[0].did in ABOUT_SLOTS:
        rest = aligned(got[1:], want)
        if rest is not None:
            return [(got[0], None), *rest]
    if want and want[0].did in ABOUT_SLOTS:
        rest = aligned(got, want[1:])
        if rest is not None:
            return [(None, want[0]), *rest]
    return None


def names(done: Iterable[Event | Effect[Any, Any, Any]]) -> list[str]:
    """What is done, in words."""
    return [e.did.value if e.did is not None else "memslots outside a transaction" for e in done]
