"""What VIRTIO lets a driver ask for. Sizes are bytes."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judge.driver.ledger import Ledger
from conformance.judge.driver.seen import Asked
from conformance.judge.virtio.requests import Verdict
from model.state import RANGE_REQUESTS, Answer, Op


def request_rules(
    asked: Asked, ledger: Ledger, older: tuple[int, ...], last: Asked | None
) -> Iterator[Verdict]:
    """The verdicts over one request, on the device of the ledger.

    `older` are the requested sizes that it may fit as well, `last` is the request before it.
    """
    if asked.op not in RANGE_REQUESTS:
        return
    kind, region = asked.op.value, ledger.region
    first, end = region.blocks(asked.addr, asked.blocks)
    size = asked.blocks * region.block
    where = f"{kind} of {asked.blocks} blocks at {asked.addr:#x}"
    message = f"{where}: a block is {region.block:#x} bytes"
    yield f"driver-{kind}-not-misaligned", asked.addr % region.block == 0, message
    yield f"driver-{kind}-not-empty", asked.blocks > 0, where
    inside = region.addr <= asked.addr and asked.addr + size <= region.addr + ledger.usable
    message = f"{where}: usable are {ledger.usable:#x} bytes from {region.addr:#x} on"
    yield f"driver-{kind}-not-outside", inside, message
    if not inside or asked.addr % region.block or not asked.blocks or asked.op is Op.STATE:
        return
    if asked.op is Op.PLUG:
        held = ledger.plugged.none_in(first, end)
        yield "driver-plug-of-unplugged", held, f"{where}: of them are plugged"
    else:
        held = ledger.plugged.all_in(first, end)
        yield "driver-unplug-of-plugged", held, f"{where}: not all of them are plugged"
    if held:
        yield from _sized(asked, ledger, older, last, where)


def _sized(
    asked: Asked, ledger: Ledger, older: tuple[int, ...], last: Asked | None, where: str
) -> Iterator[Verdict]:
    """PLUG and UNPLUG against the requested size."""
    change = asked.blocks * ledger.region.block
    plug = asked.op is Op.PLUG
    after = ledger.size + (change if plug else -change)

    def fits(requested: int) -> bool:
        return after <= requested if plug else after >= requested

    if not plug and ledger.size <= ledger.requested:
        yield "driver-open-unplug-below", True, ""
    timely = fits(ledger.requested)
    if not timely and any(map(fits, older)):
        yield "driver-open-late", True, ""
        timely = True
    rule = "driver-plugs-no-more" if plug else "driver-unplugs-no-more"
    message = f"{where}: {ledger.size} plugged become {after}, requested are {ledger.requested}"
    yield rule, timely or (not plug and _given_back(asked, ledger, last)), message


def _given_back(asked: Asked, ledger: Ledger, last: Asked | None) -> bool:
    """The blocks are among those that the request before plugged."""
    if last is None or last.op is not Op.PLUG or last.answer is not Answer.ACK:
        return False
    size = ledger.region.block
    end, last_end = asked.addr + asked.blocks * size, last.addr + last.blocks * size
    return last.addr <= asked.addr and end <= last_end
