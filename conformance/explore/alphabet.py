"""Everything that can be done to a scaled device, each kind of action with all its ranges."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.targets.target import CAPABILITIES, needs
from conformance.traces.codec import FAULT_NAMES, USES
from model.state import (
    RANGE_REQUESTS,
    ConcreteAction,
    Faults,
    Fixed,
    Op,
    action,
)


def alphabet(
    fixed: Fixed[int, bool], capabilities: frozenset[str] = CAPABILITIES
) -> tuple[ConcreteAction, ...]:
    """Every action of the device that the `capabilities` allow.

    Range requests: every range of blocks in the region, no blocks, a byte beside a block, a block
    below and one above the region. RESIZE: every number of blocks, half a block, a block too many.
    UNKNOWN is one request type: the rules ask only whether there is one at all. Each operation that
    can meet a failing host is there without a failure and with each one alone.
    """
    return tuple(one for one in _every(fixed) if needs(one) <= capabilities)


def _every(fixed: Fixed[int, bool]) -> Iterator[ConcreteAction]:
    for op in Op:
        for done in _of(fixed, op):
            yield done
            if _in_region(fixed, done):
                for name in USES[op].faults:
                    if name != "prealloc" or fixed.prealloc:
                        faults = Faults(**{fault: fault == name for fault in FAULT_NAMES})
                        yield action(op, addr=done.addr, blocks=done.blocks, faults=faults)


def _in_region(fixed: Fixed[int, bool], done: ConcreteAction) -> bool:
    """The request, if it has a range, has one that the device could carry out."""
    if done.op not in RANGE_REQUESTS:
        return True
    offset, rest = divmod(done.addr - fixed.addr, fixed.block)
    return rest == 0 and done.blocks > 0 and 0 <= offset < fixed.region // fixed.block


def _of(fixed: Fixed[int, bool], op: Op) -> Iterator[ConcreteAction]:
    block, total = fixed.block, fixed.region // fixed.block
    if op in RANGE_REQUESTS:
        for start in range(total):
            for count in range(1, total - start + 1):
                yield action(op, addr=fixed.addr + start * block, blocks=count)
        for offset, count in ((0, 0), (1, 1), (-block, 1), (fixed.region, 1)):
            yield action(op, addr=fixed.addr + offset, blocks=count)
    elif op is Op.RESIZE:
        for count in range(total + 2):
            yield action(op, value=count * block)
        yield action(op, value=block // 2)
    elif op is Op.NEGOTIATE:
        yield action(op, value=1)
        yield action(op, value=0)
    elif op is Op.UNKNOWN:
        yield action(op, value=4)
    else:
        yield action(op)
