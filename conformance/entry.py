"""Where the program starts: its own packages come before others of the same names.

The names `model` and `conformance` are common ones. A folder of that name comes first on Python's
path where the program is started with `python -m` from beside it, or with a PYTHONPATH.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> None:
    """The console entry point. Processes that the prover starts inherit the path."""
    home = Path(__file__).resolve().parents[1]
    for name in ("model", "smt_proofs"):
        found = find_spec(name)
        if found is None or Path(found.origin or "").resolve().parents[1:2] != [home]:
            sys.path.insert(0, str(home))
            break
    # Only now: it imports `model`.
    try:
        from conformance.cli import main as command_line
    except Exception as error:
        from conformance.commands.defect import told

        sys.exit(told(error))
    command_line()
