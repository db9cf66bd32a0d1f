"""The integer types of C, their promotions and conversions (LP64, as on every 64-bit Linux)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class CType:
    """A type by name: `bits` wide, of two's complement where `signed`.

    `pointee` is what a pointer points to, as far as that is known.
    """

    name: str
    bits: int
    signed: bool = False
    pointee: str = field(default="", compare=False)

    @property
    def largest(self) -> int:
        """The largest value."""
        return (1 << (self.bits - self.signed)) - 1


VOID: Final = CType("void", 0)
POINTER: Final = CType("pointer", 64)
BOOL: Final = CType("bool", 1)
U8: Final = CType("uint8_t", 8)
U16: Final = CType("uint16_t", 16)
U32: Final = CType("uint32_t", 32)
U64: Final = CType("uint64_t", 64)
I32: Final = CType("int", 32, signed=True)
I64: Final = CType("int64_t", 64, signed=True)
DOUBLE: Final = CType("double", 64, signed=True)
"""Only as what a cast makes of an unsigned integer, multiplied, and divided at last."""

NAMED: Final = {
    "void": VOID,
    "bool": BOOL,
    "uint8_t": U8,
    "uint16_t": U16,
    "uint32_t": U32,
    "unsigned": U32,
    "unsigned int": U32,
    "OnOffAuto": U32,
    "ResetType": U32,
    "uint64_t": U64,
    "unsigned long": U64,
    "size_t": U64,
    "hwaddr": U64,
    "ram_addr_t": U64,
    "int": I32,
    "int32_t": I32,
    "long": I64,
    "int64_t": I64,
    "ssize_t": I64,
}
"""The types of the subset by their spelling. An enumeration without negative members is an
`unsigned int` to gcc."""


def pointer_to(name: str) -> CType:
    """A pointer to a type of this name."""
    return CType("pointer", 64, pointee=name)


def bytes_of(name: str) -> int | None:
    """The size of a type to which pointers point, None where it is not known."""
    kind = NAMED.get(name)
    if name in ("void", "char", "bool"):
        return 1
    return kind.bits // 8 if kind is not None else None


def promoted(kind: CType) -> CType:
    """The integer promotion: what is narrower than int becomes int."""
    return I32 if kind.bits < I32.bits else kind


def common(a: CType, b: CType) -> CType:
    """The type in which an operator works: the usual arithmetic conversions."""
    if DOUBLE in (a, b):
        return DOUBLE
    a, b = promoted(a), promoted(b)
    wide, other = (a, b) if a.bits >= b.bits else (b, a)
    if wide.bits == other.bits and other.signed < wide.signed:
        return other
    return wide


def literal_type(value: int, suffix: str, *, decimal: bool) -> CType | None:
    """The type of an integer constant (ISO C 6.4.4.1), None where it fits none."""
    long = "l" in suffix
    for kind in (I32, U32, I64, U64):
        if (long and kind.bits < I64.bits) or (kind.signed and "u" in suffix):
            continue
        if not kind.signed and decimal and "u" not in suffix:
            continue
        if value <= kind.largest:
            return kind
    return None
