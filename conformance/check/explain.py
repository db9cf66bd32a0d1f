"""Tells a person what went wrong in a trace, with the memslots before and after."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.judge.finding import Finding, Kind
from conformance.judge.host import Listeners, held_fault
from conformance.judge.memory import memory_fault
from conformance.judge.oracle import ALWAYS, FIELDS, spelled
from conformance.judge.virtio.rules import RULE_NAMED
from conformance.targets.limits import FREE
from conformance.targets.reference import at_start
from conformance.traces.codec import action_to_json, config_to_json, observation_to_json
from conformance.traces.effects import effects_told
from conformance.traces.sizes import format_size
from conformance.traces.slotmap import slot_map
from conformance.traces.trace import Trace
from model.contracts import CONTRACT_NAMED
from model.device import ReferenceDevice, check_config
from model.events import EVENT_RULES, realize
from model.geometry import Memslots, decide_memslots
from model.invariants import INVARIANT_NAMED
from model.observation import Observation
from model.requests import REQUEST_RULES
from model.state import (
    RANGE_REQUESTS,
    ConcreteAction,
    ConcreteResult,
    ConcreteState,
    Config,
    Fixed,
    Op,
)

RULES = REQUEST_RULES | EVENT_RULES
JUDGED_BY: Final[dict[str, Callable[..., object]]] = {
    "memory": memory_fault,
    "held": held_fault,
    "told": Listeners.fault,
}
"""Fields that the model has nothing beside, and what judges them."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A finding with what the model says around it.

    `allowed` is the model's observation, `result` what came of the last step, if there was one.
    """

    trace: Trace
    finding: Finding
    fixed: Fixed[int, bool]
    before: ConcreteState
    after: ConcreteState
    allowed: Observation
    seen: Observation | None
    result: ConcreteResult | None


def failure_of(trace: Trace) -> Failure:
    """Run the model up to the finding. Raises ValueError for a trace without one."""
    finding = trace.finding
    if finding is None:
        raise ValueError("the trace holds no finding to explain")
    # What must be refused has no model: the nearest device stands for it.
    config = trace.config
    if trace.refuse:
        config = FREE.permitted(trace.profile, FREE.fitted(config))
    model = ReferenceDevice(trace.profile, config)
    before, allowed = model.state, at_start(model)
    result = None
    for step in trace.steps[: finding.step]:
        before = model.state
        result = model.take(step.action)
        allowed = model.seen_after(result)
    seen = trace.seen_at(finding.step)
    return Failure(trace, finding, model.fixed, before, model.state, allowed, seen, result)


def rule_of(failure: Failure) -> str:
    """The id of what was held against the device, as docs/rules.md and `check --list` have it;
    nothing where it did not answer in the protocol."""
    finding = failure.finding
    if finding.kind in (Kind.INVARIANT, Kind.CONTRACT, Kind.VIRTIO):
        return finding.what
    executed = _executed(failure)
    return "" if executed is None else str(getattr(executed, "__name__", ""))


def claim_of(failure: Failure) -> str:
    """What was held against the device: the claim of the invariant, or what the contract or the
    rule says and where that was read."""
    finding = failure.finding
    if finding.kind is Kind.INVARIANT:
        return INVARIANT_NAMED[finding.what].claim
    if finding.kind is Kind.CONTRACT:
        contract = CONTRACT_NAMED[finding.what]
        return f"{contract.claim} (source: {contract.source})"
    if finding.kind is Kind.VIRTIO:
        rule = RULE_NAMED[finding.what]
        return f"{rule.says} ({rule.level.value}, source: {rule.clause})"
    if finding.kind is Kind.UNSHOWN:
        return "a target shows every view that its hello promises, whenever it is due"
    executed = _executed(failure)
    if executed is None:
        return "a target answers every message in time and in the protocol"
    return told(executed)


def _executed(failure: Failure) -> Callable[..., object] | None:
    """The function of the model, or of a judge beside it, that allows something else."""
    finding = failure.finding
    if finding.kind is Kind.ACCEPTED:
        return check_config
    if finding.kind is not Kind.DIVERGENCE:
        return None
    if finding.what in JUDGED_BY:
        return JUDGED_BY[finding.what]
    if finding.step == 0:
        return decide_memslots if finding.what == "slots" else realize
    return RULES[failure.trace.steps[finding.step - 1].action.op]


def told(rule: Callable[..., object]) -> str:
    """What a rule says, and where it was read."""
    says, _, source = " ".join((rule.__doc__ or "").split()).partition("Source: ")
    return f"{says.strip()} (source: {source.rstrip('.')})"


def replay_command(path: Path, target: str | None, earlier: Sequence[Path] = ()) -> str:
    """The command that runs a saved trace again, or judges it as recorded without a target.

    `earlier` are traces that the same process must have run before it.
    """
    named = [] if target is None else ["--target", target]
    files = [*map(str, earlier), str(path)]
    return shlex.join(["slotproof", "trace", "replay", *files, *named])


def explain(failure: Failure, replay: str) -> list[str]:
    """The explanation as lines of text."""
    trace, finding = failure.trace, failure.finding
    lines = [
        f"{finding.kind.value}: {finding.message}",
        *([f"  rule     {id}"] if (id := rule_of(failure)) else []),
        f"  claim    {claim_of(failure)}",
        f"  profile  {trace.profile.name}: {trace.profile.summary}",
        f"  device   {device_line(trace.config, failure.fixed.slots)}",
        *_steps(trace, finding.step),
    ]
    if trace.refuse:
        asked = ", ".join(f"{name} {value}" for name, value in config_to_json(trace.config).items())
        return [*lines[:-1], f"  asked    {asked}", "  allowed  refused", f"replay: {replay}"]
    lines += _sides(failure)
    if failure.result is not None and failure.result.effects:
        done = effects_told(failure.fixed, failure.result)
        lines += ["effects of the last step, as the model has it:", *(f"  {line}" for line in done)]
    before = slot_map(failure.fixed, failure.before)
    after = slot_map(failure.fixed, failure.after)
    if before == after:
        lines += ["before and after, as the model has it:", *after]
    else:
        lines += ["before, as the model has it:", *before]
        lines += ["after, as the model has it:", *after]
    return [*lines, f"replay: {replay}"]


def _sides(failure: Failure) -> list[str]:
    """What was allowed and what was seen, where the message does not say it all."""
    finding, seen = failure.finding, failure.seen
    if finding.kind is Kind.UNSHOWN:
        others = "nothing" if seen is None else _show(observation_to_json(seen))
        return [f"  allowed  {finding.what} among what is seen", f"  seen     {others}"]
    if finding.what in JUDGED_BY and finding.kind is Kind.DIVERGENCE:
        shown = None if seen is None else observation_to_json(seen).get(finding.what)
        allowed = " ".join((JUDGED_BY[finding.what].__doc__ or "").split("\n\n")[0].split())
        return [f"  allowed  {allowed}", f"  seen     {finding.what} {_few(shown)}"]
    if finding.kind is Kind.DIVERGENCE and seen is not None:
        return _both(failure.allowed, seen, finding.what)
    if finding.kind is Kind.VIRTIO and seen is not None:
        return [f"  seen     {_show(observation_to_json(seen))}"]
    title = "seen" if finding.kind in {Kind.INVARIANT, Kind.CONTRACT} else "allowed"
    return [f"  {title:<9}{_show(observation_to_json(failure.allowed))}"]


def device_line(config: Config, slots: Memslots[int]) -> str:
    """A device's sizes and modes in one line."""
    modes = [
        name
        for name, holds in (
            ("option off", not config.option),
            ("unplugged-inaccessible=off", not config.inaccessible),
            ("prealloc", config.prealloc),
        )
        if holds
    ]
    return ", ".join(
        [
            f"region {format_size(config.region)} at {config.addr:#x}",
            f"block {format_size(config.block)}",
            f"limit {config.limit}",
            f"{slots.count} memslot{'s' if slots.count > 1 else ''} of {format_size(slots.size)}",
            f"requested {format_size(config.requested)} at start",
            *modes,
        ]
    )


