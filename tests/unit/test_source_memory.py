"""What is remembered of a source is found again by the next process, whatever its hashes are."""

import os
import subprocess
import sys

PROGRAM = """
from model.profiles import QEMU
from smt_proofs.source.parse import Source
from smt_proofs.source.work import _key

def key(word: str, changed: str) -> str:
    core = Source(False, words=frozenset("many words of the core".split()))
    words = frozenset(f"several words of the file {word}".split())
    touched = set(f"functions that a patch changes {changed}".split())
    return _key(Source(True, words=words, changed=touched, core=core), QEMU, "a.c", "f")

print(key("one", "one"), key("another", "one"), key("one", "another"))
"""


def keys(seed: str) -> list[str]:
    """The keys of three sources that differ, made by a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.split()


def test_the_key_of_a_source_is_its_own_in_every_process() -> None:
    first = keys("1")
    assert len(set(first)) == 3
    assert keys("2") == first
