"""The JSON documents that a report is made of: read from files, or made by running the commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.traces.schemas import names, problem
from model.profiles import PROFILES, QEMU, SEED_V2

REPORTED: Final = ("prove", "check", "check-driver", "compare", "mutants", "metadata")
"""Commands whose documents have a place on the page."""
PROVEN: Final = (QEMU.name, SEED_V2.name)
"""Profiles of which a report tells the proofs."""
ENDS: Final = (0, 1, 3)
"""Exit codes of a command that printed its document."""


class ReportError(ValueError):
    """A document that cannot be had; the message is one line."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document under the name of its file; `place` is the folder it came from."""

    name: str
    place: Path
    data: dict[str, Any]

    @property
    def command(self) -> str:
        """The command that printed it."""
        return str(self.data["command"])


def read(path: Path) -> Document:
    """The document in a file. Raises ReportError."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ReportError(f"{path}: {reason}: what a command prints with --json is right") from None
    except UnicodeDecodeError:
        raise ReportError(f"{path}: not UTF-8 text: a document is JSON") from None
    return Document(path.name, path.parent, parsed(text, str(path)))


def parsed(text: str, origin: str) -> dict[str, Any]:
    """A document that keeps its published schema. Raises ReportError that names its origin."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ReportError(f"{origin}: not JSON: {error}") from None
    if not isinstance(data, dict) or data.get("command") not in REPORTED:
        raise ReportError(
            f"{origin}: no document of a command with a place in the report, which are: "
            f"{', '.join(REPORTED)}"
        )
    schema = f"{data['command']}-v{data.get('schema')}.json"
    if schema not in names():
        raise ReportError(
            f"{origin}: schema {data.get('schema')!r} of {data['command']} is unknown"
        )
    if (wrong := problem(data, schema)) is not None:
        raise ReportError(f"{origin}: not what {schema} says: {wrong}")
    return data


def planned(targets: Sequence[str], failures: Path) -> dict[str, list[str]]:
    """The commands that a report runs by itself, by the name of their documents.

    Proven are the usual profile and that of the patch. The model is checked in every profile, each
    of `targets` in the usual one.
    """
    check = ["check", "--json", "--failures", str(failures)]
    plan = {f"prove-{name}.json": ["prove", "--profile", name, "--json"] for name in PROVEN}
    for profile in PROFILES:
        plan[f"check-{profile}.json"] = [*check, "--profile", profile]
    for number, target in enumerate(targets, 1):
        plan[f"check-target-{number}.json"] = [*check, "--target", target]
    plan["compare.json"] = ["compare", "--json"]
    plan["mutants.json"] = ["prove", "--mutants", "--json"]
    plan["metadata.json"] = ["metadata", "--region", "1T", "--plugged", "1G", "--json"]
    return plan


def made(plan: dict[str, list[str]], place: Path, told: Callable[[str], None]) -> list[Document]:
    """Run the commands one after the other, each by itself. Raises ReportError."""
    documents = []
    for name, words in plan.items():
        told(" ".join(words[:1]))
        documents.append(Document(name, place, run(words)))
    return documents


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
