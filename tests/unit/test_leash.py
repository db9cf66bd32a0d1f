"""What a checker started ends with it, also where it is killed and can tidy up nothing."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from killed import Told, ended, killed

from conformance.targets.leash import Leash, leashed

DEAF = """
import json, signal, sys
sys.stdin.readline()
able = {{"protocol": "slotproof", "version": 1, "name": "deaf", "capabilities": ["plug"]}}
print(json.dumps({{"hello": able}}), flush=True)
{says}
while True:
    signal.pause()
"""
"""A device that says hello and then heeds nothing, the end of its input neither."""


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    made = Told(tmp_path / "pid")
    yield made
    made.close()


def test_a_device_ends_with_a_checker_that_is_killed(told: Told) -> None:
    device = shlex.join([sys.executable, "-c", DEAF.format(says=told.says())])
    check = [sys.executable, "-m", "conformance", "check", "--target", f"cmd:{device}"]
    assert all(map(ended, killed(check, told)))


def test_without_a_leash_it_is_left_behind(told: Told) -> None:
    device = [sys.executable, "-c", DEAF.format(says=told.says())]
    alone = f"import subprocess; p = subprocess.Popen({device}, stdin=-1); "
    alone += "p.stdin.write(bytes([10])); p.stdin.flush(); p.wait()"
    (pid,) = killed([sys.executable, "-c", alone], told)
    assert not ended(pid, 0.2)


WORKERS = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from signal import pause
from {module} import {ready}
def work():
    {says}
    pause()
if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context({context!r}), {ready}) as pool:
        pool.submit(work).result()
"""


@pytest.mark.parametrize(
    ("module", "ready", "context"),
    [
        ("conformance.targets.leash", "end_with_parent", "fork"),
        ("smt_proofs.solving.copies", "end_with_parent", "spawn"),
        ("smt_proofs.solving.copies", "ready", "spawn"),
    ],
)
def test_workers_end_with_the_one_that_made_the_pool(
    told: Told, tmp_path: Path, module: str, ready: str, context: str
) -> None:
    script = tmp_path / "script.py"
    text = WORKERS.format(module=module, ready=ready, context=context, says=told.says())
    script.write_text(text)
    assert all(map(ended, killed([sys.executable, str(script)], told)))


def test_what_was_let_go_goes_on_and_its_whole_group_is_held(told: Told) -> None:
    program = f"import os, signal\nos.fork()\n{told.says()}\nsignal.pause()"
    process, leash = leashed([sys.executable, "-c", program])
    pids = [told.pid(), told.pid()]
    leash.let_go()
    assert not any(ended(pid, 0) for pid in pids)
    again = Leash()
    again.hold(f"-{process.pid}")
    # As where this process had ended.
    assert again._watch.stdin is not None
    again._watch.stdin.close()
    assert all(map(ended, pids))
    process.wait()
    again._watch.wait()


def test_a_program_that_cannot_start_leaves_no_shell() -> None:
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(FileNotFoundError):
        leashed(["/no/such/program"])
    assert set(Path("/proc/self/fd").iterdir()) == before
