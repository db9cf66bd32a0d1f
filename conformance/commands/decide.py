"""`slotproof decide`: the memslots of one configuration."""

from __future__ import annotations

import json
from typing import Any

import click

from conformance.commands.common import exit_with, profile_option
from conformance.traces.sizes import format_size, size
from model.arithmetic import UINT_BITS, is_aligned
from model.caller import SOFT_MEMSLOT_LIMIT
from model.geometry import (
    MIN_BLOCK_SIZE,
    DecisionInput,
    Memslots,
    decide_memslots,
    default_block_size,
    realized_memslots,
    slot_length,
    slot_start,
)
from model.invariants import INVARIANTS, Layout
from model.machine_ints import INTS
from model.profiles import Profile

DECIDE_VERSION = 1
THP_SIZE = 2 << 20
"""Bytes: the transparent huge page size of x86-64 with 4 KiB pages."""


@click.command()
@click.option("--region", type=size, required=True, help="Size of the device memory region.")
@click.option("--limit", type=int, required=True, help="Memslots the caller permits.")
@click.option("--block", type=size, help="Block size.  [default: as the device picks it]")
@click.option("--page", type=size, default="4K", show_default=True, help="Backend page size.")
@click.option(
    "--multiple/--single",
    default=None,
    help="The option for several memslots.  [default: on where there is one]",
)
@profile_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def decide(
    region: int,
    limit: int,
    block: int | None,
    page: int,
    multiple: bool | None,
    profile: Profile,
    as_json: bool,
) -> None:
    """Show how many memslots a device chooses, and of which size.

    Ends 1 where the choice violates a layout invariant, as a limit above 65535 can make it.

    \b
    Example:
      slotproof decide --region 1T --limit 256 --block 2M
    """
    if multiple is None:
        multiple = bool(profile.option_name)
    elif multiple and not profile.option_name:
        raise click.UsageError(f"{profile.name} has no option for several memslots: leave it out")
    given = block if block is not None else default_block_size(INTS, page, 4096, THP_SIZE)
    check_numbers(region, limit, given, page)
    decided = decide_memslots(
        INTS,
        DecisionInput(
            region=region,
            block=given,
            limit=limit,
            page=page,
            default_block=given,
            option=multiple,
            has_ram=True,
        ),
    )
    if decided.count == 0:
        raise click.UsageError(
            "the count comes out as 0, on which QEMU asserts: take a limit of at most 65535 and a "
            "region of at most 2^63 bytes"
        )
    slots = realized_memslots(INTS, region, decided)
    layout = Layout(region, given, limit, multiple, slots)
    violated = [i.name for i in INVARIANTS if i.of_layout and not i.holds(INTS, layout)]
    document = {
        "schema": DECIDE_VERSION,
        "command": "decide",
        "profile": profile.name,
        "region": region,
        "block": given,
        "page": page,
        "limit": limit,
        **({profile.option_name: multiple} if profile.option_name else {}),
        "count": slots.count,
        "size": slots.size,
        "last_size": slot_length(INTS, slots, region, slots.count - 1),
        "last_start": slot_start(INTS, slots, slots.count - 1),
        "violated": violated,
    }
    click.echo(json.dumps(document, indent=2) if as_json else sentence(region, slots, document))
    if limit > SOFT_MEMSLOT_LIMIT and profile.option_name and not profile.peer:
        click.echo(
            f"slotproof: note: QEMU hands a device {SOFT_MEMSLOT_LIMIT} memslots at most, so its "
            f"limit is never {limit}",
            err=True,
        )
    if violated:
        click.echo(f"slotproof: these memslots violate {', '.join(violated)}", err=True)
        exit_with(1)


def check_numbers(region: int, limit: int, block: int, page: int) -> None:
    """Raise click.UsageError, in one line, for what realize or a property setter refuses."""
    if not 1 <= limit < 1 << UINT_BITS:
        raise click.UsageError(f"limit {limit} is not within 1..{(1 << UINT_BITS) - 1} memslots")
    if region == 0:
        raise click.UsageError("region 0 is empty: give at least one block")
    if block < MIN_BLOCK_SIZE or block & (block - 1):
        raise click.UsageError(
            f"block size {format_size(block)} is not a power of two of at least "
            f"{format_size(MIN_BLOCK_SIZE)}"
        )
    if page == 0 or page & (page - 1):
        raise click.UsageError(f"page size {page} is not a power of two")
    if block < page:
        raise click.UsageError(
            f"block size {format_size(block)} is below the page size {format_size(page)}"
        )
    if not is_aligned(INTS, region, block):
        raise click.UsageError(
            f"region {region} is not a multiple of the block size {block}: "
            f"the nearest above is {region - region % block + block}"
        )


def sentence(region: int, slots: Memslots[int], document: dict[str, Any]) -> str:
    """The decision in words."""
    size_of = format_size(slots.size)
    if slots.count == 1:
        return f"{format_size(region)}: 1 memslot of {size_of}"
    last = int(document["last_size"])
    if last == slots.size:
        return f"{format_size(region)}: {slots.count} memslots of {size_of}"
    return (
        f"{format_size(region)}: {slots.count} memslots, {slots.count - 1} of {size_of} "
        f"and a last one of {format_size(last)}"
    )
