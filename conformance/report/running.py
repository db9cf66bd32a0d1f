"""The documents of the commands that a report runs by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Lock
from typing import Any, Final

from conformance.report.documents import Document, ReportError, parsed
from conformance.targets.leash import Leash
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
    plan["compare"] = ["compare", *PROFILES]
    plan["mutants"] = ["prove", "--mutants"]
    plan["metadata"] = ["metadata", "--region", "1T", "--plugged", "1G"]
    return {f"{name}.json": [*words, "--json"] for name, words in plan.items()}


def made(
    plan: dict[str, list[str]], place: Path, told: Callable[[str, int], None]
) -> list[Document]:
    """Run the commands, each in a process of its own: those that prove one after the other, as each
    takes all cores, and the others, which take one, beside them. Raises ReportError.

    `told` hears what runs, and how many commands are done.
    """
    lanes = [
        {name: words for name, words in plan.items() if (words[0] == "prove") is proves}
        for proves in (True, False)
    ]
    running: dict[int, str] = {}
    found: dict[str, dict[str, Any]] = {}
    children = Children()

    def follow(lane: int) -> None:
        for name, words in lanes[lane].items():
            running[lane] = short(words)
            told(" and ".join(running.values()), len(found))
            found[name] = run(words, children)
        running.pop(lane, None)
        told(" and ".join(running.values()), len(found))

    with ThreadPoolExecutor(len(lanes)) as pool:
        try:
            for done in as_completed(pool.submit(follow, lane) for lane in range(len(lanes))):
                done.result()
        except BaseException:
            # What one command or a signal ends, nobody waits for.
            children.end()
            raise
    return [Document(name, place, found[name]) for name in plan]


def short(words: Sequence[str]) -> str:
    """A command without where it writes and how it prints."""
    left = list(words)
    if "--failures" in left:
        at = left.index("--failures")
        del left[at : at + 2]
    return " ".join(word for word in left if word != "--json")


class Children:
    """The commands that run."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: dict[subprocess.Popen[str], Leash] = {}
        self._ended = False

    def start(self, words: Sequence[str]) -> subprocess.Popen[str]:
        """Start a command. Raises ReportError once all were ended."""
        home = Path(__file__).resolve().parents[2]
        path = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH")]))
        with self._lock:
            if self._ended:
                raise ReportError(f"slotproof {' '.join(words)}: not run")
            process = subprocess.Popen(
                [sys.executable, "-m", "conformance", *words],
                env=os.environ | {"PYTHONPATH": path},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            self._running[process] = leash = Leash()
            leash.hold(str(process.pid))
        return process

    def ended(self, process: subprocess.Popen[str]) -> None:
        """A command came to its end."""
        with self._lock:
            self._running.pop(process).let_go()

    def end(self) -> None:
        """End those that run, and start no more."""
        with self._lock:
            self._ended = True
            for process in self._running:
                process.terminate()


def run(words: Sequence[str], children: Children) -> dict[str, Any]:
    """The document that a command prints. Raises ReportError with its last line."""
    process = children.start(words)
    out, errors = process.communicate()
    children.ended(process)
    # One without a document is told with its last line.
    if process.returncode not in ENDS or not out:
        last = (errors.strip().splitlines() or [f"ended {process.returncode}"])[-1]
        raise ReportError(f"slotproof {' '.join(words)}: {last.removeprefix('slotproof: ')}")
    return parsed(out, f"slotproof {words[0]}")
