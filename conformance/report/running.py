"""The documents of the commands that a report runs by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from conformance.report.documents import Document, ReportError, parsed
from model.profiles import PROFILES, QEMU, SEED_V2

PROVEN: Final = (QEMU.name, SEED_V2.name)
"""Profiles of which a report tells the proofs."""
ENDS: Final = (0, 1, 3)
"""Exit codes of a command that printed its document."""


def planned(targets: Sequence[str], failures: Path) -> dict[str, list[str]]:
    """The commands that a report runs by itself, by the name of their documents.

    Proven are the usual profile and that of the patch. The model is checked in every profile, each
    of `targets` in the usual one. Traces go to a folder each in `failures`, so that no check begins
    with what another one found.
    """
    plan = {f"prove-{name}": ["prove", "--profile", name] for name in PROVEN}
    for profile in PROFILES:
        plan[f"check-{profile}"] = ["check", "--profile", profile]
    for number, target in enumerate(targets, 1):
        plan[f"check-target-{number}"] = ["check", "--target", target]
    plan["explore"] = ["explore", "--blocks", "3", "--slots", "2"]
    for name, words in plan.items():
        words += ["--failures", str(failures / name)]
    plan["compare"] = ["compare"]
    plan["mutants"] = ["prove", "--mutants"]
    plan["metadata"] = ["metadata", "--region", "1T", "--plugged", "1G"]
    return {f"{name}.json": [*words, "--json"] for name, words in plan.items()}


def made(plan: dict[str, list[str]], place: Path, told: Callable[[str], None]) -> list[Document]:
    """Run the commands one after the other, each by itself. Raises ReportError."""
    documents = []
    for name, words in plan.items():
        told(short(words))
        documents.append(Document(name, place, run(words)))
    return documents


def short(words: Sequence[str]) -> str:
    """A command without where it writes and how it prints."""
    left = list(words)
    if "--failures" in left:
        at = left.index("--failures")
        del left[at : at + 2]
    return " ".join(word for word in left if word != "--json")


def run(words: Sequence[str]) -> dict[str, Any]:
    """The document that a command prints. Raises ReportError with its last line."""
    home = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "conformance", *words],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    # One without a document is told with its last line.
    if done.returncode not in ENDS or not done.stdout:
        last = (done.stderr.strip().splitlines() or [f"ended {done.returncode}"])[-1]
        raise ReportError(f"slotproof {' '.join(words)}: {last.removeprefix('slotproof: ')}")
    return parsed(done.stdout, f"slotproof {words[0]}")
