"""What was worked out of terms once, and what a look for rules may pass by."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V]):
    """Answers about solver terms, by the ids of those terms.

    No rule, claim or switch is in it: what reads the rules that a proof depends on
    (`book/fingerprints`) does not walk its many entries. A test holds that.
    """
