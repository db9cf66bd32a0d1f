"""The test files that a change needs: those that import a room which the change touches.

`python tests/quick.py [ROOM]...` prints them, one a line; a room is a folder (`smt_proofs/lemmas`)
or a file below it. Without one, the rooms of what differs from the last commit are taken.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from rooms import FLOORS

ROOT = Path(__file__).parents[1]
PACKAGES = ("model", *FLOORS)


def room_of(path: str) -> str:
    """The room that a file belongs to, in dots; of the model and of tests the file itself."""
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[:2]) if parts and parts[0] in PACKAGES else path


def imported(file: Path) -> set[str]:
    """The rooms that a test imports, and the modules of the model."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {room_of(f"{node.module}.{a.name}".replace(".", "/")) for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {room_of(alias.name.replace(".", "/")) for alias in node.names}
    return found


def changed() -> list[str]:
    """What differs from the last commit, and what git does not know yet."""
    command = ["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=all"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line[3:].split(" -> ")[-1] for line in said.splitlines()]


def wanted(paths: list[str]) -> list[Path]:
    """The test files for these places."""
    rooms = {room_of(path.rstrip("/")) for path in paths}
    files = sorted(ROOT.joinpath("tests").rglob("test_*.py"))
    return [
        file for file in files if str(file.relative_to(ROOT)) in rooms or imported(file) & rooms
    ]


if __name__ == "__main__":
    for found in wanted(sys.argv[1:] or changed()):
        print(found.relative_to(ROOT))
