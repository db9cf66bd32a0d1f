"""Sizes as people write them: powers of two from K to E, or bytes, decimal or hexadecimal."""

from __future__ import annotations

import re
from typing import Final

import click

from model.arithmetic import U64_MASK

UNITS: Final = "KMGTPE"
_SIZE: Final = re.compile(r"(\d{1,20})(?:([KMGTPE])(?:I?B)?|B)?", re.IGNORECASE | re.ASCII)
_HEX: Final = re.compile(r"0x[0-9a-f]{1,32}", re.IGNORECASE | re.ASCII)
"""Without a suffix: B and E are digits."""


def parse_size(text: str) -> int:
    """Bytes of `4096`, `0x1000`, `2M`, `2MiB` or `2mb`, all in powers of two.

    Raises ValueError with one line for anything else, and for 2^64 bytes and more.
    """
    word = text.strip()
    if _HEX.fullmatch(word) is not None:
        parsed = int(word, 16)
    elif (match := _SIZE.fullmatch(word)) is not None:
        number, unit = match.groups()
        parsed = int(number) << (10 * (UNITS.index(unit.upper()) + 1) if unit else 0)
    else:
        raise ValueError(
            f"{text!r} is not a size: write whole bytes, 0x and hexadecimal digits, or a number "
            f"with K, M, G, T, P or E"
        )
    if parsed > U64_MASK:
        raise ValueError(f"{text!r} is too large: a size is below 2^64 bytes (16E)")
    return parsed


def format_size(count: int) -> str:
    """`count` bytes in the largest unit that gives a whole number: 1280 MiB, 1 TiB, 4097 B."""
    power = 0
    while count and count % 1024 == 0 and power < len(UNITS):
        count //= 1024
        power += 1
    return f"{count} {UNITS[power - 1]}iB" if power else f"{count} B"


def size(text: str) -> int:
    """A size on the command line, in bytes. Raises click.BadParameter."""
    try:
        return parse_size(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
