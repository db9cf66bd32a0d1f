"""QEMU's option text: `-device TYPE,key=value,...`, its JSON form, and sizes as QEMU reads them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from fractions import Fraction
from itertools import pairwise
from typing import Final

from conformance.traces.sizes import UNITS
from model.arithmetic import U64_MASK

_SIZE: Final = re.compile(
    r"\+?(?:0x(?P<hex>[0-9a-f]+)|(?P<number>\d+\.?\d*|\.\d+)(?P<suffix>[bkmgtpe])?)",
    re.IGNORECASE | re.ASCII,
)
_NUMBER: Final = re.compile(
    r"\+?(?P<digits>0x[0-9a-f]+|(?P<octal>0[0-7]+)|0|[1-9][0-9]*)", re.IGNORECASE | re.ASCII
)
_ON: Final = frozenset({"on", "yes", "true", "y"})
_OFF: Final = frozenset({"off", "no", "false", "n"})

Options = dict[str, str]


class CommandLineError(ValueError):
    """A QEMU command line that cannot be read; the message is one line."""


def words_of(text: str) -> list[str]:
    """The words of a command line: shell text, or the NUL-separated text of /proc/PID/cmdline.

    Raises CommandLineError.
    """
    if "\0" in text:
        return [word for word in text.split("\0") if word]
    try:
        return shlex.split(text.replace("\\\n", " "), comments=False)
    except ValueError as error:
        raise CommandLineError(f"the QEMU command line is no shell text: {error}") from None


def options_of(words: list[str]) -> Iterator[tuple[str, str]]:
    """Each `-name value` that is followed by a value, without the leading dashes."""
    for name, value in pairwise(words):
        if re.fullmatch(r"--?[A-Za-z][\w-]*", name):
            yield name.lstrip("-"), value


def parsed(text: str, implied: str) -> Options:
    """The keys of one option argument; the first word without a key is `implied`.

    A doubled comma stands for one. A flag alone is on, and off as `noFLAG` is not: QEMU has dropped
    that. Source: QemuOpts, util/qemu-option.c. Raises CommandLineError.
    """
    if text.startswith("{"):
        return _from_json(text)
    options: Options = {}
    for number, part in enumerate(re.split(r",(?!,)", text.replace(",,", "\0"))):
        key, equals, value = part.replace("\0", ",").partition("=")
        if not equals:
            key, value = (implied, key) if number == 0 else (key, "on")
        options[key] = value
    return options


def _from_json(text: str) -> Options:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandLineError(f"an option in JSON cannot be read: {error}: {text}") from None
    return {str(key): _word(member) for key, member in value.items()}


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def check_names(options: Options, known: Iterable[str], of: str) -> None:
    """Raise CommandLineError for an option that is nearly one of those `known`: QEMU refuses a
    name that it does not have, and what was meant would be left out here."""
    names = [name for name in known if name]
    for name in options.keys() - names:
        plain = name.lower().replace("_", "-")
        if near := get_close_matches(plain, names, n=1, cutoff=0.8):
            raise CommandLineError(f"{of} has no option {name}: write {near[0]}")


def size_of(text: str, name: str, unit: str = "B") -> int:
    """Bytes of a size; `unit` is the suffix of a number that ends in a digit.

    Source: qemu_strtosz, util/cutils.c: at most one letter behind a number, none behind a
    hexadecimal one, and no part of a byte. Raises CommandLineError.
    """
    match = _SIZE.fullmatch(text)
    added = unit if text[-1:].isdigit() else "B"
    if match is None or (match["hex"] and added != "B"):
        raise CommandLineError(
            f"{name}={text} is not a size that QEMU reads: write a number with at most one letter "
            "of B, K, M, G, T, P and E, such as 512M or 2G"
        )
    number = match["number"]
    factor = 1 << 10 * ("B" + UNITS).index((match["suffix"] or added).upper())
    whole = Fraction(number) if number else Fraction(int(match["hex"], 16))
    if match["suffix"] in {None, "b", "B"} and whole.denominator > 1:
        raise CommandLineError(f"{name}={text} is a part of a byte, which QEMU refuses")
    if whole * factor > U64_MASK:
        raise CommandLineError(f"{name}={text} is too large: a size is below 2^64 bytes")
    return int(whole * factor)


def number_of(text: str, name: str) -> int:
    """A property that is a plain number: decimal, hexadecimal behind 0x or octal behind 0.

    Source: qobject_input_type_uint64_keyval, qapi/qobject-input-visitor.c, seen on QEMU 10.0.2.
    Raises CommandLineError.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise CommandLineError(
            f"{name}={text} is no number, which is all that QEMU takes there: write bytes, such as "
            "4294967296 or 0x100000000"
        )
    digits = match["digits"]
    number = int(digits, 8) if match["octal"] else int(digits, 0)
    if number > U64_MASK:
        raise CommandLineError(f"{name}={text} is too large: expected a number below 2^64")
    return number


def is_on(options: Options, name: str, default: bool) -> bool:
    """A switch. Raises CommandLineError for what is none."""
    value = options.get(name)
    if value is None or value == "auto":
        return default
    if value.lower() not in _ON | _OFF:
        raise CommandLineError(f"{name}={value} is no switch: expected on or off")
    return value.lower() in _ON