def describe(done: ConcreteAction, config: Config) -> str:
    """An action in one line, its address as an offset into the region where it lies there."""
    values = action_to_json(done)
    parts = [done.op.value]
    if done.op in RANGE_REQUESTS:
        parts.append(f"{done.blocks} block{'' if done.blocks == 1 else 's'} at {done.addr:#x}")
        if 0 <= done.addr - config.addr <= config.region:
            parts.append(f"(+{format_size(done.addr - config.addr)})")
    if "value" in values:
        parts.append(format_size(done.value) if done.op is Op.RESIZE else str(done.value))
    if "fail" in values:
        parts.append(f"while {' and '.join(values['fail'])} fails")
    if "memslot" in values:
        parts.append(f"for its memslot {values['memslot']}")
    return " ".join(parts)


SHOWN_ENTRIES = 4
"""Probes, ranges or notices printed at most."""
SHOWN_STEPS = 12
"""Steps printed at most, the last ones."""


def _steps(trace: Trace, last: int) -> list[str]:
    first = max(last - SHOWN_STEPS, 0)
    lines = [f"  step     ... {first} steps before"] if first else []
    for number, step in enumerate(trace.steps[first:last], first + 1):
        answer = f" -> {step.seen.answer.value}" if step.seen is not None else ""
        way = "".join(f", {part}" for part in step.layout.told())
        lines.append(f"  step {number:<4}{describe(step.action, trace.config)}{answer}{way}")
    return lines or ["  step     none: the device was only started"]


def _both(allowed: Observation, seen: Observation, field: str) -> list[str]:
    """The fields that differ; of those that one side leaves open only `field`, the finding's."""
    want, have = observation_to_json(allowed), observation_to_json(seen)
    judged = ALWAYS | (want.keys() & have.keys()) | {field}
    names = [n for n in FIELDS if n in judged and want.get(n) != have.get(n)]
    return [
        f"  {title:<9}{_show({name: values.get(name, 'nothing') for name in names})}"
        for title, values in (("allowed", want), ("seen", have))
    ]


def _few(shown: list[dict[str, Any]] | None) -> str:
    """The first entries of a list, the rest counted."""
    if shown is None:
        return "nothing"
    told = "; ".join(spelled(entry) for entry in shown[:SHOWN_ENTRIES])
    more = len(shown) - SHOWN_ENTRIES
    return f"{told or 'none'}{f'; and {more} more' if more > 0 else ''}"


def _show(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {spelled(value)}" for name, value in values.items())
