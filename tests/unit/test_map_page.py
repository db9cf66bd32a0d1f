"""The map of the rooms: the page is what the code says, the picture shows every room and import."""

from __future__ import annotations

import re
import sys
from html import unescape
from pathlib import Path

from rooms import ENTRIES, FLOORS

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))

from roommap import PICTURE, map_page, picture, rooms, way_of_plug  # noqa: E402


def test_the_page_is_what_the_code_says() -> None:
    """To bring it up to date: python docs/generate.py."""
    assert DOCS.joinpath("map.md").read_text(encoding="utf-8") == map_page()


def drawn(text: str) -> set[str]:
    """The names of nodes and arrows in a picture by Graphviz; where they lie differs by version."""
    return {unescape(title) for title in re.findall(r"<title>([^<]*)</title>", text)}


def test_the_picture_shows_every_room_and_import() -> None:
    shown = drawn(DOCS.joinpath(PICTURE).read_text(encoding="utf-8"))
    said = picture().source
    arrows = {f"{a}->{b}" for a, b in re.findall(r'"?([\w.]+)"? -> "?([\w.]+)"?', said)}
    assert arrows and arrows <= shown
    assert {f"{package}.{room}" for package, room, _ in rooms()} <= shown
    assert {title for title in shown if "->" in title} == arrows


def test_every_room_is_told() -> None:
    named = {(package, room) for package, room, says in rooms() if says}
    every = {(p, room) for p, floors in FLOORS.items() for floor in floors for room in floor}
    assert named == {(p, room) for p, room in every if room not in ENTRIES}


def test_the_way_of_plug_leads_to_the_lines() -> None:
    for row in way_of_plug():
        (path, line) = re.findall(r"\(\.\./([\w/.]+)#L(\d+)\)", row)[0]
        text = DOCS.parent.joinpath(path).read_text(encoding="utf-8").splitlines()[int(line) - 1]
        assert re.match(r"\s*(def|class|@)", text), row
