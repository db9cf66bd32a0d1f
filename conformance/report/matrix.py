"""What tells profiles apart, as a matrix: a row and a column for each profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.report.documents import Document


@dataclass(frozen=True, slots=True)
class Cell:
    """One comparison by its place in the document; `shortest` is the place of the difference with
    the fewest steps, None where no steps tell the two apart."""

    at: int
    shortest: int | None


@dataclass(frozen=True, slots=True)
class Matrix:
    """A document of compare: the profiles, and a cell for each pair that it holds.

    The pairs are by their two names, in either order.
    """

    document: Document
    profiles: tuple[str, ...]
    cells: dict[tuple[str, str], Cell]


def matrix(document: Document) -> Matrix:
    """The comparisons of a document of compare."""
    cells = {}
    profiles: dict[str, None] = {}
    for at, one in enumerate(document.data["comparisons"]):
        sides = one["left"], one["right"]
        profiles |= dict.fromkeys(sides)
        cells[sides] = cells[sides[::-1]] = Cell(at, _fewest(one["shortest"]))
    return Matrix(document, tuple(profiles), cells)


def _fewest(differences: list[dict[str, Any]]) -> int | None:
    places = range(len(differences))
    return min(places, key=lambda at: len(differences[at]["steps"]), default=None)
